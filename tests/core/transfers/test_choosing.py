"""What couldn't be listed or looked at is named, and proves of nothing that it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.memory import FakeClock, MemoryPlace
from samples.manifests import image
from transship import errors
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import Deletion, Kind, NewestBy, Plan, Rule, TagFilter
from transship.transfers.inventory import Inventory, take_inventory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.errors import TransshipError
    from transship.oci.manifest import Manifest

SOURCE, TARGET = "old.example", "new.example"


class Source(MemoryPlace):
    """A place that can't list all of its repositories, nor read all of its manifests."""

    unlisted: dict[str, TransshipError]
    unread: dict[str, TransshipError]

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Return a manifest."""
        if reference in self.unread:
            raise self.unread[reference]
        return await super().get_manifest(repository, reference)


@pytest.fixture
def places() -> dict[str, MemoryPlace]:
    """Two registries, of which the new one has one tag more, and a repository more."""
    old, new = Source(SOURCE), MemoryPlace(TARGET)
    old.unlisted, old.unread = {}, {}
    sample = image("web")
    made = sample.manifest
    old.blobs["team/web"] = dict(sample.blobs)
    for place, tags in ((old, ("1", "2")), (new, ("1", "2", "3"))):
        place.manifests["team/web"] = dict.fromkeys(tags, made)
    new.manifests["closed/app"] = {"1": made}

    def only_tags(place: MemoryPlace) -> None:
        async def tags(repository: str) -> AsyncIterator[str]:
            if repository not in place.manifests:
                raise errors.RepositoryNotFound(repository)
            for tag in place.manifests[repository]:
                yield tag

        place.instead(tags=tags)

    only_tags(old)
    only_tags(new)
    return {SOURCE: old, TARGET: new}


def plan(*repositories: str) -> Plan:
    rule = Rule(parse_reference(SOURCE), (parse_reference(TARGET),), repositories=repositories)
    return Plan(kind=Kind.REPLICATION, rules=(rule,), delete=Deletion(at_most=1))


def sync(tags: TagFilter) -> Plan:
    source, target = parse_reference(f"{SOURCE}/team"), parse_reference(f"{TARGET}/team")
    return Plan(kind=Kind.SYNC, rules=(Rule(source, (target,), repositories=("web",), tags=tags),))


async def looked(plan: Plan, places: dict[str, MemoryPlace]) -> Inventory:
    return await take_inventory(plan, dict(places), FakeClock(), thorough=True)


def gone(inventory: Inventory) -> list[str]:
    return sorted(str(item.target).partition("/")[2] for item in inventory.vanished.found)


def named(inventory: Inventory) -> dict[str, type[TransshipError]]:
    return {
        str(item.source).partition("/")[2]: type(item.problem)
        for item in inventory.found
        if item.problem
    }


async def test_a_project_that_cant_be_listed_is_named_and_nothing_counts_as_vanished(
    places: dict[str, MemoryPlace],
) -> None:
    assert gone(await looked(plan(), places)) == ["closed/app:1", "team/web:3"]

    source = places[SOURCE]
    assert isinstance(source, Source)
    source.unlisted = {"closed": errors.NoRight("403")}
    seen = await looked(plan(), places)

    assert gone(seen) == []
    assert named(seen) == {"closed": errors.NoRight}


@pytest.mark.parametrize("repositories", [("team/**",), ("**", "!closed/**")])
async def test_what_no_rule_takes_may_stay_unlisted(
    places: dict[str, MemoryPlace], repositories: tuple[str, ...]
) -> None:
    source = places[SOURCE]
    assert isinstance(source, Source)
    source.unlisted = {"closed": errors.NoRight("403")}
    seen = await looked(plan(*repositories), places)

    assert gone(seen) == ["team/web:3"]
    assert named(seen) == {}


SELECTING = [TagFilter(since=86400.0), TagFilter(newest=1, newest_by=NewestBy.CREATED)]


@pytest.mark.parametrize("tags", SELECTING, ids=["since", "newest"])
async def test_a_tag_that_cant_be_looked_at_is_named_and_not_only_left_out(
    places: dict[str, MemoryPlace], tags: TagFilter
) -> None:
    source = places[SOURCE]
    assert isinstance(source, Source)
    source.unread = {"1": errors.TimedOut("reading 1")}

    seen = await looked(sync(tags), places)

    assert named(seen)["team/web:1"] is errors.TimedOut
    assert seen.choice is not None
    catalogue = seen.choice.catalogues[SOURCE]
    assert (catalogue.is_whole, catalogue.uncertain) == (False, {"team/web"})


@pytest.mark.parametrize("tags", SELECTING, ids=["since", "newest"])
async def test_a_tag_that_went_between_the_list_and_the_look_is_no_problem(
    places: dict[str, MemoryPlace], tags: TagFilter
) -> None:
    source = places[SOURCE]
    assert isinstance(source, Source)
    source.unread = {"1": errors.ManifestNotFound("1")}

    seen = await looked(sync(tags), places)

    assert "team/web:1" not in named(seen)


async def test_who_writes_repositories_out_needs_no_list(places: dict[str, MemoryPlace]) -> None:
    source = places[SOURCE]
    assert isinstance(source, Source)
    source.unlisted = {"team": errors.NoRight("of a list before")}

    seen = await looked(plan("team/web"), places)

    assert gone(seen) == ["team/web:3"]
    assert Reference(SOURCE, "team") not in {item.source for item in seen.found}
