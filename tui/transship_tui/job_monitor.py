"""Where engine and screens meet: looks at the jobs, tells who shows them, minds the signals."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.message import Message

from transship.accounts.secrets import status_of
from transship.errors import TransshipError
from transship.text import counted, duration_text
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobView
from transship_tui.marks import mark
from transship_tui.widgets.bars import StatusBar

if TYPE_CHECKING:
    from types import FrameType

    from textual.screen import Screen

    from transship.app.application import Application
    from transship_tui.app import TransshipApp


@dataclass
class JobsChanged(Message):
    """Something about the jobs is different from what was shown last."""

    jobs: Sequence[JobView]


@dataclass
class JobsUnreadable(Message):
    """The jobs can't be looked at any more."""

    error: TransshipError


class JobMonitor:
    """Holds the engine for the app, and its last look at the jobs."""

    def __init__(self, app: TransshipApp, engine: Application, looks_per_second: float) -> None:
        self._app = app
        self.engine = engine
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
            jobs = self.engine.jobs.all()
        except TransshipError as error:
            self._lose_sight(error)
            return
        if jobs == self.jobs and self.problem is None:
            return
        turned = [job for job in reversed(jobs) if self._states.get(job.id) is not job.state]
        self._states = {job.id: job.state for job in jobs}
        self.jobs, self.problem = jobs, None
        self._app.screen.post_message(JobsChanged(jobs))
        self.show_status(self._app.screen)
        if turned and self._started:
            self._tell(turned)

    @property
    def running(self) -> list[JobView]:
        """The jobs that move something now."""
        return [job for job in self.jobs if job.state is JobState.RUNNING]

    def show_status(self, screen: Screen[Any]) -> None:
        """Write the status line of a screen."""
        status = Content.assemble(self._jobs_words(), "  ·  keyring ", mark(self._keyring))
        for bar in screen.query(StatusBar):
            bar.show([status])

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
        self._app.remember(error)
        self._app.screen.post_message(JobsUnreadable(error))
        self.show_status(self._app.screen)

    def _tell(self, turned: Sequence[JobView]) -> None:
        """Keep for the log which jobs have come to another state, and let the guide see it."""
        for job in turned:
            self._app.record.job(job)
        self._app.show_guide()

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
            self._keyring = (await self.engine.registries.keyring()).state
        except TransshipError as error:
            self._keyring = status_of(error).state
            self._app.tell_unforeseen(error, "the keyring")
        self.show_status(self._app.screen)


def _in_terminal() -> bool:
    """Tell whether there is a terminal to write to. One that was hung up on is none any more."""
    return sys.__stderr__ is not None and sys.__stderr__.isatty()
