"""The whole capability card of a registry: what can be done there, and what each "no" means."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from transship.registry.capability_card import CapabilityCard
from transship.text import safe
from transship_tui.capabilities import card_lines, origin_of
from transship_tui.dialogs.error import WordsDialog
from transship_tui.marks import QUIET
from transship_tui.widgets.capability_rows import CapabilityRow


class CapabilitiesDialog(WordsDialog):
    """Shows the card of the registry at `host`. `line` shows it too, and `more` is said last."""

    def __init__(self, host: str, card: CapabilityCard, *, line: str = "", more: str = "") -> None:
        self._title = safe(f"{host}: {card.service.title}")
        self._card = card
        self._last = f"{origin_of(card)} {safe(more)}".strip()
        self._line = safe(line)
        super().__init__(Content("\n".join([self._title, *card_lines(card), self._last])))

    def compose_words(self) -> Iterator[Widget]:
        """Give the title, the rows, and where all of it comes from."""
        yield Static(Content(self._title), classes="title")
        yield from map(CapabilityRow, self._card.rows)
        yield Static(Content.styled(f"\n{self._last}", QUIET))
        if self._line:
            yield Static(Content.styled(f"$ {self._line}", QUIET))
