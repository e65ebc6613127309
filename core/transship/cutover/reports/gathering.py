"""How a cutover stands, from all that its journal knows."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from transship.cutover.change.records import lines
from transship.cutover.change.ways import ByHand, ByPowerDns, ByRoute53, ByUpdate, Way
from transship.cutover.delta import Begun, Choice, Round, last_round, quiet_rounds, rounds
from transship.cutover.edits import RAISE_SERIAL, Edit, Kind, Lines, edit
from transship.cutover.evidence import LISTED, Evidence, Statement
from transship.cutover.flipping import Asked, Ended, pending
from transship.cutover.folder import Cutover
from transship.cutover.journal import Entry, Journal
from transship.cutover.journal import Kind as EntryKind
from transship.cutover.progress import Progress, State, progress
from transship.cutover.questions import ACCEPTED
from transship.cutover.reports.rounds import round_words
from transship.cutover.reports.standing import CHANGED, Applier, Note, Standing, Unended
from transship.cutover.rollback import WayBack, had_before, way_back
from transship.cutover.rules.case import Case, leads_to_target, observed, sampled
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
    if standing.unended is not None and cutover.is_held("change"):
        standing = replace(standing, unended=replace(standing.unended, running=True))
    applier = applier_of(cutover.way(), read_only=read_only)
    shown = standing.edit
    if applier is not None and shown is not None:
        # What takes a change over the wire raises it by itself.
        notes = tuple(note for note in shown.notes if note != RAISE_SERIAL)
        shown = replace(shown, notes=notes)
    return replace(standing, edit=shown, applier=applier, checking=checking)


def from_journal(name: str, subject: Subject, journal: Journal, now: float) -> Standing:
    """Return how a cutover stands by its journal. Raises BadFile."""
    evidence = journal.evidence()
    history, samples = journal.served(), journal.samples()
    known = evidence or Evidence(now)
    case = Case(subject, known, now, history, samples)
    stands = progress(case) if history or evidence else None
    changed = stands is not None and stands.state in CHANGED
    known = _with_round(known, journal, old_until(case))
    back = _way_back(journal, evidence, stands, case) if stands and changed else None
    return Standing(
        name,
        subject,
        progress=stands,
        evidence=known if evidence else None,
        checks=judge(subject, known, now, history=history, samples=samples),
        history=history,
        samples=samples,
        edit=_with_way_back(_edit(subject, journal, evidence), back),
        way_back=back,
        notes=notes_of(journal.entries(*_TOLD)),
        rounds=rounds(journal),
        quiet=_quiet(journal, stands),
        unended=_unended(journal),
    )


def _unended(journal: Journal) -> Unended | None:
    found = pending(journal)
    if found is None:
        return None
    (entry,) = journal.entries(EntryKind.ASKED, after=found[0] - 1)
    return Unended(entry.at, found[1], str(entry.by))


def _with_round(evidence: Evidence, journal: Journal, until: float) -> Evidence:
    """Return the evidence with what the last round has compared, if that is newer."""
    last = last_round(journal)
    if last is None:
        return evidence
    compared = evidence.parity.at if evidence.parity else None
    if last.at < (evidence.taken if compared is None else compared):
        return evidence
    had = tuple(had_before(journal, until))
    return replace(evidence, parity=replace(last.parity, had=had))


def old_until(case: Case) -> float:
    """Return until when every name server was seen to lead to the old registry, 0.0 for never."""
    last = {
        each.server: each.last for each in case.history if not leads_to_target(case, each.values)
    }
    servers = {each.server for each in case.history}
    return min(last.values()) if last and len(last) == len(servers) else 0.0


def moved_since(subject: Subject, journal: Journal, now: float) -> float | None:
    """Return since when every resolver leads to the new registry, None while some don't."""
    return _moved_at(journal, progress(_case(subject, journal, now)))


def seen_change(subject: Subject, journal: Journal, now: float) -> tuple[float, float]:
    """Return when the change was seen, and until when it surely hadn't been made; 0.0 for never."""
    case = _case(subject, journal, now)
    return progress(case).clocks.changed_at or 0.0, old_until(case)


def _case(subject: Subject, journal: Journal, now: float) -> Case:
    known = journal.evidence() or Evidence(now)
    return Case(subject, known, now, journal.served(), journal.samples())


def _moved_at(journal: Journal, stands: Progress | None) -> float | None:
    if stands is None or stands.state is not State.MOVED:
        return None
    seen = journal.newest(EntryKind.STATE)
    clocks = stands.clocks
    ends = [clocks.changed_at, clocks.by_the_rules, clocks.as_seen]
    if seen is not None and seen.read(State) is State.MOVED:
        ends.append(seen.at)  # The last straggler may have followed long after the clocks.
    return max((each for each in ends if each is not None), default=None)


def _quiet(journal: Journal, stands: Progress | None) -> int:
    since = _moved_at(journal, stands)
    return 0 if since is None else quiet_rounds(journal, since)


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
    found: list[Note] = []
    round_before = ""
    for each in entries:
        words = _words(each)
        if each.kind is EntryKind.DELTA:
            # Rounds go on and on; one that found what the last one did says nothing.
            words, round_before = ("" if words == round_before else words), words
        if words:
            found.append(Note(each.at, words, str(each.by)))
    return tuple(found[-_MOST_NOTES:])


_TOLD = (
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
    return _words_of_rounds(entry)


def _words_of_rounds(entry: Entry) -> str:
    match entry.kind:
        case EntryKind.COPYING:
            return safe(f"job {entry.read(Begun).job} began to copy what one side has pushed")
        case EntryKind.CHOICE:
            choice = entry.read(Choice)
            tag = f"{choice.pair.repository}:{choice.pair.tag}"
            return safe(f"chosen for {tag}: what the {choice.keep} registry has")
        case EntryKind.DELTA:
            return round_words(entry.read(Round))
    return ""


def _way_back(journal: Journal, evidence: Evidence | None, stands: Progress, case: Case) -> WayBack:
    """Return the way back; a check that compared the registries since the change counts too."""
    changed = stands.clocks.changed_at or 0.0
    until = old_until(case)
    known = way_back(journal, changed, until)
    parity = evidence.parity if evidence else None
    since = max(changed, known.compared or 0.0)
    if evidence is None or parity is None or parity.error or evidence.taken < since:
        return known
    if parity.source != LISTED or parity.at is not None:
        return known  # What was pushed since isn't in it; or it is a round, and known already.
    had = had_before(journal, until)
    lost = tuple(pair for pair in parity.different if pair.new and pair not in had)
    return replace(known, lost=lost, compared=evidence.taken)


def _with_way_back(edit: Edit | None, back: WayBack | None) -> Edit | None:
    """Return the edit with the reverse that is made from here, by what was there before."""
    if edit is None or back is None or back.reverse is None:
        return edit
    made = back.reverse
    goes = tuple(each for each in made.before if each not in made.after)
    comes = tuple(each for each in made.after if each not in made.before)
    return replace(edit, reverse=Lines(lines(goes), lines(comes)))


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
