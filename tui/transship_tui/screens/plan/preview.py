"""Everything that a plan would do, known before a byte moves; then the start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, ContentSwitcher, Static

from transship.app.background import compute_in_thread
from transship.errors import TransshipError
from transship.guide import Step
from transship.oci.reference import Reference
from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship.transfers.copies import Copy, Verdict
from transship.transfers.preflight import PreflightUnknown
from transship.transfers.preview import Preview
from transship.transfers.scanner import ScanProgress
from transship_tui.extents import extent_of
from transship_tui.keys import chosen, key_for, words_for
from transship_tui.lines import run_line
from transship_tui.marks import BAD, CARE, MARKS, QUIET, mark
from transship_tui.naming import Naming, middle_cut, way_of
from transship_tui.screens.engines.choice import EngineChoiceScreen
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import TabLine
from transship_tui.widgets.dialogs import ConfirmDialog, FactsDialog
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.worklist import (
    copy_facts,
    creation_lines,
    creation_question,
    creation_words,
    lacking,
    not_known,
    short_name,
    visibility_of,
)

if TYPE_CHECKING:
    from transship.plans.plan import Plan

ORDER = (
    Verdict.COPY,
    Verdict.OVERWRITE,
    Verdict.DELETE,
    Verdict.CONFLICT,
    Verdict.BLOCKED,
    Verdict.SAME,
    Verdict.SKIP,
)
_STOPPED = (Verdict.CONFLICT, Verdict.BLOCKED)
_CAUSES = 2
_NAMED = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What no rule takes for the same reason. `rule` is the number (from 0) that came nearest."""

    why: str
    rule: int | None
    sources: tuple[Reference, ...]

    @property
    def extent(self) -> str:
        """How many tags these are, and how many repositories, in words."""
        return extent_of(self.sources)


@dataclass(frozen=True, slots=True)
class PreviewSummary:
    """A preview, sorted. `rate` is in bytes per second, 0 when it isn't known.

    `extent` says how much was left out. `causes` counts what can't be copied by its cause, and
    `remedies` says that something can be done about that. `affected` are the registries at which
    tags move or go. `lacking` counts what fails for want of something that a run could create.
    `gets_in` says in sentences who gets through to the registries, as far as their clouds tell.
    """

    preview: Preview
    rate: float
    counts: Mapping[Verdict, int]
    left_out: tuple[LeftOut, ...]
    extent: str
    new: tuple[str, ...]
    causes: tuple[tuple[str, int], ...]
    remedies: bool
    affected: tuple[str, ...]
    lacking: int = 0
    gets_in: tuple[str, ...] = ()

    @property
    def copies(self) -> Sequence[Copy]:
        """Everything that was looked at, with its verdict."""
        return self.preview.worklist.copies

    @property
    def deletes(self) -> bool:
        """Whether anything at a target would be deleted."""
        return bool(self.counts.get(Verdict.DELETE))

    @property
    def written_to(self) -> tuple[str, ...]:
        """The registries to which something is copied."""
        return tuple(dict.fromkeys(place for place, _ in sorted(self.preview.worklist.written_to)))

    def of(self, *verdicts: Verdict) -> Sequence[Copy]:
        """Return the copies with one of these verdicts."""
        return self.preview.worklist.of(*verdicts)


def summarize(preview: Preview, rate: float) -> PreviewSummary:
    """Sort a preview. Of a hundred thousand copies this takes a few tenths of a second."""
    worklist = preview.worklist
    grouped: dict[tuple[str, int | None], list[Reference]] = {}
    for dropped in preview.dropped:
        grouped.setdefault((dropped.why, dropped.rule), []).append(dropped.source)
    left_out = (LeftOut(*key, tuple(sources)) for key, sources in grouped.items())
    causes = Counter(
        copy.problem.title if copy.problem else copy.reason for copy in worklist.of(*_STOPPED)
    )
    changed = worklist.of(Verdict.OVERWRITE, Verdict.DELETE)
    return PreviewSummary(
        preview,
        rate,
        worklist.counts,
        tuple(sorted(left_out, key=lambda group: -len(group.sources))),
        extent_of(dropped.source for dropped in preview.dropped),
        tuple(f"{place}/{name}" for place, name in sorted(preview.new_repositories)),
        tuple(causes.most_common()),
        any(copy.problem is not None for copy in worklist.of(*_STOPPED)),
        tuple(dict.fromkeys(copy.target.registry for copy in changed)),
        lacking(worklist),
    )


def why_not_start(foreseen: PreviewSummary) -> str:
    """Return why a plan can't be started, or nothing when it can."""
    for share in foreseen.preview.vanished.too_much:
        return (
            f"It would delete {share.gone:,} of {counted(share.tags, 'tag')} at {share.target}, "
            f"and the plan allows {share.at_most:,}. {foreseen.preview.vanished.needed} lets it."
        )
    if any(v.moves or v in (Verdict.SAME, Verdict.DELETE) for v in foreseen.counts):
        return ""
    return "Nothing of this can be copied." if foreseen.copies else "The rules take nothing."


def totals(foreseen: PreviewSummary, only: Verdict | None, width: int) -> Iterator[Content]:
    """Give how many there are of each verdict, on as many lines as that takes."""
    images = len(foreseen.copies) - foreseen.counts.get(Verdict.DELETE, 0)
    parts = [(counted(images, "image"), "reverse" if only is None else "")]
    for verdict in ORDER:
        if foreseen.counts.get(verdict):
            sign = MARKS[verdict]
            chosen = "reverse " if verdict is only else ""
            words = f"{sign.sign} {foreseen.counts[verdict]:,} {sign.word}"
            parts.append((words, f"{chosen}{sign.color}"))
    line: list[str | tuple[str, str]] = []
    used = 0
    for words, style in parts:
        if used and used + 3 + len(words) > width:
            yield Content.assemble(*line)
            line, used = [], 0
        line += [*(["   "] if used else []), (words, style)]
        used += len(words) + (3 if used else 0)
    yield Content.assemble(*line)


def costs(foreseen: PreviewSummary, naming: Naming, creates: str) -> Iterator[Content]:
    """Give what the whole costs, and what would go wrong or be lost, a line for each.

    `creates` is the key that lets what is missing be created.
    """
    unknown = foreseen.preview.worklist.bytes_to_move and not foreseen.rate
    later = "  Time: not known yet." if unknown else ""
    yield Content.assemble(_bytes(foreseen), (later, QUIET))
    creations = foreseen.preview.worklist.creations
    yield from creation_lines(creations, foreseen.lacking, naming, creates)
    for caution in foreseen.preview.cautions:
        yield Content.styled(f"! {safe(caution)}", CARE)
    if foreseen.causes:
        stopped = sum(count for _, count in foreseen.causes)
        named = ", ".join(
            f"{count:,} × {safe(why, limit=80)}" for why, count in foreseen.causes[:_CAUSES]
        )
        more = ", …" if len(foreseen.causes) > _CAUSES else ""
        yield Content.styled(f"✗ {stopped:,} can't be copied: {named}{more}", BAD)
    if foreseen.preview.unknown:
        first, *others = foreseen.preview.unknown
        more = f", and {len(others):,} more" if others else ""
        called = replace(first, target=naming.place(first.target))
        yield Content.styled(f"{not_known(called)}{more}", CARE)
    if foreseen.gets_in:
        style = CARE if foreseen.preview.unknown else QUIET
        yield Content.styled(f"· {safe(foreseen.gets_in[0])}", style)
    for share in foreseen.preview.vanished.shares:
        if share.gone:
            place = naming.place(str(share.target))
            words = (
                f"Deletes {share.gone:,} of {counted(share.tags, 'tag')} at {place}; "
                f"the plan allows {share.at_most:,}"
            )
            too_much = share.gone > share.at_most
            yield Content.styled(*((f"✗ {words}", BAD) if too_much else (f"! {words}", CARE)))
    if kept := foreseen.preview.vanished.kept:
        named = ", ".join(f"{short_name(each.target)} ({each.why})" for each in kept[:_NAMED])
        more = f" and {len(kept) - _NAMED:,} more" if len(kept) > _NAMED else ""
        words = f"  Keeps {counted(len(kept), 'tag')} that no source has: {named}{more}"
        yield Content.styled(safe(words), QUIET)
    for name, quota in foreseen.preview.quotas.items():
        read = foreseen.preview.manifests_read.get(name, 0)
        few = read > quota.left
        words = (
            f"{naming.place(name)} lets {quota.left:,} manifests be read now; this reads {read:,}"
        )
        yield Content.styled(*((f"✗ {words}: too few", BAD) if few else (f"  {words}", QUIET)))


def question_words(foreseen: PreviewSummary, naming: Naming) -> Content:
    """Return what the question before the start has to say."""
    counts = foreseen.counts
    written = counts.get(Verdict.COPY, 0) + counts.get(Verdict.OVERWRITE, 0)
    places = ", ".join(map(naming.place, foreseen.written_to))
    where = f" at {places}" if places else ""
    lines: list[str | tuple[str, str]] = [
        f"{counted(written, 'image')} will be written{where}. {_bytes(foreseen)}"
    ]
    creations = foreseen.preview.worklist.creations
    lines += [(f"\n+ {creation_words(creation, naming)}", CARE) for creation in creations]
    lines += [(f"\n! {safe(caution)}", CARE) for caution in foreseen.preview.cautions]
    for verdict, words in (
        (Verdict.OVERWRITE, "will point at another image"),
        (Verdict.DELETE, "will be deleted"),
    ):
        if found := foreseen.of(verdict):
            named = ", ".join(safe(short_name(copy.target), limit=80) for copy in found[:_NAMED])
            more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
            sign = MARKS[verdict].sign
            lines += [
                "\n\n",
                (f"{sign} {counted(len(found), 'tag')} at the target {words}: ", CARE),
                f"{named}{more}.",
            ]
    if foreseen.causes:
        stopped = sum(count for _, count in foreseen.causes)
        lines += ["\n\n", (f"✗ {counted(stopped, 'image')} can't be copied and will fail.", BAD)]
    lines.append("\n\nThe job runs by itself, and goes on if you close Transship.")
    return Content.assemble(*lines)


def _bytes(foreseen: PreviewSummary) -> str:
    worklist = foreseen.preview.worklist
    if not any(verdict.moves for verdict in foreseen.counts):
        return "Nothing would be copied."
    to_move, total = worklist.bytes_to_move, worklist.bytes_total
    if to_move == 0:
        return "Moves no layers: all are there or mounted. Tags are written."
    seconds = foreseen.preview.seconds(foreseen.rate)
    time = ""
    if seconds is not None:
        time = f", about {duration_text(seconds)} at {rate_text(foreseen.rate)}"
    if to_move == total:
        return f"Moves {bytes_text(total)}{time}."
    moved = f"{bytes_text(to_move)} of {bytes_text(total)}{time}"
    return f"Moves {moved}; the rest is there or mounted."


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


class PreviewRows:
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


AnyRows = PreviewRows | GroupRows | NameRows


def _nearest(group: LeftOut) -> str:
    return f"{_rule(group)} came nearest"


def _rule(group: LeftOut) -> str:
    return "no rule" if group.rule is None else f"rule {group.rule + 1}"


def _name(group: LeftOut, index: int) -> str:
    source = group.sources[index]
    if source.version:
        return short_name(source)
    return safe(source.repository or source.registry)


_ROW_LINES = 3
"""How many lines there are for one row, with what to do about it, where there is room."""
_ROOMY = 15
_NEW = "comes to be at the target"
_TOLD = "so its cloud tells; in Registries, it can be changed"
_CREATED = "is created by the run before anything is written into it"
_KEPT = tuple(verdict for verdict in ORDER if verdict is not Verdict.DELETE)


class PlanPreview(Vertical):
    """Shows what was foreseen, in lists, and offers to start it."""

    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "foreseen.verdict", "foreseen.next-tab", "foreseen.previous-tab"
    )
    DEFAULT_CSS = """
    PlanPreview {
        #totals, #costs { padding: 0 1; }
        #lists { margin-top: 1; background: $surface; }
        &.-low #lists { margin-top: 0; }
        ContentSwitcher { height: 1fr; }
        #row { padding: 0 1; background: $surface; }
        #start-line { height: auto; max-height: 3; padding: 0 1; }
        #start-line Button { margin-right: 2; }
        #start-line Static { width: 1fr; height: auto; color: $text-muted; }
    }
    """

    class StartWanted(Message):
        """It is to be done."""

    class WhoWanted(Message):
        """Somebody else may be to do it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._foreseen: PreviewSummary | None = None
        self._naming = Naming()
        self._only: Verdict | None = None
        self._list = "copies"
        self._group: LeftOut | None = None
        self.why_not = ""
        """Why it can't be started; nothing when it can."""

    def compose(self) -> ComposeResult:
        """Give totals and costs, the lists, all of the row under the cursor, and the way on."""
        yield TextLines(id="totals")
        yield TextLines(id="costs")
        yield TabLine(id="lists")
        with ContentSwitcher(initial="copies"):
            yield VirtualTable(COPY_COLUMNS, id="copies")
            yield VirtualTable(GROUP_COLUMNS, id="groups")
            yield VirtualTable(NAME_COLUMNS, id="names")
        yield TextLines(id="row")
        with Horizontal(id="start-line"):
            yield Button("Start…", id="start", compact=True, variant="primary")
            yield Button("Who moves it…", id="who", compact=True)
            yield Static(id="why")

    def on_resize(self) -> None:
        """Lay the totals out anew."""
        self.set_class(self.size.height < 17, "-low")
        self._say()
        self._show_row(self.table.cursor)

    def show(self, foreseen: PreviewSummary, naming: Naming) -> None:
        """Show a preview; `naming` says what places are called."""
        self._foreseen, self._naming = foreseen, naming
        self._only = self._group = None
        self._list = "copies"
        self.offer_start()
        self._draw()

    def offer_start(self) -> None:
        """Let it be started, or say why it can't be."""
        self._allow_start(why_not_start(self._foreseen) if self._foreseen else "looking…")

    def starting(self) -> None:
        """Say that the job is on its way, which takes a moment."""
        self._allow_start("starting the job…")

    def _allow_start(self, why_not: str) -> None:
        self.why_not = why_not
        self.query_one("#start", Button).disabled = bool(why_not)
        words = why_not or "asks once more; nothing is written yet"
        self.query_one("#why", Static).update(Content(words))
        self.screen.refresh_bindings()

    # Which list

    def action_verdict(self) -> None:
        """Show only the next verdict that there is; after the last one, all."""
        if self._foreseen is None:
            return
        counts = self._foreseen.counts
        present: list[Verdict | None] = [None, *filter(counts.get, _KEPT)]
        at = present.index(self._only) if self._list == "copies" else -1
        self._only = present[(at + 1) % len(present)]
        self._list = "copies"
        self._draw()

    def action_tab(self, by: int) -> None:
        """Show the next list."""
        names = list(self._lists())
        self._choose(names[(names.index(self._list) + by) % len(names)])

    def close_group(self) -> bool:
        """Show all reasons again; tell whether one was open."""
        was_open, self._group = self._group is not None, None
        if was_open:
            self._draw()
        return was_open

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        event.stop()
        self._choose(list(self._lists())[event.index])

    @on(VirtualTable.Opened, "#groups")
    def _group_opened(self, event: VirtualTable.Opened) -> None:
        event.stop()
        if self._foreseen is not None:
            self._group = self._foreseen.left_out[event.index]
            self._draw()

    @on(VirtualTable.Opened, "#copies, #names")
    def _row_opened(self, event: VirtualTable.Opened) -> None:
        """Show all of a row: its lines may have no room for it."""
        event.stop()
        rows = self.table.rows
        if isinstance(rows, PreviewRows | NameRows) and event.index < len(rows):
            self.app.push_screen(FactsDialog(*rows.facts(event.index)))

    def _choose(self, name: str) -> None:
        self._list, self._group, self._only = name, None, None
        self._draw()

    def _lists(self) -> dict[str, str]:
        """Return the lists that have anything in them, by name, each with its title.

        Where there is no room for all of them, only the one in front says how much it has.
        """
        if self._foreseen is None:
            return {"copies": "Copies"}
        seen = self._foreseen
        deleted = seen.counts.get(Verdict.DELETE, 0)
        unknown = seen.preview.unknown
        created = seen.preview.worklist.creations
        lists = {
            "copies": ("Copies", f"{len(seen.copies) - deleted:,}"),
            "deletions": ("Deletions", f"{deleted:,}" if deleted else ""),
            "left-out": (
                "Left out",
                seen.extent,
            ),
            "new": ("New repositories", f"{len(seen.new):,}" if seen.new else ""),
            "created": ("Created first", f"{len(created):,}" if created else ""),
            "unknown": ("Not known", f"{len(unknown):,}" if unknown else ""),
            "gets-in": ("Who gets in", f"{len(seen.gets_in):,}" if seen.gets_in else ""),
        }
        there = {name: title for name, title in lists.items() if title[1]}
        room = sum(len(f" {title} {count} ") for title, count in there.values())
        return {
            name: f"{title} {count}" if room <= self.size.width or name == self._list else title
            for name, (title, count) in there.items()
        }

    def _rows(self, seen: PreviewSummary) -> tuple[str, AnyRows]:
        """Return which table shows the list, and its rows."""
        if self._list == "deletions":
            return "copies", PreviewRows(seen.of(Verdict.DELETE), self._naming, seen.preview)
        if self._list == "new":
            return "names", NameRows(seen.new, _NEW, self._naming)
        if self._list == "created":
            created = seen.preview.worklist.creations
            names = [f"{each.target}: {each}" for each in created]
            return "names", NameRows(names, _CREATED, self._naming)
        if self._list == "gets-in":
            return "names", ToldRows(seen.gets_in, _TOLD, self._naming)
        if self._list == "unknown":
            return "names", UnknownRows(seen.preview.unknown, self._naming)
        if self._list == "left-out" and self._group is not None:
            return "names", SourceRows(self._group, self._naming)
        if self._list == "left-out":
            return "groups", GroupRows(seen.left_out)
        kept = _KEPT if self._only is None else (self._only,)
        return "copies", PreviewRows(seen.of(*kept), self._naming, seen.preview)

    # What is shown

    @property
    def table(self) -> VirtualTable:
        """The table that is in front."""
        return self.query_one(f"#{self.query_one(ContentSwitcher).current}", VirtualTable)

    def _draw(self) -> None:
        if self._foreseen is None:
            return
        had_focus = self.table.has_focus or self.screen.focused is None
        name, rows = self._rows(self._foreseen)
        self.query_one(ContentSwitcher).current = name
        empty = "The rules take nothing." if self._foreseen.preview.dropped else "Nothing is there."
        self.table.show(rows, empty=empty, at=0)
        if had_focus:
            self.screen.set_focus(self.table)
        self._show_row(0)
        self._say()

    def _say(self) -> None:
        if self._foreseen is None:
            return
        width = max(20, self.size.width - 2)
        chosen = self._only if self._list == "copies" else None
        self.query_one("#totals", TextLines).show(totals(self._foreseen, chosen, width))
        self.query_one("#costs", TextLines).show(
            costs(self._foreseen, self._naming, key_for(self, "foreseen.create"))
        )
        lists = self._lists()
        self.query_one("#lists", TabLine).tabs(list(lists.values()), list(lists).index(self._list))

    @on(VirtualTable.CursorMoved)
    def _cursor_moved(self, event: VirtualTable.CursorMoved) -> None:
        event.stop()
        if event.table is self.table:
            self._show_row(event.index)

    def _show_row(self, index: int) -> None:
        rows = self.table.rows
        words: list[Content] = []
        if isinstance(rows, PreviewRows | GroupRows | NameRows) and index < len(rows):
            words = list(rows.in_full(index, max(20, self.size.width - 2)))
        # The list doesn't jump as the cursor moves on.
        remedies = self._foreseen is not None and self._foreseen.remedies
        roomy = remedies and self.size.height >= _ROOMY
        most = _ROW_LINES if roomy else _ROW_LINES - 1
        words += [Content("")] * (most - len(words))
        self.query_one("#row", TextLines).show(words[:most])

    @on(Button.Pressed, "#who")
    def _who(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.WhoWanted())

    @on(Button.Pressed, "#start")
    def _start(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.StartWanted())


_UNKNOWN = "Nothing is known yet. {foreseen.refresh} looks again; {back} goes back."
_ALL_THERE = "The targets lack nothing that a run could create."
_AT_ONCE = 5_000
"""So many copies are sorted before anybody notices."""


class PlanPreviewScreen(Frame):
    """Looks at both sides of `plan` and shows what it would do.

    `name` is what it is called, `saved` its name if its file says the same. With `ask`, whether to
    start is asked as soon as all is known.
    """

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = chosen(
        "foreseen.start", "foreseen.create", "foreseen.who", "foreseen.refresh"
    )
    WITHOUT_LINE: ClassVar[str] = "Save the plan first: the line takes it from its file."
    HELP: ClassVar[str] = """
Both sides were looked at, and nothing was written. Copies have a verdict each, and
{foreseen.verdict} shows one after another; {foreseen.next-tab} goes on to what would be deleted, to
what the rules left out and why, and to the repositories that come to be. Where a target lacks what
an image has to be in, {foreseen.create} lets the run create that; the plan's editor keeps it.

{list.open} shows a row in whole: who, where, why, and what to do about it. Start asks once more.
Where tags would move or go, it wants the target's name typed.
"""

    def __init__(self, plan: Plan, name: str, *, saved: str = "", ask: bool = False) -> None:
        super().__init__()
        self._plan = plan
        self._plan_name = name
        self._saved = saved
        self._ask = ask
        self._foreseen: PreviewSummary | None = None
        self._ticks: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Give the wait, and what was found: one of them at a time."""
        with ContentSwitcher(initial="looking", id="steps"):
            with Container(id="looking", classes="notice"):
                yield Static(id="found")
            yield PlanPreview(id="foreseen")

    def on_mount(self) -> None:
        """Begin to look."""
        self._say_what()
        self._look()

    def action_refresh_list(self) -> None:
        """Look at both sides anew."""
        self.hush()
        self._look()

    def action_create(self) -> None:
        """Ask whether the run may create what is missing, then look anew."""

        def answered(answer: str | None) -> None:
            if answer is None or visibility_of(answer) is self._plan.create_missing:
                return
            self._plan = replace(self._plan, create_missing=visibility_of(answer))
            self._saved = ""
            self._say_what()
            self.action_refresh_list()

        self.app.push_screen(creation_question(), answered)

    @on(PlanPreview.WhoWanted)
    def action_who(self) -> None:
        """Let the operator choose who moves it."""
        self.hush()
        ours = self.action_start
        self.app.push_screen(EngineChoiceScreen(self._plan, self._plan_name, self._saved, ours))

    def _say_what(self) -> None:
        way = way_of(self._plan, self.context.naming)
        more = way if self._saved else f"{way} · as it is here, not saved"
        self.heading(f"Preview of {self._plan_name}", more)
        self.line(run_line(self._saved) if self._saved else "")

    def take_step(self, step: Step) -> bool:
        """Ask whether to start, once all is known."""
        if step is not Step.RUN or "start" in self.impossible():
            return False
        self.action_start()
        return True

    async def action_back(self) -> None:
        """Show all reasons again, or go back; what is being looked at is left."""
        if not self.query_one(PlanPreview).close_group():
            await super().action_back()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        progress = ScanProgress()
        self._foreseen = None
        self.context.guide.begin_plan(self._plan)
        self.context.shell.show_guide()
        self._switch("looking")
        self._say_found(progress)
        self._ticks = self.set_interval(0.25, lambda: self._say_found(progress))
        try:
            foreseen = await self._foresee(progress)
        except TransshipError as error:
            self._ticks.stop()
            self._say(words_for(self, _UNKNOWN))
            self.fail(error)
            await self._say_who_gets_in()
            return
        finally:
            self._ticks.stop()
        self._show(foreseen)

    async def _say_who_gets_in(self) -> None:
        """Say what keeps a registry from being reached, where its cloud tells."""
        try:
            told = await self.core.engines.access_notes(self._plan)
        except TransshipError:
            return  # What was wrong is said already.
        if told:
            self._say("\n\n".join((words_for(self, _UNKNOWN), *map(safe, told))))

    async def _foresee(self, progress: ScanProgress) -> PreviewSummary:
        engine = self.core
        preview: Preview = await engine.plans.preview(self._plan, progress)
        rate = await engine.plans.rate_of(self._plan)
        gets_in = tuple(await engine.engines.access_notes(self._plan))
        if len(preview.worklist.copies) + len(preview.dropped) <= _AT_ONCE:
            return replace(summarize(preview, rate), gets_in=gets_in)
        return replace(await compute_in_thread(summarize, preview, rate), gets_in=gets_in)

    def _say_found(self, progress: ScanProgress) -> None:
        self._say(
            f"Looking at both sides: {counted(progress.found, 'image')} found so far.\n"
            f"{words_for(self, 'Nothing is written. {back} goes back.')}"
        )

    def _say(self, words: str) -> None:
        self.query_one("#found", Static).update(Content(words))

    def _switch(self, step: str) -> None:
        self.query_one("#steps", ContentSwitcher).current = step
        self.refresh_bindings()

    def _show(self, foreseen: PreviewSummary) -> None:
        self._foreseen = foreseen
        self.line(run_line(self._saved, deletes=foreseen.deletes) if self._saved else "")
        self._switch("foreseen")
        view = self.query_one(PlanPreview)
        view.show(foreseen, self.context.naming)
        view.table.focus()
        self.context.guide.previewed = True
        self.context.shell.show_guide()
        ask, self._ask = self._ask, False
        if ask and not view.why_not:
            self._start(foreseen)

    def impossible(self) -> Mapping[str, str]:
        """Say why it can't be started."""
        if self._foreseen is None:
            return dict.fromkeys(("start", "create"), "It isn't known yet what it would do.")
        why_not = self.query_one(PlanPreview).why_not
        nothing = not (self._foreseen.lacking or self._foreseen.preview.worklist.creations)
        return ({"start": why_not} if why_not else {}) | ({"create": _ALL_THERE} if nothing else {})

    @on(PlanPreview.StartWanted)
    def action_start(self) -> None:
        """Ask whether to start it."""
        if self._foreseen is not None:
            self._start(self._foreseen)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, foreseen: PreviewSummary) -> None:
        if not await self.app.push_screen_wait(
            _question(self._plan_name, foreseen, self.context.naming)
        ):
            return
        view = self.query_one(PlanPreview)
        view.starting()
        try:
            job = await self.core.jobs.start(self._plan, deletes=foreseen.deletes)
        except TransshipError as error:
            view.offer_start()
            self.fail(error)
            return
        # Popping this screen ends its workers, this one too.
        self.app.call_later(self._leave_to, job)

    def _leave_to(self, job: str) -> None:
        """Show the job; what was asked here is done."""
        self.context.guide.job = job
        self.context.monitor.look()
        self.close_when_in_front()
        self.context.shell.show_job(job)


def _question(name: str, foreseen: PreviewSummary, naming: Naming) -> ConfirmDialog:
    """Return the question before the start. Where tags move or go, it asks for where."""
    typed = " ".join(foreseen.affected)
    return ConfirmDialog(
        f"Run {safe(name)}?",
        question_words(foreseen, naming),
        "Start",
        danger=bool(typed),
        typed=typed or None,
    )
