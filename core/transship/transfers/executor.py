"""Carries out what a job's journal says is to be done: all that may go on at once, then the rest.

The inventory and the worklist come first, into the journal; then the workers take copies from the
queue. Accounts that their registries don't take any more are said once, and only what needs them
waits.
"""

from __future__ import annotations

import asyncio
import heapq
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from transship.clock import Clock
from transship.concurrency import all_settled
from transship.errors import TransshipError, WrongCredential
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Terms, Wanted
from transship.registry.registry import MEBIBYTE, Registry
from transship.text import bytes_text, counted, duration_text
from transship.transfers.blobs import BlobPlacer
from transship.transfers.copies import (
    MAY_PASS,
    PLACE_WIDE,
    BlobWork,
    Copy,
    CopyState,
    Found,
    JobState,
    Verdict,
    Worklist,
)
from transship.transfers.images import ImageCopier, TagDeleter, TargetCreator
from transship.transfers.inventory import look_at_all
from transship.transfers.jobs import Job, JobStore
from transship.transfers.journal import JobLog, Journal
from transship.transfers.lanes import Deferred, Gate, Paused
from transship.transfers.preflight import Preflight
from transship.transfers.scanner import ScanProgress
from transship.transfers.trust import TrustCache, store_trust
from transship.transfers.verify import stored_proof
from transship.transfers.worklist import WorklistDraft


class Queue:
    """Gives out copies in the order of the worklist; those that must wait let others go first."""

    def __init__(self, copies: Iterable[Copy], gate: Gate) -> None:
        self._gate = gate
        self._waiting: dict[tuple[str, str], list[tuple[int, Copy]]] = {}
        for copy in copies:
            self.put(copy)

    def put(self, copy: Copy) -> None:
        """Let a copy wait, at its place in the worklist."""
        pair = copy.source.registry, copy.target.registry
        heapq.heappush(self._waiting.setdefault(pair, []), (copy.id, copy))

    def take(self) -> Copy | None:
        """Return the next copy that may go now, or None."""
        ready = [
            waiting
            for registries, waiting in self._waiting.items()
            if waiting and self._gate.is_open(*registries)
        ]
        return heapq.heappop(min(ready, key=lambda waiting: waiting[0][0]))[1] if ready else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits that may ever go."""
        return not any(
            waiting and not self._gate.is_shut(*registries)
            for registries, waiting in self._waiting.items()
        )


class SignedOutAccounts:
    """The accounts of one job that are no longer taken, by registry, each with its first error.

    All that reads from such a registry or writes to it waits for a new login; the rest goes on.
    """

    def __init__(self, journal: Journal, gate: Gate, log: JobLog) -> None:
        self._journal = journal
        self._gate = gate
        self._log = log
        self._errors: dict[str, WrongCredential] = {}

    @property
    def registries(self) -> tuple[str, ...]:
        """The registries that don't take their account."""
        return tuple(self._errors)

    def takes_in(self, error: TransshipError, copy: Copy) -> bool:
        """Take in what a copy came to, if that is about the account at one of its registries.

        The first of each is told and kept as the job's problem; the others say nothing new.
        """
        registry = error.met_at
        if not isinstance(error, WrongCredential) or registry is None:
            return False
        if registry not in (copy.source.registry, copy.target.registry):
            return False
        if registry not in self._errors:
            self._errors[registry] = error
            self._gate.shut(registry)
            self._log.problem(error.title, self._words([registry]))
            self.note()
        return True

    def ends_look(self, error: TransshipError) -> bool:
        """Take in what looking at both sides came to, if that is about the account at a registry.

        Without it nobody knows what there is to be copied, so the whole job waits.
        """
        wrong = _wrong_credential(error)
        if wrong is None or wrong.met_at is None:
            return False
        self._errors[wrong.met_at] = wrong
        self._log.problem(wrong.title, self._words([wrong.met_at]))
        self.note()
        return True

    def note(self) -> None:
        """Keep as the job's problem what waits for a new login, as many as they are by now."""
        names = self.registries
        if not names:
            return
        hosts = tuple(dict.fromkeys(self._errors[name].sign_in_at or name for name in names))
        self._journal.note(
            problem=next(iter(self._errors.values())).title,
            problem_detail=self._words(names),
            problem_remedy=f"{self._sign_in_again} `transship resume {self._journal.job}` goes on "
            "with them.",
            signed_out=" ".join(hosts),
        )

    @property
    def _sign_in_again(self) -> str:
        """How to sign in again, where a login or keys come from somewhere else as well as here."""
        elsewhere, here = [], []
        for name, error in self._errors.items():
            if type(error) is WrongCredential:
                here.append(f"`transship login {error.sign_in_at or name}`")
            else:
                elsewhere.append(error.remedy)
        logins = " and ".join(dict.fromkeys(here))
        said = [*dict.fromkeys(elsewhere), f"Sign in again: {logins}, then" if here else "Then"]
        return " ".join(said)

    def _words(self, names: Iterable[str]) -> str:
        is_known = self._journal.fact("phase") == "planned"
        return "; ".join(
            f"{self._waiting(name) if is_known else 'Looking at both sides waits'} for the account "
            f"at {name}: {self._errors[name].detail}"
            for name in names
        )

    def _waiting(self, registry: str) -> str:
        return counted(self._journal.left_at(registry), "image waits", "images wait")


def _wrong_credential(error: BaseException | None) -> WrongCredential | None:
    """Return what is said of an account in an error, or in what it comes from."""
    while error is not None and not isinstance(error, WrongCredential):
        error = error.__cause__  # A list that is closed may be so for want of the API's keys.
    return error


_TICK = 0.25
"""How often it is shown how much was found, in seconds."""


class JobScan:
    """Takes stock for one job. Outside a registry's window too: nothing moves by that."""

    def __init__(
        self,
        plan: Plan,
        places: Mapping[str, Registry],
        journal: Journal,
        log: JobLog,
        clock: Clock,
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
        failed = [copy for copy in self._journal.copies(CopyState.FAILED) if copy.id not in staying]
        what = f"for {counted(len(failed), 'image')} that failed" if failed else "for all images"
        self._log.info("Looking at both sides", what)
        with self._trusted(first=not failed and not beside) as trusted:
            worklist = await self._worklist(failed, beside, trusted)
        for _ in self._journal.keeping(worklist, beside=sorted(staying)):
            await asyncio.sleep(0)
        self._log.info("Both sides are known", _found_words(worklist))

    @contextmanager
    def _trusted(self, *, first: bool) -> Iterator[TrustCache]:
        """Give what is believed of the targets: what failed is looked at, whatever was asked."""
        if not first or not self._journal.fact("trusts"):
            yield TrustCache()
            return
        with last_of(Job(self._journal.folder)) as trusted:
            self._log.info("Trust", trusted.doubt or f"the targets are as {trusted.job} left them")
            yield trusted
            store_trust(self._journal, trusted, self._believed)

    async def _worklist(
        self, failed: Sequence[Copy], beside: Sequence[Copy], trusted: TrustCache
    ) -> Worklist:
        """Return what there is to be done; what the targets would refuse isn't tried."""
        foresight = Preflight(
            self._places,
            self._plan.create_missing,
            self._plan.create,
            try_refused=self._plan.try_refused,
        )
        deletes = bool(self._journal.fact("deletes"))
        draft = WorklistDraft(
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

        progress = ScanProgress()
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

    async def _show(self, progress: ScanProgress) -> None:
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
class Workers:
    """Those who do one thing each."""

    stock: JobScan
    placer: BlobPlacer
    copier: ImageCopier
    deleter: TagDeleter
    maker: TargetCreator


class Executor:
    """Carries out one job's worklist. `at_once` copies are worked on at the same time."""

    def __init__(
        self,
        crew: Workers,
        journal: Journal,
        gate: Gate,
        log: JobLog,
        clock: Clock,
        signed_out: SignedOutAccounts,
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
        return any(state is CopyState.FAILED for state, _ in self._journal.counts())

    async def _copy_all(self) -> None:
        waiting = [c for c in self._journal.copies(CopyState.WAITING) if c.verdict.moves]
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
        waiting = self._journal.copies(CopyState.WAITING)
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


@contextmanager
def last_of(job: Job) -> Iterator[TrustCache]:
    """Give what is believed for a job: what the last one before it with the same plan has left."""
    with ExitStack() as stack:
        yield _believed(job, stack)


def _believed(job: Job, stack: ExitStack) -> TrustCache:
    others = [each for each in JobStore(job.folder.parent).all() if each.id != job.id]
    plan = _plan_of(job)
    last = next((each for each in others if plan and _plan_of(each) == plan), None)
    if last is None:
        return TrustCache(doubt="no earlier job of this same plan is kept")
    try:
        journal = stack.enter_context(last.journal())
        began = float(journal.fact("started") or 0)
        if doubt := _doubt_about(last, journal):
            return TrustCache(doubt=doubt)
        for other in others:
            if other.id != last.id and (tag := _touched(other, journal, began)):
                return TrustCache(doubt=f"the job {other.id} has written to {tag} since")
    except (sqlite3.Error, OSError, TransshipError, ValueError):
        return TrustCache(doubt="a job's journal can't be read")
    return TrustCache(last.id, "", journal)


def _doubt_about(job: Job, journal: Journal) -> str:
    """Return in words why a job isn't believed, or an empty string."""
    state = journal.state
    if job.is_held:
        state = JobState.RUNNING
    elif state is JobState.RUNNING:
        state = JobState.INTERRUPTED
    if state is not JobState.DONE:
        return f"the job {job.id}, the last one of this plan, is {state}"
    if journal.undo() is not None:
        return f"the job {job.id}, the last one of this plan, was undone"
    proof = stored_proof(journal)
    if proof is not None and not proof.proof.holds:
        return f"a verification of the job {job.id} has found differences"
    return ""


def _touched(job: Job, believed: Journal, since: float) -> str:
    """Return a tag that is believed to stand, and that another job may have written since."""
    if not any(changed >= int(since) * 1_000_000_000 for changed, _ in job.stamp()):
        return ""
    with job.journal() as journal:
        touched = journal.touched(since)
        return next((tag for tag in touched if believed.left(tag) is not None), "")


def _plan_of(job: Job) -> bytes:
    """Return a plan as its job keeps it: the same plan is always written the same."""
    try:
        return (job.folder / "plan.toml").read_bytes()
    except OSError:
        return b""
