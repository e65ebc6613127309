"""Who could move a plan, as rows, and each of them in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from transship.engines.choice import EngineChoice, EngineKind
from transship.plans.advice import Ends, question
from transship.text import safe
from transship_tui.marks import CARE, OK, QUIET, Mark
from transship_tui.widgets.change_words import said
from transship_tui.widgets.rows import Column

COLUMNS = (Column("", 12), Column("Who moves it", 28), Column("", least=60))

WORDS = {
    EngineKind.TRANSSHIP: "Transship, by its own lanes",
    EngineKind.HARBOR: "Harbor, one of the sides",
    EngineKind.HARBOR_RELAY: "A Harbor in between",
    EngineKind.TCR_SYNC: "TCR, by sync rules",
    EngineKind.TCR_REPLICA: "TCR, by a replica",
}
_IN_SHORT = {
    EngineKind.TRANSSHIP: "a job of this machine; no login leaves it",
    EngineKind.HARBOR: "replication policies that push or pull",
    EngineKind.HARBOR_RELAY: "one policy pulls, another pushes on",
    EngineKind.TCR_SYNC: "by events, between two instances",
    EngineKind.TCR_REPLICA: "a full copy in another region",
}
_CAN = Mark("✓", "possible", OK)
_MAY = Mark("?", "depends", CARE)
_CANT = Mark("–", "not here", QUIET)
_LOOKING = Mark("·", "looking", QUIET)


def mark_of(way: EngineChoice) -> Mark:
    """Return whether somebody could move it."""
    if not way.is_possible:
        return _CANT
    return _MAY if way.asks else _CAN


class WhoRows:
    """Everybody who could move it, those who can't in grey with the reason."""

    def __init__(self, ways: Sequence[EngineChoice]) -> None:
        self.ways = ways

    def __len__(self) -> int:
        return len(self.ways)

    def key(self, index: int) -> str:
        """Return who it is."""
        return self.ways[index].who

    def cells(self, index: int) -> Sequence[Content]:
        """Return whether it can, who it is, and in short what that is, or why not."""
        way = self.ways[index]
        style = "" if way.is_possible else QUIET
        return (
            mark_of(way).content(),
            Content.styled(WORDS[way.who], style),
            Content.styled(safe(way.obstacle or _IN_SHORT[way.who]), QUIET),
        )


class LookingRows:
    """Everybody before it is known who can: what is chosen then is what was pointed at before."""

    def __len__(self) -> int:
        return len(EngineKind)

    def key(self, index: int) -> str:
        """Return who it is."""
        return str([*EngineKind][index])

    def cells(self, index: int) -> Sequence[Content]:
        """Return who it is, and in short what that is."""
        who = [*EngineKind][index]
        return (
            _LOOKING.content(),
            Content(WORDS[who]),
            Content.styled(_IN_SHORT[who], QUIET),
        )


def way_lines(way: EngineChoice, ends: Ends, width: int, answers: str) -> Iterator[Content]:
    """Give what it means to let somebody move it, or why that can't be and what can.

    `answers` is the key by which open questions are answered.
    """
    yield Content.styled(WORDS[way.who], "bold")
    if not way.is_possible:
        yield from said("–", way.obstacle, width)
        if way.instead:
            yield from said("→", way.instead, width)
        return
    means = (
        ("Freshness", way.means.freshness),
        ("Filters", way.means.filters),
        ("Deletes", way.means.deletes),
        ("Logins", way.means.logins),
    )
    for label, words in means:
        rows = Content(safe(words)).wrap(max(20, width - 11))
        for number, row in enumerate(rows):
            yield Content.assemble((label.ljust(11) if number == 0 else " " * 11, QUIET), row)
    asked = [found for name in way.asks if (found := question(name, ends)) is not None]
    if asked:
        yield Content.styled(f"It depends on what isn't known; {answers} answers:", CARE)
        for each in asked:
            yield from said("?", each.words, width)
