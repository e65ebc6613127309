"""What the screens of one app share.

Beside the core these are the jobs as they were seen last, what was told so far, what would be lost,
and the app itself as far as screens may ask it for something.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.content import Content
from textual.message import Message

from transship.accounts.secrets import status_of
from transship.errors import TransshipError
from transship.text import counted, duration_text, safe
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobView
from transship_tui.marks import mark
from transship_tui.naming import Naming

if TYPE_CHECKING:
    from types import FrameType

    from textual.app import App
    from textual.dom import DOMNode
    from textual.screen import Screen

    from transship.app.application import Application
    from transship.clock import Clock
    from transship.settings import Settings
    from transship_tui.clipboard import Clipboard
    from transship_tui.faults import Faults
    from transship_tui.guide import GuideProgress


@dataclass(frozen=True, slots=True)
class QuitWarning:
    """One thing that is at stake: the question before the app ends, and what to say to it."""

    question: str
    words: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Something that was told. `at` is in seconds since the epoch.

    `kind` is `error`, `ok` for what went well, or the state that a job has come to.
    """

    number: int
    at: float
    kind: str
    title: str
    detail: str = ""
    remedy: str = ""


class SessionLog:
    """Keeps what was told last. `revision` is another one whenever something was added."""

    def __init__(self, clock: Clock, limit: int = 1000) -> None:
        self._clock = clock
        self._told: deque[LogEntry] = deque(maxlen=limit)
        self.revision = 0

    def told(self) -> tuple[LogEntry, ...]:
        """Return what was told, the oldest first."""
        return tuple(self._told)

    def add_error(self, error: TransshipError) -> None:
        """Keep an error."""
        self._add("error", error.title, error.detail, error.remedy)

    def add_words(self, text: str) -> None:
        """Keep what went well."""
        self._add("ok", safe(text))

    def add_job(self, job: JobView) -> None:
        """Keep that a job has come to another state."""
        title, detail, remedy = job.problem or ("", "", "")
        words = safe(f"{job.id}  {job.source} → {job.target}")
        detail = f"{title}: {detail}" if title and detail else title
        self._add(str(job.state), words, safe(detail), safe(remedy))

    def _add(self, kind: str, title: str, detail: str = "", remedy: str = "") -> None:
        self.revision += 1
        self._told.append(LogEntry(self.revision, self._clock.now(), kind, title, detail, remedy))


@dataclass
class JobsChanged(Message):
    """Something about the jobs is different from what was shown last."""

    jobs: Sequence[JobView]


@dataclass
class JobsUnreadable(Message):
    """The jobs can't be looked at any more."""

    error: TransshipError


class Shell(Protocol):
    """The app, as far as its screens may ask it for something."""

    def show_job(self, job: str) -> None:
        """Go to Jobs, and show a job there."""

    def show_wanted_job(self, screen: Screen[Any]) -> None:
        """Show the job that `show_job` asked for over `screen`, which is in front in Jobs."""

    async def show_above(self, mode: str, screen: Screen[Any]) -> None:
        """Go to another area, and show a screen there."""

    async def show_delegation(self, delegation: str) -> None:
        """Go to Jobs, and show there what was delegated to an engine elsewhere."""

    def browse(self, host: str) -> None:
        """Go to Browse, and look at the registry `host` there."""

    def show_guide(self) -> None:
        """Show on the screen in front how far the guided way is, if the guide is on."""

    def show_status(self) -> None:
        """Write the status line of the screen in front."""

    def settle_memory(self) -> None:
        """Take what was loaded for good: it stays as long as the app does."""

    def tell_unforeseen(self, error: BaseException, where: str) -> None:
        """Say what ended some work that no screen was ready for, and keep it for the log."""


class JobMonitor:
    """Looks at the jobs for the app, tells who shows them, and minds the signals."""

    def __init__(
        self,
        app: App[None],
        shell: Shell,
        core: Application,
        log: SessionLog,
        looks_per_second: float,
    ) -> None:
        self._app = app
        self._shell = shell
        self._core = core
        self._log = log
        self._every = 1 / looks_per_second
        self._keyring = "checking"
        self._started = False
        self._states: dict[str, JobState] = {}
        self._in_terminal = _in_terminal()
        self._handlers: dict[int, Any] = {}
        self.jobs: list[JobView] = []
        self.problem: TransshipError | None = None
        """Why the jobs can't be looked at now."""

    def start(self) -> None:
        """Begin to look at the jobs, and to mind the signals that end a session."""
        self._app.set_interval(self._every, self.look)
        self._app.run_worker(self._probe_keyring(), group="keyring", exit_on_error=False)
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            # Only the main thread may; tests and demos may run elsewhere.
            with suppress(ValueError):
                self._handlers[number] = signal.signal(number, self._end)
        self.look()
        self._started = True

    def stop(self) -> None:
        """Leave the signals to whoever minded them before."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    def look(self) -> None:
        """Look at the jobs, and tell the screen in front when they have changed."""
        try:
            jobs = self._core.jobs.all()
        except TransshipError as error:
            self._lose_sight(error)
            return
        if jobs == self.jobs and self.problem is None:
            return
        turned = [job for job in reversed(jobs) if self._states.get(job.id) is not job.state]
        self._states = {job.id: job.state for job in jobs}
        self.jobs, self.problem = jobs, None
        self._app.screen.post_message(JobsChanged(jobs))
        self._shell.show_status()
        if turned and self._started:
            self._tell(turned)

    @property
    def running(self) -> list[JobView]:
        """The jobs that move something now."""
        return [job for job in self.jobs if job.state is JobState.RUNNING]

    @property
    def status(self) -> Content:
        """What the status line says."""
        return Content.assemble(self._jobs_words(), "  ·  keyring ", mark(self._keyring))

    def _end(self, number: int, _frame: FrameType | None) -> None:
        """End the app; jobs go on. Of a terminal that is gone there is nothing to restore.

        Writing to it would hold the app up for ever, so then it ends on the spot.
        """
        if self._in_terminal and not _in_terminal():
            os._exit(128 + number)
        self._loop.call_soon_threadsafe(self._app.exit)

    def _lose_sight(self, error: TransshipError) -> None:
        """Say once that the jobs can't be looked at, and keep what was seen last."""
        if self.problem is not None and str(self.problem) == str(error):
            return
        self.problem = error
        self._log.add_error(error)
        self._app.screen.post_message(JobsUnreadable(error))
        self._shell.show_status()

    def _tell(self, turned: Sequence[JobView]) -> None:
        """Keep for the log which jobs have come to another state, and let the guide see it."""
        for job in turned:
            self._log.add_job(job)
        self._shell.show_guide()

    def _jobs_words(self) -> str:
        if self.problem is not None:
            return "the jobs can't be read"
        running = self.running
        if not running:
            return counted(len(self.jobs), "job") + ", none running" if self.jobs else "no jobs yet"
        total = sum(job.bytes.total for job in running)
        done = sum(job.bytes.done for job in running)
        share = f" {done * 100 // total} %" if total else ""
        longest = max((job.eta or 0 for job in running), default=0)
        eta = f", {duration_text(longest)} left" if longest else ""
        return f"{counted(len(running), 'job')} running{share}{eta}"

    async def _probe_keyring(self) -> None:
        try:
            self._keyring = (await self._core.registries.keyring()).state
        except TransshipError as error:
            self._keyring = status_of(error).state
            self._shell.tell_unforeseen(error, "the keyring")
        self._shell.show_status()


def _in_terminal() -> bool:
    """Tell whether there is a terminal to write to. One that was hung up on is none any more."""
    return sys.__stderr__ is not None and sys.__stderr__.isatty()


@dataclass
class Context:
    """What every screen of one app shares."""

    shell: Shell
    core: Application
    settings: Settings
    faults: Faults
    clipboard: Clipboard
    log: SessionLog
    monitor: JobMonitor
    guide: GuideProgress
    quit_warnings: list[Callable[[], QuitWarning | None]] = field(default_factory=list)
    """Each tells what would be lost or broken off if the app ended now, if anything."""
    wanted_host: str = ""
    """The registry that Browse is to show when it comes to the front."""
    wanted_job: str = ""
    """The job that Jobs is to show when it comes to the front."""

    @property
    def naming(self) -> Naming:
        """What the operator calls places."""
        try:
            return Naming(self.core.registries.all())
        except TransshipError:
            return Naming()  # What is wrong with the file is said where accounts are shown.


class HasContext(Protocol):
    """An app with what its screens share."""

    context: Context


def context_of(node: DOMNode) -> Context:
    """Return what is shared in the app around a widget or screen."""
    return cast("HasContext", node.app).context
