"""Moving one blob: whole or in pieces, continued where it can be, never in doubt."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from moving.memory import FakeClock, MemoryPlace
from transship import errors
from transship.oci.digest import Digest
from transship.registry.http.rate_limiter import RateLimiter, RetryPolicy
from transship.registry.registry import MEBIBYTE, Capabilities
from transship.transfers.blobs import BlobMover, BlobRoute
from transship.transfers.journal import Journal, StoredSession
from transship.transfers.lanes import Gate, Meter, Moving, Paused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from transship.registry.registry import Upload

PATIENCE = RetryPolicy(attempts=4, seconds=600)
SMALL = random.Random(1).randbytes(5_000)
WHOLE = random.Random(2).randbytes(2 * MEBIBYTE)
LARGE = random.Random(3).randbytes(8 * MEBIBYTE)
PIECE = 3 * MEBIBYTE
LOST = errors.ConnectionLost("cut")


@dataclass
class Stage:
    """A source that has one blob, a target, and a mover between them."""

    journal: Journal
    content: bytes
    source: MemoryPlace = field(default_factory=lambda: MemoryPlace("source.example"))
    target: MemoryPlace = field(default_factory=lambda: MemoryPlace("target.example"))
    gate: Gate = field(default_factory=Gate)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.digest = self.source.add("app", self.content)
        self.moving = Moving("", len(self.content), 0.0, Meter(self.clock))

    async def move(self) -> bool:
        """Move the blob as a job does."""
        route = BlobRoute(self.source, "app", self.target, "app", self.digest, len(self.content))
        mover = BlobMover(self.journal, self.gate, PATIENCE, self.clock)

        async def start() -> Upload | None:
            return await self.target.start_upload("app", self.digest)

        return await mover.move(route, start, self.moving)

    @property
    def arrived(self) -> bool:
        """Whether the target has the blob."""
        return self.target.blobs["app"].get(self.digest) == self.content

    @property
    def took(self) -> list[int]:
        """The bytes of each request that the target has taken in full."""
        return [int(call[2]) for call in self.target.done if call[0] == "took"]

    @property
    def session(self) -> StoredSession | None:
        """What the journal knows of the upload."""
        return self.journal.upload(self.target.name, "app", self.digest)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of its own."""
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


@pytest.mark.parametrize(
    ("content", "requests"),
    [
        (b"", [0]),
        (SMALL, [len(SMALL)]),
        (WHOLE, [len(WHOLE)]),
        (LARGE, [PIECE, PIECE, 2 * MEBIBYTE]),
    ],
)
async def test_a_blob_goes_whole_or_in_pieces_by_its_length(
    content: bytes, requests: list[int], journal: Journal
) -> None:
    stage = Stage(journal, content)

    assert await stage.move()

    assert stage.arrived
    assert stage.took == requests
    assert stage.moving.moved == len(content)


async def test_a_place_without_pieces_gets_all_in_one_request(journal: Journal) -> None:
    stage = Stage(journal, LARGE)
    stage.target.capabilities = Capabilities(piece=0)

    assert await stage.move()

    assert stage.took == [len(LARGE)]


async def test_a_place_that_takes_nothing_whole_gets_small_blobs_in_a_piece(
    journal: Journal,
) -> None:
    stage = Stage(journal, SMALL)
    stage.target.capabilities = Capabilities(whole_limit=0)

    assert await stage.move()

    assert stage.arrived


async def test_pieces_are_as_large_as_the_place_wants_them_at_least(journal: Journal) -> None:
    stage = Stage(journal, LARGE)
    start = stage.target.start_upload

    async def start_picky(repository: str, digest: Digest, **more: str) -> Upload | None:
        upload = await start(repository, digest, **more)
        assert upload is not None
        return replace(upload, chunk_minimum=5 * MEBIBYTE)

    stage.target.instead(start_upload=start_picky)

    assert await stage.move()

    assert stage.took == [5 * MEBIBYTE, 3 * MEBIBYTE]


async def test_every_finished_piece_is_journalled_before_the_next_is_sent(
    journal: Journal,
) -> None:
    stage = Stage(journal, LARGE)
    stage.target.appends = [None, errors.NoRight("revoked")]

    with pytest.raises(errors.NoRight):
        await stage.move()

    assert stage.session == StoredSession("session-0", PIECE)


async def test_a_new_process_goes_on_after_the_last_finished_piece(journal: Journal) -> None:
    stage = Stage(journal, LARGE)
    stage.target.appends = [None, errors.NoRight("revoked")]
    with pytest.raises(errors.NoRight):
        await stage.move()
    # The registry keeps finished pieces only.
    del stage.target.sessions["session-0"][PIECE:]

    assert await stage.move()

    assert stage.arrived
    assert sum(stage.took) == len(LARGE)
    assert ("read", "app", str(PIECE)) in stage.source.done


async def test_a_piece_whose_answer_was_lost_is_not_sent_again(journal: Journal) -> None:
    stage = Stage(journal, LARGE)
    stage.target.sessions["kept"] = bytearray(LARGE[: 2 * PIECE])
    journal.uploading(stage.target.name, "app", stage.digest, StoredSession("kept", PIECE))

    assert await stage.move()

    assert stage.arrived
    assert sum(stage.took) == len(LARGE) - 2 * PIECE


@pytest.mark.parametrize("held", [0, PIECE - 1, 2 * PIECE + 1, len(LARGE) + 1])
async def test_in_any_doubt_a_blob_starts_again(held: int, journal: Journal) -> None:
    stage = Stage(journal, LARGE)
    stage.target.sessions["kept"] = bytearray(held)
    journal.uploading(stage.target.name, "app", stage.digest, StoredSession("kept", PIECE))

    assert await stage.move()

    assert stage.arrived
    assert sum(stage.took) == len(LARGE)


@pytest.mark.parametrize(
    "error",
    [errors.UploadLost(), errors.ServerFailed(), errors.UnexpectedAnswer(), errors.NoRight()],
)
async def test_a_session_that_is_gone_is_forgotten(
    error: errors.TransshipError, journal: Journal
) -> None:
    stage = Stage(journal, LARGE)
    journal.uploading(stage.target.name, "app", stage.digest, StoredSession("gone", PIECE))

    async def resume(*_: str) -> Upload:
        raise error

    stage.target.instead(resume_upload=resume)

    assert await stage.move()

    assert stage.arrived


async def test_wrong_bytes_held_by_the_target_are_found_and_sent_anew(journal: Journal) -> None:
    stage = Stage(journal, LARGE)
    stage.target.sessions["kept"] = bytearray(PIECE)
    journal.uploading(stage.target.name, "app", stage.digest, StoredSession("kept", PIECE))

    assert await stage.move()

    assert stage.arrived


@pytest.mark.parametrize("content", [SMALL, WHOLE, LARGE])
async def test_a_blob_that_is_wrong_at_the_source_is_given_up_after_three_times(
    content: bytes, journal: Journal
) -> None:
    stage = Stage(journal, content)
    stage.source.blobs["app"][stage.digest] = content[:-1] + bytes([content[-1] ^ 1])

    with pytest.raises(errors.DigestMismatch):
        await stage.move()

    assert len([call for call in stage.source.done if call[0] == "read"]) == 3
    assert not stage.target.blobs["app"]


@pytest.mark.parametrize("content", [SMALL, WHOLE, LARGE])
async def test_a_lost_connection_is_tried_again(content: bytes, journal: Journal) -> None:
    stage = Stage(journal, content)
    stage.target.puts = [LOST, errors.TokenExpired()]
    stage.target.appends = [None, LOST]
    stage.source.reads = [(100, LOST)]

    assert await stage.move()

    assert stage.arrived


async def test_a_target_that_always_fails_is_given_up(journal: Journal) -> None:
    stage = Stage(journal, SMALL)
    stage.target.puts = [errors.ServerFailed()] * 9

    with pytest.raises(errors.ServerFailed):
        await stage.move()

    assert len([call for call in stage.target.done if call[0] == "start"]) == PATIENCE.attempts


async def test_a_large_request_that_is_always_cut_is_given_up_with_what_may_be_behind_it(
    journal: Journal,
) -> None:
    stage = Stage(journal, WHOLE)
    stage.target.puts = [errors.ConnectionLost("target.example: Connection reset by peer")] * 9

    with pytest.raises(errors.ConnectionLost) as lost:
        await stage.move()

    assert lost.value.detail == (
        "target.example: Connection reset by peer; 4 times in the same upload, with 2.0 MiB to send"
    )
    assert "raise its body limit" in lost.value.remedy


@pytest.mark.parametrize(
    ("content", "failures"),
    [
        (SMALL, [errors.ConnectionLost("target.example")] * 9),
        (WHOLE, [errors.ConnectionLost("source.example")] * 9),
        (WHOLE, [errors.ConnectionLost("target.example")] * 2 + [errors.ServerFailed()] * 9),
    ],
    ids=["small", "cut by the source", "fails otherwise"],
)
async def test_what_isn_t_a_large_request_cut_by_the_target_is_not_explained_by_its_size(
    content: bytes, failures: list[errors.TransshipError | None], journal: Journal
) -> None:
    stage = Stage(journal, content)
    stage.target.puts = failures

    with pytest.raises(errors.TransshipError) as lost:
        await stage.move()

    assert "body limit" not in lost.value.remedy


async def test_patience_counts_from_when_it_stands_still_and_not_from_the_start(
    journal: Journal,
) -> None:
    stage = Stage(journal, WHOLE)
    stage.target.puts = [LOST]
    read_blob = stage.source.read_blob

    def read_slowly(*arguments: Any) -> object:
        stage.clock.time += 10 * PATIENCE.seconds
        return read_blob(*arguments)

    stage.source.instead(read_blob=read_slowly)

    assert await stage.move()

    assert stage.arrived


async def test_a_pause_takes_hold_between_two_pieces_and_keeps_what_was_sent(
    journal: Journal,
) -> None:
    stage = Stage(journal, LARGE)
    stage.gate.close()

    with pytest.raises(Paused):
        await stage.move()
    assert stage.session == StoredSession("session-0", PIECE)
    stage.gate = Gate()

    assert await stage.move()
    assert stage.took == [PIECE, PIECE, 2 * MEBIBYTE]


async def test_a_paused_job_does_not_wait_for_a_place_that_is_away(journal: Journal) -> None:
    stage = Stage(journal, SMALL)
    stage.target.starts = [errors.ConnectionRefused()] * 2
    stage.gate.close()

    with pytest.raises(Paused):
        await stage.move()


async def test_what_the_target_has_after_all_is_not_sent(journal: Journal) -> None:
    stage = Stage(journal, LARGE)

    async def start(*_: str, **__: str) -> None:
        return None

    stage.target.instead(start_upload=start)

    assert not await stage.move()

    assert stage.source.done == []


class PacedPlace(MemoryPlace):
    """A place that is asked at a pace."""

    pacer: RateLimiter


@pytest.mark.parametrize(
    ("rate", "took"),
    [(None, [8 * MEBIBYTE]), (10**9, [8 * MEBIBYTE]), (1000, [5 * MEBIBYTE, 3 * MEBIBYTE])],
)
async def test_where_bytes_are_held_back_the_next_good_point_is_near(
    rate: int | None, took: list[int], journal: Journal
) -> None:
    stage = Stage(journal, LARGE)
    target = PacedPlace("target.example", capabilities=Capabilities())
    target.pacer = RateLimiter(stage.clock)
    target.pacer.limit(rate=rate)
    stage.target = target

    assert await stage.move()
    assert stage.arrived
    assert stage.took == took
