"""What a preview says, as lines and as JSON."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.text import bytes_text, counted, duration_text, rate_text
from transship.transfers.work import Verdict
from transship_tui.commands.output import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.oci.reference import Reference
    from transship.transfers.preview import Preview
    from transship.transfers.work import Copy

# Tags that stand for referrers have a digest in them too.
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}")
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A preview, and how fast earlier jobs went the same way (bytes per second, 0: unknown)."""

    preview: Preview
    rate: float


def lines(foreseen: Foreseen, width: int | None, *, everything: bool) -> Iterator[str]:
    """Give the preview for a person; without `everything` what isn't to be done is counted only."""
    preview = foreseen.preview
    copies = preview.worklist.copies
    names = _Names.of(copies)
    rows = [names.row(copy) for copy in copies if everything or copy.verdict is not Verdict.SAME]
    if rows:
        yield from table(("VERDICT", "FROM", "TO", "WHY"), rows, width)
        yield ""
    yield from _dropped(preview, everything=everything)
    verdicts = Counter(copy.verdict for copy in copies)
    counts = ", ".join(f"{verdicts[v]:,} {v}" for v in Verdict if verdicts[v])
    yield f"{counted(len(copies), 'image')}{f': {counts}' if counts else ''}"
    yield from _costs(foreseen)
    yield "nothing was written"


def document(foreseen: Foreseen) -> dict[str, object]:
    """Return the preview as the document that `--json` writes."""
    preview = foreseen.preview
    worklist = preview.worklist
    return {
        "copies": [
            {
                "source": str(copy.source),
                "target": str(copy.target),
                "digest": copy.digest,
                "previous": copy.previous,
                "verdict": str(copy.verdict),
                "reason": copy.reason,
            }
            for copy in worklist.copies
        ],
        "dropped": [
            {"source": str(dropped.source), "rule": dropped.rule, "reason": dropped.why}
            for dropped in preview.dropped
        ],
        "new_repositories": [f"{place}/{name}" for place, name in sorted(preview.new_repositories)],
        "deletions": {
            str(share.target): {
                "found": share.gone,
                "at_target": share.tags,
                "at_most": share.at_most,
            }
            for share in preview.vanished.shares
        },
        "bytes": {"total": worklist.bytes_total, "to_move": worklist.bytes_to_move},
        "seconds": preview.seconds(foreseen.rate),
        "manifests_read": dict(preview.manifests_read),
        "quotas": {
            name: {"left": quota.left, "limit": quota.limit, "seconds": quota.seconds}
            for name, quota in preview.quotas.items()
        },
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
    def of(cls, copies: Sequence[Copy]) -> _Names:
        return cls(
            sources=len({copy.source.registry for copy in copies}) > 1,
            targets=len({copy.target.registry for copy in copies}) > 1,
        )

    def row(self, copy: Copy) -> tuple[str, str, str, str]:
        why = (copy.problem.detail or copy.problem.title) if copy.problem else copy.reason
        source = _shown(copy.source, host=self.sources)
        return str(copy.verdict), source, _shown(copy.target, host=self.targets), why


def _shown(reference: Reference, *, host: bool) -> str:
    return f"{reference.registry}/{short_name(reference)}" if host else short_name(reference)


def _dropped(preview: Preview, *, everything: bool) -> Iterator[str]:
    """Give what no rule took: each with its reason, or each reason with a few examples."""
    if not preview.dropped:
        return
    yield f"Left out by the rules: {len(preview.dropped):,}"
    by_reason: dict[str, list[str]] = {}
    for dropped in preview.dropped:
        by_reason.setdefault(dropped.why, []).append(short_name(dropped.source))
    for why, names in by_reason.items():
        shown = names if everything else names[:_EXAMPLES]
        more = f" and {len(names) - len(shown):,} more" if len(names) > len(shown) else ""
        yield f"  {why}: {', '.join(shown)}{more}"
    yield ""


def _costs(foreseen: Foreseen) -> Iterator[str]:
    preview = foreseen.preview
    worklist = preview.worklist
    if preview.new_repositories:
        several = len({place for place, _ in preview.new_repositories}) > 1
        names = sorted(
            f"{place}/{name}" if several else name for place, name in preview.new_repositories
        )
        more = f" and {len(names) - _EXAMPLES:,} more" if len(names) > _EXAMPLES else ""
        yield f"new at the target: {', '.join(names[:_EXAMPLES])}{more}"
    if worklist.blobs:
        to_move, total = worklist.bytes_to_move, worklist.bytes_total
        yield f"{bytes_text(to_move)} to send, of {bytes_text(total)} that the images consist of"
        seconds = preview.seconds(foreseen.rate)
        if seconds is not None:
            rate = rate_text(foreseen.rate)
            yield f"about {duration_text(seconds)}, at the {rate} of the last job on this way"
    gone = preview.vanished
    if gone.found:
        for share in (share for share in gone.shares if share.gone):
            many = " - TOO MANY, so that nothing is deleted" if share.gone > share.at_most else ""
            yield (
                f"{share.gone:,} of {share.tags:,} tags at {share.target} would be deleted; "
                f"the plan allows {share.at_most:,}{many}"
            )
    for name, quota in preview.quotas.items():
        read = preview.manifests_read.get(name, 0)
        few = " - TOO FEW" if read > quota.left else ""
        yield f"{name} lets {quota.left:,} manifests be read now; this reads {read:,}{few}"
