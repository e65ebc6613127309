"""The status of one cutover: everything that screens, the line and the report show of it.

It is read from the journal, or made from evidence that isn't kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from transship.cutover.catchup import (
    CatchupRound,
    StartedCopy,
    TagChoice,
    last_round,
    newest_rounds,
    quiet_rounds,
    round_words,
)
from transship.cutover.change.execution import ChangeRequest, ChangeResult, pending_change
from transship.cutover.change.records import (
    RAISE_SERIAL,
    Edit,
    EditKind,
    EditLines,
    plan_edit,
    zone_lines,
)
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    Route53Settings,
)
from transship.cutover.domain import Subject
from transship.cutover.evidence import LISTED, Evidence, Statement
from transship.cutover.finding import CheckResult
from transship.cutover.folder import CutoverFolder
from transship.cutover.journal import CutoverEntry, CutoverJournal, EntryKind
from transship.cutover.progress import CutoverProgress, CutoverState, assess_progress
from transship.cutover.questions import ACCEPTED_PREFIX
from transship.cutover.rollback import Rollback, plan_rollback, tags_before
from transship.cutover.rules.case import Case, leads_to_target, observed, sampled
from transship.cutover.rules.checks import run_checks
from transship.cutover.timeline import Sample, Served
from transship.text import safe

CHANGED_STATES = (CutoverState.CHANGING, CutoverState.CHANGED, CutoverState.MOVED)
"""The states in which pulls go to the new registry, some of them at least."""


@dataclass(frozen=True, slots=True)
class CutoverEvent:
    """Something that was decided or came to pass."""

    at: float
    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class ProviderStatus:
    """What can change the record from here. `why_not` is empty where it may."""

    place: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class UnfinishedChange:
    """A change, or a way back, that was sent and of which nobody has seen what became.

    `running` while a process reads that back at this moment.
    """

    at: float
    asked: ChangeRequest
    by: str = ""
    running: bool = False


@dataclass(frozen=True, slots=True)
class CutoverStatus:
    """One cutover at one moment.

    `checking` says what is being looked at, empty while nothing is. `edit` is None while the record
    hasn't been read, `way_back` before the change, `applier` where the change is made by hand.
    `rounds` are the newest of those that have compared both registries; `quiet` counts the last of
    them in a row that had nothing to copy, since every resolver has followed.
    """

    name: str
    subject: Subject
    progress: CutoverProgress | None = None
    evidence: Evidence | None = None
    checks: tuple[CheckResult, ...] = ()
    history: tuple[Served, ...] = ()
    samples: tuple[Sample, ...] = ()
    edit: Edit | None = None
    way_back: Rollback | None = None
    applier: ProviderStatus | None = None
    notes: tuple[CutoverEvent, ...] = ()
    rounds: tuple[CatchupRound, ...] = ()
    quiet: int = 0
    unended: UnfinishedChange | None = None
    checking: str = ""
    trouble: str = ""
    """Why pulls by the domain can't be made while it is watched, where they can't."""
    problem: str = ""
    """Why it can't be read, where it can't."""

    @property
    def state(self) -> CutoverState:
        """Where it stands."""
        return self.progress.state if self.progress else CutoverState.BEFORE

    def result(self, check: str) -> CheckResult | None:
        """Return a check by its id."""
        return next((each for each in self.checks if each.check == check), None)


READ_ONLY = "nothing is written with --read-only"

_MOST_EVENTS = 500


def status_of(
    cutover: CutoverFolder, now: float, *, read_only: bool = False, checking: str = ""
) -> CutoverStatus:
    """Return how a cutover stands. Raises BadFile."""
    subject = cutover.subject()
    with cutover.journal() as journal:
        standing = status_from_journal(cutover.id, subject, journal, now)
    if standing.unended is not None and cutover.is_held("change"):
        standing = replace(standing, unended=replace(standing.unended, running=True))
    applier = provider_status(cutover.way(), read_only=read_only)
    shown = standing.edit
    if applier is not None and shown is not None:
        # What takes a change over the wire raises it by itself.
        notes = tuple(note for note in shown.notes if note != RAISE_SERIAL)
        shown = replace(shown, notes=notes)
    return replace(standing, edit=shown, applier=applier, checking=checking)


def status_from_journal(
    name: str, subject: Subject, journal: CutoverJournal, now: float
) -> CutoverStatus:
    """Return how a cutover stands by its journal. Raises BadFile."""
    evidence = journal.evidence()
    history, samples = journal.served(), journal.samples()
    known = evidence or Evidence(now)
    case = Case(subject, known, now, history, samples)
    stands = assess_progress(case) if history or evidence else None
    changed = stands is not None and stands.state in CHANGED_STATES
    known = _with_round(known, journal, old_until(case))
    back = _rollback(journal, evidence, stands, case) if stands and changed else None
    return CutoverStatus(
        name,
        subject,
        progress=stands,
        evidence=known if evidence else None,
        checks=run_checks(subject, known, now, history=history, samples=samples),
        history=history,
        samples=samples,
        edit=_with_rollback(_edit(subject, journal, evidence), back),
        way_back=back,
        notes=events_of(journal.entries(*_EVENT_KINDS)),
        rounds=newest_rounds(journal),
        quiet=_quiet(journal, stands),
        unended=_unfinished(journal),
    )


def _unfinished(journal: CutoverJournal) -> UnfinishedChange | None:
    found = pending_change(journal)
    if found is None:
        return None
    (entry,) = journal.entries(EntryKind.ASKED, after=found[0] - 1)
    return UnfinishedChange(entry.at, found[1], str(entry.by))


def _with_round(evidence: Evidence, journal: CutoverJournal, until: float) -> Evidence:
    """Return the evidence with what the last round has compared, if that is newer."""
    last = last_round(journal)
    if last is None:
        return evidence
    compared = evidence.parity.at if evidence.parity else None
    if last.at < (evidence.taken if compared is None else compared):
        return evidence
    had = tuple(tags_before(journal, until))
    return replace(evidence, parity=replace(last.parity, had=had))


def old_until(case: Case) -> float:
    """Return until when every name server was seen to lead to the old registry, 0.0 for never."""
    last = {
        each.server: each.last for each in case.history if not leads_to_target(case, each.values)
    }
    servers = {each.server for each in case.history}
    return min(last.values()) if last and len(last) == len(servers) else 0.0


def moved_since(subject: Subject, journal: CutoverJournal, now: float) -> float | None:
    """Return since when every resolver leads to the new registry, None while some don't."""
    return _moved_at(journal, assess_progress(_case(subject, journal, now)))


def change_seen_at(subject: Subject, journal: CutoverJournal, now: float) -> tuple[float, float]:
    """Return when the change was seen, and until when it surely hadn't been made; 0.0 for never."""
    case = _case(subject, journal, now)
    return assess_progress(case).clocks.changed_at or 0.0, old_until(case)


def _case(subject: Subject, journal: CutoverJournal, now: float) -> Case:
    known = journal.evidence() or Evidence(now)
    return Case(subject, known, now, journal.served(), journal.samples())


def _moved_at(journal: CutoverJournal, stands: CutoverProgress | None) -> float | None:
    if stands is None or stands.state is not CutoverState.MOVED:
        return None
    seen = journal.newest(EntryKind.STATE)
    clocks = stands.clocks
    ends = [clocks.changed_at, clocks.by_the_rules, clocks.as_seen]
    if seen is not None and seen.read(CutoverState) is CutoverState.MOVED:
        ends.append(seen.at)  # The last straggler may have followed long after the clocks.
    return max((each for each in ends if each is not None), default=None)


def _quiet(journal: CutoverJournal, stands: CutoverProgress | None) -> int:
    since = _moved_at(journal, stands)
    return 0 if since is None else quiet_rounds(journal, since)


def status_from_evidence(subject: Subject, evidence: Evidence, now: float) -> CutoverStatus:
    """Return how a cutover stands that was looked at once and isn't kept."""
    history, samples = observed(evidence), sampled(evidence.resolvers)
    return CutoverStatus(
        subject.domain.name,
        subject,
        progress=assess_progress(Case(subject, evidence, now, history, samples)),
        evidence=evidence,
        checks=run_checks(subject, evidence, now, history=history, samples=samples),
        history=history,
        samples=samples,
        edit=plan_edit(subject, evidence),
    )


def provider_status(way: ProviderSettings, *, read_only: bool = False) -> ProviderStatus | None:
    """Return what changes the record from here, None where a person does."""
    match way:
        case ManualSettings():
            return None
        case Rfc2136Settings():
            place = f"{way.address}, by dynamic update of {way.zone}"
        case PowerDnsSettings():
            place = f"PowerDNS at {way.url}, zone {way.zone}"
        case Route53Settings():
            place = f"Route 53, hosted zone {way.hosted_zone}"
    return ProviderStatus(safe(place), READ_ONLY if read_only else "")


def events_of(entries: list[CutoverEntry]) -> tuple[CutoverEvent, ...]:
    """Return what was decided and came to pass, the oldest first."""
    found: list[CutoverEvent] = []
    round_before = ""
    for each in entries:
        words = _event_words(each)
        if each.kind is EntryKind.DELTA:
            # Rounds go on and on; one that found what the last one did says nothing.
            words, round_before = ("" if words == round_before else words), words
        if words:
            found.append(CutoverEvent(each.at, words, str(each.by)))
    return tuple(found[-_MOST_EVENTS:])


_EVENT_KINDS = (
    EntryKind.CREATED,
    EntryKind.EVIDENCE,
    EntryKind.STATEMENT,
    EntryKind.ASKED,
    EntryKind.ENDED,
    EntryKind.STATE,
    EntryKind.DELTA,
    EntryKind.COPYING,
    EntryKind.CHOICE,
)


def _event_words(entry: CutoverEntry) -> str:
    match entry.kind:
        case EntryKind.CREATED:
            return "begun"
        case EntryKind.EVIDENCE:
            return "all checks were made"
        case EntryKind.STATEMENT:
            given = entry.read(Statement)
            if given.question.startswith(ACCEPTED_PREFIX):
                what = given.question.removeprefix(ACCEPTED_PREFIX)
                return safe(f"acknowledged {what}: {given.answer}", limit=400)
            return safe(f"answered {given.question}: {given.answer}", limit=400)
        case EntryKind.ASKED:
            asked = entry.read(ChangeRequest)
            return safe(f"{asked.direction} of {asked.planned.name} sent to {asked.place}")
        case EntryKind.ENDED:
            ended = entry.read(ChangeResult)
            detail = f": {ended.detail}" if ended.detail else ""
            return safe(f"{ended.direction} {ended.outcome}{detail}")
        case EntryKind.STATE:
            return f"seen: {entry.read(CutoverState)}"
    return _round_event_words(entry)


def _round_event_words(entry: CutoverEntry) -> str:
    match entry.kind:
        case EntryKind.COPYING:
            return safe(f"job {entry.read(StartedCopy).job} began to copy what one side has pushed")
        case EntryKind.CHOICE:
            choice = entry.read(TagChoice)
            tag = f"{choice.pair.repository}:{choice.pair.tag}"
            return safe(f"chosen for {tag}: what the {choice.keep} registry has")
        case EntryKind.DELTA:
            return round_words(entry.read(CatchupRound))
    return ""


def _rollback(
    journal: CutoverJournal, evidence: Evidence | None, stands: CutoverProgress, case: Case
) -> Rollback:
    """Return the way back; a check that compared the registries since the change counts too."""
    changed = stands.clocks.changed_at or 0.0
    until = old_until(case)
    known = plan_rollback(journal, changed, until)
    parity = evidence.parity if evidence else None
    since = max(changed, known.compared or 0.0)
    if evidence is None or parity is None or parity.error or evidence.taken < since:
        return known
    if parity.source != LISTED or parity.at is not None:
        return known  # What was pushed since isn't in it; or it is a round, and known already.
    had = tags_before(journal, until)
    lost = tuple(pair for pair in parity.different if pair.new and pair not in had)
    return replace(known, lost=lost, compared=evidence.taken)


def _with_rollback(edit: Edit | None, back: Rollback | None) -> Edit | None:
    """Return the edit with the reverse that is made from here, by what was there before."""
    if edit is None or back is None or back.reverse is None:
        return edit
    made = back.reverse
    goes = tuple(each for each in made.before if each not in made.after)
    comes = tuple(each for each in made.after if each not in made.before)
    return replace(edit, reverse=EditLines(zone_lines(goes), zone_lines(comes)))


def _edit(subject: Subject, journal: CutoverJournal, evidence: Evidence | None) -> Edit | None:
    """Return the edit: by what was seen last while there still was one to make."""
    found = plan_edit(subject, evidence) if evidence else None
    if found is None or found.kind is not EditKind.NOTHING:
        return found
    for entry in reversed(journal.entries(EntryKind.EVIDENCE)):
        earlier = plan_edit(subject, msgspec.json.decode(entry.body, type=Evidence))
        if earlier is not None and earlier.kind is not EditKind.NOTHING:
            return earlier
    return found
