"""The watch of one plan: looks when the schedule says so, and at once at what was pushed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from transship.clock import Clock, SystemClock
from transship.concurrency import end
from transship.errors import JobNotFound, ManifestNotFound, TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Wanted
from transship.plans.schedule import LOCAL
from transship.text import counted
from transship.transfers.copies import Copy
from transship.transfers.jobs import Job, JobStore
from transship.transfers.scanner import Scanner, ScanProgress
from transship.watch.jobs import WatchAccess, WatchJobs
from transship.watch.offline import (
    OfflineRegistries,
    OfflineRegistry,
    WatchSides,
    Words,
    find_answering,
    mark_of,
    may_be_meant,
    only,
    rest,
    without,
    words_of,
)
from transship.watch.record import WatchFile, WatchRecord, WatchRound
from transship.watch.scan import Catalogues, WatchScan, copies_of, exact, scan_plan
from transship.watch.schedule import (
    due_after,
    first_due,
    schedule_of,
    schedule_text,
    short_pause_after,
)

_COALESCE_SECONDS = 1.0
"""How long to collect what is pushed before it is looked at."""

_AFTER_DELETION_SECONDS = 30.0
"""How soon all of the plan is looked at again because something was deleted at the source."""

_PROMPT_JOBS = 4
"""How many jobs for what was pushed run at once."""


@dataclass(frozen=True, slots=True)
class WatchSummary:
    """What a watch is about, and what it stands on.

    `read` gives the plan as its file says it now. `tell` takes a line for who looks on. What has
    vanished is deleted only with `delete`. `listening` is the address at which notifications are
    taken, and `came_in` how many of them were taken and refused.
    """

    path: Path
    read: Callable[[], Plan]
    reach: WatchAccess
    jobs: JobStore
    file: WatchFile
    tell: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)
    delete: bool = False
    listening: str = ""
    came_in: Callable[[], tuple[int, int]] = lambda: (0, 0)


class Watcher:
    """Watches a plan until it is cancelled. Its caller holds the watch's file.

    Making one raises what reading the plan raises, and BadRequest when nothing would ever make it
    look. After that nothing that goes wrong ends the watch: it is told, and tried again.
    """

    def __init__(self, watched: WatchSummary) -> None:
        self.plan = watched.read()
        """The plan as it could be read last."""
        self._on = watched
        self._clock = watched.clock
        self._telling = WatchMessages(watched.tell)
        self.schedule = schedule_of(self.plan, listening=bool(watched.listening))
        """When all of it is looked at; None: only at the beginning."""
        self._catalogues: Catalogues = {}
        self._soon = False
        self._stirred = asyncio.Event()
        self._pushes = PendingPushes()
        self._prompt_jobs = asyncio.Semaphore(_PROMPT_JOBS)
        self._ended_at = 0.0
        before = watched.file.read()
        self._promised = before.next if before else None
        self._left = before.jobs if before else ()
        self._mark = mark_of(self.plan)
        same = before is not None and before.mark == self._mark
        self._away = OfflineRegistries(before.away if before and same else ())
        self._record = WatchRecord(
            plan=str(watched.path),
            pid=os.getpid(),
            started=self._clock.now(),
            last=before.last if before else None,
            jobs=self._left,
            listening=watched.listening,
        )
        self._work = WatchJobs(
            watched.path.stem,
            watched.reach,
            watched.jobs,
            self._clock,
            watched.tell,
            self._note,
        )
        if before is not None and same:
            self._work.failing.trials.update(before.trials)

    @property
    def jobs_under_way(self) -> tuple[str, ...]:
        """The jobs that haven't ended."""
        return tuple(self._work.under_way)

    # What is told from outside

    def pushed(self, tags: Iterable[Reference]) -> None:
        """Look at tags at the sources, in a moment. Those that no rule takes are left alone."""
        self._pushes.add(tags)
        if self._pushes.overflowed:
            self._pushes.overflowed = False
            self.deleted()

    def deleted(self) -> None:
        """Look at all of the plan soon: something was deleted at a source."""
        self._soon = True
        self._stirred.set()

    # The watch

    async def run(self) -> None:
        """Watch. Ends only by being cancelled; jobs that run then go on by themselves."""
        try:
            async with asyncio.TaskGroup() as group:
                left = [group.create_task(self._work.take_up(job)) for job in self._jobs_left()]
                due = first_due(self.schedule, self._clock.now(), self._promised)
                group.create_task(self._by_schedule(due, left))
                group.create_task(self._by_push(group))
        except BaseExceptionGroup as defects:
            raise defects.exceptions[0] from None

    def _jobs_left(self) -> list[Job]:
        """Return the jobs that the watch before has left."""
        found: list[Job] = []
        for name in self._left:
            with suppress(JobNotFound):
                found.append(self._on.jobs.find(name))
        self._work.under_way.update({job.id: frozenset() for job in found})
        return found

    async def _by_schedule(self, due: float | None, left: Sequence[asyncio.Task[object]]) -> None:
        if left:
            await asyncio.wait(left)
        while True:
            self._note(next=due)
            times = [time for time in (due, self._away.next_at) if time is not None]
            await until(self._clock, min(times, default=None), self._stirred)
            self._stirred.clear()
            is_due = due is not None and self._clock.now() >= due
            if not (is_due or self._soon):
                await self._look_again()
                continue
            if not is_due:
                # Many deletions make one look.
                soon = self._ended_at + _AFTER_DELETION_SECONDS
                await until(self._clock, soon if due is None else min(soon, due))
            self._soon = False
            began = self._clock.now()
            last = await self._round(began)
            self._ended_at = self._clock.now()
            due = due_after(self.schedule, self._ended_at)
            self._note(last=msgspec.structs.replace(last, ended=self._ended_at), next=due)

    async def _round(self, began: float) -> WatchRound:
        """Look at all of the plan, and carry out what is to be done."""
        plan = self._read_again()
        self._work.lately.clear()
        try:
            async with self._sides(plan) as sides:
                found = await sides.ask(plan, lambda part: self._look(plan, part, sides))
            if found is None:
                return self._nothing_answers(began, sides.problems[0])
            self._catalogues = {**self._catalogues, **found.catalogues}
            if not sides.left_out:
                self._work.failing.keep_only({copy.target for copy in found.to_do})
            self._telling.not_done(found, sides.left_out if self._on.delete else ())
            copies = self._work.to_be_done(found, patient=True)
            job = self._work.begin(found, copies) if copies else None
        except TransshipError as error:
            self._telling.once("round", f"the round failed: {error}")
            return WatchRound(began, began, problem=words_of(error))
        self._telling.once("round", summary(found, copies, job))
        if job is not None:
            await self._carry_out(job, found, copies)
        problems = [*sides.problems, *([words_of(found.undone)] if found.undone else [])]
        return WatchRound(
            began,
            began,
            found.found,
            len(found.to_do),
            len(found.blocked),
            job.id if job else "",
            next(iter(problems), None),
        )

    async def _look(self, plan: Plan, part: Plan, sides: WatchSides) -> WatchScan:
        """Look at a part of a plan, and leave alone what the rest of it may be about.

        What a registry that is away has can't be known, so nothing is known to have vanished.
        """
        delete = self._on.delete and part == plan
        found = await scan_plan(part, sides.places, self._clock, delete=delete)
        if part == plan:
            return found
        other = may_be_meant(rest(plan, part), {**self._catalogues, **found.catalogues})
        return replace(found, to_do=tuple(copy for copy in found.to_do if not other(copy)))

    def _nothing_answers(self, began: float, problem: Words) -> WatchRound:
        title, detail, _ = problem
        self._telling.once("round", f"the round failed: {title}: {detail}", problem)
        return WatchRound(began, began, problem=problem)

    async def _look_again(self) -> None:
        """Look at what the plan has with the registries that were away and may be asked again."""
        due = self._away.due(self._clock.now())
        if not due:
            return
        plan = self._read_again()
        part = only(plan, due)
        self._work.lately.clear()
        try:
            async with self._sides(part) as sides:
                found = await sides.ask(part, lambda some: self._look(plan, some, sides))
            copies = self._work.to_be_done(found, patient=True) if found else ()
            job = self._work.begin(found, copies) if found and copies else None
        except TransshipError as error:
            self._telling.once("again", f"what was away can't be looked at: {error}")
            return
        finally:
            self._away.put_off(due, self._clock.now())
        if found is not None:
            self._catalogues = {**self._catalogues, **found.catalogues}
        if found is not None and job is not None:
            self._telling.tell(summary(found, copies, job))
            await self._carry_out(job, found, copies)

    async def _carry_out(self, job: Job, found: WatchScan, copies: tuple[Copy, ...]) -> None:
        await self._work.carry_out(job, found, copies)
        self._job_ended()

    @asynccontextmanager
    async def _sides(self, plan: Plan) -> AsyncIterator[WatchSides]:
        """Open what a plan names and isn't left alone, and take note of what is away then."""
        alone = self._away.left_alone(self._clock.now())
        async with find_answering(plan, self._on.reach, alone) as sides:
            try:
                yield sides
            finally:
                now = self._clock.now()
                self._telling.back(self._away.answered(sides.answered))
                for registry, error in sides.failed.items():
                    self._away.failed(registry, words_of(error), now)
                self._telling.away(self._away.known)
                if sides.failed:
                    self._stirred.set()
                self._note()

    async def _by_push(self, group: asyncio.TaskGroup) -> None:
        attempts = 0
        while True:
            await until(self._clock, self._work.failing.next_at, self._pushes.woken)
            await self._clock.sleep(_COALESCE_SECONDS)
            tags = self._pushes.take()
            again = self._work.failing.due(self._clock.now())
            if not tags and not again:
                continue
            try:
                async with self._prompt_jobs:
                    await self._look_at(tags, again, group)
                attempts = 0
            except TransshipError as error:
                attempts += 1
                self._telling.tell(f"what was pushed can't be looked at: {error}")
                await self._clock.sleep(short_pause_after(attempts))
                self._pushes.add(tags)

    async def _look_at(
        self, tags: list[Reference], again: list[Wanted], group: asyncio.TaskGroup
    ) -> None:
        """Look at some tags, and begin what is to be done for them."""
        plan = self._read_again()
        async with self._sides(plan) as sides:
            wanted = {each.target: each for each in again}
            wanted |= {each.target: each for each in await self._wanted(plan, tags, sides)}
            found = await sides.ask(
                exact(plan, wanted.values()),
                lambda part: scan_plan(part, sides.places, self._clock),
            )
            part = without(plan, sides.left_out)
        if found is None:
            return
        other = may_be_meant(rest(plan, part), self._catalogues)
        found = replace(found, to_do=tuple(copy for copy in found.to_do if not other(copy)))
        for copy in found.blocked:
            if is_gone(copy):
                self._telling.tell(f"{copy.source} was pushed, and is gone by now")
            else:
                self._telling.tell(f"{copy.source} can't be copied: {copy.reason}")
        waits = [copy.source for copy in found.to_do if self._work.is_under_way(copy)]
        self._pushes.add_later(tag for tag in waits if tag.tag and not tag.digest)
        looked_at = {each.target for each in found.plan.copies}
        self._work.lately.difference_update(looked_at)
        copies = self._work.to_be_done(found, patient=False)
        still = {copy.target for copy in found.to_do}
        self._work.failing.succeeded(looked_at - still)
        if copies:
            job = self._work.begin(found, copies)
            self._telling.tell(f"{names(copies)}: job {job.id} copies")
            group.create_task(self._carry_out_promptly(job, found, copies))

    async def _wanted(self, plan: Plan, tags: list[Reference], sides: WatchSides) -> list[Wanted]:
        """Return the copies that the plan asks for of tags that were pushed.

        Those that can't be seen now are looked at when their registry answers again.
        """
        looking = Scanner(sides.places, self._clock, ScanProgress())

        async def asked(part: Plan) -> list[Wanted]:
            reached = [tag for tag in tags if tag.registry not in sides.left_out]
            return await copies_of(reached, part, looking, self._catalogues)

        found = await sides.ask(plan, asked) or []
        taken = {wanted.source for wanted in found}
        for tag in tags:
            if tag.registry in sides.left_out:
                self._telling.tell(f"{tag} was pushed; {tag.registry} is left out for now")
            elif tag not in taken and not sides.left_out:
                self._telling.tell(f"{tag} was pushed; the rules leave it out")
        return found

    async def _carry_out_promptly(
        self, job: Job, found: WatchScan, copies: tuple[Copy, ...]
    ) -> None:
        async with self._prompt_jobs:
            await self._carry_out(job, found, copies)

    def _job_ended(self) -> None:
        """Let go on what has waited for a job, and what has failed in it."""
        self._pushes.job_ended()
        if self._work.failing.next_at is not None:
            self._pushes.woken.set()

    # The plan, the clock, and what is said

    def _read_again(self) -> Plan:
        """Return the plan as its file says it; the last good one while that can't be read."""
        try:
            plan = self._on.read()
            schedule = schedule_of(plan, listening=bool(self._on.listening))
        except TransshipError as error:
            self._telling.once("plan", f"the plan before goes on: {error}")
            return self.plan
        if plan != self.plan:
            self._telling.once("plan", "")
            self._telling.tell("the plan has changed")
            self.plan, self.schedule, self._mark = plan, schedule, mark_of(plan)
            self._catalogues = {}
            self._work.failing.trials.clear()
            self._away = OfflineRegistries()
        return plan

    def _note(self, **facts: object) -> None:
        """Keep what is known of the watch for who asks."""
        taken, refused = self._on.came_in()
        self._record = msgspec.structs.replace(
            self._record,
            schedule=schedule_text(self.schedule),
            jobs=tuple(self._work.under_way),
            waiting=len(self._work.failing.trials),
            away=self._away.known,
            trials=tuple(self._work.failing.trials.items()),
            mark=self._mark,
            taken=taken,
            refused=refused,
            **facts,
        )
        try:
            self._on.file.write(self._record)
        except TransshipError as error:
            self._telling.once("record", f"how the watch goes can't be kept: {error}")


_EXAMPLES = 3


class WatchMessages:
    """Tells lines with `tell`, and of each thing only what is news."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._said: dict[str, int] = {}

    def once(self, about: str, line: str, what: object = None) -> None:
        """Tell a line, unless `what` it says, or the line, was the last that was told of this."""
        key = hash(line if what is None else what)
        if self._said.get(about, hash("")) != key:
            self._said[about] = key
            if line:
                self.tell(line)

    def not_done(self, found: WatchScan, left_out: Iterable[str]) -> None:
        """Tell what a look has found that isn't done.

        Because of what is `left_out` nothing is deleted.
        """
        examples = "; ".join(copy.reason for copy in found.blocked[:_EXAMPLES])
        more = len(found.blocked) - _EXAMPLES
        more_words = f"; and {more:,} more" if more > 0 else ""
        count = counted(len(found.blocked), "image")
        self.once(
            "blocked",
            f"{count} can't be copied: {examples}{more_words}" if examples else "",
            frozenset((copy.source, copy.reason) for copy in found.blocked) if examples else None,
        )
        self._unknown(found)
        gone = frozenset(each.target for each in found.inventory.vanished.found)
        away = ", ".join(sorted(left_out))
        self.once("deletions away", f"nothing is deleted while {away} is left out" if away else "")
        self.once(
            "deletions",
            f"nothing is deleted: {found.undone}" if found.undone else "",
            gone if found.undone else None,
        )

    def _unknown(self, found: WatchScan) -> None:
        """Tell what the targets didn't say of themselves, so that it couldn't be foreseen."""
        unknown = found.foresight.unknown if found.foresight else ()
        self.once(
            "unknown",
            "; ".join(f"{each.target}: it isn't known {each}" for each in unknown),
            frozenset((u.target, u.what, frozenset(u.of), u.why.cause) for u in unknown)
            if unknown
            else None,
        )

    def away(self, absences: Iterable[OfflineRegistry]) -> None:
        """Tell which registries are left out, and why."""
        for absence in absences:
            title, detail, _ = absence.problem
            again = datetime.fromtimestamp(absence.again_at, UTC).astimezone(LOCAL)
            self.once(
                f"away {absence.registry}",
                f"{absence.registry} is left out, and asked again from {again:%H:%M:%S} on: "
                f"{title}{': ' if detail else ''}{detail}",
                absence.problem,
            )

    def back(self, registries: Iterable[str]) -> None:
        """Tell which registries answer again."""
        for registry in registries:
            self.once(f"away {registry}", "")
            self.tell(f"{registry} answers again")


def summary(found: WatchScan, copies: tuple[Copy, ...], job: Job | None) -> str:
    """Return in a line what a look has found, and what becomes of it."""
    count = f"{len(found.to_do):,} of {counted(found.found, 'image')} changed"
    if job is not None:
        return f"{count}; job {job.id} copies {len(copies):,}"
    return f"{count}; what failed before waits" if found.to_do else count


def is_gone(copy: Copy) -> bool:
    """Tell whether nothing can be copied since its source isn't there: not only a part of it."""
    problem = copy.problem
    return isinstance(problem, ManifestNotFound) and problem.detail == str(copy.source)


def names(copies: tuple[Copy, ...]) -> str:
    """Return what is copied, in a line that stays short."""
    more = f" and {len(copies) - _EXAMPLES:,} more" if len(copies) > _EXAMPLES else ""
    return ", ".join(str(copy.source) for copy in copies[:_EXAMPLES]) + more


_SLICE_SECONDS = 60.0
"""How long to sleep before the clock is read again: it may have been set, or the machine slept."""


async def until(clock: Clock, due: float | None, woken: asyncio.Event | None = None) -> None:
    """Wait for a time, in seconds since the epoch, or until somebody is `woken`.

    None is a time that never comes.
    """
    woken = woken or asyncio.Event()
    if due is None:
        await woken.wait()
        return
    while not woken.is_set() and (left := due - clock.now()) > 0:
        sleep = asyncio.ensure_future(clock.sleep(min(_SLICE_SECONDS, left)))
        waits = {sleep, asyncio.ensure_future(woken.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(*waits)


MOST = 10_000
"""How many tags wait at most; beyond that, all of the plan is looked at instead."""


class PendingPushes:
    """Collects tags, each once, and wakes who waits for them."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        """Set when there is something to look at."""
        self.overflowed = False
        """Whether more was pushed than is kept."""
        self._tags: dict[Reference, None] = {}
        self._later: dict[Reference, None] = {}

    def add(self, tags: Iterable[Reference]) -> None:
        """Let tags wait."""
        for tag in tags:
            if len(self._tags) >= MOST:
                self.overflowed = True
                break
            self._tags[tag] = None
            self.woken.set()

    def take(self) -> list[Reference]:
        """Return what waits, in the order in which it came."""
        self.woken.clear()
        tags, self._tags = list(self._tags), {}
        return tags

    def add_later(self, tags: Iterable[Reference]) -> None:
        """Let tags wait until a job has ended."""
        self._later.update(dict.fromkeys(tags))

    def job_ended(self) -> None:
        """Let what waited for a job wait to be looked at."""
        tags, self._later = self._later, {}
        self.add(tags)
