"""In front of a screen: a choice, a confirmation, a name, and what a line has no room for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from transship.errors import TransshipError
from transship.text import safe
from transship_tui.context import context_of
from transship_tui.marks import BAD


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose. `more` is said below it."""

    value: str
    words: str
    more: str = ""

    def option(self) -> Option:
        """Return it as a line of a list."""
        words = Content.styled(safe(self.words), "bold" if self.more else "")
        if self.more:
            words = Content.assemble(words, "\n", (safe(self.more), "not bold"))
        return Option(words)


class Choices(OptionList):
    """A list of choices that moves as all lists do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("l", "select", show=False),
    ]
    DEFAULT_CSS = """
    Choices, Choices:focus {
        height: auto; max-height: 40vh; border: none; padding: 0; background: $panel;
        scrollbar-size-vertical: 1;
    }
    """

    def offer(self, choices: Sequence[Choice]) -> None:
        """Offer other choices, and put the cursor on the first."""
        self.clear_options()
        self.add_options(choice.option() for choice in choices)
        self.highlighted = 0 if choices else None


class ChoiceDialog(ModalScreen[str | None]):
    """Lets the operator choose; returns the value, or None for none of them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,h,q", "cancel", "Cancel")]

    def __init__(self, title: str, text: Content, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = safe(title)
        self._text = text
        self._choices = tuple(choices)

    def compose(self) -> ComposeResult:
        """Give the question, the choices, and the way out."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            if self._text:
                yield Static(Content.assemble(self._text, "\n"))
            yield Choices()
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        choices = self.query_one(Choices)
        choices.offer(self._choices)
        choices.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index].value)

    @on(Button.Pressed)
    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


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


class NameDialog(ModalScreen[str | None]):
    """Asks for a name; returns None when nothing shall come of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]
    DEFAULT_CSS = """
    NameDialog {
        & Input, & Input:focus { margin-top: 1; background: $surface; }
    }
    """

    def __init__(self, title: str, text: str, name: str, action: str) -> None:
        super().__init__()
        self._title = safe(title)
        self._text = safe(text)
        self._name_first = name
        self._action = action

    def compose(self) -> ComposeResult:
        """Give the field and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._title), classes="title")
            yield Static(Content(self._text))
            name = Input(self._name_first, compact=True, select_on_focus=False)
            name.cursor_blink = False
            yield name
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._action, id="keep", compact=True, variant="primary")

    def on_input_submitted(self) -> None:
        """Take what was typed."""
        self._keep()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take what was typed, or leave it."""
        if event.button.id == "keep":
            self._keep()
        else:
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Name nothing."""
        self.dismiss(None)

    def _keep(self) -> None:
        if name := self.query_one(Input).value.strip():
            self.dismiss(name)


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
        copied = await context_of(self).clipboard.copy(self.text)
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


Facts = Sequence[tuple[str, str]]
"""Names and values. A name without a value is a title for those that follow."""

_WIDEST = 22


class FactsDialog(WordsDialog):
    """Shows facts until it is closed, and below them `more`."""

    DEFAULT_CSS = """
    FactsDialog {
        & .fact { height: auto; }
        & .name { color: $text-muted; }
        & .value { width: 1fr; }
        & .section { text-style: bold; margin-top: 1; }
    }
    """

    def __init__(self, title: Content, facts: Facts, more: Content | None = None) -> None:
        self._title = title
        self._facts = [(safe(name), safe(value)) for name, value in facts]
        self._more = more
        lines = [title.plain, *(f"{name}: {value}" for name, value in self._facts)]
        super().__init__(Content("\n".join(lines + ([more.plain] if more else []))))

    def compose_words(self) -> Iterator[Widget]:
        """Give the title, a line for each fact, and the rest."""
        yield Static(self._title, classes="title")
        width = max((len(name) for name, value in self._facts if value), default=0)
        for name, value in self._facts:
            if value:
                label = Static(Content(name), classes="name")
                label.styles.width = min(width, _WIDEST) + 2
                yield Horizontal(label, Static(Content(value), classes="value"), classes="fact")
            else:
                yield Static(Content(name), classes="section")
        if self._more:
            yield Static(self._more)
