"""The watch: looks again and again, writes down what it sees, and tells how far the cutover is.

It changes nothing, and it sees by itself that somebody else did. All that it knows is in the
journal: ended in whatever way, it goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from transship.clock import Clock
from transship.concurrency import end
from transship.cutover.domain import Subject
from transship.cutover.evidence import Evidence, NamedPull, ZoneEvidence
from transship.cutover.journal import CutoverJournal, EntryKind, thinned
from transship.cutover.progress import CutoverProgress, CutoverState, assess_progress
from transship.cutover.rules.case import Case
from transship.cutover.timeline import Sample, Served
from transship.errors import TransshipError

if TYPE_CHECKING:
    from transship.cutover.observer import Observer


_UNDER_WAY = (CutoverState.CHANGING, CutoverState.CHANGED, CutoverState.ROLLED_BACK)

_LEADS_THERE = (CutoverState.CHANGED, CutoverState.MOVED)

_OBSERVED_AGAIN = (*_LEADS_THERE, CutoverState.ROLLED_BACK)

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class AfterChange:
    """How is looked once the change is made, beside name servers and resolvers.

    `whole` gathers anew all that the change has to do with; `pulls` pulls by the domain itself,
    once from each place that it leads to.
    """

    whole: Callable[[], Awaitable[Evidence]]
    pulls: Callable[[], Awaitable[tuple[NamedPull, ...]]]


@dataclass(frozen=True, slots=True)
class WatchIntervals:
    """How often is looked, in seconds.

    Name servers are asked every `quick` for `quick_for` after something changed there, and while
    they don't agree; every `slow` otherwise. Resolvers are asked once in the record's TTL, but not
    more rarely than every `resolvers`, and every `settled` when all of them have followed. All that
    the change has to do with is looked at anew when it is everywhere, when all have followed it,
    and after a way back; pulls by the domain are made every `pulls` in between, and every
    `pulls_settled` afterwards.
    """

    quick: float = 2.0
    quick_for: float = 120.0
    slow: float = 10.0
    resolvers: float = 15.0
    settled: float = 60.0
    pulls: float = 60.0
    pulls_settled: float = 900.0


class CutoverWatch:
    """Watches one cutover. `tell` gets its progress after each look.

    `evidence` of the journal says where the target leads; it is needed only where a provider shows
    addresses in the place of a name. Without `after` only name servers and resolvers are asked.
    """

    def __init__(
        self,
        subject: Subject,
        journal: CutoverJournal,
        observers: Observer,
        clock: Clock,
        tell: Callable[[CutoverProgress], None] = lambda _: None,
        pace: WatchIntervals | None = None,
        after: AfterChange | None = None,
    ) -> None:
        self._subject = subject
        self._journal = journal
        self._observers = observers
        self._clock = clock
        self._tell = tell
        self._pace = pace or WatchIntervals()
        self._state = _WatchState(journal)
        self._lively_until = 0.0
        self._hurried = asyncio.Event()
        self._after = after
        self._looked_after: CutoverState | None = None
        self.trouble = ""
        """Why pulls by the domain couldn't be made last; empty where they could."""
        self._resolvers_beside = _BackgroundTask(clock, self.ask_resolvers, self._resolver_pause)
        self._after_beside = _BackgroundTask(
            clock, self.observe_after_change, self._after_pause, self._after_now
        )

    @property
    def progress(self) -> CutoverProgress:
        """How far the cutover is at this moment, by what was seen so far."""
        known = self._state
        return assess_progress(
            Case(self._subject, known.evidence, self._clock.now(), known.history, known.samples)
        )

    def hurry(self) -> None:
        """Look at everybody at once, and often for a while: something was changed just now."""
        self._hurried.set()

    async def run(
        self, until: Callable[[CutoverProgress], bool] = lambda _: False
    ) -> CutoverProgress:
        """Watch until `until` holds, and return how it looks then. Raises BadFile."""
        self._lively_until = self._clock.monotonic() + self._pace.quick_for
        servers_at = self._clock.monotonic()
        # A silent resolver takes seconds, a pull takes longer, and nobody else waits for them.
        beside = (self._resolvers_beside, self._after_beside)
        for each in beside:
            each.hurry()
        try:
            while True:
                if self._hurried.is_set():
                    self._hurried.clear()
                    servers_at = self._clock.monotonic()
                    self._lively_until = servers_at + self._pace.quick_for
                    for each in beside:
                        each.hurry()
                if self._clock.monotonic() >= servers_at:
                    await self.ask_servers()
                    servers_at = self._clock.monotonic() + self._server_pause()
                for each in beside:
                    each.turn()
                if until(seen := self.progress):
                    return seen
                await self._pause(min(servers_at, *(each.due for each in beside)), beside)
        finally:
            for each in beside:
                await each.end()

    async def _pause(self, due: float, beside: Iterable[_BackgroundTask]) -> None:
        """Wait until something is due, something beside has come to its end, or for a hurry."""
        seconds = max(0.0, due - self._clock.monotonic())
        pause = asyncio.create_task(self._clock.sleep(seconds))
        hurry = asyncio.create_task(self._hurried.wait())
        try:
            waits = {pause, hurry, *(each.task for each in beside if each.task)}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            hurry.cancel()

    async def ask_servers(self) -> CutoverProgress:
        """Ask every name server once."""
        zone = await self._observers.servers()
        before = {each.server: (each.values, each.ttl) for each in self._state.history}
        self._state.saw_zone(zone, self._journal.saw_servers(zone, self._clock.now()))
        after = {each.server: (each.values, each.ttl) for each in self._state.history}
        if after != before:
            self._lively_until = self._clock.monotonic() + self._pace.quick_for
        return self._report()

    async def ask_resolvers(self) -> None:
        """Ask every resolver once. Before the change nothing is put into their caches."""
        peek = self.progress.state in (CutoverState.BEFORE, CutoverState.READY)
        views = await self._observers.resolvers(peek=peek)
        self._state.samples = thinned((*self._state.samples, *self._journal.saw_resolvers(views)))
        self._report()

    async def observe_after_change(self) -> None:
        """Look at the change anew where the state is another one; else only pull by the domain.

        What keeps it from that is `trouble`: name servers and resolvers are asked all the same.
        """
        if self._after is None:
            return
        state, seen = self._state.told, None
        made: tuple[NamedPull, ...] = ()
        try:
            if state is not self._looked_after:
                seen = await self._after.whole()
            else:
                made = await self._after.pulls()
        except TransshipError as error:
            self.trouble = f"pulls by the domain can't be made: {error}"
        else:
            self.trouble = ""
        if seen is not None:
            self._journal.add(EntryKind.FOLLOWED, seen, self._clock.now())
            self._state.evidence = replace(seen, statements=self._journal.statements())
            self._looked_after = state
        if made:
            self._journal.add(EntryKind.PULLED, made, self._clock.now())
        self._report()

    def _report(self) -> CutoverProgress:
        seen = self.progress
        if seen.state != self._state.told:
            self._resolvers_beside.hurry()
            self._after_beside.hurry()
            self._state.told = seen.state
            self._journal.add(EntryKind.STATE, seen.state, self._clock.now())
        self._tell(seen)
        return seen

    def _server_pause(self) -> float:
        disagree = self.progress.state is CutoverState.CHANGING
        lively = disagree or self._clock.monotonic() < self._lively_until
        return self._pace.quick if lively else self._pace.slow

    def _resolver_pause(self) -> float:
        seen = self.progress
        if seen.state is CutoverState.MOVED:
            return self._pace.settled
        ttl = min((row.ttl for row in seen.servers if row.values), default=0)
        usual = min(float(ttl), self._pace.resolvers) if ttl else self._pace.resolvers
        return max(1.0, usual) if seen.state in _UNDER_WAY else max(usual, self._pace.resolvers)

    def _after_now(self) -> bool:
        state = self._state.told
        wanted = _OBSERVED_AGAIN if state is not self._looked_after else _LEADS_THERE
        return self._after is not None and state in wanted

    def _after_pause(self) -> float:
        settled = self._state.told is CutoverState.MOVED
        return self._pace.pulls_settled if settled else self._pace.pulls


class _BackgroundTask:
    """Something that is done again and again beside the rest, never twice at a time.

    `pause` is how long to wait between its end and its next beginning; it is done only while
    `wanted` holds. What it raises, `turn` raises.
    """

    def __init__(
        self,
        clock: Clock,
        do: Callable[[], Coroutine[Any, Any, None]],
        pause: Callable[[], float],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self.task: asyncio.Task[None] | None = None
        self._clock = clock
        self._do = do
        self._pause = pause
        self._wanted = wanted
        self._next = 0.0
        self._again = False

    @property
    def due(self) -> float:
        """When it is to begin, by the monotonic clock; never while it goes on or isn't wanted."""
        return self._next if self.task is None and self._wanted() else _NEVER

    def hurry(self) -> None:
        """Let it begin at the next turn, or once more when it has ended."""
        self._next = 0.0
        self._again = self.task is not None

    def turn(self) -> None:
        """Begin it if it is due, and take in that it has ended."""
        now = self._clock.monotonic()
        if self.task is not None and self.task.done():
            self.task.result()
            self.task = None
            self._next = 0.0 if self._again else now + self._pause()
            self._again = False
        if now >= self.due:
            self.task = asyncio.create_task(self._do())

    async def end(self) -> None:
        """Break it off."""
        if self.task is not None:
            await end(self.task)
            self.task = None


@dataclass
class _WatchState:
    """What the watch knows, read from the journal at first."""

    journal: CutoverJournal
    evidence: Evidence = field(init=False)
    history: tuple[Served, ...] = field(init=False)
    samples: tuple[Sample, ...] = field(init=False)
    told: CutoverState | None = field(init=False)

    def __post_init__(self) -> None:
        told = self.journal.newest(EntryKind.STATE)
        self.evidence = self.journal.evidence() or Evidence(taken=0.0)
        self.history = self.journal.served()
        self.samples = self.journal.samples()
        self.told = told.read(CutoverState) if told else None

    def saw_zone(self, zone: ZoneEvidence, history: tuple[Served, ...]) -> None:
        """Take in a look at the name servers."""
        self.history = history
        if zone.servers:
            self.evidence = replace(self.evidence, zone=zone, statements=self.journal.statements())
