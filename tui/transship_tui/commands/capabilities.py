"""The capability card of a registry on the line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from transship_tui.capabilities import card_lines, origin_of
from transship_tui.commands.output import Ink, painted, say, show, width_of

if TYPE_CHECKING:
    from transship.registry.capability_card import CapabilityCard

_INKS = {"yes": Ink.GOOD, "no": Ink.BAD, "partly": Ink.WARNING}


def show_card(card: CapabilityCard) -> None:
    """Write a card, and where what it says comes from."""
    for line in card_lines(card, width=width_of(sys.stdout), paint=_painted):
        show(line)
    say(origin_of(card))


def card_entry(card: CapabilityCard) -> dict[str, object]:
    """Return a card as a document: of each row the answer, how, what it means, whether it was seen.

    `quota` is null while nothing was seen of it.
    """
    rows: dict[str, object] = {
        row.title.replace(" ", "_"): {
            "can": row.fact.can.value,
            "how": row.fact.how,
            "means": row.fact.means,
            "seen": row.seen,
        }
        for row in card.rows
    }
    return {**rows, "quota": rows.get("quota")}


def _painted(answer: str, text: str) -> str:
    return painted(text, _INKS.get(answer, Ink.QUIET), sys.stdout)
