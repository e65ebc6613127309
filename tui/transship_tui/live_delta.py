"""The part of the engine at work that keeps the two registries of a domain in step."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from transship.errors import BadRequest, LossUnknown, TransshipError, WritesOff
from transship.operator import this_operator
from transship.plans.file import read_plan
from transship_tui.live_beside import LiveBeside

if TYPE_CHECKING:
    from transship.accounts.registry_file import Accounts
    from transship.clock import Clock
    from transship.cutover.catchup import CatchupRound, KeptSide, RoundAction
    from transship.cutover.domain import Subject
    from transship.cutover.evidence import Parity
    from transship.cutover.folder import CutoverFolder, CutoverStore
    from transship.cutover.in_sync import CutoverListing, CutoverRegistries
    from transship.cutover.journal import CutoverJournal
    from transship.cutover.status import CutoverStatus
    from transship.oci.reference import Reference
    from transship.plans.plan import Plan
    from transship.registry.access import Access
    from transship.registry.registry import Registry
    from transship.transfers.jobs import Job, Jobs

FRESH = 30.0
"""So long, in seconds, a comparison is good enough to go back by."""


class LiveDelta(LiveBeside):
    """Rounds between an old registry and a new one, and what a job or a plan says of their tags.

    What makes and judges them is imported where it does: the app opens without it.
    """

    clock: Clock
    _accounts: Accounts
    _jobs: Jobs
    read_only: bool = False
    every: float = 30.0
    """How long to wait between two rounds, in seconds, at least."""

    @property
    @abstractmethod
    def _cutovers(self) -> CutoverStore: ...

    @abstractmethod
    def _standing(self, cutover: CutoverFolder, checking: str = "") -> CutoverStatus: ...

    @abstractmethod
    def place(self, text: str) -> Reference:
        """Return the place that a plan writes down as `text`."""

    @abstractmethod
    async def _source(self, host: str) -> Registry: ...

    @abstractmethod
    async def _begin(self, begin: Callable[[Job, Iterable[Access]], int], job: Job) -> None: ...

    # Rounds

    async def compare_cutover(self, name: str) -> CutoverStatus:
        """Compare both registries once, and judge anew; copies nothing."""
        cutover = self._cutovers.find(name)
        return await self._doing(lambda: self._once(cutover, "look"))

    async def catch_up_cutover(self, name: str) -> CutoverStatus:
        """Copy to the new registry, once, what is pushed to the old one alone, and judge anew."""
        cutover = self._cutovers.find(name)
        with cutover.locked("delta"):
            return await self._doing(lambda: self._once(cutover, "copy"))

    async def copy_back_cutover(self, name: str) -> CutoverStatus:
        """Copy to the old registry what only the new one has, by a job, and judge anew."""
        cutover = self._cutovers.find(name)
        with cutover.locked("back"):
            return await self._doing(lambda: self._once(cutover, "back"))

    async def delta_cutover(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Copy to the new registry what is pushed to the old one alone, round after round."""
        cutover = self._cutovers.find(name)
        self._check_writes("copy")
        async with aclosing(self._giving(lambda: self._rounds(cutover))) as standings:
            async for standing in standings:
                yield standing

    async def _rounds(self, cutover: CutoverFolder) -> AsyncGenerator[CutoverStatus]:
        from transship.cutover.catchup import run_rounds
        from transship.cutover.status import moved_since

        subject = cutover.subject()
        news: asyncio.Queue[CatchupRound | TransshipError] = asyncio.Queue()
        with cutover.locked("delta"), cutover.journal() as journal:
            sides = await self._sides(subject, journal)
            going = asyncio.create_task(
                run_rounds(
                    sides,
                    journal,
                    self.clock,
                    not_before=lambda: moved_since(subject, journal, self.clock.now()),
                    every=self.every,
                    tell=news.put_nowait,
                )
            )
            try:
                while not going.done() or not news.empty():
                    waiting = asyncio.create_task(news.get())
                    await asyncio.wait({waiting, going}, return_when=asyncio.FIRST_COMPLETED)
                    if waiting.done():
                        yield self._told(cutover, waiting.result())
                    else:
                        waiting.cancel()
                going.result()
                yield self._standing(cutover)
            finally:
                going.cancel()
                await asyncio.gather(going, return_exceptions=True)

    def _told(self, cutover: CutoverFolder, news: CatchupRound | TransshipError) -> CutoverStatus:
        waits = f"{news}; asked again" if isinstance(news, TransshipError) else ""
        return self._standing(cutover, waits)

    def keep_tag(self, name: str, tag: str, keep: KeptSide) -> CutoverStatus:
        """Say which registry's image a tag is to have that both have pushed."""
        from transship.cutover.catchup import choose_tag, tag_name
        from transship.views.cutover import undecided_tags

        cutover = self._cutovers.find(name)
        asked = {tag_name(each): each for each in undecided_tags(self._standing(cutover))}
        if tag not in asked:
            which = ", ".join(asked) or "none"
            raise BadRequest(f"nobody has asked about {tag}; to be decided: {which}")
        with cutover.journal() as journal:
            choose_tag(journal, asked[tag], keep, self.clock.now(), this_operator())
        return self._standing(cutover)

    def _check_writes(self, doing: RoundAction) -> None:
        if self.read_only and doing != "look":
            raise WritesOff("no tag is copied either")

    async def _once(self, cutover: CutoverFolder, doing: RoundAction) -> CutoverStatus:
        await self._made(cutover, doing)
        return self._standing(cutover)

    async def _made(self, cutover: CutoverFolder, doing: RoundAction) -> CatchupRound:
        from transship.cutover.catchup import run_round

        self._check_writes(doing)
        with cutover.journal() as journal:
            sides = await self._sides(cutover.subject(), journal)
            return await run_round(sides, journal, self.clock, doing, this_operator())

    async def _compared_just_now(self, cutover: CutoverFolder) -> None:
        """Compare both registries, unless that was done a moment ago.

        Raises LossUnknown where that can't be done.
        """
        from transship.cutover.catchup import last_round
        from transship.cutover.status import change_seen_at

        with cutover.journal() as journal:
            last = last_round(journal)
            since, _ = change_seen_at(cutover.subject(), journal, self.clock.now())
        if last is not None and last.at >= max(since, self.clock.now() - FRESH):
            return
        try:
            await self._made(cutover, "look")
        except TransshipError as error:
            raise LossUnknown(f"both registries can't be compared anew: {error}") from error

    async def _sides(self, subject: Subject, journal: CutoverJournal) -> CutoverRegistries:
        """Open both registries. Raises BadRequest where the old one isn't named."""
        from transship.cutover.catchup import add_agreed
        from transship.cutover.in_sync import CutoverRegistries, copies_of

        if not subject.old:
            raise BadRequest(
                "the old registry isn't named",
                remedy="Begin the cutover with --from HOST to keep both registries in step.",
            )
        if subject.job:
            copies = copies_of(self._jobs.find(subject.job), subject.new)
            add_agreed(journal, copies.agreed(), self.clock.now())
        listing = await self._listing(subject)
        return CutoverRegistries(listing, self._jobs, journal, self.clock, self._begin)

    async def _listing(self, subject: Subject) -> CutoverListing:
        from transship.cutover.in_sync import FullListing, PlannedListing, between

        hosts = (subject.old, subject.new)
        old, new = await self._source(subject.old), await self._source(subject.new)
        plan = self._followed(subject)
        if plan is not None:
            return PlannedListing(between(plan, *hosts), old, new, hosts, self.clock)
        known = (*self._named(hosts), *_tried(subject))
        return FullListing(old, new, hosts, known=known)

    def _followed(self, subject: Subject) -> Plan | None:
        if subject.job:
            return self._jobs.find(subject.job).plan()
        return read_plan(Path(subject.plan), self.place) if subject.plan else None

    def _named(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Return the repositories that the operator named for registries that don't list them."""
        accounts = (self._accounts.find(host) for host in hosts)
        return tuple(name for account in accounts if account for name in account.repositories)

    # Comparing for a check

    def _comparing(
        self, subject: Subject, cutover: CutoverFolder | None = None
    ) -> Callable[[], Awaitable[Parity]] | None:
        """Return what compares the tags for a check; None where both registries are listed for it.

        For a cutover that is kept it is a round that copies nothing, which keeps what both sides
        agree on. Only before the change a job tells enough: what is pushed later isn't in it.
        """
        from transship.cutover.status import CHANGED_STATES

        changed = cutover is not None and self._standing(cutover).state in CHANGED_STATES
        if subject.job and not (changed and subject.old):
            return lambda: self._parity_of_job(subject)
        if cutover is not None and subject.old:
            kept = cutover
            return lambda: self._parity_of_round(kept, subject)
        return (lambda: self._parity_of_plan(subject)) if subject.plan else None

    async def _parity_of_round(self, cutover: CutoverFolder, subject: Subject) -> Parity:
        from transship.cutover.observe.parity import compare_listed

        try:
            return (await self._made(cutover, "look")).parity
        except TransshipError:
            if subject.job or subject.plan:
                raise
            # What can't be seen of one repository keeps a round from being made, but not a check.
            old, new = await self._source(subject.old), await self._source(subject.new)
            return await compare_listed(old, new, known=_tried(subject))

    async def _parity_of_job(self, subject: Subject) -> Parity:
        from transship.cutover.in_sync import copies_of, parity_of_job

        copies = copies_of(self._jobs.find(subject.job), subject.new)
        old = await self._source(subject.old) if subject.old else None
        return await parity_of_job(copies, old, await self._source(subject.new))

    async def _parity_of_plan(self, subject: Subject) -> Parity:
        from transship.cutover.in_sync import parity_of_plan

        plan = read_plan(Path(subject.plan), self.place)
        places = {each.registry: await self._source(each.registry) for each in plan.places}
        name = Path(subject.plan).name
        return await parity_of_plan(plan, name, places, subject.new, self.clock)


def _tried(subject: Subject) -> tuple[str, ...]:
    """Return the repositories that are tried; they are compared although nobody lists them."""
    from transship.cutover.observer import repository_of  # The app opens without what asks DNS.

    return tuple(dict.fromkeys(map(repository_of, subject.repositories)))
