"""Help: what is in front of you, and every key that works here."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from transship_tui.keys import shown, words_for


class HelpDialog(ModalScreen[None]):
    """Explains one screen. The text is the `HELP` of the screen; the keys are its real ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss_dialog", "Close"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,ctrl+d,space", "scroll(10)", show=False),
        Binding("pageup,ctrl+u", "scroll(-10)", show=False),
    ]

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        """Give the explanation and the table of keys."""
        with VerticalScroll(classes="dialog"):
            yield Static(Content("Help"), classes="title")
            yield Static(Content(flowing(words_for(self._about, self._about.HELP or ""))))
            yield Static(self._keys(), id="keys")
            yield Static(
                Content.styled(
                    "\nesc closes. The mouse selects text with Shift held.", "$foreground-muted"
                )
            )

    def action_scroll(self, by: int) -> None:
        """Move through a long help."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_dismiss_dialog(self) -> None:
        """Close."""
        self.dismiss()

    def _keys(self) -> Content:
        by_action: dict[str, tuple[list[str], str]] = {}
        for active in self._about.active_bindings.values():
            binding = active.binding
            # Textual's own keys, such as those that scroll sideways, have no words of ours.
            if words := active.tooltip or binding.tooltip:
                keys, _ = by_action.setdefault(binding.action, ([], words))
                keys.append(shown(binding.key))
        named = [(", ".join(keys), words) for keys, words in by_action.values()]
        width = max((len(keys) for keys, _ in named), default=0)
        parts: list[str | tuple[str, str]] = []
        for pressed, words in named:
            parts += ["\n", (f"{pressed:<{width}}", "$text-accent"), f"  {words}"]
        return Content.assemble(*parts)


def flowing(text: str) -> str:
    """Return a text whose lines end where a window ends; empty lines still part paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))
