"""What a job would do, as lines and as JSON, before anything is done."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.app import ScanProgress, Verdict, nothing_found
from transship.errors import TooManyDeletions
from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship_tui.commands.options import carried_out
from transship_tui.commands.output import Lazily, say_problem, show, show_json, table, width_of
from transship_tui.commands.status import watched
from transship_tui.extents import extent_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from transship.app import Application, Copy, Plan, Preview, PrunedTags
    from transship.oci.reference import Reference

# Tags that stand for referrers have a digest in them too.
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}")
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class PreviewShown:
    """A preview, and how fast earlier jobs went the same way (bytes per second, 0: unknown)."""

    preview: Preview
    rate: float


def preview_lines(foreseen: PreviewShown, width: int | None, *, everything: bool) -> Iterator[str]:
    """Give the preview for a person; without `everything` what isn't to be done is counted only."""
    preview = foreseen.preview
    copies = preview.worklist.copies
    names = _Names.of(copies)
    shown = copies if everything else preview.worklist.of(*(set(Verdict) - {Verdict.SAME}))
    if shown:
        yield from table(("VERDICT", "FROM", "TO", "WHY"), _Rows(names, shown), width)
        yield ""
    yield from _dropped(preview, everything=everything)
    verdicts = preview.worklist.counts
    counts = ", ".join(f"{verdicts[v]:,} {v}" for v in Verdict if v in verdicts)
    yield f"{counted(len(copies), 'image')}{f': {counts}' if counts else ''}"
    yield from _remedies(preview.worklist.of(Verdict.BLOCKED))
    yield from _mappings(preview)
    yield from _costs(foreseen)
    yield "nothing was written"


def preview_document(foreseen: PreviewShown) -> dict[str, object]:
    """Return the preview as the document that `--json` writes."""
    preview = foreseen.preview
    worklist = preview.worklist
    return {
        "copies": Lazily(_copy, worklist.copies),
        "dropped": [
            {"source": str(dropped.source), "rule": dropped.rule, "reason": dropped.why}
            for dropped in preview.dropped
        ],
        "new_repositories": [f"{place}/{name}" for place, name in sorted(preview.new_repositories)],
        "creations": [
            {
                "registry": creation.target,
                "kind": creation.missing.kind,
                "name": creation.missing.name,
                "visibility": str(creation.visibility),
                "immutable_tags": creation.options.immutable_tags,
                "resource_tags": dict(creation.options.resource_tags),
            }
            for creation in worklist.creations
        ],
        "cautions": list(preview.cautions),
        "mappings": [
            {
                "rule": proposal.rule,
                "map": proposal.map,
                "becomes": [
                    {"source": str(source), "target": str(target)}
                    for (source, _), target in proposal.becomes.items()
                ],
            }
            for proposal in preview.proposals
        ],
        "deletions": {
            str(share.target): {
                "found": share.gone,
                "at_target": share.tags,
                "at_most": share.at_most,
            }
            for share in preview.vanished.shares
        },
        "kept": [
            {"target": str(kept.target), "reason": kept.why} for kept in preview.vanished.kept
        ],
        "bytes": {"total": worklist.bytes_total, "to_move": worklist.bytes_to_move},
        "seconds": preview.seconds(foreseen.rate),
        "manifests_read": dict(preview.manifests_read),
        "quotas": {
            name: {"left": quota.left, "limit": quota.limit, "seconds": quota.seconds}
            for name, quota in preview.quotas.items()
        },
        "unknown": [
            {
                "registry": each.target,
                "what": each.what,
                "of": list(each.of),
                "cause": each.why.cause,
                "reason": str(each.why),
            }
            for each in preview.unknown
        ],
    }


def _copy(copy: Copy) -> dict[str, object]:
    return {
        "source": str(copy.source),
        "target": str(copy.target),
        "digest": copy.digest,
        "previous": copy.previous,
        "verdict": str(copy.verdict),
        "reason": copy.reason,
        "cause": copy.problem.cause if copy.problem else "",
        "remedy": copy.problem.remedy if copy.problem else "",
    }


def short_name(reference: Reference) -> str:
    """Return a reference as a table shows it: without the place, and with a short digest."""
    version = f":{reference.tag}" if reference.tag else ""
    name = reference.repository + (version or (f"@{reference.digest}" if reference.digest else ""))
    return _DIGEST.sub(r"\1…", name)


@dataclass(frozen=True, slots=True)
class _Names:
    """How references are shown: with their hosts only where one side has several."""

    sources: bool
    targets: bool

    @classmethod
    def of(cls, copies: Iterable[Copy]) -> _Names:
        ways = {(copy.source.registry, copy.target.registry) for copy in copies}
        return cls(
            sources=len({source for source, _ in ways}) > 1,
            targets=len({target for _, target in ways}) > 1,
        )

    def row(self, copy: Copy) -> tuple[str, str, str, str]:
        why = (copy.problem.detail or copy.problem.title) if copy.problem else copy.reason
        source = _shown(copy.source, host=self.sources)
        return str(copy.verdict), source, _shown(copy.target, host=self.targets), why


@dataclass(frozen=True, slots=True)
class _Rows:
    """Copies as rows of a table, made as they are gone through."""

    names: _Names
    copies: Sequence[Copy]

    def __iter__(self) -> Iterator[tuple[str, str, str, str]]:
        return map(self.names.row, self.copies)


def _shown(reference: Reference, *, host: bool) -> str:
    return f"{reference.registry}/{short_name(reference)}" if host else short_name(reference)


def _dropped(preview: Preview, *, everything: bool) -> Iterator[str]:
    """Give what no rule took: each with its reason, or each reason with a few examples."""
    if not preview.dropped:
        return
    yield f"Left out by the rules: {extent_of(dropped.source for dropped in preview.dropped)}"
    by_reason: dict[str, list[str]] = {}
    for dropped in preview.dropped:
        by_reason.setdefault(dropped.why, []).append(short_name(dropped.source))
    for why, names in by_reason.items():
        shown = names if everything else names[:_EXAMPLES]
        more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        yield f"  {safe(why)}: {safe(', '.join(shown))}{more}"
    yield ""


def _remedies(copies: Iterable[Copy]) -> Iterator[str]:
    """Give what can be done about what can't be copied, each cause once."""
    problems = (copy.problem for copy in copies)
    causes = {(problem.title, problem.remedy) for problem in problems if problem}
    for title, remedy in sorted(causes):
        yield safe(f"{title}: {remedy}")


def _mappings(preview: Preview) -> Iterator[str]:
    """Give with which mappings all names would fit."""
    for proposal in preview.proposals:
        (source, _), target = next(iter(proposal.becomes.items()))
        count = counted(len(proposal.becomes), "name fits", "names fit")
        yield safe(
            f'rule {proposal.rule + 1}: with map = "{proposal.map}" {count}: '
            f"{source.repository} becomes {target.repository}"
        )


def _costs(foreseen: PreviewShown) -> Iterator[str]:
    preview = foreseen.preview
    worklist = preview.worklist
    for creation in worklist.creations:
        what, how = creation.missing, creation.how
        yield safe(f"will create {what.kind} `{what.name}` at {creation.target}, {how}")
    yield from map(safe, preview.cautions)
    if preview.new_repositories:
        several = len({place for place, _ in preview.new_repositories}) > 1
        names = sorted(
            f"{place}/{name}" if several else name for place, name in preview.new_repositories
        )
        more = f" and {len(names) - _EXAMPLES:,} more" if len(names) > _EXAMPLES else ""
        yield f"new at the target: {safe(', '.join(names[:_EXAMPLES]))}{more}"
    if worklist.blobs:
        to_move, total = worklist.bytes_to_move, worklist.bytes_total
        yield f"{bytes_text(to_move)} to send, of {bytes_text(total)} that the images consist of"
        seconds = preview.seconds(foreseen.rate)
        if seconds is not None:
            rate = rate_text(foreseen.rate)
            yield f"about {duration_text(seconds)}, at the {rate} of the last job on this way"
    yield from _deletions(preview.vanished)
    for each in preview.unknown:
        yield safe(f"{each.target}: it isn't known {each}")
    for name, quota in preview.quotas.items():
        read = preview.manifests_read.get(name, 0)
        few = " - TOO FEW" if read > quota.left else ""
        yield f"{safe(name)} lets {quota.left:,} manifests be read now; this reads {read:,}{few}"


def _deletions(vanished: PrunedTags) -> Iterator[str]:
    """Give what would be deleted, what it takes for that, and what stays all the same."""
    going = [share for share in vanished.shares if share.gone]
    for share in going:
        words = f"{share.gone:,} of {share.tags:,} tags at {share.target} would be deleted"
        if share.gone > share.at_most:
            words = f"TOO MANY would be deleted, so that a run stops: {vanished.words(share)}"
        yield safe(words)
    if vanished.is_too_much:
        yield safe(vanished.remedy)
    elif going:
        yield "only a run that is asked to deletes them: `transship run PLAN --delete`"
    by_reason: dict[str, list[str]] = {}
    for kept in vanished.kept:
        by_reason.setdefault(kept.why, []).append(short_name(kept.target))
    for why, names in by_reason.items():
        more = f" and {len(names) - _EXAMPLES:,} more" if len(names) > _EXAMPLES else ""
        yield safe(f"not at the source, and kept: {', '.join(names[:_EXAMPLES])}{more} ({why})")


_STOPPED = (Verdict.CONFLICT, Verdict.BLOCKED)


def show_preview(app: Application, plan: Plan, *, as_json: bool, everything: bool = True) -> int:
    """Show what a job with this plan would do; return the exit status that it would come to.

    Without `everything`, what is the same already and what no rule took are only counted.
    """
    foreseen = carried_out(app, preview_of(app, plan))
    if as_json:
        show_json(preview_document(foreseen))
    else:
        for line in preview_lines(foreseen, width_of(sys.stdout), everything=everything):
            show(line)
    seen = foreseen.preview
    if seen.vanished.is_too_much:
        return TooManyDeletions.exit_status
    if not seen.worklist.copies:
        nothing = nothing_found(plan)
        say_problem(nothing.title, nothing.detail, nothing.remedy)
        return nothing.exit_status
    return 1 if seen.worklist.of(*_STOPPED) else 0


async def preview_of(app: Application, plan: Plan) -> PreviewShown:
    """Look at both sides of a plan, and show how far that is."""
    progress = ScanProgress()
    async with watched(lambda: f"looking: {counted(progress.found, 'image')} found so far"):
        seen = await app.plans.preview(plan, progress)
    return PreviewShown(seen, await app.plans.rate_of(plan))
