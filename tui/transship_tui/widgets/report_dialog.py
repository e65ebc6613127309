"""A job's report: in which form, and into which file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Select, Static

from transship.errors import BadRequest, TransshipError
from transship.reports.job_formats import Form
from transship.text import safe
from transship_tui.workers import WorkerFailures

_FORMS = (
    ("HTML page, for a reader and for print", Form.HTML),
    ("Markdown, for a ticket", Form.MD),
    ("JSON, for a script", Form.JSON),
)

Write = Callable[[str, Form, bool], Awaitable[Path]]
"""Writes the report into a file, in a form; whether it may replace what is there."""


class ReportDialog(WorkerFailures, ModalScreen[Path | None]):
    """Asks where the report of `job` goes, and writes it; returns its file, or None.

    `what` it is a report of, where that is no job.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    ReportDialog {
        & .field { height: 1; }
        & .label { width: 8; color: $text-muted; }
        & Input, & Select, & SelectCurrent { width: 1fr; background: $surface; }
        & #write { min-width: 12; }
        & #said { height: auto; margin-top: 1; color: $text-muted; }
        & #said.-problem { color: $text-error; }
    }
    """

    def __init__(self, job: str, write: Write, proof: str, *, what: str = "job") -> None:
        super().__init__()
        self._job = job
        self._write = write
        self._proof = proof
        self._what = what
        self._there = ""
        """The file that is there already and may be replaced, as it was typed."""

    def compose(self) -> ComposeResult:
        """Give form and file, what there is to say of them, and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"Report of {self._what} {safe(self._job)}"), classes="title")
            with Horizontal(classes="field"):
                yield Static("As", classes="label")
                yield Select(_FORMS, value=Form.HTML, allow_blank=False, compact=True)
            with Horizontal(classes="field"):
                yield Static("File", classes="label")
                file = Input(f"report-{self._job}.html", compact=True, select_on_focus=False)
                file.cursor_blink = False
                yield file
            yield Static(Content(safe(self._proof)), id="said")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Write", id="write", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the file."""
        self.query_one(Input).focus()

    @on(Select.Changed)
    def _form_changed(self, event: Select.Changed) -> None:
        """Let the file's name end as its form asks for."""
        file = self.query_one(Input)
        ending = Path(file.value).suffix
        if ending.lower() in {f".{form}" for form in Form}:
            file.value = f"{file.value.removesuffix(ending)}.{event.value}"

    @on(Input.Changed)
    def _file_changed(self) -> None:
        self.query_one("#write", Button).label = self._action

    @property
    def _action(self) -> str:
        there = bool(self._there) and self.query_one(Input).value.strip() == self._there
        return "Replace" if there else "Write"

    @on(Input.Submitted)
    @on(Button.Pressed, "#write")
    def _wanted(self) -> None:
        file, form = self.query_one(Input).value.strip(), self.query_one(Select).value
        if file and isinstance(form, Form):
            self._begin(file, form)

    @work(group="report", exclusive=True, exit_on_error=False)
    async def _begin(self, file: str, form: Form) -> None:
        try:
            written = await self._write(file, form, file == self._there)
        except BadRequest as error:
            self._there = file
            self._say(f"{error.detail}. Replace writes over it.")
        except TransshipError as error:
            self._say(f"{error.title}: {error.detail}")
        else:
            self.dismiss(written)

    def _say(self, words: str) -> None:
        said = self.query_one("#said", Static)
        said.update(Content(safe(words)))
        said.add_class("-problem")
        self._file_changed()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Write nothing."""
        self.dismiss(None)
