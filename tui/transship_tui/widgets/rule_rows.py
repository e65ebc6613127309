"""What one rule makes of the tags of its source, as rows: taken with their new names, or why not.

Made from an outline without an object for each of a hundred thousand tags: a row is found by its
number, and what one repository's tags become is looked at when a row of it is drawn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from textual.cache import LRUCache
from textual.content import Content

from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.outline import Outline, PassedBy, Portion, RuleCount, outline_plan
from transship.plans.plan import Plan
from transship.text import safe
from transship_tui.marks import BAD, CARE, NEWS, QUIET
from transship_tui.naming import Naming
from transship_tui.widgets.rows import Column

COLUMNS = (Column("At the source"), Column("Becomes, or why not"))


class Shown(StrEnum):
    """Which tags are shown."""

    MATCHED = "matched"
    DROPPED = "dropped"
    NEEDED = "to look up"
    IMPOSSIBLE = "impossible"


SIGNS = {
    Shown.MATCHED: ("✓", NEWS),
    Shown.DROPPED: ("–", QUIET),
    Shown.NEEDED: ("?", CARE),
    Shown.IMPOSSIBLE: ("✗", BAD),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """An outline, with what it comes to. `unknown` counts the tags of which more must be known."""

    outline: Outline
    counts: tuple[RuleCount, ...]
    unknown: int

    @property
    def impossible(self) -> int:
        """How many copies can't be, over all rules."""
        return sum(counts.impossible for counts in self.counts)

    def rows(self, rule: int, shown: Shown) -> MatchRows:
        """Return the rows of one rule."""
        return MatchRows(self.outline, rule, shown)


def draw(plan: Plan, catalogues: Mapping[str, Catalogue], now: float) -> Drawn:
    """Return what a plan makes of what is there. Raises what `outline` raises."""
    drawn = outline_plan(plan, catalogues, now)
    return Drawn(drawn, drawn.by_rule, sum(1 for _ in unknown_tags(drawn, catalogues)))


def unknown_tags(drawn: Outline, catalogues: Mapping[str, Catalogue]) -> dict[Reference, None]:
    """Return the tags that must be looked up before the rules can choose."""
    found: dict[Reference, None] = {}
    for portion in drawn.portions:
        registry, repository = portion.origin.registry, portion.origin.repository
        facts = catalogues[registry].facts
        for tag in portion.sifted.needed:
            known = facts.get((repository, tag))
            if known is None or not known.examined:
                found[Reference(registry, repository, tag)] = None
    return found


def count_of(counts: RuleCount, shown: Shown) -> int:
    """Return how many tags of a rule are to be shown as such."""
    return {
        Shown.MATCHED: counts.kept,
        Shown.DROPPED: counts.dropped,
        Shown.NEEDED: counts.needed,
        Shown.IMPOSSIBLE: counts.impossible,
    }[shown]


class _Opened:
    """What becomes of the tags of one repository, made ready to be drawn."""

    def __init__(self, portion: Portion, shown: Shown) -> None:
        self.portion = portion
        self.becomes: dict[str, list[str]] = {}
        self.impossible: dict[str, str] = {}
        for each in portion.destinations:
            self.impossible |= each.impossible
            for version in each.versions:
                name = f"{each.target}{'@' if ':' in version else ':'}{each.name(version)}"
                self.becomes.setdefault(version, []).append(name)
        sifted = portion.sifted
        self.tags: Sequence[str] = {
            Shown.MATCHED: lambda: sifted.kept,
            Shown.DROPPED: lambda: tuple(sifted.dropped),
            Shown.NEEDED: lambda: sifted.needed,
            Shown.IMPOSSIBLE: lambda: tuple(self.impossible),
        }[shown]()


class MatchRows:
    """Tags as rows. What no rule looks at, a repository at a time, ends what is dropped."""

    def __init__(self, drawn: Outline, rule: int, shown: Shown) -> None:
        self._shown = shown
        mine = [portion for portion in drawn.portions if portion.rule == rule]
        sizes = [_size(portion, shown) for portion in mine]
        self._portions = [p for p, size in zip(mine, sizes, strict=True) if size]
        self._ends = list(accumulate(size for size in sizes if size))
        self._passed: Sequence[PassedBy] = ()
        if shown is Shown.DROPPED:
            self._passed = [each for each in drawn.passed_by if each.rule in (rule, None)]
        self._open: LRUCache[int, _Opened] = LRUCache(64)

    def __len__(self) -> int:
        return self._tags + len(self._passed)

    @property
    def _tags(self) -> int:
        return self._ends[-1] if self._ends else 0

    def key(self, index: int) -> str:
        """Return repository and tag."""
        if index >= self._tags:
            return self._passed[index - self._tags].source.repository
        opened, tag = self._at(index)
        return f"{opened.portion.origin.repository}:{tag}"

    def index_of(self, key: str) -> int | None:
        """Return where the row with this key is, None when it isn't there."""
        repository, _, tag = key.partition(":")
        for number, portion in enumerate(self._portions):
            if portion.origin.repository == repository:
                tags = self._opened(number).tags
                first = self._ends[number - 1] if number else 0
                return first + tags.index(tag) if tag in tags else None
        return None

    def cells(self, index: int) -> Sequence[Content]:
        """Return the tag, and what it becomes or why it isn't taken."""
        sign, color = SIGNS[Shown.IMPOSSIBLE if self._cannot_be(index) else self._shown]
        name = Content.assemble((f"{sign} ", color), safe(self.key(index)))
        return name, Content.styled(*self._what(index))

    def _cannot_be(self, index: int) -> bool:
        """Tell whether a tag that is matched can be copied to no target."""
        if self._shown is not Shown.MATCHED or index >= self._tags:
            return False
        opened, tag = self._at(index)
        return tag in opened.impossible and tag not in opened.becomes

    def in_full(self, index: int, naming: Naming) -> Content:
        """Return everything about one tag; `naming` says what places are called."""
        if index >= self._tags:
            passed = self._passed[index - self._tags]
            why = safe(passed.reason.why)
            return Content.assemble(naming.place(str(passed.source)), "\n", (why, QUIET))
        opened, tag = self._at(index)
        origin = opened.portion.origin
        words, color = self._what(index)
        names = opened.becomes.get(tag, ()) if self._shown is Shown.MATCHED else ()
        becomes = ", ".join(map(naming.place, names))
        return Content.assemble(
            naming.place(f"{origin.registry}/{origin.repository}:{tag}"),
            "\n",
            (becomes or words, color),
        )

    def _what(self, index: int) -> tuple[str, str]:
        """Return in words what becomes of a tag, and their colour."""
        if index >= self._tags:
            return safe(self._passed[index - self._tags].reason.why), QUIET
        opened, tag = self._at(index)
        if self._shown is Shown.DROPPED:
            return safe(opened.portion.sifted.dropped[tag].why), QUIET
        if self._shown is Shown.NEEDED:
            return "it isn't known yet when it was created", QUIET
        becomes = opened.becomes.get(tag, [])
        if becomes and self._shown is Shown.MATCHED:
            # In full it stands below; where there is one target only, its name is in the field.
            if len(becomes) == 1:
                return f"→ {safe(becomes[0].partition('/')[2])}", ""
            return f"→ {safe(becomes[0])} and {len(becomes) - 1} more", ""
        if tag in opened.impossible:
            return safe(opened.impossible[tag]), BAD
        return "an earlier rule copies it there", QUIET

    def _at(self, index: int) -> tuple[_Opened, str]:
        number = bisect_right(self._ends, index)
        opened = self._opened(number)
        first = self._ends[number - 1] if number else 0
        return opened, opened.tags[index - first]

    def _opened(self, number: int) -> _Opened:
        opened = self._open.get(number)
        if opened is None:
            opened = self._open[number] = _Opened(self._portions[number], self._shown)
        return opened


def _size(portion: Portion, shown: Shown) -> int:
    sifted = portion.sifted
    if shown is Shown.IMPOSSIBLE:
        return len({version for each in portion.destinations for version in each.impossible})
    return len(
        {
            Shown.MATCHED: sifted.kept,
            Shown.DROPPED: sifted.dropped,
            Shown.NEEDED: sifted.needed,
        }[shown]
    )
