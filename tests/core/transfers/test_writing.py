"""Nothing is written again while a list that names it is being taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from samples.manifests import Sample, image, index
from transship.oci.reference import Reference
from transship.transfers.images import ManifestWrites

HERE = Reference("target.example", "team/web", "v1")
FIRST, SECOND, THIRD = image("first"), image("second"), image("third")
LIST = index(FIRST, SECOND)


async def turns() -> None:
    """Let all that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def begun(writing: ManifestWrites, sample: Sample) -> AsyncIterator[asyncio.Event]:
    """Begin to write a manifest, in a task of its own; what is given tells once it has begun."""
    at_work, end = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with writing.of(HERE, sample.manifest):
            at_work.set()
            await end.wait()

    task = asyncio.create_task(write())
    await turns()
    yield at_work
    end.set()
    async with asyncio.timeout(10):
        await task


async def test_a_list_waits_for_what_it_names() -> None:
    writing = ManifestWrites()
    async with AsyncExitStack() as later:
        async with begun(writing, FIRST) as first:
            whole = await later.enter_async_context(begun(writing, LIST))
            third = await later.enter_async_context(begun(writing, THIRD))
            assert (first.is_set(), whole.is_set(), third.is_set()) == (True, False, True)
        await turns()
        assert whole.is_set()


async def test_what_a_list_names_waits_for_the_list() -> None:
    writing = ManifestWrites()
    async with AsyncExitStack() as later:
        async with begun(writing, LIST) as whole:
            second = await later.enter_async_context(begun(writing, SECOND))
            again = await later.enter_async_context(begun(writing, LIST))
            assert (whole.is_set(), second.is_set(), again.is_set()) == (True, False, True)
        await turns()
        assert not second.is_set(), "the list is written a second time"


async def test_who_gives_up_waiting_holds_nobody_off() -> None:
    writing = ManifestWrites()
    async with begun(writing, LIST):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), writing.of(HERE, FIRST.manifest):
                pass
        async with begun(writing, LIST) as again:
            assert again.is_set()
    async with begun(writing, FIRST) as first:
        assert first.is_set()
