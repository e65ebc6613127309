"""Carries out what a job's journal says is to be done: all that may go on at once, then the rest.

What failed for a cause that may pass is tried again as often as the plan says, once everything
else is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.registries.place import MEBIBYTE
from transship.text import counted, duration_text
from transship.transfers.copying import Copier
from transship.transfers.creating import Maker
from transship.transfers.deleting import Deleter
from transship.transfers.gather import all_settled
from transship.transfers.journal import Journal
from transship.transfers.lanes import Deferred, Gate, Paused
from transship.transfers.logbook import Logbook
from transship.transfers.placing import Placer
from transship.transfers.queue import Queue
from transship.transfers.signed_out import SignedOut
from transship.transfers.stock import Stock
from transship.transfers.work import MAY_PASS, PLACE_WIDE, BlobWork, Copy, State, Verdict

_HEAD_START = 16 * MEBIBYTE
_HEAD_STARTS = 24
_LOOK_SECONDS = 0.25
_DELETIONS_AT_ONCE = 8
"""How often it is looked whether something may go on."""

_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 600.0


def pause_before(attempt: int) -> float:
    """Return how long to wait before what failed is tried for this time (from 1), in seconds."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 1))


@dataclass(frozen=True, slots=True)
class Crew:
    """Those who do one thing each."""

    stock: Stock
    placer: Placer
    copier: Copier
    deleter: Deleter
    maker: Maker


class Carrier:
    """Carries out one job's worklist. `at_once` copies are worked on at the same time."""

    def __init__(
        self,
        crew: Crew,
        journal: Journal,
        gate: Gate,
        log: Logbook,
        clock: Clock,
        signed_out: SignedOut,
        *,
        at_once: int,
        retries: int,
    ) -> None:
        self.signed_out = signed_out
        """The accounts that aren't taken any more: what needs them is left waiting."""
        self._crew = crew
        self._journal = journal
        self._gate = gate
        self._log = log
        self._clock = clock
        self._at_once = at_once
        self._retries = retries
        self._written: dict[tuple[str, str, Digest], asyncio.Event] = {}
        self.place_wide: TransshipError | None = None
        """What is wrong with a whole place, and has kept the rest from being done."""
        self.broken_off = False
        """Whether the job was paused before it could try again what failed."""

    async def carry_out(self) -> None:
        """Do all that waits, and try again what may go well then."""
        while True:
            await self._copy_all()
            await self._delete_all()
            if not await self._tries_again():
                return

    @property
    def has_failures(self) -> bool:
        """Whether something has failed."""
        return any(state is State.FAILED for state, _ in self._journal.counts())

    async def _copy_all(self) -> None:
        waiting = [c for c in self._journal.copies(State.WAITING) if c.verdict.moves]
        queue = Queue(waiting, self._gate)
        self._written = {
            _key(copy.target, copy.digest): asyncio.Event() for copy in waiting if copy.digest
        }

        async def worker() -> None:
            while (copy := await self._next(queue)) is not None:
                if not (await self._subject_is_there(copy) and await self._copy(copy)):
                    queue.put(copy)

        workers = [asyncio.create_task(worker()) for _ in range(self._at_once)]
        head_start = asyncio.create_task(self._head_start())
        try:
            # A defect that one image brings to light ends the job, but not before the others.
            await all_settled(workers)
        finally:
            head_start.cancel()
            await asyncio.gather(*workers, head_start, return_exceptions=True)

    async def _next(self, queue: Queue) -> Copy | None:
        """Return the next copy as soon as it may begin; None when nothing is left to begin."""
        while not self._gate.closed and not queue.is_empty:
            if (copy := queue.take()) is not None:
                return copy
            await self._clock.sleep(_LOOK_SECONDS)
        return None

    async def _subject_is_there(self, copy: Copy) -> bool:
        """Wait for what a copy refers to; return whether it is done with, and not put off."""
        if copy.subject is None:
            return True
        key = _key(copy.target, copy.subject)
        subject = self._written.get(key)
        registries = copy.source.registry, copy.target.registry
        while subject is not None and not subject.is_set() and not self._stopped(*registries):
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await subject.wait()
        return self._written.get(key) is subject

    def _stopped(self, *registries: str) -> bool:
        return self._gate.closed or self._gate.is_shut(*registries)

    async def _copy(self, copy: Copy) -> bool:
        """Copy one image; return whether it is done with, and not put off."""
        key = _key(copy.target, copy.digest)
        over = True
        try:
            over = await self._do(self._crew.copier.copy, copy)
        finally:
            if (written := self._written.get(key)) is not None:
                if not over:
                    self._written[key] = asyncio.Event()
                written.set()
        return over

    async def _delete_all(self) -> None:
        """Delete what has vanished, once everything else is at the target as it should be."""
        if self.signed_out.registries:
            return
        waiting = self._journal.copies(State.WAITING)
        queue = Queue((c for c in waiting if c.verdict is Verdict.DELETE), self._gate)

        async def worker() -> None:
            while not self.has_failures and (copy := await self._next(queue)) is not None:
                if not await self._do(self._crew.deleter.delete, copy):
                    queue.put(copy)

        await all_settled(worker() for _ in range(_DELETIONS_AT_ONCE))

    async def _do(self, act: Callable[[Copy], Awaitable[None]], copy: Copy) -> bool:
        """Do one thing; return whether it is done with: False when it is only put off."""
        self._journal.begun(copy)
        try:
            self._gate.enter(copy.source.registry, copy.target.registry)
            await act(copy)
        except PLACE_WIDE as error:
            self._journal.wait_again(copy)
            if not self.signed_out.takes_in(error, copy):
                self._gate.close()
                if self.place_wide is None:
                    self.place_wide = error
                    self._log_place_wide(error)
        except TransshipError as error:
            self._journal.failed(copy, error, self._clock.now())
        except Deferred:
            self._journal.wait_again(copy)
            return False
        except Paused:
            self._journal.wait_again(copy)
        return True

    def _log_place_wide(self, error: TransshipError) -> None:
        if error.retryable and self._tried < self._retries:
            self._log.warning(error.title, error.detail)
        else:
            self._log.error(error)

    async def _head_start(self) -> None:
        """Start the largest blobs at once, wherever in the worklist they stand.

        What goes wrong with one of them is met again, and kept, by the copy that needs it.
        """
        largest = self._journal.largest_blobs(_HEAD_START, _HEAD_STARTS)
        await asyncio.gather(*map(self._start, largest), return_exceptions=True)

    async def _start(self, blob: BlobWork) -> None:
        target = Reference(blob.target, blob.home)
        self._gate.enter(blob.source.registry, blob.target)
        await self._crew.maker.ensure(target)
        await self._crew.placer.ensure(blob.source, target, blob.digest, blob.size)

    # What failed, once more

    @property
    def _tried(self) -> int:
        """How often what failed was tried again, by the processes before too."""
        return int(self._journal.fact("tried_again") or 0)

    async def _tries_again(self) -> bool:
        """Put back what failed and may go well now, and wait a while; tell whether to go on."""
        passing, lasting = self._failed()
        if self._tried >= self._retries or not (passing or self._may_pass):
            return False
        if self._is_paused:
            self.broken_off = True
            return False
        attempt = self._tried + 1
        pause = pause_before(attempt)
        what = counted(len(passing), "image") if passing else "all that is left"
        self._log.info(
            "What failed is tried again",
            f"{what}, in {duration_text(pause)} ({attempt} of {self._retries})",
        )
        if not await self._waited(pause):
            self.broken_off = True
            return False
        self._journal.note(tried_again=attempt)
        self.place_wide = None
        self._crew.maker.try_again()
        self._gate.reopen()
        unseen = [copy for copy in passing if not copy.verdict.changes]
        self._journal.try_again(copy for copy in passing if copy.verdict.changes)
        if unseen:
            await self._crew.stock.take(beside=lasting)
        return True

    def _failed(self) -> tuple[list[Copy], list[Copy]]:
        """Return what failed: for causes that may pass, and for others.

        Without an account nothing passes at its registry, and both sides can't be looked at anew.
        """
        passing: list[Copy] = []
        lasting: list[Copy] = []
        for copy, cause in self._journal.causes():
            shut = self._gate.is_shut(copy.source.registry, copy.target.registry)
            seen = copy.verdict.changes or not self.signed_out.registries
            (passing if cause in MAY_PASS and seen and not shut else lasting).append(copy)
        return passing, lasting

    @property
    def _may_pass(self) -> bool:
        return self.place_wide is not None and self.place_wide.retryable

    @property
    def _is_paused(self) -> bool:
        return "pause" in self._journal.wishes()

    async def _waited(self, seconds: float) -> bool:
        """Wait; return whether the operator hasn't paused the job meanwhile."""
        until = self._clock.monotonic() + seconds
        while not self._is_paused:
            left = until - self._clock.monotonic()
            if left <= 0:
                return True
            await self._clock.sleep(min(left, _LOOK_SECONDS))
        return False


def _key(target: Reference, digest: Digest | None) -> tuple[str, str, Digest]:
    return target.registry, target.repository, digest or Digest("")
