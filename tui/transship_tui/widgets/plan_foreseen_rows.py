"""The lists of a preview as rows: copies, what was left out by reason, and plain names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from transship.text import safe
from transship.transfers.copies import Copy, Verdict
from transship.transfers.preflight import PreflightUnknown
from transship.transfers.preview import Preview
from transship_tui.marks import BAD, CARE, QUIET, mark
from transship_tui.naming import Naming, middle_cut
from transship_tui.widgets.plan_foreseen import LeftOut
from transship_tui.widgets.rows import Column
from transship_tui.widgets.worklist_view import copy_facts, short_name

COPY_COLUMNS = (
    Column("Verdict", 11),
    Column("From"),
    Column("To"),
    Column("Why", least=100),
)
GROUP_COLUMNS = (
    Column("Why it is left out"),
    Column("How many", 16, right=True),
    Column("For example", least=60),
)
NAME_COLUMNS = (Column("Name"),)
_COLORS = {
    Verdict.OVERWRITE: CARE,
    Verdict.DELETE: CARE,
    Verdict.CONFLICT: BAD,
    Verdict.BLOCKED: BAD,
}
_ARROW = " → "


class ForeseenRows:
    """Copies of a preview with their verdicts."""

    def __init__(self, copies: Sequence[Copy], naming: Naming, preview: Preview) -> None:
        self._copies = copies
        self._naming = naming
        self._preview = preview

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

    def in_full(self, index: int, width: int) -> Iterator[Content]:
        """Give from where to where, why, and what to do about it, in lines of `width` cells."""
        copy = self._copies[index]
        ends = [self._naming.place(str(copy.target))]
        if copy.verdict is not Verdict.DELETE:
            ends.insert(0, self._naming.place(str(copy.source)))
        room = (width - len(_ARROW)) // 2 if len(_ARROW.join(ends)) > width else width
        yield Content(_ARROW).join(middle_cut(Content(end), room) for end in ends)
        color = _COLORS.get(copy.verdict, QUIET)
        yield Content.styled(safe(copy.reason) or copy.digest or "", color)
        if copy.problem is not None:
            yield Content.styled(f"→ {self._mapping(copy) or safe(copy.problem.remedy)}", QUIET)

    def facts(self, index: int) -> tuple[Content, Sequence[tuple[str, str]]]:
        """Return a title and everything that is known of one copy."""
        copy = self._copies[index]
        facts = copy_facts(copy, self._naming)
        if mapping := self._mapping(copy):
            facts.append(("Fits with", mapping))
        return mark(copy.verdict), facts

    def _mapping(self, copy: Copy) -> str:
        """Return with which mapping a name that is refused would fit; nothing when it isn't."""
        if (found := self._preview.becomes(copy)) is None:
            return ""
        proposal, name = found
        return safe(f'map = "{proposal.map}" in rule {proposal.rule + 1}: {name.repository}')


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
            Content(group.extent),
            Content.styled(_name(group, 0), QUIET),
        )

    def in_full(self, index: int, width: int) -> Iterator[Content]:  # noqa: ARG002 - cut at the edge
        """Give the reason, and which rule came nearest."""
        group = self.groups[index]
        yield Content(safe(group.why))
        yield Content.styled(_nearest(group), QUIET)


class NameRows:
    """Names, one a row."""

    def __init__(self, names: Sequence[str], why: str, naming: Naming) -> None:
        self._names = names
        self._why = why
        self._naming = naming

    def __len__(self) -> int:
        return len(self._names)

    def key(self, index: int) -> str:
        """Return the name."""
        return self._names[index]

    def cells(self, index: int) -> Sequence[Content]:
        """Return the name."""
        return (Content(self._called(index)),)

    def in_full(self, index: int, width: int) -> Iterator[Content]:
        """Give the name, and what all of them have in common."""
        yield middle_cut(Content(self._called(index)), width)
        yield Content.styled(safe(self._why), QUIET)

    def facts(self, index: int) -> tuple[Content, Sequence[tuple[str, str]]]:
        """Return a title and everything that is known of one of them."""
        return Content(self._called(index)), [("Why", self._why)]

    def _called(self, index: int) -> str:
        return self._naming.place(self.key(index))


class ToldRows(NameRows):
    """Sentences, one a row; the one under the cursor is laid out in whole."""

    def in_full(self, index: int, width: int) -> Iterator[Content]:
        """Give all of a sentence."""
        yield from Content(self._called(index)).wrap(width)

    def _called(self, index: int) -> str:
        return safe(self.key(index))


class SourceRows(NameRows):
    """What was left out for one reason."""

    def __init__(self, group: LeftOut, naming: Naming) -> None:
        super().__init__((), group.why, naming)
        self._group = group

    def __len__(self) -> int:
        return len(self._group.sources)

    def key(self, index: int) -> str:
        """Return the reference."""
        return str(self._group.sources[index])

    def cells(self, index: int) -> Sequence[Content]:
        """Return the reference without its registry."""
        return (Content(_name(self._group, index)),)

    def facts(self, index: int) -> tuple[Content, Sequence[tuple[str, str]]]:
        """Return a title, why it is left out, and which rule came nearest."""
        title, facts = super().facts(index)
        return title, [*facts, ("Nearest", _rule(self._group))]


class UnknownRows(NameRows):
    """What the targets didn't say of what they would refuse."""

    def __init__(self, unknown: Sequence[PreflightUnknown], naming: Naming) -> None:
        super().__init__([f"{each.target}: {each}" for each in unknown], "", naming)
        self._unknown = unknown

    def facts(self, index: int) -> tuple[Content, Sequence[tuple[str, str]]]:
        """Return a title, what isn't known of whom, why not, and what to do."""
        each = self._unknown[index]
        facts = (
            ("At", self._naming.place(each.target)),
            ("Not known", each.what),
            ("Of", ", ".join(each.of)),
            ("Why", str(each.why)),
            ("What to do", each.why.remedy),
        )
        return Content("? not known"), [(name, value) for name, value in facts if value]


AnyRows = ForeseenRows | GroupRows | NameRows


def _nearest(group: LeftOut) -> str:
    return f"{_rule(group)} came nearest"


def _rule(group: LeftOut) -> str:
    return "no rule" if group.rule is None else f"rule {group.rule + 1}"


def _name(group: LeftOut, index: int) -> str:
    source = group.sources[index]
    if source.version:
        return short_name(source)
    return safe(source.repository or source.registry)
