"""Whatever a network or a registry does to single requests, the job goes on and comes out right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import plan_of, proof_of, run_here
from moving.judge import digest_at
from servers.faults import (
    Answer,
    CutRequest,
    CutResponse,
    Fault,
    LoseResponse,
    SwallowRequest,
)
from servers.images import push_image, push_index, push_referrer, random_layer
from transship.transfers.copies import JobState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import Action, FaultProxy
    from servers.registry import Registry

FAULTS = {
    "lost": LoseResponse(),
    "swallowed": SwallowRequest(),
    "cut": CutRequest(after=1000),
    "half": CutResponse(after=10),
    "failed": Answer(500),
    "gone": Answer(503, {"Retry-After": "0"}),
    "slower": Answer(429, {"Retry-After": "0"}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_requests_that_fail_now_and_then_change_nothing_in_the_end(
    fault: Action,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    base = random_layer(1_500_000, "base of the faults")
    children = [
        push_image(open_registry, repository, None, [base, random_layer(700, platform)])
        for platform in ("linux/amd64", "linux/arm64")
    ]
    images = {
        "multi": push_index(open_registry, repository, "multi", children),
        **{
            f"v{number}": push_image(
                open_registry, repository, f"v{number}", [base, random_layer(900, number)]
            )
            for number in range(3)
        },
    }
    push_referrer(open_registry, images["multi"])
    source, target = proxy_for(open_registry), proxy_for(other_registry)
    # Now and then, and never the very first: one that never answered isn't waited for.
    faults = [
        proxy.add(Fault(fault, skip=skip))
        for proxy, first in ((source, 2), (target, 3))
        for skip in range(first, 60, 7)
    ]
    plan = plan_of((f"{source.host}/{repository}", f"{target.host}/{repository}"))

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.DONE, (view.failures, view.problem)
    assert sum(fault.struck for fault in faults) > 5
    for tag, image in images.items():
        assert digest_at(other_registry, repository, tag) == image.digest
    clean = plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))
    assert (await proof_of(clean, deep=True)).holds
