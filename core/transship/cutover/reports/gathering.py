"""How a cutover stands, from all that its journal knows."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from transship.cutover.change.ways import ByHand, ByPowerDns, ByRoute53, ByUpdate, Way
from transship.cutover.edits import Edit, Kind, edit
from transship.cutover.evidence import Evidence, Statement
from transship.cutover.flipping import Asked, Ended
from transship.cutover.folder import Cutover
from transship.cutover.journal import Entry, Journal
from transship.cutover.journal import Kind as EntryKind
from transship.cutover.progress import Progress, State, progress
from transship.cutover.questions import ACCEPTED
from transship.cutover.reports.standing import CHANGED, Applier, Note, Standing
from transship.cutover.rollback import WayBack, way_back
from transship.cutover.rules.case import Case, observed, sampled
from transship.cutover.rules.judging import judge
from transship.cutover.subject import Subject
from transship.text import safe

READ_ONLY = "nothing is written with --read-only"
_MOST_NOTES = 500


def standing_of(
    cutover: Cutover, now: float, *, read_only: bool = False, checking: str = ""
) -> Standing:
    """Return how a cutover stands. Raises BadFile."""
    subject = cutover.subject()
    with cutover.journal() as journal:
        standing = from_journal(cutover.id, subject, journal, now)
    return replace(
        standing, applier=applier_of(cutover.way(), read_only=read_only), checking=checking
    )


def from_journal(name: str, subject: Subject, journal: Journal, now: float) -> Standing:
    """Return how a cutover stands by its journal. Raises BadFile."""
    evidence = journal.evidence()
    history, samples = journal.served(), journal.samples()
    known = evidence or Evidence(now)
    case = Case(subject, known, now, history, samples)
    stands = progress(case) if history or evidence else None
    changed = stands is not None and stands.state in CHANGED
    return Standing(
        name,
        subject,
        progress=stands,
        evidence=evidence,
        checks=judge(subject, known, now, history=history, samples=samples),
        history=history,
        samples=samples,
        edit=_edit(subject, journal, evidence),
        way_back=_way_back(journal, evidence, stands) if stands and changed else None,
        notes=notes_of(journal.entries(*_TOLD)),
    )


def from_evidence(subject: Subject, evidence: Evidence, now: float) -> Standing:
    """Return how a cutover stands that was looked at once and isn't kept."""
    history, samples = observed(evidence), sampled(evidence.resolvers)
    return Standing(
        subject.domain.name,
        subject,
        progress=progress(Case(subject, evidence, now, history, samples)),
        evidence=evidence,
        checks=judge(subject, evidence, now, history=history, samples=samples),
        history=history,
        samples=samples,
        edit=edit(subject, evidence),
    )


def applier_of(way: Way, *, read_only: bool = False) -> Applier | None:
    """Return what changes the record from here, None where a person does."""
    match way:
        case ByHand():
            return None
        case ByUpdate():
            place = f"{way.address}, by dynamic update of {way.zone}"
        case ByPowerDns():
            place = f"PowerDNS at {way.url}, zone {way.zone}"
        case ByRoute53():
            place = f"Route 53, hosted zone {way.hosted_zone}"
    return Applier(safe(place), READ_ONLY if read_only else "")


def notes_of(entries: list[Entry]) -> tuple[Note, ...]:
    """Return what was decided and came to pass, the oldest first."""
    found = [Note(each.at, words, str(each.by)) for each in entries if (words := _words(each))]
    return tuple(found[-_MOST_NOTES:])


_TOLD = (
    EntryKind.CREATED,
    EntryKind.EVIDENCE,
    EntryKind.STATEMENT,
    EntryKind.ASKED,
    EntryKind.ENDED,
    EntryKind.STATE,
)


def _words(entry: Entry) -> str:
    match entry.kind:
        case EntryKind.CREATED:
            return "begun"
        case EntryKind.EVIDENCE:
            return "all checks were made"
        case EntryKind.STATEMENT:
            given = entry.read(Statement)
            if given.question.startswith(ACCEPTED):
                what = given.question.removeprefix(ACCEPTED)
                return safe(f"acknowledged {what}: {given.answer}", limit=400)
            return safe(f"answered {given.question}: {given.answer}", limit=400)
        case EntryKind.ASKED:
            asked = entry.read(Asked)
            return safe(f"{asked.direction} of {asked.planned.name} sent to {asked.place}")
        case EntryKind.ENDED:
            ended = entry.read(Ended)
            detail = f": {ended.detail}" if ended.detail else ""
            return safe(f"{ended.direction} {ended.outcome}{detail}")
        case EntryKind.STATE:
            return f"seen: {entry.read(State)}"
    return ""


def _way_back(journal: Journal, evidence: Evidence | None, stands: Progress) -> WayBack:
    """Return the way back; a check that compared the registries since the change counts too."""
    known = way_back(journal)
    parity = evidence.parity if evidence else None
    since = max(stands.clocks.changed_at or 0.0, known.compared or 0.0)
    if evidence is None or parity is None or parity.error or evidence.taken < since:
        return known
    lost = tuple(pair for pair in parity.different if pair.new)
    return replace(known, lost=lost, compared=evidence.taken)


def _edit(subject: Subject, journal: Journal, evidence: Evidence | None) -> Edit | None:
    """Return the edit: by what was seen last while there still was one to make."""
    found = edit(subject, evidence) if evidence else None
    if found is None or found.kind is not Kind.NOTHING:
        return found
    for entry in reversed(journal.entries(EntryKind.EVIDENCE)):
        earlier = edit(subject, msgspec.json.decode(entry.body, type=Evidence))
        if earlier is not None and earlier.kind is not Kind.NOTHING:
            return earlier
    return found
