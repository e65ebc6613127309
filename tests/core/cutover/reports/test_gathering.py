"""How a cutover stands, read from its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers import clean
from transship.cutover.catchup import CatchupRound, TagDifferences
from transship.cutover.change.execution import ChangeOutcome, ChangeRequest, ChangeResult
from transship.cutover.change.records import RAISE_SERIAL, PlannedChange
from transship.cutover.change.settings import PowerDnsSettings
from transship.cutover.evidence import Evidence, Parity, Statement, TagPair
from transship.cutover.folder import CutoverFolder, CutoverStore
from transship.cutover.journal import EntryKind
from transship.cutover.progress import CutoverState
from transship.cutover.status import READ_ONLY, status_from_evidence, status_of
from transship.operator import Operator

if TYPE_CHECKING:
    from pathlib import Path

MARIA = Operator("maria", "laptop")
LATER = clean.NOW + 600


def kept(folder: Path, *evidence: Evidence) -> CutoverFolder:
    """Return a cutover in whose journal this was seen, one after the other."""
    cutover = CutoverStore(folder).create(clean.SUBJECT, at=clean.NOW - 60)
    with cutover.journal() as journal:
        for each in evidence:
            assert each.zone is not None
            journal.saw_servers(each.zone, each.taken)
            journal.saw_resolvers(each.resolvers)
            journal.add(EntryKind.EVIDENCE, each, each.taken, MARIA)
    return cutover


def flipped(**more: object) -> Evidence:
    """Return what was seen after the change."""
    link = clean.record("CNAME", clean.NEW)
    zone = clean.zone(
        clean.server(clean.NS1, link, at=LATER), clean.server(clean.NS2, link, at=LATER)
    )
    return replace(clean.clean_evidence(), taken=LATER + 5, zone=zone, **more)  # type: ignore[arg-type]


def test_what_was_never_looked_at_is_begun_and_open(tmp_path: Path) -> None:
    standing = status_of(kept(tmp_path), clean.NOW)
    assert standing.state is CutoverState.BEFORE
    assert standing.evidence is None
    assert standing.edit is None
    assert [note.text for note in standing.notes] == ["begun"]


def test_what_was_seen_is_judged(tmp_path: Path) -> None:
    standing = status_of(kept(tmp_path, clean.clean_evidence()), clean.NOW)
    assert standing.edit is not None
    assert standing.edit.forward.add == (f"{clean.NAME}. 60 IN CNAME {clean.NEW}",)
    assert standing.way_back is None
    assert {each.outcome for each in standing.checks}
    once = status_from_evidence(clean.SUBJECT, clean.clean_evidence(), clean.NOW)
    assert [each.check for each in once.checks] == [each.check for each in standing.checks]


def test_the_serial_is_raised_by_hand_only_where_the_edit_is_made_by_hand(tmp_path: Path) -> None:
    cutover = kept(tmp_path, clean.clean_evidence())
    by_hand = status_of(cutover, clean.NOW)
    cutover.write(clean.SUBJECT, PowerDnsSettings("example.com", "https://dns.example.com:8081"))
    by_api = status_of(cutover, clean.NOW)

    assert by_hand.edit is not None
    assert by_api.edit is not None
    assert set(by_hand.edit.notes) - set(by_api.edit.notes) == {RAISE_SERIAL}


def test_after_the_change_the_edit_is_still_that_of_the_change(tmp_path: Path) -> None:
    standing = status_of(kept(tmp_path, clean.clean_evidence(), flipped()), LATER + 10)
    assert standing.state in (CutoverState.CHANGED, CutoverState.MOVED)
    assert standing.edit is not None
    assert standing.edit.reverse.add == (f"{clean.NAME}. 60 IN CNAME {clean.OLD}",)


def test_a_check_after_the_change_says_what_going_back_would_hide(tmp_path: Path) -> None:
    pair = TagPair("team/app", "1.5", "", "sha256:bb")
    seen = flipped(parity=Parity(121, (pair,)))
    standing = status_of(kept(tmp_path, clean.clean_evidence(), seen), LATER + 10)
    assert standing.way_back is not None
    assert standing.way_back.lost == (pair,)
    assert "would hide 1 tag" in standing.way_back.blocked


def test_a_comparison_from_before_the_change_does_not_count(tmp_path: Path) -> None:
    unable = flipped(parity=Parity(0, (), error="the old registry isn't named"))
    standing = status_of(kept(tmp_path, clean.clean_evidence(), unable), LATER + 10)
    assert standing.way_back is not None
    assert "nobody has compared" in standing.way_back.blocked


def test_what_was_said_is_in_the_journal_with_its_name(tmp_path: Path) -> None:
    cutover = kept(tmp_path, clean.clean_evidence())
    with cutover.journal() as journal:
        for name, answer in (("automation", "none"), ("accept:P-03/lame", "known \x1b[2J")):
            journal.add(EntryKind.STATEMENT, Statement(name, answer, LATER, "maria"), LATER, MARIA)
    told = [(note.text, note.by) for note in status_of(cutover, LATER).notes[-2:]]
    assert told == [
        ("answered automation: none", "maria on laptop"),
        ("acknowledged P-03/lame: known  [2J", "maria on laptop"),
    ]


def test_an_applier_says_where_it_writes_and_whether_it_may(tmp_path: Path) -> None:
    way = PowerDnsSettings("example.com", "http://127.0.0.1:8081")
    cutover = CutoverStore(tmp_path).create(clean.SUBJECT, way, at=clean.NOW)
    applier = status_of(cutover, clean.NOW).applier
    assert applier is not None
    assert applier.place == "PowerDNS at http://127.0.0.1:8081, zone example.com"
    assert not applier.why_not
    locked = status_of(cutover, clean.NOW, read_only=True).applier
    assert locked is not None
    assert locked.why_not == READ_ONLY


@pytest.mark.parametrize(("seen_at", "lost"), [(clean.NOW - 1, False), (clean.NOW + 1, True)])
def test_what_only_the_new_side_has_is_no_loss_if_it_was_there_before_the_change(
    seen_at: float, *, lost: bool, tmp_path: Path
) -> None:
    """After the last look that found the old record, the change may have been made."""
    cutover = kept(tmp_path, clean.clean_evidence(), flipped())
    pair = TagPair("team/cache", "1", "", "sha256:cc")
    with cutover.journal() as journal:
        for at in (seen_at, LATER + 8):
            journal.add(
                EntryKind.DELTA, CatchupRound(at, TagDifferences(only_new=(pair,)), compared=1), at
            )

    standing = status_of(cutover, LATER + 10)

    assert standing.way_back is not None
    assert standing.way_back.lost == ((pair,) if lost else ())
    hidden = standing.result("R-03")
    assert hidden is not None
    assert bool(hidden.findings) is lost


def test_a_round_is_what_a_check_goes_by_if_it_is_newer(tmp_path: Path) -> None:
    late = TagPair("team/app", "1.5", "sha256:bb", "")
    seen = clean.clean_evidence()
    cutover = kept(tmp_path, seen)
    with cutover.journal() as journal:
        older, newer = seen.taken - 5, seen.taken + 5
        journal.add(
            EntryKind.DELTA,
            CatchupRound(older, TagDifferences((late,)), doing="look", compared=9),
            older,
        )
        assert status_of(cutover, newer).result("P-27").findings == ()  # type: ignore[union-attr]
        journal.add(
            EntryKind.DELTA,
            CatchupRound(newer, TagDifferences((late,)), doing="look", compared=9),
            newer,
        )

    missing = status_of(cutover, newer).result("P-27")

    assert missing is not None
    assert [each.id for each in missing.findings] == ["tags-missing"]
    assert missing.taken == newer


def test_a_change_without_an_end_is_told_until_it_has_one(tmp_path: Path) -> None:
    cutover = kept(tmp_path, clean.clean_evidence())
    before, after = clean.record("CNAME", clean.OLD), clean.record("CNAME", clean.NEW)
    asked = ChangeRequest(PlannedChange(clean.NAME, (before,), (after,)), "9.1.1.1")
    with cutover.journal() as journal:
        journal.add(EntryKind.ASKED, asked, clean.NOW, MARIA)
        number = journal.add(EntryKind.ASKED, asked, clean.NOW + 1, MARIA)
    unended = status_of(cutover, LATER).unended
    assert unended is not None
    assert (unended.at, unended.asked, unended.by) == (clean.NOW + 1, asked, str(MARIA))
    assert not unended.running
    with cutover.locked("change"):
        running = status_of(cutover, LATER).unended
    assert running is not None
    assert running.running
    with cutover.journal() as journal:
        journal.add(EntryKind.ENDED, ChangeResult(number, ChangeOutcome.DONE), LATER, MARIA)
    assert status_of(cutover, LATER).unended is None
