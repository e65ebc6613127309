"""The watch of one plan: looks when the schedule says so, and at once at what was pushed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from transship.clock import Clock, SystemClock
from transship.errors import JobNotFound, TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Wanted
from transship.text import counted
from transship.transfers.jobs import Job, Jobs
from transship.transfers.looking import Looking, Progress
from transship.transfers.watch.looks import Look, look
from transship.transfers.watch.narrow import Catalogues, copies_of, exact
from transship.transfers.watch.pushes import Pushes
from transship.transfers.watch.record import Record, Round, WatchFile
from transship.transfers.watch.timing import (
    due_after,
    first_due,
    schedule_of,
    schedule_text,
    short_pause_after,
)
from transship.transfers.watch.work import Reach, Work
from transship.transfers.work import Copy

_SLICE_SECONDS = 60.0
"""How long to sleep before the clock is read again: it may have been set, or the machine slept."""

_COALESCE_SECONDS = 1.0
"""How long to collect what is pushed before it is looked at."""

_AFTER_DELETION_SECONDS = 30.0
"""How soon all of the plan is looked at again because something was deleted at the source."""

_PROMPT_JOBS = 4
"""How many jobs for what was pushed run at once."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch is about, and what it stands on.

    `read` gives the plan as its file says it now. `tell` takes a line for who looks on. What has
    vanished is deleted only with `delete`. `listening` is the address at which notifications are
    taken, and `came_in` how many of them were taken and refused.
    """

    path: Path
    read: Callable[[], Plan]
    reach: Reach
    jobs: Jobs
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

    def __init__(self, watched: Watched) -> None:
        self.plan = watched.read()
        """The plan as it could be read last."""
        self._on = watched
        self._clock = watched.clock
        self._tell = watched.tell
        self.schedule = schedule_of(self.plan, listening=bool(watched.listening))
        """When all of it is looked at; None: only at the beginning."""
        self._catalogues: Catalogues = {}
        self._soon = asyncio.Event()
        self._pushes = Pushes()
        self._prompt_jobs = asyncio.Semaphore(_PROMPT_JOBS)
        self._said: dict[str, int] = {}
        self._ended_at = 0.0
        before = watched.file.read()
        self._promised = before.next if before else None
        self._left = before.jobs if before else ()
        self._record = Record(
            plan=str(watched.path),
            pid=os.getpid(),
            started=self._clock.now(),
            last=before.last if before else None,
            jobs=self._left,
            listening=watched.listening,
        )
        self._work = Work(
            watched.path.stem,
            watched.reach,
            watched.jobs,
            self._clock,
            self._tell,
            self._note,
        )

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
            self._soon.set()

    def deleted(self) -> None:
        """Look at all of the plan soon: something was deleted at a source."""
        self._soon.set()

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
            await self._until(due, self._soon)
            if self._soon.is_set() and (due is None or self._clock.now() < due):
                # Many deletions make one look.
                soon = self._ended_at + _AFTER_DELETION_SECONDS
                await self._until(soon if due is None else min(soon, due))
            self._soon.clear()
            began = self._clock.now()
            last = await self._round(began)
            self._ended_at = self._clock.now()
            due = due_after(self.schedule, self._ended_at)
            self._note(last=msgspec.structs.replace(last, ended=self._ended_at), next=due)

    async def _round(self, began: float) -> Round:
        """Look at all of the plan, and carry out what is to be done."""
        plan = self._read_again()
        self._work.lately.clear()
        try:
            async with self._on.reach.places(plan, create=True) as places:
                found = await look(plan, places, self._clock, delete=self._on.delete)
            self._catalogues = found.catalogues
            self._work.failing.keep_only({copy.target for copy in found.to_do})
            self._say_what_is_not_done(found)
            copies = self._work.to_be_done(found, patient=True)
            job = self._work.begin(found, copies) if copies else None
        except TransshipError as error:
            self._say("round", f"the round failed: {error}")
            return Round(began, began, problem=_words(error))
        self._say("round", _summary(found, copies, job))
        if job is not None:
            await self._work.carry_out(job, found, copies)
            self._job_ended()
        return Round(
            began,
            began,
            found.found,
            len(found.to_do),
            len(found.blocked),
            job.id if job else "",
            _words(found.undone) if found.undone else None,
        )

    async def _by_push(self, group: asyncio.TaskGroup) -> None:
        attempts = 0
        while True:
            await self._until(self._work.failing.next_at, self._pushes.woken)
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
                self._tell(f"what was pushed can't be looked at: {error}")
                await self._clock.sleep(short_pause_after(attempts))
                self._pushes.add(tags)

    async def _look_at(
        self, tags: list[Reference], again: list[Wanted], group: asyncio.TaskGroup
    ) -> None:
        """Look at some tags, and begin what is to be done for them."""
        plan = self._read_again()
        async with self._on.reach.places(plan, create=True) as places:
            looking = Looking(places, self._clock, Progress())
            asked = await copies_of(tags, plan, looking, self._catalogues)
            taken = {wanted.source for wanted in asked}
            for tag in tags:
                if tag not in taken:
                    self._tell(f"{tag} was pushed; the rules leave it out")
            wanted = {each.target: each for each in (*again, *asked)}
            if not wanted:
                return
            found = await look(exact(plan, wanted.values()), places, self._clock)
        for copy in found.blocked:
            self._tell(f"{copy.source} can't be copied: {copy.reason}")
        waits = [copy.source for copy in found.to_do if self._work.is_under_way(copy)]
        self._pushes.add_later(tag for tag in waits if tag.tag and not tag.digest)
        self._work.lately.difference_update(wanted)
        copies = self._work.to_be_done(found, patient=False)
        still = {copy.target for copy in found.to_do}
        self._work.failing.succeeded(target for target in wanted if target not in still)
        if copies:
            job = self._work.begin(found, copies)
            self._tell(f"{_names(copies)}: job {job.id} copies")
            group.create_task(self._carry_out_promptly(job, found, copies))

    async def _carry_out_promptly(self, job: Job, found: Look, copies: tuple[Copy, ...]) -> None:
        async with self._prompt_jobs:
            await self._work.carry_out(job, found, copies)
        self._job_ended()

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
            self._say("plan", f"the plan before goes on: {error}")
            return self.plan
        if plan != self.plan:
            self._say("plan", "")
            self._tell("the plan has changed")
            self.plan, self.schedule = plan, schedule
            self._catalogues = {}
            self._work.failing.trials.clear()
        return plan

    async def _until(self, due: float | None, woken: asyncio.Event | None = None) -> None:
        """Wait for a time, in seconds since the epoch, or until somebody is `woken`."""
        if due is None:
            if woken is not None:
                await woken.wait()
            return
        while not (woken and woken.is_set()) and (left := due - self._clock.now()) > 0:
            sleep = asyncio.ensure_future(self._clock.sleep(min(_SLICE_SECONDS, left)))
            waits = {sleep} | ({asyncio.ensure_future(woken.wait())} if woken else set())
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)

    def _note(self, **facts: object) -> None:
        """Keep what is known of the watch for who asks."""
        taken, refused = self._on.came_in()
        self._record = msgspec.structs.replace(
            self._record,
            schedule=schedule_text(self.schedule),
            jobs=tuple(self._work.under_way),
            waiting=len(self._work.failing.trials),
            taken=taken,
            refused=refused,
            **facts,
        )
        try:
            self._on.file.write(self._record)
        except TransshipError as error:
            self._say("record", f"how the watch goes can't be kept: {error}")

    def _say(self, about: str, line: str, what: object = None) -> None:
        """Tell a line, unless `what` it says, or the line, was the last that was told of this."""
        key = hash(line if what is None else what)
        if self._said.get(about, hash("")) != key:
            self._said[about] = key
            if line:
                self._tell(line)

    def _say_what_is_not_done(self, found: Look) -> None:
        examples = "; ".join(copy.reason for copy in found.blocked[:_EXAMPLES])
        more = len(found.blocked) - _EXAMPLES
        more_words = f"; and {more:,} more" if more > 0 else ""
        count = counted(len(found.blocked), "image")
        self._say(
            "blocked",
            f"{count} can't be copied: {examples}{more_words}" if examples else "",
            frozenset((copy.source, copy.reason) for copy in found.blocked) if examples else None,
        )
        gone = frozenset(each.target for each in found.inventory.vanished.found)
        self._say(
            "deletions",
            f"nothing is deleted: {found.undone}" if found.undone else "",
            gone if found.undone else None,
        )


def _summary(found: Look, copies: tuple[Copy, ...], job: Job | None) -> str:
    count = f"{len(found.to_do):,} of {counted(found.found, 'image')} changed"
    if job is not None:
        return f"{count}; job {job.id} copies {len(copies):,}"
    return f"{count}; what failed before waits" if found.to_do else count


def _names(copies: tuple[Copy, ...]) -> str:
    more = f" and {len(copies) - _EXAMPLES:,} more" if len(copies) > _EXAMPLES else ""
    return ", ".join(str(copy.source) for copy in copies[:_EXAMPLES]) + more


def _words(error: TransshipError) -> tuple[str, str, str]:
    return error.title, error.detail, error.remedy
