"""One check of a cutover in full, and what can be done about it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from transship.text import safe

ACCEPT = "accept"
ANSWER = "answer"


class CheckDialog(ModalScreen[str | None]):
    """Explains a check; returns `accept` or `answer` where the operator wants to do that.

    `record` is what `y` copies; all the words where there is no record. `asked` says how many
    questions belong to the check, `can_accept` whether something of it can be acknowledged.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,e", "close", "Close"),
        Binding("y", "copy", "Copy"),
        Binding("a", "answer", "Answer"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    DEFAULT_CSS = """
    CheckDialog > .dialog { width: 100; }
    """

    def __init__(
        self, title: str, words: Content, *, record: str, asked: int, can_accept: str
    ) -> None:
        super().__init__()
        self._title = safe(title)
        self._words = words
        self._record = record
        self._asked = asked
        self._can_accept = can_accept

    def compose(self) -> ComposeResult:
        """Give the words, and a button for each thing that can be done."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            with VerticalScroll(classes="words", can_focus=False):
                yield Static(self._words)
            yield Static(id="copied", classes="quiet")
            with Horizontal(classes="buttons"):
                copies = "y Copy record" if self._record else "y Copy"
                yield Button(copies, id="copy", compact=True)
                if self._can_accept:
                    yield Button(f"{self._can_accept}…", id="accept", compact=True)
                if self._asked:
                    yield Button("a Answer…", id="answer", compact=True, variant="primary")
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        """Put the focus on the way out, and show the beginning."""
        self.query_one("#close").focus(scroll_visible=False)

    @on(Button.Pressed, "#copy")
    async def action_copy(self) -> None:
        """Copy the record, or else the words."""
        from transship_tui.app import TransshipApp

        assert isinstance(self.app, TransshipApp)
        copied = await self.app.copy_text(self._record or self._words.plain)
        self.query_one("#copied", Static).update(Content(f"{copied.how}."))

    @on(Button.Pressed, "#accept")
    def _accept(self) -> None:
        self.dismiss(ACCEPT)

    @on(Button.Pressed, "#answer")
    def action_answer(self) -> None:
        """Answer what the check asks."""
        if self._asked:
            self.dismiss(ANSWER)

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Move through what is longer than the screen."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
