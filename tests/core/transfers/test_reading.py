"""Reading a blob to its end, whatever happens on the way."""

from __future__ import annotations

import random
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moving.memory import PIECE, FakeClock, MemoryPlace
from transship import errors
from transship.oci.digest import Digest
from transship.registry.http.rate_limiter import RetryPolicy
from transship.transfers.blobs import SourceBlob

PATIENCE = RetryPolicy(attempts=5, seconds=60)
CONTENT = random.Random(1).randbytes(12_345)


def source_blob(place: MemoryPlace, digest: Digest, size: int = len(CONTENT)) -> SourceBlob:
    """Return the blob as a mover reads it."""
    return SourceBlob(place, "app", digest, size, patience=PATIENCE, clock=FakeClock())


async def read(blob: SourceBlob, *sizes: int) -> bytes:
    """Read a blob in pieces of these sizes."""
    async with aclosing(blob):
        return b"".join([piece for size in sizes for piece in [p async for p in blob.take(size)]])


@given(st.lists(st.integers(0, 4 * PIECE), max_size=4), st.booleans(), st.integers(100, 13_000))
async def test_a_blob_that_is_cut_anywhere_is_read_on_from_there(
    cuts: list[int], ranges: bool, most: int
) -> None:
    place = MemoryPlace(ranges=ranges)
    digest = place.add("app", CONTENT)
    place.reads = [(cut, errors.ConnectionLost("cut")) for cut in cuts]
    sizes = [min(most, len(CONTENT) - start) for start in range(0, len(CONTENT), most)]

    assert await read(source_blob(place, digest), *sizes) == CONTENT

    offsets = [int(call[2]) for call in place.done]
    assert offsets == sorted(offsets)


async def test_reading_begins_where_it_is_told_to() -> None:
    place = MemoryPlace()
    blob = source_blob(place, place.add("app", CONTENT))
    blob.begin_at(10_000)

    assert await read(blob, 2_345) == CONTENT[10_000:]
    assert place.done == [("read", "app", "10000")]


@pytest.mark.parametrize("ranges", [True, False])
async def test_no_progress_ends_the_patience(ranges: bool) -> None:
    place = MemoryPlace(ranges=ranges)
    blob = source_blob(place, place.add("app", CONTENT))
    place.reads = [(0, errors.ConnectionLost("cut"))] * 9

    with pytest.raises(errors.ConnectionLost):
        await read(blob, len(CONTENT))

    assert len(place.done) == PATIENCE.attempts


async def test_what_will_not_get_better_is_not_tried_again() -> None:
    place = MemoryPlace()
    blob = source_blob(place, place.add("app", CONTENT))
    place.reads = [(5_000, errors.NoRight("revoked"))]

    with pytest.raises(errors.NoRight):
        await read(blob, len(CONTENT))


@pytest.mark.parametrize("where", [0, 6_000, len(CONTENT) - 1])
async def test_the_last_bytes_of_a_wrong_blob_are_never_given_out(where: int) -> None:
    place = MemoryPlace()
    digest = place.add("app", CONTENT)
    place.blobs["app"][digest] = (
        CONTENT[:where] + bytes([CONTENT[where] ^ 1]) + CONTENT[where + 1 :]
    )
    given_out = bytearray()

    async def take_all() -> None:
        async with aclosing(source_blob(place, digest)) as blob:
            async for piece in blob.take(len(CONTENT)):
                given_out.extend(piece)

    with pytest.raises(errors.DigestMismatch):
        await take_all()

    assert len(given_out) < len(CONTENT)


@pytest.mark.parametrize("content", [b"", b"x"])
async def test_a_small_blob_is_checked_as_well(content: bytes) -> None:
    place = MemoryPlace()
    digest = place.add("app", content)
    assert await source_blob(place, digest, len(content)).whole() == content

    wrong = Digest(f"sha256:{'0' * 64}")
    place.blobs["app"][wrong] = content
    with pytest.raises(errors.DigestMismatch):
        await source_blob(place, wrong, len(content)).whole()


async def test_a_blob_of_another_length_than_its_manifest_says_is_refused() -> None:
    place = MemoryPlace()
    blob = source_blob(place, place.add("app", CONTENT), len(CONTENT) - 1)

    with pytest.raises(errors.InvalidManifest, match="12345"):
        await read(blob, len(CONTENT) - 1)


async def test_a_stream_that_ends_early_without_an_error_is_no_blob() -> None:
    place = MemoryPlace()
    digest = place.add("app", CONTENT)
    place.reads = [(6_000, None)]

    with pytest.raises(errors.DigestMismatch, match="6000 of 12345"):
        await read(source_blob(place, digest), len(CONTENT))
