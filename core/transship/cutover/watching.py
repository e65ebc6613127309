"""The watch: looks again and again, writes down what it sees, and tells how far the cutover is.

It changes nothing, and it sees by itself that somebody else did. All that it knows is in the
journal: ended in whatever way, it goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from transship.clock import Clock
from transship.cutover.evidence import Evidence, Zone
from transship.cutover.journal import Journal, Kind, thinned
from transship.cutover.looking import Observers
from transship.cutover.progress import Progress, State, progress
from transship.cutover.rules.case import Case
from transship.cutover.subject import Subject
from transship.cutover.timeline import Sample, Served

_UNDER_WAY = (State.CHANGING, State.CHANGED, State.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is looked, in seconds.

    Name servers are asked every `quick` for `quick_for` after something changed there, and while
    they don't agree; every `slow` otherwise. Resolvers are asked once in the record's TTL, but not
    more rarely than every `resolvers`, and every `settled` when all of them have followed.
    """

    quick: float = 2.0
    quick_for: float = 120.0
    slow: float = 10.0
    resolvers: float = 15.0
    settled: float = 60.0


class Watch:
    """Watches one cutover. `tell` gets its progress after each look.

    `evidence` of the journal says where the target leads; it is needed only where a provider shows
    addresses in the place of a name.
    """

    def __init__(
        self,
        subject: Subject,
        journal: Journal,
        observers: Observers,
        clock: Clock,
        tell: Callable[[Progress], None] = lambda _: None,
        pace: Pace | None = None,
    ) -> None:
        self._subject = subject
        self._journal = journal
        self._observers = observers
        self._clock = clock
        self._tell = tell
        self._pace = pace or Pace()
        self._state = _State(journal)
        self._lively_until = 0.0

    @property
    def progress(self) -> Progress:
        """How far the cutover is at this moment, by what was seen so far."""
        known = self._state
        return progress(
            Case(self._subject, known.evidence, self._clock.now(), known.history, known.samples)
        )

    async def run(self, until: Callable[[Progress], bool] = lambda _: False) -> Progress:
        """Watch until `until` holds, and return how it looks then. Raises BadFile."""
        self._lively_until = self._clock.monotonic() + self._pace.quick_for
        servers_at = resolvers_at = self._clock.monotonic()
        asking: asyncio.Task[None] | None = None
        try:
            while True:
                if self._clock.monotonic() >= servers_at:
                    await self.look_at_servers()
                    servers_at = self._clock.monotonic() + self._server_pause()
                if asking is not None and asking.done():
                    asking.result()
                    asking = None
                    resolvers_at = self._clock.monotonic() + self._resolver_pause()
                # A silent resolver takes seconds, and nobody else waits for it.
                if asking is None and self._clock.monotonic() >= resolvers_at:
                    asking = asyncio.create_task(self.look_at_resolvers())
                if until(seen := self.progress):
                    return seen
                due = servers_at if asking else min(servers_at, resolvers_at)
                await self._pause(due, asking)
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def _pause(self, due: float, asking: asyncio.Task[None] | None) -> None:
        """Wait until something is due, or the resolvers have answered."""
        seconds = max(0.0, due - self._clock.monotonic())
        pause = asyncio.create_task(self._clock.sleep(seconds))
        try:
            waits = {pause} if asking is None else {pause, asking}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()

    async def look_at_servers(self) -> Progress:
        """Ask every name server once."""
        zone = await self._observers.servers()
        before = {each.server: (each.values, each.ttl) for each in self._state.history}
        self._state.saw_zone(zone, self._journal.saw_servers(zone, self._clock.now()))
        after = {each.server: (each.values, each.ttl) for each in self._state.history}
        if after != before:
            self._lively_until = self._clock.monotonic() + self._pace.quick_for
        return self._report()

    async def look_at_resolvers(self) -> None:
        """Ask every resolver once. Before the change nothing is put into their caches."""
        peek = self.progress.state in (State.BEFORE, State.READY)
        views = await self._observers.resolvers(peek=peek)
        self._state.samples = thinned((*self._state.samples, *self._journal.saw_resolvers(views)))
        self._report()

    def _report(self) -> Progress:
        seen = self.progress
        if seen.state != self._state.told:
            self._state.told = seen.state
            self._journal.add(Kind.STATE, seen.state, self._clock.now())
        self._tell(seen)
        return seen

    def _server_pause(self) -> float:
        disagree = self.progress.state is State.CHANGING
        lively = disagree or self._clock.monotonic() < self._lively_until
        return self._pace.quick if lively else self._pace.slow

    def _resolver_pause(self) -> float:
        seen = self.progress
        if seen.state is State.MOVED:
            return self._pace.settled
        ttl = min((row.ttl for row in seen.servers if row.values), default=0)
        usual = min(float(ttl), self._pace.resolvers) if ttl else self._pace.resolvers
        return max(1.0, usual) if seen.state in _UNDER_WAY else max(usual, self._pace.resolvers)


@dataclass
class _State:
    """What the watch knows, read from the journal at first."""

    journal: Journal
    evidence: Evidence = field(init=False)
    history: tuple[Served, ...] = field(init=False)
    samples: tuple[Sample, ...] = field(init=False)
    told: State | None = field(init=False)

    def __post_init__(self) -> None:
        told = self.journal.newest(Kind.STATE)
        self.evidence = self.journal.evidence() or Evidence(taken=0.0)
        self.history = self.journal.served()
        self.samples = self.journal.samples()
        self.told = told.read(State) if told else None

    def saw_zone(self, zone: Zone, history: tuple[Served, ...]) -> None:
        """Take in a look at the name servers."""
        self.history = history
        if zone.servers:
            self.evidence = replace(self.evidence, zone=zone, statements=self.journal.statements())
