"""Taking stock: what is on both sides, and what is to be done, kept in the job's journal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from transship.clock import Clock
from transship.errors import WrongCredential
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Terms, Wanted
from transship.registries.place import Place
from transship.text import bytes_text, counted
from transship.transfers.foresight import Foresight
from transship.transfers.inventory import Progress, look_at_all
from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.logbook import Logbook
from transship.transfers.trusted import Trusted, keep_trust
from transship.transfers.trusting import last_of
from transship.transfers.work import Copy, Found, State, Worklist
from transship.transfers.worklist import Draft

_TICK = 0.25
"""How often it is shown how much was found, in seconds."""


class Stock:
    """Takes stock for one job. Outside a registry's window too: nothing moves by that."""

    def __init__(
        self, plan: Plan, places: Mapping[str, Place], journal: Journal, log: Logbook, clock: Clock
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._log = log
        self._clock = clock
        self._believed = 0
        self.new_repositories: frozenset[tuple[str, str]] = frozenset()
        """Place and name of the repositories that aren't at the target yet."""

    async def take(self, *, beside: Sequence[Copy] = ()) -> None:
        """Look at both sides and keep the worklist: of all, or of what failed before.

        Of what failed, those `beside` it aren't looked at again.
        """
        self._journal.take_back()
        self._journal.note(phase="inventory")
        staying = {copy.id for copy in beside}
        failed = [copy for copy in self._journal.copies(State.FAILED) if copy.id not in staying]
        what = f"for {counted(len(failed), 'image')} that failed" if failed else "for all images"
        self._log.info("Looking at both sides", what)
        with self._trusted(first=not failed and not beside) as trusted:
            worklist = await self._worklist(failed, beside, trusted)
        for _ in self._journal.keeping(worklist, beside=sorted(staying)):
            await asyncio.sleep(0)
        self._log.info("Both sides are known", _found_words(worklist))

    @contextmanager
    def _trusted(self, *, first: bool) -> Iterator[Trusted]:
        """Give what is believed of the targets: what failed is looked at, whatever was asked."""
        if not first or not self._journal.fact("trusts"):
            yield Trusted()
            return
        with last_of(Job(self._journal.folder)) as trusted:
            self._log.info("Trust", trusted.doubt or f"the targets are as {trusted.job} left them")
            yield trusted
            keep_trust(self._journal, trusted, self._believed)

    async def _worklist(
        self, failed: Sequence[Copy], beside: Sequence[Copy], trusted: Trusted
    ) -> Worklist:
        """Return what there is to be done; what the targets would refuse isn't tried."""
        foresight = Foresight(
            self._places,
            self._plan.create_missing,
            self._plan.create,
            try_refused=self._plan.try_refused,
        )
        deletes = bool(self._journal.fact("deletes"))
        draft = Draft(
            self._plan.on_conflict,
            before=self._journal.written(),
            replaces=self._plan.replaces,
            deletes=deletes,
            foresight=foresight,
        )
        subjects = {copy.target: copy.subject for copy in failed}
        left_out = {copy.target for copy in beside}

        def take(found: list[Found]) -> None:
            self._believed += sum(item.trusted for item in found)
            draft.add(
                replace(item, subject=item.subject or subjects.get(item.target))
                for item in found
                if item.target not in left_out
            )

        progress = Progress()
        shown = asyncio.create_task(self._show(progress))
        try:
            plan = _narrowed(self._plan, failed)
            overview = await look_at_all(
                plan,
                self._places,
                self._clock,
                take,
                progress,
                also=foresight.look,
                trusted=trusted,
            )
            worklist = await asyncio.to_thread(draft.finished)
        finally:
            shown.cancel()
        self.new_repositories = overview.new_repositories
        if deletes:
            overview.vanished.check()
        for unknown in foresight.unknown:
            self._log.info(unknown.target, f"it isn't known {unknown}")
            if self._plan.create_missing and isinstance(unknown.why, WrongCredential):
                unknown.why.met_at = unknown.target
                raise unknown.why
        return worklist

    async def _show(self, progress: Progress) -> None:
        while True:
            self._journal.note(found=progress.found, heartbeat=self._clock.now())
            await self._clock.sleep(_TICK)


def _narrowed(plan: Plan, failed: Collection[Copy]) -> Plan:
    """Return the plan for what failed; rules find it again by themselves."""
    if not failed or plan.rules:
        return plan
    named = {(wanted.source, wanted.target): wanted for wanted in reversed(plan.copies)}
    terms = {wanted.source: wanted.terms for wanted in reversed(plan.copies)}
    again = dict.fromkeys(
        named.get((copy.source, copy.target))
        or Wanted(copy.source, copy.target, _terms_of(copy, terms))
        for copy in failed
    )
    return replace(plan, copies=tuple(again))


def _terms_of(copy: Copy, terms: Mapping[Reference, Terms | None]) -> Terms | None:
    """Return the terms of what a copy was part of: itself, or the whole repository."""
    return terms.get(copy.source) or terms.get(replace(copy.source, tag="", digest=None))


def _found_words(worklist: Worklist) -> str:
    """Return what there is to be done, in a line."""
    parts = [f"{count:,} {verdict}" for verdict, count in sorted(worklist.counts.items())]
    found = counted(len(worklist.copies), "image")
    details = f" ({', '.join(parts)})" if parts else ""
    return f"{found}{details}, {bytes_text(worklist.bytes_to_move)} to send"
