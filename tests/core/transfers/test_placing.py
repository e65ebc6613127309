"""A blob is sent once to a target, by whoever comes first, and mounted everywhere else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from moving.memory import FakeClock, MemoryPlace
from transship import errors
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.registry.http.rate_limiter import RetryPolicy
from transship.registry.registry import MEBIBYTE
from transship.transfers.blobs import BlobMover, BlobPlacer
from transship.transfers.journal import Journal
from transship.transfers.lanes import Lanes, Paused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"layer" * 400
LARGE = bytes(2 * MEBIBYTE)


class Stage:
    """A source and a target, and a placer between them."""

    def __init__(self, journal: Journal, *, new: frozenset[str] = frozenset()) -> None:
        self.journal = journal
        self.source, self.target = MemoryPlace("source.example"), MemoryPlace("target.example")
        self.lanes = Lanes(FakeClock())
        clock = FakeClock()
        mover = BlobMover(journal, self.lanes.gate, RetryPolicy(attempts=1, seconds=1), clock)
        places = {place.name: place for place in (self.source, self.target)}
        self.placer = BlobPlacer(
            places, journal, self.lanes, mover, frozenset((self.target.name, name) for name in new)
        )

    async def ensure(self, repository: str, digest: Digest, content: bytes = CONTENT) -> None:
        """Bring the blob to a repository."""
        source = Reference(self.source.name, "app", "1")
        target = Reference(self.target.name, repository, "1")
        await self.placer.ensure(source, target, digest, len(content))

    def did(self, kind: str) -> list[tuple[str, ...]]:
        """Return what the target was asked of one kind."""
        return [call[1:] for call in self.target.done if call[0] == kind]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal of its own."""
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


async def test_of_fifty_repositories_one_is_sent_to_and_the_others_mount(journal: Journal) -> None:
    stage = Stage(journal)
    digest = stage.source.add("app", CONTENT)
    names = [f"app{number}" for number in range(50)]

    await asyncio.gather(*(stage.ensure(name, digest) for name in names for _ in range(3)))

    assert all(stage.target.blobs[name] == {digest: CONTENT} for name in names)
    assert len(stage.did("took")) == 1
    assert len(stage.did("mount")) == 50
    assert stage.did("size") == []
    assert {(r, d) for _, r, d in journal.placements()} == {(name, digest) for name in names}


async def test_in_a_new_repository_nothing_is_asked_for_before_it_is_sent(
    journal: Journal,
) -> None:
    stage = Stage(journal, new=frozenset({"app"}))
    digest = stage.source.add("app", CONTENT)

    await stage.ensure("app", digest)

    assert stage.did("mount") == []
    assert stage.did("start") == [("app",)]


async def test_what_is_there_already_is_not_sent(journal: Journal) -> None:
    stage = Stage(journal)
    digest = stage.source.add("app", CONTENT)
    stage.target.add("app", CONTENT)

    await stage.ensure("app", digest)
    await stage.ensure("app", digest)

    assert stage.target.done == [("mount", "app", "app")]
    assert stage.source.done == []


async def test_when_the_first_fails_the_next_one_sends(journal: Journal) -> None:
    stage = Stage(journal)
    digest = stage.source.add("app", CONTENT)
    stage.target.puts = [errors.QuotaExceeded("full"), None]

    results = await asyncio.gather(
        *(stage.ensure(name, digest) for name in ("a", "b", "c")), return_exceptions=True
    )

    assert [type(result) for result in results] == [errors.QuotaExceeded, type(None), type(None)]
    assert len(stage.did("took")) == 1
    assert stage.target.blobs["c"] == {digest: CONTENT}


async def test_a_mount_that_fails_becomes_an_upload_and_is_not_tried_from_there_again(
    journal: Journal,
) -> None:
    stage = Stage(journal)
    digest = stage.source.add("app", CONTENT)
    await stage.ensure("a", digest)
    del stage.target.blobs["a"][digest]  # The target's clean-up was at work.

    await stage.ensure("b", digest)
    await stage.ensure("c", digest)

    assert stage.did("mount") == [("a", "a"), ("b", "a"), ("c", "b")]
    assert len(stage.did("took")) == 2


async def test_what_is_forgotten_is_asked_for_anew(journal: Journal) -> None:
    stage = Stage(journal)
    digest = stage.source.add("app", CONTENT)
    await stage.ensure("a", digest)
    await stage.ensure("b", digest)
    del stage.target.blobs["b"][digest]

    stage.placer.forget(Reference(stage.target.name, "b", "1"))
    await stage.ensure("b", digest)
    await stage.ensure("a", digest)

    assert stage.target.blobs["b"] == {digest: CONTENT}
    assert stage.did("mount")[-1] == ("b", "a")


async def test_what_a_process_before_has_placed_is_known(journal: Journal) -> None:
    first = Stage(journal)
    digest = first.source.add("app", CONTENT)
    await first.ensure("a", digest)
    again = Stage(journal)
    again.target.blobs = first.target.blobs

    await again.ensure("a", digest)
    await again.ensure("b", digest)

    assert again.target.done == [("mount", "b", "a")]


@pytest.mark.parametrize("there", [True, False])
async def test_a_registry_that_never_mounts_is_asked_for_large_blobs_in_another_way(
    there: bool, journal: Journal
) -> None:
    stage = Stage(journal)
    stage.target.mounts = False
    digest = stage.source.add("app", LARGE)
    if there:
        stage.target.add("a", LARGE)

    await stage.ensure("a", digest, LARGE)

    assert stage.did("size") == [("a",)]
    assert len(stage.did("took")) == (0 if there else 1)
    assert len(stage.did("cancel")) == (1 if there else 0)
    assert stage.target.sessions == {}


async def test_a_registry_that_has_mounted_is_believed_when_it_does_not(journal: Journal) -> None:
    stage = Stage(journal)
    known, new = stage.source.add("app", CONTENT), stage.source.add("app", LARGE)
    stage.target.add("a", CONTENT)

    await stage.ensure("a", known)
    await stage.ensure("a", new, LARGE)

    assert stage.did("size") == []


async def test_nothing_is_begun_while_the_job_pauses_and_no_session_is_left(
    journal: Journal,
) -> None:
    stage = Stage(journal)
    digest = stage.source.add("app", LARGE)
    start = stage.target.start_upload

    async def start_and_pause(repository: str, digest: Digest, **more: str) -> object:
        stage.lanes.gate.close()
        return await start(repository, digest, **more)

    stage.target.instead(start_upload=start_and_pause)
    for _ in range(2):
        with pytest.raises(Paused):
            await stage.ensure("a", digest, LARGE)

    assert len(stage.did("mount")) == 1
    assert stage.target.sessions == {}
