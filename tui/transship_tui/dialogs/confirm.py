"""Asking before something that is hard to undo."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.text import safe
from transship_tui.marks import BAD


class ConfirmDialog(ModalScreen[bool]):
    """Asks whether to go on; returns whether the operator wants that.

    `text` says what will happen, `action` is the word on the button that does it, and `danger`
    colours it. The way out is what has the focus. With `typed`, that word must be typed before
    the button can be pressed: its field has the focus then. Enter in it does what is asked once
    the word is right; until then it says that it isn't, and the question stays.
    """

    DEFAULT_CSS = """
    ConfirmDialog #not-it { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("left,right", "other_button", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
    ]

    def __init__(
        self,
        title: str,
        text: Content,
        action: str,
        *,
        danger: bool = False,
        typed: str | None = None,
    ) -> None:
        super().__init__()
        self._title = safe(title)
        self._text = text
        self._action = action
        self._danger = danger
        self._typed = typed

    def compose(self) -> ComposeResult:
        """Give the question, what to type if anything, and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            with VerticalScroll(classes="words", can_focus=False):
                yield Static(self._text)
            if self._typed is not None:
                wanted = (safe(self._typed), "bold")
                yield Static(Content.assemble("\nType ", wanted, ", then enter:"))
                typed = Input(id="typed", compact=True)
                typed.cursor_blink = False
                yield typed
                yield Static(id="not-it")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(
                    Content(self._action),
                    id="go-on",
                    compact=True,
                    variant="error" if self._danger else "primary",
                    disabled=self._typed is not None,
                )

    def on_mount(self) -> None:
        """Put the focus where something is to be typed, or else on the way out."""
        self.query_one("#cancel" if self._typed is None else "#typed").focus()

    @on(Input.Changed)
    def _compare(self, event: Input.Changed) -> None:
        self.query_one("#go-on", Button).disabled = event.value.strip() != self._typed
        self.query_one("#not-it", Static).update(Content(""))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        entered = event.value.strip()
        if entered == self._typed:
            self.dismiss(True)
            return
        what = f"That isn't {safe(self._typed or '')}" if entered else "Nothing is typed"
        words = f"✗ {what}; esc cancels."
        self.query_one("#not-it", Static).update(Content.styled(words, BAD))

    @on(Button.Pressed)
    def _answer(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "go-on")

    def action_cancel(self) -> None:
        """Do nothing."""
        self.dismiss(False)

    def action_scroll(self, by: int) -> None:
        """Move through a text that is longer than the screen."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_other_button(self) -> None:
        """Go from one button to the other."""
        wanted = "#cancel" if self.query_one("#go-on").has_focus else "#go-on"
        self.query_one(wanted).focus()
