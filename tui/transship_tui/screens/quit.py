"""Leaving while jobs run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from transship.text import counted, duration_text, safe
from transship.transfers.job_view import JobView
from transship_tui.naming import Naming

Leaving = Literal["leave", "pause"]

_SHOWN = 5


class QuitDialog(ModalScreen[Leaving | None]):
    """Asks what becomes of the jobs that run; returns None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stay", "Stay"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    DEFAULT_CSS = """
    QuitDialog #jobs { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, running: Sequence[JobView], naming: Naming) -> None:
        super().__init__()
        self._jobs = running
        self._naming = naming

    def compose(self) -> ComposeResult:
        """Give the jobs and the three ways."""
        count = len(self._jobs)
        with Vertical(classes="dialog"):
            yield Static(f"{counted(count, 'job')} still running", classes="title")
            yield Static(_list(self._jobs, self._naming), id="jobs")
            yield Static(
                "\nJobs don't need the app. Left running, they end by themselves; "
                "`transship` shows them again."
            )
            with Horizontal(classes="buttons"):
                yield Button("Stay", id="stay", compact=True)
                yield Button("Pause and quit", id="pause", compact=True)
                yield Button("Leave running", id="leave", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Losing nothing is what comes first."""
        self.query_one("#leave").focus()

    @on(Button.Pressed, "#leave")
    def _leave(self) -> None:
        self.dismiss("leave")

    @on(Button.Pressed, "#pause")
    def _pause(self) -> None:
        self.dismiss("pause")

    @on(Button.Pressed, "#stay")
    def action_stay(self) -> None:
        """Don't quit."""
        self.dismiss(None)


def _list(jobs: Sequence[JobView], naming: Naming) -> Content:
    lines = [_line(job, naming) for job in jobs[:_SHOWN]]
    if len(jobs) > _SHOWN:
        lines.append(f"and {len(jobs) - _SHOWN} more")
    return Content("\n".join(lines))


def _line(job: JobView, naming: Naming) -> str:
    total = job.bytes.total
    share = f", {job.bytes.done * 100 // total} %" if job.planned and total else ""
    left = f", {duration_text(job.eta)} left" if job.eta else ""
    return safe(f"{job.id}  {naming.way(job.source, job.target)}{share}{left}")
