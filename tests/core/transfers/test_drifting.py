"""How far targets have drifted, looked at in real registries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from moving.jobs import opened, plan_of
from servers.faults import Answer, Fault
from servers.images import make_layer, push_image
from transship.clock import SystemClock
from transship.errors import BadRequest, ConnectionRefused
from transship.oci.reference import Reference
from transship.plans.drift import Drift, DriftState
from transship.plans.drift import plan_of as plan_of_rows
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.transfers.drift import DriftProgress, look_for_drift

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy


@pytest.fixture
def old(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


@pytest.fixture
def new(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


def push(registry: DockerRegistry, repository: str, **tags: str) -> None:
    """Push an image for each tag; its content makes its digest."""
    for tag, content in tags.items():
        push_image(registry, repository, tag, [make_layer(content.encode())])


def sync(old: str, *targets: str, **more: object) -> Plan:
    places = tuple(Reference(target, "mirror") for target in targets)
    rule = Rule(Reference(old), places, **more)  # type: ignore[arg-type]
    return Plan(kind=Kind.SYNC, rules=(rule,))


async def look(plan: Plan, progress: DriftProgress | None = None) -> Drift:
    async with opened(plan) as places:
        return await look_for_drift(plan, places, SystemClock(), progress)


def states(found: Drift) -> dict[str, DriftState]:
    return {f"{row.target.repository}:{row.target.tag}": row.state for row in found.rows}


async def test_both_sides_are_compared_by_digest_and_only_where_both_have_the_tag(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    push(old, "team/web", v1="a", v2="b", v3="c")
    push(old, "team/api", v1="a")
    push(new, "mirror/team/web", v1="a", v2="other", gone="x")
    push(new, "elsewhere", v1="a")
    marks, progress = (old.mark(), new.mark()), DriftProgress()

    found = await look(sync(old.host, new.host), progress)

    assert states(found) == {
        "mirror/team/api:v1": DriftState.MISSING,
        "mirror/team/web:gone": DriftState.EXTRA,
        "mirror/team/web:v1": DriftState.SAME,
        "mirror/team/web:v2": DriftState.DIFFERS,
        "mirror/team/web:v3": DriftState.MISSING,
    }
    differs = next(row for row in found.rows if row.state is DriftState.DIFFERS)
    assert None not in (differs.source_digest, differs.target_digest)
    for registry, mark in zip((old, new), marks, strict=True):
        heads = [r.path for r in registry.since(mark) if r.method == "HEAD"]
        assert sorted(path[-2:] for path in heads) == ["v1", "v2"]
        assert not [r for r in registry.since(mark) if re.search("GET .*manifests", r.path)]
    assert (progress.compared, progress.to_compare) == (2, 2)


async def test_one_source_and_two_targets_ask_the_source_once(
    old: DockerRegistry, new: DockerRegistry, new_registry: Callable[..., DockerRegistry]
) -> None:
    third = new_registry()
    for registry, name in ((old, "web"), (new, "mirror/web"), (third, "mirror/web")):
        push(registry, name, v1="a")
    plan = sync(old.host, new.host, third.host)

    found = await look(plan)

    assert [row.state for row in found.rows] == [DriftState.SAME, DriftState.SAME]


async def test_marked_rows_become_a_plan_that_copies_just_them(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    push(old, "web", v1="a", v2="b")
    plan = sync(old.host, new.host, tags=TagFilter(include=("v*",)))
    found = await look(plan)

    marked = plan_of_rows(plan, found.rows[:1])

    assert [str(copy.target) for copy in marked.copies] == [f"{new.host}/mirror/web:v1"]


async def test_what_cannot_be_looked_at_says_why_and_the_rest_is_compared(
    old: DockerRegistry, new: DockerRegistry, proxy_for: Callable[..., FaultProxy]
) -> None:
    proxy = proxy_for(new)
    for name in ("api", "web"):
        push(old, name, v1="a")
        push(new, f"mirror/{name}", v1="a")
    proxy.add(Fault(Answer(403), times=None, path=r".*/mirror/api/tags/list.*"))

    found = await look(sync(old.host, proxy.host))

    assert states(found) == {"mirror/api:v1": DriftState.UNKNOWN, "mirror/web:v1": DriftState.SAME}
    assert found.rows[0].why == "Sign-in needed"


async def test_a_digest_that_is_refused_is_not_taken_for_a_difference(
    old: DockerRegistry, new: DockerRegistry, proxy_for: Callable[..., FaultProxy]
) -> None:
    proxy = proxy_for(new)
    push(old, "web", v1="a")
    push(new, "mirror/web", v1="a")
    proxy.add(Fault(Answer(403), times=None, method="HEAD", path=r".*/manifests/v1"))

    found = await look(sync(old.host, proxy.host))

    assert states(found) == {"mirror/web:v1": DriftState.UNKNOWN}


async def test_a_target_that_is_down_is_named(old: DockerRegistry) -> None:
    push(old, "web", v1="a")
    with pytest.raises(ConnectionRefused):
        await look(sync(old.host, "127.0.0.1:1"))


async def test_a_plan_without_rules_has_nothing_to_compare_by(old: DockerRegistry) -> None:
    plan = plan_of((f"{old.host}/web", "new.example/web"))
    with pytest.raises(BadRequest, match="no rules"):
        await look_for_drift(plan, {}, SystemClock())
