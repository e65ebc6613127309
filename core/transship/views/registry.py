"""The words of a capability card: what can be done at a registry, in the app and on the line."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from transship.registry.capability_card import CapabilityCard, CardRow
from transship.registry.service import Can
from transship.text import safe

SIGNS = {"yes": "✓", "no": "✗", "partly": "~", "unknown": "?", "not needed": "–", "info": "·"}
"""What stands before each answer."""

SEEN = "seen here"
"""Stands behind what was met at the registry itself."""

_ABILITIES = ("list", "create before push", "mount", "resume", "delete", "referrers")
_NOTES = ("limits", "credential", "quota")
_NAMES = {"create before push": "create"}
_UNTRIED = "known only when it is tried"
_INDENT = 26


def name_of(row: CardRow) -> str:
    """Return what a row is about, in a word."""
    return _NAMES.get(row.title, row.title)


def answer_of(row: CardRow) -> str:
    """Return a row's answer in a word, which is one of `SIGNS`."""
    if row.title in _NOTES and row.fact.can is Can.PARTLY:
        return "info"
    return row.fact.can.value


def how_of(row: CardRow) -> str:
    """Return how, or within what bounds; and how it gets known, of what isn't."""
    if row.fact.can is Can.UNKNOWN and row.title in _ABILITIES:
        return row.fact.how or _UNTRIED
    return row.fact.how


def grouped(card: CapabilityCard) -> Iterator[tuple[str, Sequence[str]]]:
    """Give what can be done by the answer, the worst first: an answer, and what it holds for."""
    rows = [row for row in card.rows if row.title in _ABILITIES]
    for answer in ("no", "partly", "yes", "unknown"):
        if names := [name_of(row) for row in rows if answer_of(row) == answer]:
            yield answer, names


def origin_of(card: CapabilityCard) -> str:
    """Return in a sentence where what the card says comes from."""
    if any(row.seen for row in card.rows):
        return f"“{SEEN}” is what the registry itself has shown; the rest is known of the service."
    return "All of it is known of the service; nothing was seen at this registry yet."


def card_lines(
    card: CapabilityCard,
    *,
    width: int | None = None,
    paint: Callable[[str, str], str] = lambda _, text: text,
) -> Iterator[str]:
    """Give the rows of a card as lines, none wider than `width`, made harmless.

    `paint` gives a text the colour of an answer.
    """
    for row in card.rows:
        answer = answer_of(row)
        seen = f"({SEEN})" if row.seen else ""
        first = f"{how_of(row)} {seen}".strip()
        words = [line for text in (first, row.fact.means) for line in _wrapped(safe(text), width)]
        sign = paint(answer, f"{SIGNS[answer]} {answer:<12}")
        yield f"{sign}{name_of(row):<12}{words[0] if words else ''}".rstrip()
        yield from (f"{' ' * _INDENT}{line}" for line in words[1:])


def _wrapped(text: str, width: int | None) -> Sequence[str]:
    if width is None:
        return [text] if text else []
    return textwrap.wrap(text, max(20, width - _INDENT), break_on_hyphens=False)
