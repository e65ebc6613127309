"""The board of a flow: the rules by themselves, then real registries."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from moving.jobs import access_to
from servers.images import make_layer, push_image, push_referrer
from transship.errors import ConnectionRefused, ServerFailed, TransshipError
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.flow import Flow, Image, Stage
from transship.registry.access import open_registry
from transship.transfers.promotion import Look, StageBoard, StageStep, cells_of, stage_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

A, B = (Digest("sha256:" + letter * 64) for letter in "ab")


class TestCells:
    def test_the_same_digest_has_the_same_mark(self) -> None:
        assert [cell.mark for cell in cells_of([A, B, None, A])] == [0, 1, None, 0]

    def test_a_step_is_new_a_replacement_or_none(self) -> None:
        assert [cell.step for cell in cells_of([A, None, B, A])] == [
            StageStep.NEW, StageStep.NONE, StageStep.REPLACE, StageStep.NONE,
        ]  # fmt: skip
        assert [cell.step for cell in cells_of([A, A])] == [StageStep.NONE, StageStep.NONE]

    def test_what_could_not_be_looked_at_is_no_absence(self) -> None:
        problem = ServerFailed("old.example")

        dev, test, prod = cells_of([A, problem, B])

        assert (dev.step, test.step, prod.step) == (
            StageStep.UNKNOWN,
            StageStep.UNKNOWN,
            StageStep.NONE,
        )
        assert (test.digest, test.mark, test.problem) == (None, None, problem)

    @given(st.lists(st.sampled_from([A, B, None]), min_size=2, max_size=6))
    def test_marks_tell_digests_apart_and_steps_end_in_agreement(self, looks: list[Look]) -> None:
        cells = cells_of(looks)

        assert len(cells) == len(looks)
        for one in cells:
            for other in cells:
                assert (one.mark == other.mark) == (one.digest == other.digest)
        for here, there in itertools.pairwise(cells):
            settled = here.digest is None or here.digest == there.digest
            assert (here.step is StageStep.NONE) == settled
        assert cells[-1].step is StageStep.NONE


def layer(seed: str) -> bytes:
    return make_layer(seed.encode())


async def seen(flow: Flow, *registries: DockerRegistry, pattern: str = "") -> StageBoard:
    known = {registry.host: access_to(registry) for registry in registries}
    async with AsyncExitStack() as stack:
        places = {
            at.registry: await stack.enter_async_context(
                aclosing(open_registry(Reference(at.registry), known.get(at.registry)))
            )
            for at in flow.places
        }
        return await stage_board(flow, places, pattern=pattern)


def steps(of: StageBoard) -> list[tuple[str, str]]:
    return [(str(image), stage.name) for image, stage in of.promotable]


async def test_images_down_and_stages_across(
    new_registry: Callable[..., DockerRegistry], other_registry: DockerRegistry, repository: str
) -> None:
    registry = new_registry()
    flow = Flow(
        "shop",
        (
            Stage("dev", Reference(registry.host, "dev")),
            Stage("test", Reference(registry.host, "test")),
            Stage("prod", Reference(other_registry.host, repository)),
        ),
    )
    for tag in ("v2", "v10"):
        push_image(registry, "dev/web", tag, [layer(tag)])
    push_image(registry, "test/web", "v2", [layer("v2")])
    push_image(registry, "test/web", "v10", [layer("older")])
    push_image(registry, "dev/other", "v1")
    push_image(registry, "elsewhere/web", "v1")
    signed = push_image(other_registry, f"{repository}/web", "v2", [layer("v2")])
    push_referrer(other_registry, signed)

    found = await seen(flow, registry, other_registry)

    assert [str(row.image) for row in found.rows] == ["other:v1", "web:v2", "web:v10"]
    other, settled, replaced = found.rows
    assert [cell.mark for cell in settled.cells] == [0, 0, 0]
    assert settled.is_settled
    assert [cell.mark for cell in other.cells] == [0, None, None]
    assert [cell.step for cell in replaced.cells] == [
        StageStep.REPLACE,
        StageStep.NEW,
        StageStep.NONE,
    ]
    assert steps(found) == [("web:v10", "prod"), ("other:v1", "test"), ("web:v10", "test")]


async def test_what_the_pattern_leaves_out_is_not_asked_for(
    new_registry: Callable[..., DockerRegistry],
    proxy_for: Callable[[DockerRegistry], FaultProxy],
) -> None:
    registry = new_registry()
    proxy = proxy_for(registry)
    flow = Flow(
        "shop",
        (Stage("dev", Reference(proxy.host, "dev")), Stage("test", Reference(proxy.host, "test"))),
    )
    for name in ("web", "api"):
        push_image(registry, f"dev/{name}", "v1")

    found = await seen(flow, pattern="web")

    assert [str(row.image) for row in found.rows] == ["web:v1"]
    asked = [request.path for request in proxy.requests if "/manifests/" in request.path]
    assert asked == ["/v2/dev/web/manifests/v1"]


async def test_a_stage_that_is_away_does_not_hide_the_others(
    new_registry: Callable[..., DockerRegistry],
) -> None:
    here, away = new_registry(), new_registry()
    push_image(here, "dev/web", "v1")
    away.stop()
    flow = Flow(
        "shop",
        (Stage("dev", Reference(here.host, "dev")), Stage("prod", Reference(away.host, "prod"))),
    )

    found = await seen(flow, here, away)

    assert isinstance(found.problems["prod"], ConnectionRefused)
    (row,) = found.rows
    assert [cell.step for cell in row.cells] == [StageStep.UNKNOWN, StageStep.NONE]
    assert isinstance(row.cells[1].problem, TransshipError)
    assert found.promotable == ()


async def test_named_repositories_are_found_where_none_are_listed(
    new_registry: Callable[..., DockerRegistry], proxy_for: Callable[[DockerRegistry], FaultProxy]
) -> None:
    registry = new_registry()
    proxy = proxy_for(registry)
    push_image(registry, "dev/web", "v1")
    flow = Flow(
        "shop",
        (Stage("dev", Reference(proxy.host, "dev")), Stage("test", Reference(proxy.host, "test"))),
        repositories=("web", "api"),
    )

    found = await seen(flow)

    assert [row.image for row in found.rows] == [Image("web", "v1")]
    assert not [request for request in proxy.requests if "_catalog" in request.path]
    assert not found.problems
