"""What a line has no room for: an error with its cause and remedy, or a long message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from transship.errors import TransshipError


class WordsDialog(ModalScreen[None]):
    """Shows words until it is closed, and copies them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,e", "close", "Close"),
        Binding("y", "copy", "Copy"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, words: Content) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """Give the words and the buttons."""
        with Vertical(classes="dialog"):
            with VerticalScroll(classes="words", can_focus=False):
                yield from self.compose_words()
            yield Static(id="copied", classes="quiet")
            with Horizontal(classes="buttons"):
                yield Button("y Copy", id="copy", compact=True)
                yield Button("Close", id="close", compact=True)

    def compose_words(self) -> Iterator[Widget]:
        """Give what is to be read."""
        yield Static(self._words)

    @property
    def text(self) -> str:
        """What is copied."""
        return self._words.plain

    def on_mount(self) -> None:
        """Put the focus on the way out, and show the beginning."""
        self.query_one("#close").focus(scroll_visible=False)

    @on(Button.Pressed, "#copy")
    async def action_copy(self) -> None:
        """Copy the whole of it, and say what came of that."""
        from transship_tui.app import TransshipApp

        assert isinstance(self.app, TransshipApp)
        copied = await self.app.copy_text(self.text)
        self.query_one("#copied", Static).update(Content(f"{copied.how}."))

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close."""
        self.dismiss()

    def action_scroll(self, by: int) -> None:
        """Move through what is longer than the screen."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)


class ErrorDialog(WordsDialog):
    """Shows one error: what happened, where, and what to do."""

    def __init__(self, error: TransshipError) -> None:
        super().__init__(Content(f"{error.title}\n{error.detail}\n{error.remedy}"))
        self._error = error

    def compose_words(self) -> Iterator[Widget]:
        """Give title, detail and remedy."""
        yield Static(Content.styled(f"✗ {self._error.title}", "$text-error"), classes="title")
        yield Static(Content(self._error.detail or "No more is known."))
        yield Static(Content.styled("\nWhat to do", "bold"))
        yield Static(Content(self._error.remedy))
