"""What both sides list, and what nobody can see. Fakes: real registries don't fail on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from transship import errors
from transship.cutover.in_sync import FullListing, PlannedListing, Seeing, between, narrows
from transship.oci.digest import digest_of
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule
from transship.registry.registry import ManifestHead

if TYPE_CHECKING:
    from transship.registry.registry import Registry

HOSTS = ("old.example", "new.example")


@dataclass
class Fake:
    """A registry that holds tags, `closed` about its repositories, and fails where it is told."""

    held: dict[str, list[str]]
    closed: bool = False
    failing: dict[str, errors.TransshipError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    unlisted: dict[str, errors.TransshipError] = field(default_factory=dict)

    async def repositories(self) -> AsyncIterator[str]:
        if self.closed:
            raise errors.CatalogClosed("no catalog")
        for repository in self.held:
            yield repository

    async def tags(self, repository: str) -> AsyncIterator[str]:
        self.asked.append(repository)
        if repository in self.failing:
            raise self.failing[repository]
        if repository not in self.held:
            raise errors.RepositoryNotFound(repository)
        for tag in self.held[repository]:
            yield tag

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        digest = digest_of(f"{repository}:{reference}".encode())
        return ManifestHead(digest, "application/vnd.oci.image.manifest.v1+json", 2)


def whole(old: Fake, new: Fake, **more: tuple[str, ...]) -> FullListing:
    return FullListing(cast("Registry", old), cast("Registry", new), HOSTS, **more)


async def test_what_either_side_has_is_looked_for_on_both() -> None:
    seen = await whole(
        Fake({"a": ["1"], "b": ["1"]}), Fake({"b": ["1", "2"], "c": ["1"]})
    ).digests()
    assert sorted(seen.old) == [("a", "1"), ("b", "1")]
    assert sorted(seen.new) == [("b", "1"), ("b", "2"), ("c", "1")]
    assert seen.old["b", "1"] == seen.new["b", "1"]
    assert seen.unlisted == ""


def test_a_repository_of_which_no_tag_can_be_seen_is_named_once() -> None:
    seeing = Seeing()
    for _ in range(2):
        seeing.hidden("team/app", errors.NoRight())
    assert seeing.result().unlisted == f"team/app can't be looked at ({errors.NoRight.title})"


async def test_what_is_known_narrows_nothing() -> None:
    old, new = Fake({"a": ["1"], "b": ["1"]}), Fake({"c": ["1"]})
    seen = await whole(old, new, known=("a",)).digests()
    assert sorted(seen.old) == [("a", "1"), ("b", "1")]
    assert (list(seen.new), seen.unlisted) == ([("c", "1")], "")


async def test_a_registry_that_does_not_list_is_asked_for_what_is_known_and_named() -> None:
    old, new = Fake({"a": ["1"]}, closed=True), Fake({"b": ["1"]}, closed=True)
    seen = await whole(old, new, known=("a", "b")).digests()
    assert (list(seen.old), list(seen.new)) == ([("a", "1")], [("b", "1")])
    assert seen.unlisted == (
        "old.example doesn't list its repositories, new.example doesn't list its repositories"
    )
    with pytest.raises(errors.CatalogClosed):
        await whole(old, new).digests()


async def test_what_one_side_may_not_be_asked_for_is_left_out_on_both_and_named() -> None:
    old = Fake({"a": ["1"], "b": ["1"]})
    new = Fake({"a": ["1"], "b": ["1"]}, failing={"b": errors.NoRight("pull")})
    seen = await whole(old, new).digests()
    assert (list(seen.old), list(seen.new)) == ([("a", "1")], [("a", "1")])
    assert seen.unlisted.startswith("b can't be looked at")


async def test_what_a_list_leaves_out_is_named() -> None:
    old = Fake({"a": ["1"]}, unlisted={"closed": errors.NoRight("403")})
    seen = await whole(old, Fake({"a": ["1"]})).digests()
    assert seen.unlisted == f"old.example/closed/… can't be looked at ({errors.NoRight.title})"


async def test_a_failure_is_no_sign_that_tags_are_gone() -> None:
    new = Fake({"a": ["1"]}, failing={"a": errors.ConnectionLost("reset")})
    with pytest.raises(errors.ConnectionLost):
        await whole(Fake({"a": ["1"]}), new).digests()


def rule(target: str = "new.example", source: str = "old.example", **more: object) -> Rule:
    return Rule(Reference(source), (Reference(target), Reference("third.example")), **more)  # type: ignore[arg-type]


def test_of_a_plan_what_goes_from_one_to_the_other_counts() -> None:
    plan = Plan(kind=Kind.SYNC, rules=(rule(), rule(source="fourth.example")))
    assert between(plan, *HOSTS).rules == (
        Rule(Reference("old.example"), (Reference("new.example"),)),
    )
    with pytest.raises(errors.BadRequest, match=r"nothing from old\.example to fifth\.example"):
        between(plan, "old.example", "fifth.example")


def test_a_plan_that_leaves_platforms_out_can_not_be_kept_in_step_by() -> None:
    plan = Plan(kind=Kind.SYNC, rules=(rule(platforms=(Platform("linux", "amd64"),)),))
    assert narrows(plan)
    nobody = cast("Registry", Fake({}))
    with pytest.raises(errors.BadRequest, match="leaves platforms out"):
        PlannedListing(between(plan, *HOSTS), nobody, nobody, HOSTS, cast("object", None))  # type: ignore[arg-type]
