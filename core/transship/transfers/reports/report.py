"""The report of a job as data. Pure: what it says comes from a look at the job and its copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from transship.transfers.journal import Failure
from transship.transfers.journal_creations import KeptCreation
from transship.transfers.journal_undo import KeptRestore, KeptUndo
from transship.transfers.proofs import KeptProof
from transship.transfers.reports.discretion import Discreet
from transship.transfers.trusted import KeptTrust
from transship.transfers.view import Bytes, Counts, JobView
from transship.transfers.work import Copy, JobState, State, Verdict

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
class Line:
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


Lines = Callable[[], Iterator[Line]]
"""Gives all copies of a job from the first on, whenever it is called: there may be many."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Copies that failed for one cause: all of them."""

    cause: str
    title: str
    remedy: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Missing:
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
    differences: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class Undoing:
    """How far the job is undone. `open` are the tags that aren't as before: tag, word, detail."""

    kept: KeptUndo
    open: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
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
    asked: Asked
    ran: Ran
    created: float
    started: float | None
    ended: float | None
    counts: Counts
    results: Mapping[str, int]
    bytes: Bytes
    causes: tuple[Cause, ...]
    problem: tuple[str, str, str] | None
    verification: Verification | None
    made: float
    version: str
    lines: Lines
    undoing: Undoing | None = None
    trust: KeptTrust | None = None
    """What was believed of the target without asking, if the job was to trust the last one."""
    creations: tuple[KeptCreation, ...] = ()
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
    asked: Asked,
    ran: Ran,
    proof: KeptProof | None,
    *,
    made: float,
    version: str,
    hide: Discreet,
    creations: Iterable[KeptCreation] = (),
    unrestored: Iterable[KeptRestore] = (),
) -> Report:
    """Return the report of a job.

    `lines` give its copies and are gone through once here. `unrestored` are the tags that an undo
    has come to and that aren't as before. `hide` keeps the machine's paths out.
    """
    hidden = _hidden(lines, hide)
    results: Counter[str] = Counter()
    failed: list[Line] = []
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


def line_of(copy: Copy, state: State, title: str, detail: str, remedy: str) -> Line:
    """Return a copy of a journal as a line of a report."""
    if state is State.FAILED:
        result = str(copy.verdict) if copy.verdict in _STOPPED else "failed"
    elif state is State.DONE:
        result = _DONE.get(copy.verdict, str(copy.verdict))
    else:
        result = "unfinished"
    return Line(
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
    def hidden() -> Iterator[Line]:
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
    lines: Iterable[Line], failures: Iterable[Failure], hide: Discreet
) -> tuple[Cause, ...]:
    """Return what failed by its cause, the most frequent first, as the job's screen has it."""
    names = {(failure.title, failure.remedy): failure.cause for failure in failures}
    groups: dict[tuple[str, str], list[Line]] = {key: [] for key in names}
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


def _verification(kept: KeptProof, view: JobView, hide: Discreet) -> Verification:
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
            Missing(
                source=hide(str(difference.source)),
                target=hide(str(difference.target)),
                problem=str(difference.problem),
                detail=hide(difference.detail),
            )
            for difference in proof.differences
        ),
    )


def _undoing(kept: KeptUndo, unrestored: Iterable[KeptRestore], hide: Discreet) -> Undoing:
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
