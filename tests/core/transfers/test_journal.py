"""The journal: what was written is there after a crash, all of it or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from transship import errors
from transship.oci.digest import digest_of
from transship.oci.manifest import make_index
from transship.oci.reference import Reference
from transship.transfers.copies import BlobWork, Copy, CopyState, JobState, Verdict, Worklist
from transship.transfers.journal import LOG_LINES, Journal, Lane, StoredSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE, TWO, OLD = digest_of(b"one"), digest_of(b"two"), digest_of(b"old")
SOURCE, TARGET = "old.example", "new.example"


def copy_of(number: int, verdict: Verdict = Verdict.COPY, **more: Any) -> Copy:
    """Return a copy of a numbered tag."""
    return Copy(
        id=number,
        source=Reference(SOURCE, "app", f"v{number}"),
        target=Reference(TARGET, "app", f"v{number}"),
        digest=ONE,
        previous=None,
        verdict=verdict,
        **more,
    )


def worklist(*copies: Copy) -> Worklist:
    """Return a worklist of these copies, and one blob."""
    index = make_index([])
    blob = BlobWork(TARGET, TWO, 100, Reference(SOURCE, "app", "v1"), "app", ("other",))
    return Worklist(copies, (blob,), {index.digest: index})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A journal that is open."""
    journal = Journal(path)
    yield journal
    journal.close()


def test_another_process_reads_at_once_what_was_written(journal: Journal, path: Path) -> None:
    other = Journal(path)
    before = other.change()

    journal.keep(worklist(copy_of(1, seen_at=5.0, subject=TWO), copy_of(2, Verdict.SAME)))
    journal.uploading(TARGET, "app", TWO, StoredSession("there", 7))
    journal.note(state=JobState.RUNNING)

    assert other.change() != before
    assert other.copies() == [copy_of(1, seen_at=5.0, subject=TWO), copy_of(2, Verdict.SAME)]
    assert [copy.id for copy in other.copies(CopyState.WAITING)] == [1]
    assert other.upload(TARGET, "app", TWO) == StoredSession("there", 7)
    assert other.manifest(make_index([]).digest) == make_index([])
    assert (other.state, other.fact("phase")) == (JobState.RUNNING, "planned")
    other.close()


def test_what_belongs_together_is_written_whole_or_not_at_all(journal: Journal) -> None:
    def fail() -> None:
        with journal.together():
            journal.note(state=JobState.DONE)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert journal.fact("state") == ""

    with journal.together():
        journal.note(state=JobState.DONE)
    assert journal.state is JobState.DONE


def test_a_failure_at_the_very_end_leaves_no_transaction_open(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def __init__(self, db: sqlite3.Connection) -> None:
            self._db = db
            self.in_transaction = False

        def execute(self, statement: str, *more: Any) -> sqlite3.Cursor:
            if statement == "COMMIT":
                self._db.execute("ROLLBACK")
                raise sqlite3.OperationalError("database or disk is full")
            return self._db.execute(statement, *more)

    def write() -> None:
        with journal.together():
            pass

    real = journal._db
    monkeypatch.setattr(journal, "_db", Full(real))
    with pytest.raises(sqlite3.OperationalError):
        write()
    monkeypatch.setattr(journal, "_db", real)
    write()


def test_a_tag_keeps_what_it_pointed_at(journal: Journal) -> None:
    journal.keep(worklist(copy_of(1)))
    (copy,) = journal.copies()

    journal.begun(copy)
    journal.moving(copy, OLD)
    journal.done(copy, 9.0)

    ((copy, state, words),) = journal.outcomes()
    assert (copy.previous, copy.verdict, copy.moving) == (OLD, Verdict.OVERWRITE, True)
    assert (state, words) == (CopyState.DONE, "")


def test_copies_that_failed_make_room_for_what_is_tried_instead(journal: Journal) -> None:
    journal.keep(worklist(copy_of(1), copy_of(2), copy_of(3)))
    one, two, _ = journal.copies()
    journal.done(one, 1.0)
    journal.failed(two, errors.TooLarge("413"), 2.0)
    assert two.target not in journal.written()

    journal.keep(worklist(copy_of(1, Verdict.OVERWRITE)))

    kept = [(copy.id, copy.target.tag, copy.verdict) for copy in journal.copies()]
    assert kept == [(1, "v1", Verdict.COPY), (3, "v3", Verdict.COPY), (4, "v1", Verdict.OVERWRITE)]
    assert journal.failures() == []


def test_a_tag_that_moved_although_it_seemed_to_fail_keeps_what_it_pointed_at(
    journal: Journal,
) -> None:
    journal.keep(worklist(copy_of(1)))
    (copy,) = journal.copies()
    journal.moving(copy, OLD)
    journal.failed(copy, errors.ConnectionLost("the answer"), 1.0)

    journal.keep(worklist(copy_of(1, Verdict.SAME)))

    (copy,) = journal.copies()
    assert (copy.verdict, copy.previous) == (Verdict.OVERWRITE, OLD)
    assert journal.copies(CopyState.WAITING) == []


def test_what_was_begun_by_a_process_that_is_gone_waits_again(journal: Journal) -> None:
    journal.keep(worklist(copy_of(1), copy_of(2)))
    for copy in journal.copies():
        journal.begun(copy)

    journal.wait_again(journal.copies()[0])
    assert [copy.id for copy in journal.copies(CopyState.WAITING)] == [1]
    journal.wait_again()
    assert len(journal.copies(CopyState.WAITING)) == 2


def test_a_blob_that_is_placed_has_no_upload_any_more(journal: Journal) -> None:
    journal.keep(worklist(copy_of(1)))
    journal.uploading(TARGET, "app", TWO, StoredSession("there", 7))
    assert [blob.digest for blob in journal.largest_blobs(10, 5)] == [TWO]

    journal.placed(TARGET, "app", TWO, outcome="sent")
    journal.placed(TARGET, "other", TWO, outcome="mounted")

    assert journal.uploads() == []
    assert journal.largest_blobs(10, 5) == []
    assert sorted(journal.placements()) == [(TARGET, "app", TWO), (TARGET, "other", TWO)]
    assert journal.blob_bytes() == {"sent": (100, 200)}
    journal.forget_placements(TARGET, "app")
    assert list(journal.placements()) == [(TARGET, "other", TWO)]


def test_failures_are_grouped_by_cause_with_a_few_examples(journal: Journal) -> None:
    journal.keep(worklist(*(copy_of(number) for number in range(1, 8))))
    copies = journal.copies()
    journal.failed(copies[0], errors.NoRight("denied"), 1.0)
    for copy in copies[1:6]:
        journal.failed(copy, errors.TooLarge(f"413 {copy.id}"), 1.0)

    large, denied = journal.failures(examples=2)

    assert (large.cause, large.count, denied.cause, denied.count) == ("too-large", 5, "no-right", 1)
    assert large.examples == (
        (f"{SOURCE}/app:v2", "413 2"),
        (f"{SOURCE}/app:v3", "413 3"),
    )


def test_the_bodies_go_at_the_end_and_open_blobs_only_when_nothing_failed(
    journal: Journal,
) -> None:
    journal.keep(worklist(copy_of(1)))
    (copy,) = journal.copies()
    journal.failed(copy, errors.TooLarge(), 1.0)
    journal.finished()
    assert journal.manifest(make_index([]).digest) is None
    assert journal.blob_bytes() == {"": (100, 200)}

    journal.done(copy, 2.0)
    journal.finished()
    assert journal.blob_bytes() == {}


def test_the_lanes_show_the_last_moment_only(journal: Journal) -> None:
    lane = Lane("app", 1, 2, 3.0)
    journal.show_lanes([lane, lane], rate=5)
    journal.show_lanes([Lane("app\x1b[2J", 2, 2, 3.0)], rate=6)

    assert journal.lanes() == [Lane("app [2J", 2, 2, 3.0)]
    assert journal.fact("rate") == "6"


def test_of_the_log_only_the_last_lines_are_kept(journal: Journal) -> None:
    for number in range(LOG_LINES + 50):
        journal.log(float(number), "info", f"line {number}")

    kept = [what for _, _, what, _ in journal.happened(2 * LOG_LINES)]

    assert kept == [f"line {number}" for number in range(50, LOG_LINES + 50)]


def test_all_that_is_read_together_is_of_one_moment(journal: Journal, path: Path) -> None:
    reader = Journal(path)
    journal.note(state=JobState.RUNNING)
    with reader.one_moment():
        before = reader.state
        journal.note(state=JobState.DONE)
        assert reader.state is before
    assert reader.state is JobState.DONE
    reader.close()


def test_wishes_are_taken_up_once(journal: Journal) -> None:
    journal.wish("pause", 1.0)
    journal.wish("cancel", 2.0)
    assert journal.wishes() == ["pause", "cancel"]
    journal.grant_wishes()
    assert journal.wishes() == []


def test_the_job_sees_to_a_tag_only_if_it_writes_it_or_found_it_right(journal: Journal) -> None:
    journal.keep(worklist(copy_of(1), copy_of(2, Verdict.SAME), copy_of(3, Verdict.SKIP)))
    targets = [Reference(TARGET, "app", f"v{number}") for number in range(1, 5)]
    assert [journal.has_target(target) for target in targets] == [True, True, False, False]


def many(count: int) -> Worklist:
    """Return a worklist that is kept in several parts."""
    blobs = [
        BlobWork(TARGET, digest_of(b"%d" % number), 1, Reference(SOURCE, "app"), "app", ())
        for number in range(count)
    ]
    return Worklist([copy_of(number) for number in range(1, count + 1)], blobs, {})


def test_while_a_long_worklist_is_kept_others_read_and_write(journal: Journal, path: Path) -> None:
    other = Journal(path)
    turns = 0
    for _ in journal.keeping(many(5_000)):
        turns += 1
        journal.note(heartbeat=turns)
        assert other.fact("heartbeat") == str(turns)
        assert other.fact("phase") != "planned"
        other.log(float(turns), "info", "somebody else")
    assert turns >= 10
    assert other.fact("phase") == "planned"
    assert len(other.copies()) == 5_000
    other.close()


def test_a_worklist_that_was_kept_in_part_is_taken_back(journal: Journal, path: Path) -> None:
    journal.keep(worklist(copy_of(1), copy_of(2)))
    journal.failed(copy_of(2), errors.TimedOut("once"), 1.0)
    journal.note(phase="inventory")

    next(journal.keeping(many(5_000)))
    assert len(journal.copies()) > 2
    assert [copy.id for copy in journal.copies(CopyState.FAILED)] == [2], "until all is kept"

    with closing(Journal(path)) as after:
        after.take_back()
        assert [copy.id for copy in after.copies()] == [1, 2]
        assert after.fact("phase") != "planned"
        after.keep(worklist(copy_of(1)))
        assert [copy.target.tag for copy in after.copies()] == ["v1", "v1"]
        assert after.fact("phase") == "planned"
        after.take_back()
        assert len(after.copies()) == 2, "there is nothing to take back"


def test_of_a_first_worklist_that_was_kept_in_part_nothing_stays(journal: Journal) -> None:
    parts = journal.keeping(many(2_000))
    for _ in range(3):
        next(parts)
    assert journal.largest_blobs(0, 1)

    journal.take_back()

    assert (journal.copies(), journal.largest_blobs(0, 1)) == ([], [])
