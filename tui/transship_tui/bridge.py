"""Where engine and screens meet: looks at the jobs, tells who shows them, minds the signals."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.message import Message

from transship.errors import BadFile, TransshipError
from transship.text import counted, duration_text
from transship.transfers.view import JobView
from transship.transfers.work import JobState
from transship_tui.marks import mark
from transship_tui.widgets.bars import StatusBar

if TYPE_CHECKING:
    from textual.screen import Screen

    from transship_tui.app import TransshipApp
    from transship_tui.engine import Engine


@dataclass
class JobsChanged(Message):
    """Something about the jobs is different from what was shown last."""

    jobs: Sequence[JobView]


@dataclass
class JobsUnreadable(Message):
    """The jobs can't be looked at any more."""

    error: TransshipError


class Bridge:
    """Holds the engine for the app, and its last look at the jobs."""

    def __init__(self, app: TransshipApp, engine: Engine, looks_per_second: float) -> None:
        self._app = app
        self.engine = engine
        self._every = 1 / looks_per_second
        self._keyring = "checking"
        self._looked = False
        self.jobs: list[JobView] = []
        self.problem: TransshipError | None = None
        """Why the jobs can't be looked at now."""

    def start(self) -> None:
        """Begin to look at the jobs, and to mind the signals that end a session."""
        self._app.set_interval(self._every, self.look)
        self._app.run_worker(self._probe_keyring(), group="keyring", exit_on_error=False)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            # Only the main thread may; tests and demos run elsewhere.
            with suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._app.exit)
        self.look()

    def look(self) -> None:
        """Look at the jobs, and tell the screen in front when they have changed."""
        try:
            jobs = self.engine.jobs()
        except TransshipError as error:
            self._lose_sight(error)
            return
        except OSError as error:
            self._lose_sight(BadFile(f"{error.filename or 'the jobs'}: {error.strerror}"))
            return
        if jobs == self.jobs and self.problem is None:
            return
        self._tell_states(jobs)
        self.jobs, self.problem = jobs, None
        self._app.screen.post_message(JobsChanged(jobs))
        self.show_status(self._app.screen)
        self._app.show_guide()

    @property
    def running(self) -> list[JobView]:
        """The jobs that move something now."""
        return [job for job in self.jobs if job.state is JobState.RUNNING]

    def show_status(self, screen: Screen[Any]) -> None:
        """Write the status line of a screen."""
        status = Content.assemble(self._jobs_words(), "  ·  keyring ", mark(self._keyring))
        for bar in screen.query(StatusBar):
            bar.show([status])

    def _lose_sight(self, error: TransshipError) -> None:
        """Say once that the jobs can't be looked at, and keep what was seen last."""
        if self.problem is not None and str(self.problem) == str(error):
            return
        self.problem = error
        self._app.remember(error)
        self._app.screen.post_message(JobsUnreadable(error))
        self.show_status(self._app.screen)

    def _tell_states(self, jobs: Sequence[JobView]) -> None:
        """Keep for the log which jobs have come to another state, or are new."""
        if self._looked:
            before = {job.id: job.state for job in self.jobs}
            for job in reversed(jobs):
                if before.get(job.id) is not job.state:
                    self._app.record.job(job)
        self._looked = True

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
        self._keyring = (await self.engine.keyring()).state
        self.show_status(self._app.screen)
