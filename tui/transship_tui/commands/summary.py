"""How a job ended, in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship.transfers.copies import JobState
from transship_tui.commands.output import Ink, painted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.transfers.job_view import JobView
    from transship.transfers.journal import Failure

_INKS = {JobState.DONE: Ink.GOOD, JobState.FAILED: Ink.BAD}


def summary(view: JobView) -> Iterator[str]:
    """Give the lines that say what became of a job."""
    word = painted(str(view.state), _INKS.get(view.state, Ink.WARNING), sys.stdout)
    yield f"{word}  {safe(view.source)} → {safe(view.target)}"
    if view.counts.total or view.problem is None:
        yield f"  {_counts(view)}"
    if view.bytes.total:
        yield f"  {_bytes(view)}"
    if view.trust is not None:
        yield f"  {safe(view.trust.words)}"
    for failure in view.failures:
        yield from _failure(failure)


def _counts(view: JobView) -> str:
    counts = view.counts
    parts = (
        (counts.copied, "copied"),
        (counts.same, "already the same"),
        (counts.deleted, "deleted"),
        (counts.skipped, "skipped"),
        (counts.failed, "failed"),
        (counts.waiting, "not begun or not finished"),
    )
    details = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{counted(counts.total, 'image')}: {details}" if details else "no images"


def _bytes(view: JobView) -> str:
    text = f"{bytes_text(view.bytes.sent)} sent"
    if view.bytes.saved:
        text += f", {bytes_text(view.bytes.saved)} saved"
    seconds = view.took(view.ended or view.created)
    if seconds < 1:
        return text
    return f"{text}, {duration_text(seconds)} ({rate_text(view.bytes.sent / seconds)})"


def _failure(failure: Failure) -> Iterator[str]:
    title = painted(safe(failure.title), Ink.BAD, sys.stdout)
    yield f"  {counted(failure.count, 'image')} failed: {title}"
    for what, why in failure.examples:
        yield f"    {safe(what)}"
        if why and why != what:
            yield f"      {safe(why)}"
    if failure.count > len(failure.examples):
        yield f"    and {failure.count - len(failure.examples):,} more"
    yield f"    → {safe(failure.remedy)}"
