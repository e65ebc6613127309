"""Every tag of both registries: the same, other, missing, and what can't be compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from servers.images import push_image, random_layer
from transship import errors
from transship.cutover.evidence import Parity, TagPair
from transship.cutover.observe.parity import compare_copied, compare_listed
from transship.oci.digest import digest_of
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import ManifestHead

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


@pytest.fixture
async def sides(
    open_registry: DockerRegistry, other_registry: DockerRegistry
) -> AsyncIterator[tuple[DistributionRegistry, DistributionRegistry]]:
    """The clients of two registries, by their own names."""
    old, new = DistributionRegistry(open_registry.host), DistributionRegistry(other_registry.host)
    yield old, new
    await old.aclose()
    await new.aclose()


@dataclass
class Fake:
    """A registry that fails where it is told to: real ones don't on demand."""

    held: dict[str, list[str]]
    failing: dict[str, errors.TransshipError] = field(default_factory=dict)
    asked: int = 0
    open_now: int = 0
    most_open: int = 0

    async def repositories(self) -> AsyncIterator[str]:
        if "" in self.failing:
            raise self.failing[""]
        for repository in self.held:
            yield repository

    async def tags(self, repository: str) -> AsyncIterator[str]:
        if repository in self.failing:
            raise self.failing[repository]
        if repository not in self.held:
            raise errors.RepositoryNotFound(repository)
        for tag in self.held[repository]:
            yield tag

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        self.asked += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        await asyncio.sleep(0)
        self.open_now -= 1
        if reference in self.failing:
            raise self.failing[reference]
        return ManifestHead(digest_of(f"{repository}:{reference}".encode()), "", 1)


@dataclass
class Copied:
    """What a job's journal tells."""

    tags: list[tuple[str, str, str]]
    id: str = "job-1"

    def copied(self) -> Iterable[tuple[str, str, str]]:
        return self.tags


def of(repository: str, tag: str) -> str:
    return digest_of(f"{repository}:{tag}".encode())


async def test_tags_of_two_registries(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    sides: tuple[DistributionRegistry, DistributionRegistry],
    fresh_name: Callable[[], str],
) -> None:
    repository, only_old = fresh_name(), fresh_name()
    for registry in (open_registry, other_registry):
        push_image(registry, repository, "same")
    moved = push_image(open_registry, repository, "moved", [random_layer(100, "moved")])
    before = push_image(other_registry, repository, "moved")
    gone = push_image(open_registry, repository, "gone")
    late = push_image(other_registry, repository, "late")
    lost = push_image(open_registry, only_old, "1")
    told: list[tuple[int, int]] = []
    found = await compare_listed(
        *sides, (repository, only_old), compared=lambda *count: told.append(count)
    )

    assert found == Parity(
        5,
        tuple(
            sorted(
                (
                    TagPair(repository, "gone", gone.digest, ""),
                    TagPair(repository, "late", "", late.digest),
                    TagPair(repository, "moved", moved.digest, before.digest),
                    TagPair(only_old, "1", lost.digest, ""),
                ),
                key=lambda pair: (pair.repository, pair.tag),
            )
        ),
    )
    assert (told[-1], len(told)) == ((5, 5), 5)


async def test_every_repository_of_the_old_one_is_compared() -> None:
    old = Fake({f"team/{i}": ["1", "2"] for i in range(30)})
    new = Fake({name: ["1", "2"] for name in old.held})
    found = await compare_listed(old, new)

    assert found == Parity(60, ())
    assert 1 < old.most_open <= 16


async def test_so_many_tags_and_no_more() -> None:
    old = Fake({"app": [str(i) for i in range(1000)]})
    found = await compare_listed(old, Fake({}), most=300)

    assert (found.compared, len(found.different)) == (300, 300)
    assert found.error == "only the first 300 tags"
    assert old.asked == 300


async def test_what_is_known_narrows_nothing_and_stands_in_for_a_list_that_is_closed() -> None:
    old = Fake({"team/app": ["1"], "team/web": ["1"]})
    closed = Fake(old.held, {"": errors.CatalogClosed("old.test")})

    beside = await compare_listed(old, Fake({"team/app": ["1"]}), known=("team/app",))
    instead = await compare_listed(closed, Fake(old.held), known=("team/app",))

    assert [pair.repository for pair in beside.different] == ["team/web"]
    assert (beside.compared, beside.error) == (2, "")
    assert (instead.compared, instead.error) == (1, "catalog-closed: old.test")


async def test_a_list_that_is_closed() -> None:
    old = Fake({}, {"": errors.CatalogClosed("old.test")})

    assert await compare_listed(old, Fake({})) == Parity(0, (), error="catalog-closed: old.test")


async def test_what_cannot_be_compared_keeps_nobody_else_from_it() -> None:
    failing: dict[str, errors.TransshipError] = {
        "secret": errors.NoRight("secret"),
        "bad": errors.ServerFailed("bad"),
    }
    old = Fake({"secret": ["1"], "app": ["1", "bad", "2"]}, failing)
    found = await compare_listed(old, Fake({"app": ["1", "bad", "2"]}))

    assert (found.compared, found.different) == (2, ())
    assert found.error == "no-right: secret (and 1 more)"


async def test_a_registry_that_is_gone_is_not_asked_for_everything() -> None:
    tags = [str(i) for i in range(2000)]
    failing: dict[str, errors.TransshipError] = {
        tag: errors.ConnectionRefused("new.test") for tag in tags[100:]
    }
    new = Fake({"app": tags}, failing)
    found = await compare_listed(Fake({"app": tags}), new)

    assert found.compared == 100
    assert found.error.startswith("connection-refused: new.test (and ")
    assert new.asked < 200


async def test_it_can_be_given_up() -> None:
    class Stuck(Fake):
        async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
            reached.set()
            await asyncio.Event().wait()
            return None

    reached = asyncio.Event()
    tags = {"app": [str(i) for i in range(1000)]}
    comparing = asyncio.create_task(compare_listed(Stuck(tags), Stuck(tags)))
    await reached.wait()
    comparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await comparing


# From a job


async def test_what_a_job_has_copied_is_compared_as_it_is_now() -> None:
    copies = Copied([("app", "1", of("app", "1")), ("app", "2", "sha256:of the copy")])
    found = await compare_copied(Fake({}), Fake({}), copies)

    assert found == Parity(2, (), source="job-1")


async def test_the_journal_stands_for_an_old_registry_that_is_gone() -> None:
    copies = Copied([("app", "1", of("app", "1")), ("app", "2", "sha256:of the copy")])
    found = await compare_copied(None, Fake({}), copies)

    assert found.different == (TagPair("app", "2", "sha256:of the copy", of("app", "2")),)
    assert (found.compared, found.source) == (2, "job-1")
