"""A line of a form: what it is, what is filled in, and under it what is to be said of that."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static


class Field(Vertical):
    """A control with its label. Its id is that of the control with `at-` before it."""

    DEFAULT_CSS = """
    Field {
        height: auto;
        &>Horizontal { height: 1; }
        & .label { width: 14; color: $text-muted; }
        & .note { margin-left: 14; height: auto; display: none; }
        &.-focused .label { color: $text; text-style: bold; }
        & Input, & Select, & SelectCurrent { width: 1fr; }
        & Input:focus, & Select:focus>SelectCurrent { background: $panel-lighten-1; }
    }
    """

    def __init__(self, label: str, control: Widget) -> None:
        super().__init__(id=f"at-{control.id}")
        self._label = label
        self.control = control
        if isinstance(control, Input):
            # A cursor that blinks costs bytes for as long as nobody types.
            control.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Give the line, and the room under it."""
        with Horizontal():
            yield Static(self._label, classes="label")
            yield self.control
        yield Static(classes="note")

    def on_descendant_focus(self) -> None:
        """Stand out: this is where the keys go."""
        self.add_class("-focused")

    def on_descendant_blur(self) -> None:
        """Stand back."""
        self.remove_class("-focused")

    def call(self, label: str) -> None:
        """Give it another label."""
        if label != self._label:
            self._label = label
            self.query_one(".label", Static).update(Content(label))

    def say(self, note: Content) -> None:
        """Say something under the line, or nothing."""
        said = self.query_one(".note", Static)
        said.update(note)
        said.display = bool(note)

    @property
    def place(self) -> str | None:
        """The id of the control."""
        return self.control.id

    @property
    def said(self) -> str:
        """What stands under the line."""
        said = self.query_one(".note", Static)
        return str(said.visual) if said.display else ""


class SecretInput(Input):
    """An input that shows dots. What is typed goes into no message and onto no clipboard."""

    ALLOW_SELECT: ClassVar[bool] = False

    class Entered(Message):
        """It is complete."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(password=True, compact=True, id=id)
        # The messages of an input carry its value, and are logged by developers' tools.
        self.disable_messages(Input.Changed, Input.Blurred, Input.Submitted)

    async def action_submit(self) -> None:
        """Say that it is complete, but not what it is."""
        self.post_message(self.Entered())

    def action_copy(self) -> None:
        """Leave ctrl+c to others."""
        raise SkipAction

    def action_cut(self) -> None:
        """Take away what is selected, and keep it nowhere."""
        self.delete_selection()


class RequestForm(VerticalScroll, can_focus=False):
    """Asks for what is wished at an engine; its fields are at `#at-NAME`, its way out `#cancel`."""

    class Left(Message):
        """The operator wants nothing of it."""

    @abstractmethod
    def save(self) -> None:
        """Look at what was wished, or say what is missing."""

    @abstractmethod
    def tell(self) -> None:
        """Show what belongs to what is filled in, and tell of it."""

    @on(Select.Changed)
    @on(Input.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self.tell()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "cancel":
            self.post_message(self.Left())
        else:
            self.save()

    def _field(self, name: str) -> Field:
        return self.query_one(f"#at-{name}", Field)
