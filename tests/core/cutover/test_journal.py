"""The journal: all that was seen and said comes back, and nothing of it changes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship import errors
from transship.cutover.evidence import (
    DnsAnswer,
    Evidence,
    NamedPull,
    NameServer,
    RecordSet,
    ResolverView,
    Statement,
    ZoneEvidence,
)
from transship.cutover.journal import KEPT_SAMPLES, CutoverJournal, EntryKind, thinned
from transship.cutover.timeline import Sample, Served, has_moved, is_clamped
from transship.operator import Operator

if TYPE_CHECKING:
    from pathlib import Path

    from transship.cutover.folder import CutoverFolder

NAME = "images.example.test"
ME = Operator("maria", "laptop")


def zone(value: str, at: float, ttl: int = 60) -> ZoneEvidence:
    """One name server that says this of the domain."""
    soa = DnsAnswer(
        "example.test", "SOA", "ns", "192.0.2.1", at, rcode="NOERROR", authoritative=True
    )
    records = (RecordSet(NAME, "CNAME", ttl, (value,)),) if value else ()
    said = tuple(
        DnsAnswer(NAME, kind, "ns", "192.0.2.1", at, rcode="NOERROR", records=records)
        for kind in ("CNAME", "A", "AAAA")
    )
    return ZoneEvidence("example.test", (), (), (NameServer("ns", "192.0.2.1", soa, soa, said),))


def view(value: str, ttl: int, at: float, resolver: str = "r") -> ResolverView:
    answer = DnsAnswer(
        NAME, "A", resolver, "192.0.2.9", at, rcode="NOERROR",
        records=(RecordSet(NAME, "CNAME", ttl, (value,)),),
    )  # fmt: skip
    return ResolverView(resolver, "192.0.2.9", "udp", "operator", (answer,))


def test_evidence_comes_back_with_everything_that_was_said(journal: CutoverJournal) -> None:
    assert journal.evidence() is None
    said = [Statement("ttl-before", "3600", 1.0, "maria"), Statement("pushes", "frozen", 2.0)]
    seen = Evidence(taken=5.0, zone=zone("old.test.", 5.0), resolvers=(view("old.test.", 3, 5.0),))

    journal.add(EntryKind.STATEMENT, said[0], 1.0, ME)
    journal.add(EntryKind.EVIDENCE, seen, 5.0)
    journal.add(EntryKind.STATEMENT, said[1], 6.0, ME)

    found = journal.evidence()
    assert found is not None
    assert found.statements == tuple(said)
    assert (found.zone, found.resolvers) == (seen.zone, seen.resolvers)


def test_pulls_by_the_domain_are_the_newest_whoever_made_them(journal: CutoverJournal) -> None:
    def pulls(who: str) -> tuple[NamedPull, ...]:
        return (NamedPull((who,), 1.0),)

    def by() -> str:
        found = journal.evidence()
        assert found is not None
        return found.by_name[0].by[0]

    journal.add(EntryKind.PULLED, pulls("nobody"), 1.0)
    assert journal.evidence() is None, "nothing was gathered that they could be told with"
    journal.add(EntryKind.EVIDENCE, Evidence(taken=5.0, by_name=pulls("check")), 5.0)
    assert by() == "check"
    journal.add(EntryKind.PULLED, pulls("watch"), 6.0)
    assert by() == "watch"
    journal.add(EntryKind.FOLLOWED, Evidence(taken=7.0, by_name=pulls("look")), 7.0)
    assert by() == "look"
    journal.add(EntryKind.EVIDENCE, Evidence(taken=8.0, by_name=pulls("check again")), 8.0)
    assert by() == "check again"


def test_what_stays_the_same_lasts_longer_and_what_changes_is_added(
    journal: CutoverJournal, cutover: CutoverFolder
) -> None:
    for at, value in [(1.0, "old."), (2.0, "old."), (3.0, ""), (4.0, "new."), (9.0, "new.")]:
        latest = journal.saw_servers(zone(value, at), at)

    with cutover.journal() as again:
        assert again.served() == latest
    assert latest == (
        Served("192.0.2.1", ("old.",), 60, 1.0, 2.0),
        Served("192.0.2.1", (), 0, 3.0, 3.0),
        Served("192.0.2.1", ("new.",), 60, 4.0, 9.0),
    )


def test_two_processes_write_one_history(journal: CutoverJournal, cutover: CutoverFolder) -> None:
    with cutover.journal() as other:
        journal.saw_servers(zone("old.", 1.0), 1.0)
        before = journal.change()
        other.saw_servers(zone("old.", 2.0), 2.0)
        other.saw_servers(zone("new.", 3.0), 3.0)
        assert journal.change() != before
        assert journal.saw_servers(zone("new.", 4.0), 4.0) == (
            Served("192.0.2.1", ("old.",), 60, 1.0, 2.0),
            Served("192.0.2.1", ("new.",), 60, 3.0, 4.0),
        )


def test_the_newest_samples_come_back_and_the_highest(journal: CutoverJournal) -> None:
    journal.saw_resolvers([view("old.", 900, 0.0), view("old.", 7, 0.0, "other")])
    for at in range(1, 40):
        journal.saw_resolvers([view("new.", 4, float(at))])

    found = journal.samples()

    mine = [each for each in found if each.resolver == "r"]
    assert mine[0] == Sample("r", ("old.",), 900, 0.0)
    assert [each.at for each in mine[1:]] == [float(at) for at in range(28, 40)]
    assert len([each for each in found if each.resolver == "other"]) == 1


samples = st.lists(
    st.builds(
        Sample,
        st.sampled_from(["a", "b"]),
        st.sampled_from([("old.",), ("new.",), ()]),
        st.integers(0, 9),
        st.floats(0, 99),
    ),
    max_size=60,
)


@given(samples)
def test_thinning_leaves_what_the_clocks_need(found: list[Sample]) -> None:
    kept = thinned(found)

    assert len(kept) <= 2 * (KEPT_SAMPLES + 1)
    assert thinned(kept) == kept
    for name in "ab":
        every, few = ([s for s in each if s.resolver == name] for each in (found, kept))
        assert every[-1:] == few[-1:]
        assert has_moved(every, ["new."]) == has_moved(few, ["new."])
        assert is_clamped(every, 5) == is_clamped(few, 5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET body = '{}'",
        "DELETE FROM entries",
        "UPDATE served SET ttl = 1",
        "UPDATE served SET last = 0",
        "DELETE FROM served",
        "UPDATE samples SET ttl = 1",
        "DELETE FROM samples",
    ],
)
def test_nothing_in_it_is_changed(
    journal: CutoverJournal, cutover: CutoverFolder, statement: str
) -> None:
    journal.saw_servers(zone("old.", 1.0), 1.0)
    journal.saw_resolvers([view("old.", 3, 1.0)])
    file = sqlite3.connect(cutover.folder / "journal.sqlite")

    with pytest.raises(sqlite3.IntegrityError, match="not changed"):
        file.execute(statement)

    file.close()


def test_entries_are_of_somebody_and_are_read_on_from_where_one_was(
    journal: CutoverJournal,
) -> None:
    (first,) = journal.entries()
    journal.add(EntryKind.STATEMENT, Statement("pushes", "frozen", 2.0), 2.0, ME)
    journal.add(EntryKind.STATE, "ready", 3.0)

    later = journal.entries(after=first.number)

    assert [(each.kind, str(each.by)) for each in later] == [
        (EntryKind.STATEMENT, "maria on laptop"),
        (EntryKind.STATE, ""),
    ]
    assert journal.entries(EntryKind.STATE) == later[1:]
    with pytest.raises(errors.BadFile, match="journal entry"):
        later[1].read(Statement)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("no database, but long enough to be looked at" * 50)

    with pytest.raises(errors.BadFile, match=r"journal\.sqlite"):
        CutoverJournal(tmp_path / "journal.sqlite")
