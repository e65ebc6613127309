"""What may be a moment late is written together: in order, seen by all in time, and never lost."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from moving.transactions import transactions
from transship import errors
from transship.oci.digest import digest_of
from transship.oci.reference import Reference
from transship.transfers.copies import BlobWork, Copy, CopyState, JobState, Verdict, Worklist
from transship.transfers.journal import Journal, StoredSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


ONE, BLOB, OLD = digest_of(b"one"), digest_of(b"blob"), digest_of(b"old")
HOME = "new.example"
FULL = sqlite3.OperationalError("database or disk is full")


def worklist(count: int) -> Worklist:
    """Return a worklist of as many copies, and one blob."""
    source, target = Reference("old.example", "app"), Reference(HOME, "app")
    copies = [
        Copy(number, source.at(f"v{number}"), target.at(f"v{number}"), ONE, None, Verdict.COPY)
        for number in range(1, count + 1)
    ]
    return Worklist(copies, (BlobWork(HOME, BLOB, 100, source, "app"),), {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A journal of some copies, that gathers."""
    with closing(Journal(path)) as journal:
        journal._db.execute("PRAGMA wal_autocheckpoint = 0")  # So that all writes can be counted.
        journal.keep(worklist(50))
        with journal.gathering():
            yield journal


@pytest.fixture
def other(path: Path, journal: Journal) -> Iterator[Journal]:
    """The same journal, as another process sees it."""
    assert journal
    with closing(Journal(path)) as other:
        yield other


def states(journal: Journal) -> list[CopyState]:
    """Return the states of the first copies."""
    return [state for _, state, _ in journal.outcomes()][:3]


# What is written when


def test_what_is_gathered_is_seen_at_once_by_who_said_it(journal: Journal, path: Path) -> None:
    one, two, three = journal.copies()[:3]
    before = transactions(path)

    journal.begun(one)
    journal.failed(two, errors.TooLarge("413"), 1.0)
    journal.settled(three, Verdict.SKIP, "not needed", 2.0)
    journal.placed(HOME, "app", BLOB, outcome="there")
    journal.log(3.0, "info", "a line")
    assert transactions(path) == before

    assert journal.counts()[CopyState.FAILED, Verdict.COPY] == 1
    assert transactions(path) == before + 1
    assert states(journal) == [CopyState.RUNNING, CopyState.FAILED, CopyState.DONE]
    assert list(journal.placements()) == [(HOME, "app", BLOB)]
    assert journal.blob_bytes() == {"there": (100, 100)}
    assert [line for *_, line in journal.log_after(0)] == ["a line"]


def test_others_see_it_with_the_next_thing_that_is_written(
    journal: Journal, other: Journal, path: Path
) -> None:
    (one, *_) = journal.copies()
    journal.begun(one)
    journal.done(one, 1.0)
    assert states(other)[0] is CopyState.WAITING
    before = transactions(path)

    journal.show_lanes([], heartbeat=2.0)

    assert (states(other)[0], other.fact("heartbeat")) == (CopyState.DONE, "2.0")
    assert transactions(path) == before + 1


@pytest.mark.parametrize(
    "write",
    [
        lambda journal: journal.uploading(HOME, "app", BLOB, StoredSession("there", 5)),
        lambda journal: journal.deleting(journal.copies()[1], ()),
        lambda journal: journal.note(state=JobState.DONE),
        lambda journal: journal.forget_placements(HOME, "app"),
        lambda journal: journal.try_again(()),
        lambda journal: journal.finished(),
        lambda journal: journal.creations() or journal.need(()) or journal.note(phase=""),
    ],
    ids=["uploading", "deleting", "note", "forget", "again", "finished", "need"],
)
def test_what_is_written_at_once_never_overtakes_what_was_said_before(
    write: Callable[[Journal], None], journal: Journal, other: Journal
) -> None:
    journal.begun(journal.copies()[0])
    write(journal)
    assert states(other)[0] is CopyState.RUNNING


def test_what_was_said_last_of_a_copy_holds(journal: Journal, other: Journal) -> None:
    (one, two, three) = journal.copies()[:3]
    journal.begun(one)
    journal.wait_again(one)
    journal.failed(two, errors.TooLarge("413"), 1.0)
    journal.try_again([two])
    journal.begun(three)
    journal.done(three, 2.0)

    journal.flush()

    assert states(other) == [CopyState.WAITING, CopyState.WAITING, CopyState.DONE]


def test_an_upload_session_and_its_end_are_written_at_once(
    journal: Journal, other: Journal
) -> None:
    assert journal.upload(HOME, "app", BLOB) is None

    journal.uploading(HOME, "app", BLOB, StoredSession("there", 7))
    assert journal.upload(HOME, "app", BLOB) == other.upload(HOME, "app", BLOB)
    assert journal.upload(HOME, "app", BLOB) == StoredSession("there", 7)

    journal.placed(HOME, "app", BLOB, outcome="sent")
    assert journal.upload(HOME, "app", BLOB) is other.upload(HOME, "app", BLOB) is None
    assert list(other.placements()) == [(HOME, "app", BLOB)]


async def test_many_who_wait_at_the_same_time_share_one_write(
    journal: Journal, other: Journal, path: Path
) -> None:
    before = transactions(path)

    async def move(copy: Copy) -> None:
        journal.begun(copy)
        journal.moving(copy, OLD)
        await journal.committed()
        assert other.copies()[copy.id - 1].previous == OLD

    await asyncio.gather(*map(move, journal.copies()))

    assert transactions(path) == before + 1
    await journal.committed()
    assert transactions(path) == before + 1, "there was nothing to write"


async def test_who_waits_is_served_by_whatever_is_written_meanwhile(
    journal: Journal, path: Path
) -> None:
    journal.moving(journal.copies()[0], OLD)
    waiting = asyncio.ensure_future(journal.committed())
    cancelled = asyncio.ensure_future(journal.committed())
    await asyncio.sleep(0)
    cancelled.cancel()
    journal.note(heartbeat=1.0)
    before = transactions(path)

    await waiting

    assert cancelled.cancelled() or cancelled.cancelling()
    assert transactions(path) == before


# What can't be written


async def test_a_write_that_fails_is_told_to_all_who_wait_and_loses_nothing(
    journal: Journal, other: Journal
) -> None:
    copies = journal.copies()[:3]
    for copy in copies:
        journal.done(copy, 1.0)
    for number in range(500):
        journal.log(1.0, "info", f"there is no room for this line, {number}")
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")

    told = await asyncio.gather(*(journal.committed() for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in told] == [str(FULL)] * 3
    assert states(other) == [CopyState.WAITING] * 3, "all or nothing"
    with pytest.raises(sqlite3.OperationalError):
        journal.note(state=JobState.DONE)
    assert other.state is not JobState.DONE

    journal._db.execute("PRAGMA max_page_count = 1000000")
    await journal.committed()
    assert states(other) == [CopyState.DONE] * 3
    assert len(other.log_after(0)) == 500


def test_what_was_gathered_before_an_error_is_written_all_the_same(
    journal: Journal, other: Journal
) -> None:
    journal.begun(journal.copies()[0])

    def fail() -> None:
        with journal.together():
            journal.done(journal.copies()[1], 1.0)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    journal.flush()

    assert states(other) == [CopyState.RUNNING, CopyState.WAITING, CopyState.WAITING]
