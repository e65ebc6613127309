"""What a plan would do, put together for the eye: counts, costs, what to look at first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from textual.content import Content

from transship.oci.reference import Reference
from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship.transfers.copies import Copy, Verdict
from transship.transfers.preview import Preview
from transship_tui.creations import creation_lines, creation_words, lacking
from transship_tui.extents import extent_of
from transship_tui.marks import BAD, CARE, MARKS, QUIET
from transship_tui.naming import Naming
from transship_tui.widgets.worklist_view import not_known, short_name

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
class Foreseen:
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


def foresee(preview: Preview, rate: float) -> Foreseen:
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
    return Foreseen(
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


def why_not_start(foreseen: Foreseen) -> str:
    """Return why a plan can't be started, or nothing when it can."""
    for share in foreseen.preview.vanished.too_much:
        return (
            f"It would delete {share.gone:,} of {counted(share.tags, 'tag')} at {share.target}, "
            f"and the plan allows {share.at_most:,}. {foreseen.preview.vanished.needed} lets it."
        )
    if any(v.moves or v in (Verdict.SAME, Verdict.DELETE) for v in foreseen.counts):
        return ""
    return "Nothing of this can be copied." if foreseen.copies else "The rules take nothing."


def totals(foreseen: Foreseen, only: Verdict | None, width: int) -> Iterator[Content]:
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


def costs(foreseen: Foreseen, naming: Naming, creates: str) -> Iterator[Content]:
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


def question_words(foreseen: Foreseen, naming: Naming) -> Content:
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


def _bytes(foreseen: Foreseen) -> str:
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
