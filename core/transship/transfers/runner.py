"""The runner: carries a job out, from where its journal says it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from transship import __version__
from transship.clock import Clock
from transship.concurrency import all_settled, end
from transship.errors import TransshipError
from transship.plans.plan import Plan
from transship.registry.http.rate_limiter import PERSISTENT, RateLimitedRegistry, RetryPolicy
from transship.registry.registry import Registry
from transship.text import counted
from transship.transfers.blobs import BlobMover, BlobPlacer
from transship.transfers.copies import CopyState, JobState
from transship.transfers.executor import Executor, JobScan, SignedOutAccounts, Workers
from transship.transfers.images import ImageCopier, TagDeleter, TargetCreator
from transship.transfers.job_view import JobCounts, counts_of
from transship.transfers.journal import JobLog, Journal, Lane, StoredSession
from transship.transfers.lanes import Gate, Lanes, Paused, Windows
from transship.transfers.limits import LimitControl, LimitWatch, encoded

IMAGES_AT_ONCE = 64
_TICK = 0.25
"""How often wishes are read and the lanes shown, in seconds."""

_HELD_SECONDS = 5.0
"""How long a paused job goes on with pieces that a rate holds back, before it gives them up."""

_GIVE_UP_SECONDS = 5.0
"""How long a cancelled job takes to tell the registries of the uploads that it began."""


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """How a job is run."""

    images_at_once: int = IMAGES_AT_ONCE
    patience: RetryPolicy = PERSISTENT


class Runner:
    """Carries out one job. Its caller holds the job's lock and has opened the places."""

    def __init__(
        self,
        plan: Plan,
        places: Mapping[str, Registry],
        journal: Journal,
        clock: Clock,
        settings: RunnerSettings | None = None,
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._clock = clock
        self._settings = settings or RunnerSettings()
        windows = Windows({}, clock)
        self._lanes = Lanes(clock, gate=Gate(windows))
        self._log = JobLog(journal, clock)
        self._steering = LimitControl(plan, places, journal, self._log, windows)
        self._signed_out = SignedOutAccounts(journal, self._lanes.gate, self._log)
        self._limits = LimitWatch(places, self._log, clock, windows)
        self._place_wide: TransshipError | None = None
        self._paused_at: float | None = None
        self._began = clock.monotonic()
        self._worked_before = float(journal.fact("worked") or 0)
        self._sent_before = int(journal.fact("sent") or 0)

    async def run(self) -> JobState:
        """Run to the end, or until a wish ends it, and return how it ended.

        What is wrong with a whole place ends the job as failed, with the error in its facts; what
        hasn't been copied then is left for a retry. An account that isn't taken any more pauses it.
        """
        # What is gathered is written with what `_watch` shows, at the latest.
        with self._journal.gathering():
            return await self._run()

    async def _run(self) -> JobState:
        before = self._journal.fact("started")
        self._journal.show_lanes(
            [],
            state=JobState.RUNNING,
            started=before or self._clock.now(),
            ended="",
            problem="",
            signed_out="",
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
            state = self._ended_by(error)
        finally:
            await end(watch)
        self._journal.grant_wishes()
        self._show([], state=state, ended=self._clock.now())
        self._log_end(state)
        return state

    def _ended_by(self, error: TransshipError) -> JobState:
        """Keep what the whole job came to; return how it ends by that."""
        if error is not self._place_wide and self._signed_out.ends_look(error):
            return JobState.PAUSED
        self._journal.note(
            problem=error.title,
            problem_detail=error.detail,
            problem_remedy=error.remedy,
            problem_status=error.exit_status,
            signed_out="",
        )
        if error is not self._place_wide:
            self._log.error(error)
        return JobState.FAILED

    async def _work(self) -> JobState:
        stock = JobScan(self._plan, self._places, self._journal, self._log, self._clock)
        if self._journal.fact("phase") != "planned":
            await stock.take()
        mover = BlobMover(self._journal, self._lanes.gate, self._settings.patience, self._clock)
        placer = BlobPlacer(self._places, self._journal, self._lanes, mover, stock.new_repositories)
        maker = TargetCreator(self._places, self._journal, self._log, self._clock)
        copier = ImageCopier(
            self._places,
            self._journal,
            placer,
            self._plan.on_conflict,
            self._clock,
            self._plan.replaces,
            maker,
        )
        deleter = TagDeleter(self._plan, self._places, self._journal, self._clock)
        carrier = Executor(
            Workers(stock, placer, copier, deleter, maker),
            self._journal,
            self._lanes.gate,
            self._log,
            self._clock,
            self._signed_out,
            at_once=self._settings.images_at_once,
            retries=self._plan.retries,
        )
        await carrier.carry_out()
        if carrier.broken_off:
            return JobState.PAUSED
        if carrier.place_wide is not None:
            self._place_wide = carrier.place_wide
            raise carrier.place_wide
        if self._lanes.gate.closed and self._journal.copies(CopyState.WAITING):
            return JobState.PAUSED
        if self._signed_out.registries and self._journal.copies(CopyState.WAITING):
            self._signed_out.note()
            return JobState.PAUSED
        self._journal.finished()
        return JobState.FAILED if carrier.has_failures else JobState.DONE

    async def _watch(self, work: asyncio.Task[JobState]) -> None:
        """Take up wishes and show what moves, until the work ends."""
        try:
            while True:
                wishes = self._journal.wishes()
                self._steering.take_up()
                if "pause" in wishes:
                    self._pause()
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

    def _pause(self) -> None:
        """Let what is under way come to its next good end; not for long where a rate holds it."""
        self._lanes.gate.close()
        now = self._clock.monotonic()
        self._paused_at = self._paused_at or now
        if now - self._paused_at >= _HELD_SECONDS:
            for place in self._places.values():
                if isinstance(place, RateLimitedRegistry):
                    place.pacer.throttle.stop(Paused())

    def _show(self, lanes: list[Lane], **facts: object) -> None:
        """Show what moves and what has moved, and what the registries say of it."""
        self._journal.show_lanes(
            lanes,
            limits=encoded(self._limits.look()),
            worked=self._worked_before + self._clock.monotonic() - self._began,
            sent=self._sent_before + self._lanes.meter.total,
            **facts,
        )

    def _log_end(self, state: JobState) -> None:
        self._log.info(f"The job is {state}", _count_words(counts_of(self._journal)))

    async def _stopped(self) -> JobState:
        """End after the work was cancelled: by a wish, or by a signal."""
        self._journal.flush()  # Nobody shows anything any more, and what follows may take seconds.
        wishes = self._journal.wishes()
        if "cancel" not in wishes:
            return JobState.PAUSED if "pause" in wishes else JobState.INTERRUPTED
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                await all_settled(self._give_up(*upload) for upload in self._journal.uploads())
        except TimeoutError:
            pass  # The registry clears away what it still holds.
        self._journal.note(problem="", signed_out="")
        return JobState.CANCELLED

    async def _give_up(self, target: str, repository: str, session: StoredSession) -> None:
        try:
            upload = await self._places[target].resume_upload(repository, session.location)
            await upload.cancel()
        except TransshipError:
            return  # As above.


def _count_words(counts: JobCounts) -> str:
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
