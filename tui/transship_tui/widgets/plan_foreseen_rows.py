"""The lists of a preview as rows: copies, what was left out by reason, and plain names."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from transship.text import safe
from transship.transfers.work import Copy, Verdict
from transship_tui.marks import BAD, CARE, QUIET, mark
from transship_tui.widgets.plan_foreseen import LeftOut
from transship_tui.widgets.rows import Column
from transship_tui.widgets.worklist_view import short_name

COPY_COLUMNS = (
    Column("Verdict", 11),
    Column("From"),
    Column("To"),
    Column("Why", least=100),
)
GROUP_COLUMNS = (
    Column("Why it is left out"),
    Column("How many", 9, right=True),
    Column("For example", least=60),
)
NAME_COLUMNS = (Column("Name"),)


class ForeseenRows:
    """Copies with their verdicts."""

    def __init__(self, copies: Sequence[Copy]) -> None:
        self._copies = copies

    def __len__(self) -> int:
        return len(self._copies)

    def key(self, index: int) -> str:
        """Return the copy's number."""
        return str(self._copies[index].id)

    def cells(self, index: int) -> Sequence[Content]:
        """Return verdict, source, target and reason. What is deleted has no source any more."""
        copy = self._copies[index]
        gone = copy.verdict is Verdict.DELETE
        return (
            mark(copy.verdict),
            Content("" if gone else short_name(copy.source)),
            Content(short_name(copy.target)),
            Content.styled(safe(copy.reason), QUIET),
        )

    def in_full(self, index: int) -> Content:
        """Return everything about one copy."""
        copy = self._copies[index]
        gone = copy.verdict is Verdict.DELETE
        way = "" if gone else f"{safe(str(copy.source))} → "
        color = {
            Verdict.OVERWRITE: CARE,
            Verdict.DELETE: CARE,
            Verdict.CONFLICT: BAD,
            Verdict.BLOCKED: BAD,
        }
        return Content.assemble(
            f"{way}{safe(str(copy.target))}\n",
            (safe(copy.reason) or copy.digest or "", color.get(copy.verdict, QUIET)),
        )


class GroupRows:
    """What was left out, a reason at a time."""

    def __init__(self, groups: Sequence[LeftOut]) -> None:
        self.groups = groups

    def __len__(self) -> int:
        return len(self.groups)

    def key(self, index: int) -> str:
        """Return the group's number."""
        return str(index)

    def cells(self, index: int) -> Sequence[Content]:
        """Return the reason, how many there are, and one of them."""
        group = self.groups[index]
        return (
            Content(safe(group.why)),
            Content(f"{len(group.sources):,}"),
            Content.styled(_name(group, 0), QUIET),
        )

    def in_full(self, index: int) -> Content:
        """Return the reason, and which rule came nearest."""
        group = self.groups[index]
        nearest = "no rule" if group.rule is None else f"rule {group.rule + 1}"
        return Content.assemble(safe(group.why), ("\n" + f"{nearest} came nearest", QUIET))


class NameRows:
    """Names, one a row."""

    def __init__(self, names: Sequence[str], why: str = "") -> None:
        self._names = names
        self._why = why

    def __len__(self) -> int:
        return len(self._names)

    def key(self, index: int) -> str:
        """Return the name."""
        return self._names[index]

    def cells(self, index: int) -> Sequence[Content]:
        """Return the name."""
        return (Content(safe(self._names[index])),)

    def in_full(self, index: int) -> Content:
        """Return the name, and what all of them have in common."""
        return Content.assemble(safe(self._names[index]), (f"\n{safe(self._why)}", QUIET))


class SourceRows(NameRows):
    """What was left out for one reason."""

    def __init__(self, group: LeftOut) -> None:
        super().__init__((), group.why)
        self._group = group

    def __len__(self) -> int:
        return len(self._group.sources)

    def key(self, index: int) -> str:
        """Return the reference."""
        return str(self._group.sources[index])

    def cells(self, index: int) -> Sequence[Content]:
        """Return the reference without its registry."""
        return (Content(_name(self._group, index)),)

    def in_full(self, index: int) -> Content:
        """Return the whole reference, and why it is left out."""
        return Content.assemble(safe(self.key(index)), (f"\n{safe(self._group.why)}", QUIET))


AnyRows = ForeseenRows | GroupRows | NameRows


def _name(group: LeftOut, index: int) -> str:
    source = group.sources[index]
    if source.version:
        return short_name(source)
    return safe(source.repository or source.registry)
