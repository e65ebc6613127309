"""What the forms of wishes have in common: each edit is told, one button looks, one gives up."""

from __future__ import annotations

from abc import abstractmethod

from textual import on
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship_tui.widgets.field import Field


class WishForm(VerticalScroll, can_focus=False):
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
