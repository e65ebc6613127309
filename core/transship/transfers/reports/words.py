"""The sentences of a report, the same in every format that people read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from transship.text import bytes_text, counted, duration_text, rate_text
from transship.transfers.journal_creations import Created, KeptCreation
from transship.transfers.reports.report import Asked, Conclusion, Report, Undoing, Verification

HEADLINES = {
    Conclusion.PROVEN: "Complete and proven",
    Conclusion.DONE: "Complete, not proven yet",
    Conclusion.INCOMPLETE: "Not complete",
    Conclusion.UNFINISHED: "Not finished",
    Conclusion.UNDONE: "Undone",
}

MEANINGS = {
    "copied": "copied: the target didn't have it",
    "overwritten": "overwritten: the target's tag pointed at something else",
    "same": "already the same at the target",
    "deleted": "deleted: no source has it any more",
    "skipped": "left as it was at the target, as the plan says",
    "conflict": "not copied: the target's tag points at something else, and must stay",
    "blocked": "not copied: it can't be",
    "failed": "failed",
    "unfinished": "not begun or not finished",
}

_CONFLICTS = {
    "overwrite": "a tag that points at another digest at the target is moved",
    "skip": "a tag that points at another digest at the target is left as it is",
    "fail": "a tag that points at another digest at the target stays, and is a failure",
}


def when(seconds: float | None) -> str:
    """Return a time as people read it, in UTC."""
    if seconds is None:
        return "–"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def stopped_words(report: Report) -> str:
    """Return what the problem of the whole job has done to it."""
    return "The job ended" if report.state.ended else "The job is held up"


def conclusion_text(report: Report) -> str:
    """Return in a sentence or two what the job came to."""
    counts = report.counts
    images = counted(counts.total, "image")
    verification = report.verification
    if report.undoing is not None:
        return _undone(report.undoing, report.job)
    if report.conclusion is Conclusion.PROVEN and verification is not None:
        same = counted(verification.compared, "image")
        return f"After the job ended, every digest of {same} was found the same on both sides."
    if report.conclusion is Conclusion.DONE:
        skipped = f" {counts.skipped:,} of them were left as they were." if counts.skipped else ""
        return (
            f"The job has seen to all of {images} that were asked for.{skipped} "
            f"`transship verify {report.job}` proves that they are there."
        )
    if report.conclusion is Conclusion.UNFINISHED:
        left = f"{counts.waiting:,} of {images} are still to be done" if counts.total else ""
        return f"The job is {report.state}{': ' if left else ''}{left}."
    return _incomplete(report)


def _undone(undoing: Undoing, job: str) -> str:
    kept = undoing.kept
    if kept.whole:
        tags = counted(kept.restored, "tag")
        return f"The job was undone: {tags} that it had changed stand as before it."
    again = f"`transship undo {job}` tries again"
    if kept.ended is None:
        return f"The job's undo was broken off; {again}."
    left = kept.left + kept.failed
    return f"The job was undone but for {counted(left, 'tag')}, named below; {again}."


def _incomplete(report: Report) -> str:
    verification, counts = report.verification, report.counts
    if verification is not None and verification.current and not verification.holds:
        differ = f"{len(verification.differences):,} of {counted(verification.compared, 'image')}"
        return f"A verification after the job's end found that {differ} differ at the target."
    parts = [f"{counts.failed:,} of {counted(counts.total, 'image')} failed"] * bool(counts.failed)
    parts += [f"{counts.waiting:,} weren't begun or finished"] * bool(counts.waiting)
    parts += [report.problem[0]] if report.problem else []
    return f"{'; '.join(parts)}." if parts else "The job failed."


def verification_text(verification: Verification | None, job: str) -> str:
    """Return in words what the last verification has found, and whether that still holds."""
    if verification is None:
        return f"Nobody has verified it yet: `transship verify {job}` does."
    depth = (
        f"{bytes_text(verification.bytes_read)} read and hashed"
        if verification.deep
        else "with the sizes that their manifests give"
    )
    images = counted(verification.compared, "image")
    manifests, blobs = (
        counted(verification.manifests, "manifest"),
        counted(verification.blobs, "blob"),
    )
    found = (
        f"{images} compared by digest on both sides, all the same; "
        f"{manifests} and {blobs} found at the target, {depth}."
        if verification.holds
        else f"{len(verification.differences):,} of {images} differ at the target."
    )
    by = f" by {verification.by}" if verification.by else ""
    late = "" if verification.current else " That was before the job's last end or its undo."
    return f"{when(verification.at)}{by}: {found}{late}"


def facts(report: Report) -> Iterator[tuple[str, str]]:
    """Give the facts that stand at the head of a report, each with its name."""
    asked, ran = report.asked, report.ran
    yield "From", asked.source
    yield "To", asked.target
    yield "Job", f"{report.job} ({asked.kind}), {report.state}"
    yield "Started by", ran.by or "not kept"
    yield "Asked", when(report.created)
    yield "Started", when(report.started)
    yield "Ended", when(report.ended)
    if report.seconds is not None:
        yield "Took", duration_text(report.seconds)
    if report.undoing is not None:
        kept = report.undoing.kept
        tags = counted(kept.restored, "tag")
        yield "Undone", f"{when(kept.ended or kept.began)} by {kept.by}: {tags} as before"
    if report.trust is not None:
        yield "Trust", report.trust.words
    yield "Data sent", _sent(report)
    yield "Data saved", f"{bytes_text(report.bytes.saved)} that were there or could be shared"
    yield "Other digests", _CONFLICTS.get(asked.on_conflict, asked.on_conflict)
    for needed in report.creations:
        yield "Needed first", _created(needed)
    yield "Referrers", "signatures and the like go along" if asked.referrers else "not copied"
    yield "Platforms", _platforms(asked)
    yield "Version", f"Transship {ran.version or 'not kept'}; report by {report.version}"


def _created(kept: KeptCreation) -> str:
    what = f"{kept.creation} at {kept.creation.target}"
    match kept.state:
        case Created.DONE:
            return f"{what}: created by the job"
        case Created.THERE:
            return f"{what}: it was there when the job came to create it"
        case Created.FAILED:
            return f"{what}: could not be created"
        case _:
            return f"{what}: not created yet"


def _platforms(asked: Asked) -> str:
    if not asked.platforms:
        return "all, byte for byte"
    named = ", ".join(asked.platforms)
    return named if asked.kind == "copy" else f"{named}, where a rule says so"


def _sent(report: Report) -> str:
    text = bytes_text(report.bytes.sent)
    if report.seconds and report.seconds >= 1:
        text += f" ({rate_text(report.bytes.sent / report.seconds)})"
    return text
