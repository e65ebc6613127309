"""A question with one field for a secret."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from transship.errors import TransshipError
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.form import SecretInput
from transship_tui.workers import WorkerFailures


class SecretQuestion(WorkerFailures, ModalScreen[bool]):
    """Asks for a secret until it is of use, or nobody wants to give it; returns which."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    SecretQuestion {
        & SecretInput, & SecretInput:focus { margin-top: 1; background: $surface; }
    }
    """

    @abstractmethod
    def question(self) -> Iterable[Static]:
        """Give what is asked, and why."""

    @abstractmethod
    def buttons(self) -> Iterable[Button]:
        """Give the buttons: `#cancel`, `#answer`, and what else there is."""

    @abstractmethod
    def answered(self, secret: str) -> None:
        """Do with a secret what it was asked for, by `use`."""

    def compose(self) -> ComposeResult:
        """Give the question, the field, what came of it, and the buttons."""
        with Vertical(classes="dialog"):
            yield from self.question()
            field = SecretInput(id="secret")
            field.cursor_blink = False
            yield field
            yield Static(id="said")
            with Horizontal(classes="buttons"):
                yield from self.buttons()

    @property
    def secret(self) -> str:
        """What is in the field."""
        return self.query_one(SecretInput).value

    def say(self, words: Content) -> None:
        """Say something under the field."""
        self.query_one("#said", Static).update(words)

    @on(SecretInput.Entered)
    @on(Button.Pressed, "#answer")
    def _entered(self) -> None:
        if self.secret:
            self.answered(self.secret)

    # Without a description of its own the worker's repr has the arguments, and the secret in them.
    @work(group="use", exclusive=True, exit_on_error=False, description="use the secret")
    async def use(self, act: Callable[[], Awaitable[object]], doing: str) -> None:
        """Close if that goes well; else say what is wrong, and ask again."""
        self.say(Content.styled(f"… {doing}", QUIET))
        try:
            await act()
        except TransshipError as error:
            self.say(Content.styled(f"✗ {error}", BAD))
            self.refused()
        else:
            self.dismiss(True)

    def refused(self) -> None:
        """Offer what else can be done. Dialogs fill this in."""

    def work_failed(self, group: str) -> None:  # noqa: ARG002 - there is only one
        """Say no longer that something is being done."""
        self.say(Content(""))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Go on without it."""
        self.dismiss(False)
