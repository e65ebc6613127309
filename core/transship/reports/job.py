"""The report of a job as data: gathered from its journal, with the words that every form uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from pathlib import Path, PurePath

from transship import __version__
from transship.oci.reference import LAYOUT
from transship.plans.plan import Plan
from transship.text import bytes_text, counted, duration_text, rate_text
from transship.transfers.copies import Copy, CopyState, JobState, Verdict
from transship.transfers.job_view import JobBytes, JobCounts, JobView, look
from transship.transfers.jobs import Job
from transship.transfers.journal import (
    Created,
    Failure,
    Journal,
    Restored,
    StoredCreation,
    StoredRestore,
    StoredUndo,
)
from transship.transfers.trust import StoredTrust
from transship.transfers.verify import StoredProof, stored_proof

_DONE = {
    Verdict.COPY: "copied",
    Verdict.OVERWRITE: "overwritten",
    Verdict.SAME: "same",
    Verdict.DELETE: "deleted",
    Verdict.SKIP: "skipped",
}
_STOPPED = (Verdict.CONFLICT, Verdict.BLOCKED)

RESULTS = (
    "copied", "overwritten", "same", "deleted", "skipped",
    "conflict", "blocked", "failed", "unfinished",
)  # fmt: skip
"""What can have become of a copy, in the order in which it is told."""


class Conclusion(StrEnum):
    """What a job came to, in a word."""

    PROVEN = "proven"
    """A verification after its end has found everything at the target."""
    DONE = "done"
    """It says that everything is done; nobody has verified that since."""
    INCOMPLETE = "incomplete"
    """Something failed, or a verification has found a difference."""
    UNFINISHED = "unfinished"
    """It runs, or was stopped before its end."""
    UNDONE = "undone"
    """What it changed was put back, or as much of it as could be."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One copy, and what became of it: one of `RESULTS`.

    `previous` is what the target's tag pointed at before. `title`, `detail` and `remedy` say why
    it failed, and are empty where it didn't.
    """

    source: str
    target: str
    digest: str | None
    previous: str | None
    result: str
    reason: str = ""
    title: str = ""
    detail: str = ""
    remedy: str = ""


Lines = Callable[[], Iterator[ReportLine]]
"""Gives all copies of a job from the first on, whenever it is called: there may be many."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Copies that failed for one cause: all of them."""

    cause: str
    title: str
    remedy: str
    lines: tuple[ReportLine, ...]


@dataclass(frozen=True, slots=True)
class MissingTag:
    """One thing that a verification didn't find at the target as it is at the source."""

    source: str
    target: str
    problem: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What the last verification has found. `current`: it ended after the job did."""

    at: float
    by: str
    holds: bool
    current: bool
    deep: bool
    compared: int
    manifests: int
    blobs: int
    bytes_read: int
    differences: tuple[MissingTag, ...]


@dataclass(frozen=True, slots=True)
class Undoing:
    """How far the job is undone. `open` are the tags that aren't as before: tag, word, detail."""

    kept: StoredUndo
    open: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class RequestedTags:
    """What a job was to do: in short, and as its whole plan."""

    source: str
    target: str
    kind: str
    on_conflict: str
    referrers: bool
    platforms: tuple[str, ...]
    plan: str
    """The plan's file, in TOML."""


@dataclass(frozen=True, slots=True)
class Ran:
    """Who started a job, and with which version of Transship. Empty where that wasn't kept."""

    by: str
    version: str


@dataclass(frozen=True, slots=True)
class Report:
    """A job, told in full. Times in seconds since the epoch, sizes in bytes.

    `results` counts the copies by what became of them. `problem` (title, detail, remedy) is what
    ended the job as a whole. `made` is when the report was, by which `version`.
    """

    job: str
    state: JobState
    conclusion: Conclusion
    asked: RequestedTags
    ran: Ran
    created: float
    started: float | None
    ended: float | None
    counts: JobCounts
    results: Mapping[str, int]
    bytes: JobBytes
    causes: tuple[Cause, ...]
    problem: tuple[str, str, str] | None
    verification: Verification | None
    made: float
    version: str
    lines: Lines
    undoing: Undoing | None = None
    trust: StoredTrust | None = None
    """What was believed of the target without asking, if the job was to trust the last one."""
    creations: tuple[StoredCreation, ...] = ()
    """What had to be created at the targets before images could be written, and what came of it."""

    @property
    def seconds(self) -> float | None:
        """How long it took from its first start to its end, pauses included."""
        if self.started is None or self.ended is None:
            return None
        return max(0.0, self.ended - self.started)


def report(
    view: JobView,
    lines: Lines,
    asked: RequestedTags,
    ran: Ran,
    proof: StoredProof | None,
    *,
    made: float,
    version: str,
    hide: Discreet,
    creations: Iterable[StoredCreation] = (),
    unrestored: Iterable[StoredRestore] = (),
) -> Report:
    """Return the report of a job.

    `lines` give its copies and are gone through once here. `unrestored` are the tags that an undo
    has come to and that aren't as before. `hide` keeps the machine's paths out.
    """
    hidden = _hidden(lines, hide)
    results: Counter[str] = Counter()
    failed: list[ReportLine] = []
    for line in hidden():
        results[line.result] += 1
        if line.title:
            failed.append(line)
    verification = _verification(proof, view, hide) if proof else None
    return Report(
        job=view.id,
        state=view.state,
        conclusion=_conclusion(view, verification),
        asked=replace(
            asked,
            source=hide(asked.source),
            target=hide(asked.target),
            plan=hide(asked.plan),
        ),
        ran=ran,
        created=view.created,
        started=view.started,
        ended=view.ended,
        counts=view.counts,
        results={result: results[result] for result in (*RESULTS, *results) if results[result]},
        bytes=view.bytes,
        causes=_causes(failed, view.failures, hide),
        problem=_words(view.problem, hide),
        verification=verification,
        made=made,
        version=version,
        lines=hidden,
        undoing=_undoing(view.undo, unrestored, hide) if view.undo else None,
        trust=replace(view.trust, doubt=hide(view.trust.doubt)) if view.trust else None,
        creations=tuple(replace(kept, detail=hide(kept.detail)) for kept in creations),
    )


_UNSEEN = "the registry didn't tell what the tag pointed at before"


def line_of(copy: Copy, state: CopyState, title: str, detail: str, remedy: str) -> ReportLine:
    """Return a copy of a journal as a line of a report."""
    if state is CopyState.FAILED:
        result = str(copy.verdict) if copy.verdict in _STOPPED else "failed"
    elif state is CopyState.DONE:
        result = _DONE.get(copy.verdict, str(copy.verdict))
    else:
        result = "unfinished"
    return ReportLine(
        source=str(copy.source),
        target=str(copy.target),
        digest=copy.digest,
        previous=copy.previous,
        result=result,
        reason="; ".join(filter(None, (copy.reason, _UNSEEN if copy.unseen else ""))),
        title=title,
        detail=detail,
        remedy=remedy,
    )


def _hidden(lines: Lines, hide: Discreet) -> Lines:
    def hidden() -> Iterator[ReportLine]:
        for line in lines():
            yield replace(
                line,
                source=hide(line.source),
                target=hide(line.target),
                reason=hide(line.reason),
                detail=hide(line.detail),
            )

    return hidden


def _causes(
    lines: Iterable[ReportLine], failures: Iterable[Failure], hide: Discreet
) -> tuple[Cause, ...]:
    """Return what failed by its cause, the most frequent first, as the job's screen has it."""
    names = {(failure.title, failure.remedy): failure.cause for failure in failures}
    groups: dict[tuple[str, str], list[ReportLine]] = {key: [] for key in names}
    for line in lines:
        groups.setdefault((line.title, line.remedy), []).append(line)
    return tuple(
        Cause(names.get((title, remedy), ""), title, hide(remedy), tuple(group))
        for (title, remedy), group in groups.items()
        if group
    )


def _words(problem: tuple[str, str, str] | None, hide: Discreet) -> tuple[str, str, str] | None:
    if problem is None:
        return None
    title, detail, remedy = problem
    return title, hide(detail), hide(remedy)


def _verification(kept: StoredProof, view: JobView, hide: Discreet) -> Verification:
    proof = kept.proof
    return Verification(
        at=kept.at,
        by=kept.by,
        holds=proof.holds,
        current=view.state.ended and view.ended is not None and kept.at >= _last_change(view),
        deep=proof.deep,
        compared=proof.compared,
        manifests=proof.manifests,
        blobs=proof.blobs,
        bytes_read=proof.bytes_read,
        differences=tuple(
            MissingTag(
                source=hide(str(difference.source)),
                target=hide(str(difference.target)),
                problem=str(difference.problem),
                detail=hide(difference.detail),
            )
            for difference in proof.differences
        ),
    )


def _undoing(kept: StoredUndo, unrestored: Iterable[StoredRestore], hide: Discreet) -> Undoing:
    open_tags = ((hide(each.tag), str(each.restored), hide(each.detail)) for each in unrestored)
    return Undoing(kept, tuple(open_tags))


def _last_change(view: JobView) -> float:
    """Return when the job, or its undo, has last changed anything."""
    undone = (view.undo.ended or view.undo.began) if view.undo else 0.0
    return max(view.ended or 0.0, undone)


def _conclusion(view: JobView, verification: Verification | None) -> Conclusion:
    if view.undo is not None:
        return Conclusion.UNDONE
    if not view.state.ended or view.state is JobState.CANCELLED:
        return Conclusion.UNFINISHED
    if verification is not None and verification.current:
        return Conclusion.PROVEN if verification.holds else Conclusion.INCOMPLETE
    return Conclusion.DONE if view.state is JobState.DONE else Conclusion.INCOMPLETE


_AT_ONCE = 1000


@contextmanager
def open_report(job: Job, now: float) -> Iterator[Report]:
    """Return the report of a job as it is `now`; its lines can be read inside.

    Raises BadFile when its plan can't be read.
    """
    plan = job.plan()
    places = [place.registry for place in plan.places]
    with job.journal() as journal:
        view = look(job, plan, journal)
        with journal.one_moment():
            yield report(
                view,
                lambda: _lines(journal),
                _asked(job, plan, view),
                Ran(journal.fact("by"), journal.fact("version")),
                stored_proof(journal),
                made=now,
                version=__version__,
                hide=discreet(places, (job.folder, job.folder.parent, Path.home())),
                creations=journal.creations(),
                unrestored=journal.restores(Restored.BEGUN, Restored.LEFT, Restored.FAILED),
            )


def _asked(job: Job, plan: Plan, view: JobView) -> RequestedTags:
    return RequestedTags(
        source=view.source,
        target=view.target,
        kind=str(plan.kind),
        on_conflict=str(plan.on_conflict),
        referrers=plan.referrers,
        platforms=_platforms(plan),
        plan=(job.folder / "plan.toml").read_text(encoding="utf-8"),
    )


def _platforms(plan: Plan) -> tuple[str, ...]:
    """Return the platforms that the plan, or any part of it, narrows to."""
    copies = (copy.terms.platforms for copy in plan.copies if copy.terms)
    rules = (rule.platforms for rule in plan.rules)
    named = chain(plan.platforms, chain.from_iterable(copies), chain.from_iterable(rules))
    return tuple(dict.fromkeys(map(str, named)))


def _lines(journal: Journal) -> Iterator[ReportLine]:
    ids = journal.copy_ids("1")
    for start in range(0, len(ids), _AT_ONCE):
        for outcome in journal.outcomes_of(ids[start : start + _AT_ONCE]):
            yield line_of(*outcome)


Discreet = Callable[[str], str]
"""Returns a text without the paths of this machine."""

_ROOTS = "home|root|Users|tmp|var|etc|opt|srv|mnt|media|usr|private|run|data|work|Volumes"
# What a registry is asked for begins with a slash too, but not with one of these.
_PATH = re.compile(rf"(?<![\w.:@/-])/(?:{_ROOTS})(?:/[^\s/'\"`,;:()]+)+/?")


def discreet(places: Iterable[str], folders: Iterable[PurePath] = ()) -> Discreet:
    """Return what takes the paths of this machine out of a text.

    Of a layout folder among the `places`, and of the `folders` (longest first) and of whatever
    else looks like a path, only the last name is left.
    """
    layouts = [place.removeprefix(LAYOUT) for place in places if place.startswith(LAYOUT)]
    known = sorted({*layouts, *map(str, folders)}, key=len, reverse=True)
    pattern = re.compile("|".join(rf"{re.escape(path)}(?![\w.-])" for path in known if path != "/"))

    def hide(text: str) -> str:
        if "/" not in text:
            return text
        if known:
            text = pattern.sub(_last, text)
        return _PATH.sub(_last, text)

    return hide


def _last(found: re.Match[str]) -> str:
    return f"…/{PurePath(found[0]).name}"


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
    yield "Platforms", _words_platforms(asked)
    yield "Version", f"Transship {ran.version or 'not kept'}; report by {report.version}"


def _created(kept: StoredCreation) -> str:
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


def _words_platforms(asked: RequestedTags) -> str:
    if not asked.platforms:
        return "all, byte for byte"
    named = ", ".join(asked.platforms)
    return named if asked.kind == "copy" else f"{named}, where a rule says so"


def _sent(report: Report) -> str:
    text = bytes_text(report.bytes.sent)
    if report.seconds and report.seconds >= 1:
        text += f" ({rate_text(report.bytes.sent / report.seconds)})"
    return text
