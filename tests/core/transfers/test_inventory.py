"""What is looked at, in which order, and that it is let go of as soon as it was taken."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from moving.memory import FakeClock, MemoryPlace
from samples.manifests import artifact, image
from transship import errors
from transship.oci.reference import parse_reference
from transship.plans.plan import Kind, Plan, Rule, TagFilter, Wanted
from transship.transfers.copies import Found
from transship.transfers.inventory import look_at_all, take_inventory
from transship.transfers.trust import TrustCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from transship.oci.digest import Digest
    from transship.registry.registry import Registry

SOURCE, TARGET = "old.example", "new.example"
MANY = 300
"""More tags than are looked at together."""


class Replicated(MemoryPlace):
    """A place that lists what has no tag, as a layout does."""

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags."""
        for name in list(self.manifests[repository]):
            if ":" not in name:
                yield name

    async def untagged(self, repository: str) -> AsyncIterator[Digest]:
        """Give what has no tag."""
        tagged = {m.digest for name, m in self.manifests[repository].items() if ":" not in name}
        for manifest in list(self.manifests[repository].values()):
            if manifest.digest not in tagged:
                yield manifest.digest


def stage(*repositories: str, tags: int = MANY) -> dict[str, MemoryPlace]:
    """Return an old registry with these repositories, and a new one with nothing."""
    places = {name: Replicated(name) for name in (SOURCE, TARGET)}
    for repository in repositories:
        made = image(repository).manifest
        of = places[SOURCE].manifests[repository]
        of |= {f"v{number:03}": made for number in range(tags)} | {made.digest: made}
    return dict(places)


def plan(kind: Kind = Kind.SYNC, **more: object) -> Plan:
    """Return a plan that takes all of the old registry to the new one."""
    rule = Rule(parse_reference(SOURCE), (parse_reference(TARGET),), tags=TagFilter())
    return Plan(kind=kind, rules=(rule,), **more)  # type: ignore[arg-type]


def named(*names: str) -> Plan:
    """Return a plan that names what it copies."""
    pairs = [(parse_reference(f"{SOURCE}/{n}"), parse_reference(f"{TARGET}/{n}")) for n in names]
    return Plan(tuple(Wanted(*pair) for pair in pairs))


async def parts_of(plan: Plan, places: Mapping[str, Registry]) -> list[list[Found]]:
    """Return what was found, as it was given out."""
    parts: list[list[Found]] = []
    await look_at_all(plan, places, FakeClock(), parts.append)
    return parts


@pytest.mark.parametrize("asked", [plan(), named("a", "b")], ids=["by a rule", "by name"])
async def test_a_large_repository_is_looked_at_in_parts_and_in_order(asked: Plan) -> None:
    parts = await parts_of(asked, stage("a", "b"))

    assert max(map(len, parts)) < MANY / 2
    assert [str(item.source) for part in parts for item in part] == [
        f"{SOURCE}/{repository}:v{number:03}" for repository in "ab" for number in range(MANY)
    ]


async def test_what_was_found_is_let_go_as_soon_as_it_was_taken() -> None:
    places = stage("a", tags=4_000)
    most = 0

    def take(_: list[Found]) -> None:
        nonlocal most
        most = max(most, sum(isinstance(each, Found) for each in gc.get_objects()))

    await look_at_all(plan(), places, FakeClock(), take)

    assert most < 3_000


async def test_what_has_no_tag_comes_after_all_that_the_tags_have_led_to() -> None:
    places = stage("a")
    of = places[SOURCE].manifests["a"]
    last = image("the last").manifest
    of[f"v{MANY - 1:03}"] = of[last.digest] = last
    signature = artifact("a signature").manifest
    loose = image("without a tag").manifest
    of[signature.digest], of[loose.digest] = signature, loose

    async def referrers(_: str, digest: str) -> tuple[object, ...]:
        return (signature.descriptor(),) if digest == last.digest else ()

    places[SOURCE].instead(referrers=referrers)

    found = [item for part in await parts_of(plan(Kind.REPLICATION), places) for item in part]

    assert [item.digest for item in found if item.subject] == [signature.digest]
    assert found[-1].digest == loose.digest
    assert len(found) == MANY + 2


async def test_one_repository_that_fails_is_named_and_the_rest_goes_on() -> None:
    places = stage("a", "b", tags=2)

    async def untagged(repository: str) -> AsyncIterator[str]:
        if repository == "a":
            raise errors.ServerFailed("no list")
        for digest in ():
            yield digest

    places[SOURCE].instead(untagged=untagged)

    found = (await take_inventory(plan(Kind.REPLICATION), places, FakeClock())).found

    assert [(str(item.source), type(item.problem)) for item in found] == [
        (f"{SOURCE}/a:v000", type(None)),
        (f"{SOURCE}/a:v001", type(None)),
        (f"{SOURCE}/a", errors.ServerFailed),
        (f"{SOURCE}/b:v000", type(None)),
        (f"{SOURCE}/b:v001", type(None)),
    ]


async def test_each_part_is_learned_about_before_it_is_taken() -> None:
    learned: set[str] = set()

    async def also(found: list[Found]) -> None:
        learned.update(str(item.source) for item in found)

    def take(found: list[Found]) -> None:
        assert {str(item.source) for item in found} <= learned

    await look_at_all(plan(), stage("a", "b"), FakeClock(), take, also=also)

    assert len(learned) == 2 * MANY


async def test_a_repository_is_listed_once_however_many_its_parts() -> None:
    places = stage("a")
    listed: list[str] = []
    for place in places.values():
        tags = place.tags

        async def counted(
            repository: str, of: MemoryPlace = place, tags=tags
        ) -> AsyncIterator[str]:  # type: ignore[no-untyped-def]
            listed.append(of.name)
            async for tag in tags(repository):
                yield tag

        place.instead(tags=counted)

    await parts_of(plan(), places)

    assert sorted(listed) == [TARGET, SOURCE]


async def test_the_target_is_found_while_the_source_still_lists() -> None:
    places = stage("a", tags=1)
    found = asyncio.Event()
    listed = places[SOURCE].tags

    async def knock() -> None:
        found.set()

    async def tags(repository: str) -> AsyncIterator[str]:
        async with asyncio.timeout(5):
            await found.wait()
        async for tag in listed(repository):
            yield tag

    places[TARGET].instead(knock=knock)
    places[SOURCE].instead(tags=tags)

    parts = await parts_of(plan(), places)

    assert [str(item.source) for part in parts for item in part] == [f"{SOURCE}/a:v000"]


async def test_a_target_that_is_not_found_is_told_by_what_is_asked_of_it() -> None:
    places = stage("a", tags=1)

    async def knock() -> None:
        raise errors.NameNotFound("nobody asked yet")

    async def head_manifest(repository: str, reference: str) -> None:
        raise errors.NameNotFound(f"{repository}:{reference}")

    places[TARGET].instead(knock=knock, head_manifest=head_manifest)

    with pytest.raises(errors.NameNotFound, match="a:v000"):
        await parts_of(plan(), places)


async def test_nobody_waits_for_a_target_of_which_nothing_is_asked() -> None:
    places = stage("a", tags=1)
    ended: list[bool] = []

    async def knock() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    places[TARGET].instead(knock=knock)

    async with asyncio.timeout(5):
        parts = await parts_of(plan(), places)

    assert len([item for part in parts for item in part]) == 1
    assert ended == [True]


async def test_who_trusts_the_last_run_does_not_look_for_the_target() -> None:
    places = stage("a", tags=1)

    async def knock() -> None:
        raise AssertionError("the target was looked for")

    places[TARGET].instead(knock=knock)
    journal = SimpleNamespace(left=lambda _: places[SOURCE].manifests["a"]["v000"].digest)
    found: list[Found] = []

    await look_at_all(
        plan(),
        places,
        FakeClock(),
        found.extend,
        trusted=TrustCache("abc234", "", journal),  # type: ignore[arg-type]
    )

    assert [item.trusted for item in found] == [True]
