"""The runner: carries a job out, from where its journal says it is."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from transship import __version__
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Wanted
from transship.registries.pacing import PERSISTENT, Patience
from transship.registries.place import MEBIBYTE, Place
from transship.text import bytes_text, counted
from transship.transfers.copying import Copier
from transship.transfers.deleting import Deleter
from transship.transfers.gather import all_settled
from transship.transfers.inventory import Progress, take_inventory
from transship.transfers.journal import Journal, Lane, Session
from transship.transfers.lanes import Lanes, Paused
from transship.transfers.limits import LimitWatch, encoded
from transship.transfers.logbook import Logbook
from transship.transfers.mover import Mover
from transship.transfers.placing import Placer
from transship.transfers.view import Counts, counts_of
from transship.transfers.work import PLACE_WIDE, Copy, JobState, State, Verdict, Worklist
from transship.transfers.worklist import make_worklist, without_deletions

IMAGES_AT_ONCE = 48
_TICK = 0.25
"""How often wishes are read and the lanes shown, in seconds."""

_GIVE_UP_SECONDS = 5.0
"""How long a cancelled job takes to tell the registries of the uploads that it began."""

_HEAD_START = 16 * MEBIBYTE
_HEAD_STARTS = 24


@dataclass(frozen=True, slots=True)
class Settings:
    """How a job is run."""

    images_at_once: int = IMAGES_AT_ONCE
    patience: Patience = PERSISTENT


class Runner:
    """Carries out one job. Its caller holds the job's lock and has opened the places."""

    def __init__(
        self,
        plan: Plan,
        places: Mapping[str, Place],
        journal: Journal,
        clock: Clock,
        settings: Settings | None = None,
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._clock = clock
        self._settings = settings or Settings()
        self._lanes = Lanes(clock)
        self._log = Logbook(journal, clock)
        self._limits = LimitWatch(places, self._log, clock)
        self._new_repositories: frozenset[tuple[str, str]] = frozenset()
        self._place_wide: TransshipError | None = None

    async def run(self) -> JobState:
        """Run to the end, or until a wish ends it, and return how it ended.

        What is wrong with a whole place ends the job as failed, with the error in its facts; what
        hasn't been copied then is left for a retry.
        """
        before = self._journal.fact("started")
        self._journal.show_lanes(
            [],
            state=JobState.RUNNING,
            started=before or self._clock.now(),
            ended="",
            problem="",
            limits="",
        )
        self._log.info(
            "The job goes on" if before else "The job begins",
            f"process {os.getpid()} of Transship {__version__}",
        )
        self._journal.wait_again()
        work = asyncio.create_task(self._work())
        watch = asyncio.create_task(self._watch(work))
        try:
            state = await work
        except asyncio.CancelledError:
            if watch.done() and not watch.cancelled():
                watch.result()  # It may have ended the work because it could go on no more.
            state = await self._stopped()
        except TransshipError as error:
            self._journal.note(
                problem=error.title,
                problem_detail=error.detail,
                problem_remedy=error.remedy,
                problem_status=error.exit_status,
            )
            if error is not self._place_wide:
                self._log.error(error)
            state = JobState.FAILED
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        self._journal.grant_wishes()
        self._show([], state=state, ended=self._clock.now())
        self._log_end(state)
        return state

    async def _work(self) -> JobState:
        if self._journal.fact("phase") != "planned":
            await self._take_stock()
        mover = Mover(self._journal, self._lanes.gate, self._settings.patience, self._clock)
        placer = Placer(self._places, self._journal, self._lanes, mover, self._new_repositories)
        copier = Copier(self._places, self._journal, placer, self._plan.on_conflict, self._clock)
        await self._copy_all(copier, placer)
        await self._delete_all(Deleter(self._places, self._journal, self._clock))
        if self._place_wide is not None:
            raise self._place_wide
        if self._lanes.gate.closed and self._journal.copies(State.WAITING):
            return JobState.PAUSED
        self._journal.finished()
        return JobState.FAILED if self._has_failures else JobState.DONE

    async def _take_stock(self) -> None:
        """Look at both sides and keep the worklist: of all, or of what failed before."""
        self._journal.note(phase="inventory")
        failed = self._journal.copies(State.FAILED)
        plan = self._plan
        if failed and not plan.rules:
            again = tuple(dict.fromkeys(Wanted(copy.source, copy.target) for copy in failed))
            plan = replace(plan, copies=again)
        what = f"for {counted(len(failed), 'image')} that failed" if failed else "for all images"
        self._log.info("Looking at both sides", what)
        progress = Progress()
        shown = asyncio.create_task(self._show_inventory(progress))
        try:
            inventory = await take_inventory(plan, self._places, self._clock, progress)
        finally:
            shown.cancel()
        subjects = {copy.target: copy.subject for copy in failed}
        found = [
            replace(item, subject=item.subject or subjects.get(item.target))
            for item in inventory.found
        ]
        self._new_repositories = inventory.new_repositories
        worklist = make_worklist(found, self._plan.on_conflict, before=self._journal.written())
        if self._journal.fact("deletes"):
            inventory.vanished.check()
        else:
            worklist = without_deletions(worklist)
        self._journal.keep(worklist)
        self._log.info("Both sides are known", _found_words(worklist))

    async def _show_inventory(self, progress: Progress) -> None:
        while True:
            self._journal.note(found=progress.found, heartbeat=self._clock.now())
            await self._clock.sleep(_TICK)

    async def _copy_all(self, copier: Copier, placer: Placer) -> None:
        waiting = deque(c for c in self._journal.copies(State.WAITING) if c.verdict.moves)
        written: dict[tuple[str, str, Digest], asyncio.Event] = {
            _key(copy.target, copy.digest): asyncio.Event() for copy in waiting if copy.digest
        }

        async def worker() -> None:
            while waiting and not self._lanes.gate.closed:
                copy = waiting.popleft()
                if copy.subject and (subject := written.get(_key(copy.target, copy.subject))):
                    await subject.wait()
                try:
                    await self._do(copier.copy, copy)
                finally:
                    if copy.digest:
                        written[_key(copy.target, copy.digest)].set()

        workers = [asyncio.create_task(worker()) for _ in range(self._settings.images_at_once)]
        head_start = asyncio.create_task(self._head_start(placer))
        try:
            # A defect that one image brings to light ends the job, but not before the others.
            await all_settled(workers)
        finally:
            head_start.cancel()
            await asyncio.gather(*workers, head_start, return_exceptions=True)

    async def _delete_all(self, deleter: Deleter) -> None:
        """Delete what has vanished, once everything else is at the target as it should be."""
        for copy in self._journal.copies(State.WAITING):
            if self._lanes.gate.closed or self._has_failures:
                return
            if copy.verdict is Verdict.DELETE:
                await self._do(deleter.delete, copy)

    @property
    def _has_failures(self) -> bool:
        return any(state is State.FAILED for state, _ in self._journal.counts())

    async def _do(self, act: Callable[[Copy], Awaitable[None]], copy: Copy) -> None:
        self._journal.begun(copy)
        try:
            await act(copy)
        except PLACE_WIDE as error:
            self._lanes.gate.close()
            if self._place_wide is None:
                self._place_wide = error
                self._log.error(error)
            self._journal.wait_again(copy)
        except TransshipError as error:
            self._journal.failed(copy, error, self._clock.now())
        except Paused:
            self._journal.wait_again(copy)

    async def _head_start(self, placer: Placer) -> None:
        """Start the largest blobs at once, wherever in the worklist they stand.

        What goes wrong with one of them is met again, and kept, by the copy that needs it.
        """
        largest = self._journal.largest_blobs(_HEAD_START, _HEAD_STARTS)
        await asyncio.gather(
            *(
                placer.ensure(
                    blob.source, Reference(blob.target, blob.home), blob.digest, blob.size
                )
                for blob in largest
            ),
            return_exceptions=True,
        )

    async def _watch(self, work: asyncio.Task[JobState]) -> None:
        """Take up wishes and show what moves, until the work ends."""
        try:
            while True:
                wishes = self._journal.wishes()
                if "pause" in wishes:
                    self._lanes.gate.close()
                if "cancel" in wishes or wishes.count("pause") > 1:
                    return
                self._show(
                    self._lanes.snapshot(),
                    heartbeat=self._clock.now(),
                    rate=round(self._lanes.meter.read()),
                    pausing=int(self._lanes.gate.closed),
                )
                await self._clock.sleep(_TICK)
        finally:
            work.cancel()

    def _show(self, lanes: list[Lane], **facts: object) -> None:
        """Show what moves, and what the registries say of it."""
        self._journal.show_lanes(lanes, limits=encoded(self._limits.look()), **facts)

    def _log_end(self, state: JobState) -> None:
        self._log.info(f"The job is {state}", _count_words(counts_of(self._journal)))

    async def _stopped(self) -> JobState:
        """End after the work was cancelled: by a wish, or by a signal."""
        wishes = self._journal.wishes()
        if "cancel" not in wishes:
            return JobState.PAUSED if "pause" in wishes else JobState.INTERRUPTED
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                await all_settled(self._give_up(*upload) for upload in self._journal.uploads())
        except TimeoutError:
            pass  # The registry clears away what it still holds.
        return JobState.CANCELLED

    async def _give_up(self, target: str, repository: str, session: Session) -> None:
        try:
            upload = await self._places[target].resume_upload(repository, session.location)
            await upload.cancel()
        except TransshipError:
            return  # As above.


def _found_words(worklist: Worklist) -> str:
    """Return what there is to be done, in a line."""
    verdicts = Counter(copy.verdict for copy in worklist.copies)
    parts = [f"{count:,} {verdict}" for verdict, count in sorted(verdicts.items())]
    found = counted(len(worklist.copies), "image")
    details = f" ({', '.join(parts)})" if parts else ""
    return f"{found}{details}, {bytes_text(worklist.bytes_to_move)} to send"


def _count_words(counts: Counts) -> str:
    """Return what has become of a job's copies, in a line."""
    parts = (
        (counts.copied, "copied"),
        (counts.same, "same"),
        (counts.deleted, "deleted"),
        (counts.skipped, "skipped"),
        (counts.failed, "failed"),
        (counts.waiting, "left"),
    )
    details = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{counted(counts.total, 'image')}{': ' if details else ''}{details}"


def _key(target: Reference, digest: Digest | None) -> tuple[str, str, Digest]:
    return target.registry, target.repository, digest or Digest("")
