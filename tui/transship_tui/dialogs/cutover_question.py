"""What can't be seen from here: a choice to make, or a command whose output is pasted."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static, TextArea

from transship.cutover.questions import OperatorQuestion, ParsedAnswer
from transship.text import safe
from transship_tui.dialogs.choice import Choice, Choices
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET

Read = Callable[[str], ParsedAnswer]


class QuestionDialog(ModalScreen[str | None]):
    """Asks; returns the choice or what was pasted, None when nothing was answered.

    `command` is the one to copy, `read` says what an answer would be taken for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "keep", "Keep"),
        Binding("ctrl+o", "copy", "Copy command"),
    ]
    DEFAULT_CSS = """
    QuestionDialog {
        &>.dialog { width: 100; }
        & #why, & #command, & #reading, & #copied { height: auto; }
        & #command { margin: 0 0 1 0; }
        & TextArea { height: 4; background: $surface; }
        & Choices { max-height: 8; }
    }
    """

    def __init__(self, question: OperatorQuestion, command: str, read: Read) -> None:
        super().__init__()
        self._question = question
        self._command = command
        self._read = read

    def compose(self) -> ComposeResult:
        """Give the question, why it is asked, the choices, the command, and a place to paste."""
        question = self._question
        with Vertical(classes="dialog"):
            yield Static(Content(question.text), classes="title")
            yield Static(Content.styled(f"{question.why}\n", QUIET), id="why")
            if question.choices:
                yield Choices()
            if self._command or not question.choices:
                yield Static(self._command_words(), id="command")
                area = TextArea(id="pasted", tab_behavior="focus", soft_wrap=False, compact=True)
                area.cursor_blink = False
                yield area
                yield Static(id="reading")
            yield Static(id="copied", classes="quiet")
            with Horizontal(classes="buttons"):
                if self._command:
                    yield Button("^o Copy command", id="copy", compact=True)
                yield Button("Cancel", id="cancel", compact=True)
                if self._command or not question.choices:
                    yield Button(
                        "^s Keep", id="keep", compact=True, variant="primary", disabled=True
                    )

    def on_mount(self) -> None:
        """Put the cursor where the answer goes."""
        for choices in self.query(Choices):
            offered = [Choice(each.answer, each.text) for each in self._question.choices]
            choices.offer(offered)
            choices.focus()
        for area in self.query(TextArea):
            if not self._question.choices:
                area.focus()

    def _command_words(self) -> Content:
        if not self._command:
            return Content("Write the answer here:")
        where = self._question.where or "anywhere"
        either = "Or run" if self._question.choices else "Run"
        return Content.assemble(
            f"{either} this {where}, and paste what it prints:\n", (self._command, NEWS)
        )

    @on(TextArea.Changed)
    def _typed(self) -> None:
        text = self.query_one(TextArea).text.strip()
        said = self.query_one("#reading", Static)
        self.query_one("#copied", Static).update(Content(""))
        reading = self._read(text) if text else None
        self.query_one("#keep", Button).disabled = reading is None or reading.good is None
        if reading is None:
            said.update(Content(""))
        elif reading.good is None:
            said.update(Content.styled(f"✗ can't be read: {safe(reading.seen)}", BAD))
        elif reading.good:
            said.update(Content.styled(f"✓ {safe(reading.seen)}", OK))
        else:
            said.update(Content.styled(f"! {safe(reading.seen)}", CARE))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._question.choices[event.option_index].answer)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Take what was pasted, if it can be read."""
        for keep in self.query("#keep").results(Button):
            if not keep.disabled:
                self.dismiss(self.query_one(TextArea).text.strip())
                return
        if not self.query(TextArea):
            words = "Choose one of these; enter takes it."
        elif not self.query_one(TextArea).text.strip():
            words = "There is nothing to keep yet: write or paste the answer first; esc cancels."
        else:
            words = "That can't be kept: it isn't understood, as is said above."
        self.query_one("#copied", Static).update(Content(words))

    @on(Button.Pressed, "#copy")
    async def action_copy(self) -> None:
        """Copy the command."""
        from transship_tui.app import TransshipApp

        assert isinstance(self.app, TransshipApp)
        if self._command:
            copied = await self.app.copy_text(self._command)
            self.query_one("#copied", Static).update(Content(f"{copied.how}."))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Answer nothing."""
        self.dismiss(None)
