"""What was at the target so far tells whether the next repository is listed there first."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from moving.memory import FakeClock, MemoryPlace
from samples.manifests import image
from transship import errors
from transship.oci.reference import parse_reference
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.transfers.inventory import take_inventory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.registry.registry import ManifestHead
    from transship.transfers.inventory import Inventory

SOURCE, TARGET = "old.example", "new.example"
REPOSITORIES, TAGS = 100, 3


class Counted(MemoryPlace):
    """A place that counts what it is asked for."""

    def __init__(self, name: str, *, holds: int) -> None:
        super().__init__(name)
        self.asked: Counter[str] = Counter()
        made = image("the same everywhere").manifest
        for number in range(holds):
            self.manifests[f"app{number:03}"] |= {f"v{tag}": made for tag in range(TAGS)}

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags."""
        self.asked["list"] += 1
        await asyncio.sleep(0)  # As on the wire, the others go on meanwhile.
        async for tag in super().tags(repository):
            yield tag

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what is there."""
        self.asked["head"] += 1
        return await super().head_manifest(repository, reference)


async def looked(*targets: MemoryPlace, source: MemoryPlace | None = None) -> Inventory:
    """Look at all repositories of a registry, and what the targets have of them."""
    to = tuple(parse_reference(target.name) for target in targets)
    rule = Rule(parse_reference(SOURCE), to, tags=TagFilter())
    places = {SOURCE: source or Counted(SOURCE, holds=REPOSITORIES)}
    places |= {target.name: target for target in targets}
    return await take_inventory(Plan(kind=Kind.SYNC, rules=(rule,)), places, FakeClock())


async def test_where_all_is_there_one_list_is_enough() -> None:
    target = Counted(TARGET, holds=REPOSITORIES)

    found = (await looked(target)).found

    assert all(item.target_digest == item.digest for item in found)
    # Of what is listed, too, the digests are asked for.
    assert target.asked == {"list": 1, "head": REPOSITORIES * TAGS}


async def test_where_nothing_is_there_only_lists_are_asked_for() -> None:
    target = Counted(TARGET, holds=0)

    found = (await looked(target)).found

    assert [item.target_digest for item in found] == [None] * REPOSITORIES * TAGS
    assert target.asked == {"list": REPOSITORIES}


async def test_where_the_first_list_fails_the_others_are_looked_at_all_the_same() -> None:
    target = Counted(TARGET, holds=REPOSITORIES)
    listed = target.tags

    async def tags(repository: str) -> AsyncIterator[str]:
        if not target.asked["list"]:
            target.asked["list"] += 1
            await asyncio.sleep(0)
            raise errors.ServerFailed("not just now")
        async for tag in listed(repository):
            yield tag

    target.instead(tags=tags)

    found = (await looked(target)).found

    problems = [str(item.source) for item in found if item.problem is not None]
    assert problems == [f"{SOURCE}/app000:v{tag}" for tag in range(TAGS)]
    assert len(found) == REPOSITORIES * TAGS
    # Those that waited list for themselves, until one is seen to have all.
    assert target.asked["list"] > 1


async def test_what_one_target_has_says_nothing_of_another_one() -> None:
    full, new = Counted(TARGET, holds=REPOSITORIES), Counted("newer.example", holds=0)

    await looked(full, new)

    assert full.asked == {"list": 1, "head": REPOSITORIES * TAGS}
    assert new.asked == {"list": REPOSITORIES}


async def test_of_a_large_repository_that_was_listed_nothing_is_asked_that_is_not_there() -> None:
    source, target = Counted(SOURCE, holds=0), Counted(TARGET, holds=0)
    made = image("the same everywhere").manifest
    source.manifests["app"] |= {f"v{number:04}": made for number in range(1000)}
    target.manifests["app"] |= {f"v{number:04}": made for number in range(100)}

    await looked(target, source=source)

    assert target.asked == {"list": 1, "head": 100}
