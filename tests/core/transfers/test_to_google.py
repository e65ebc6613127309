"""A whole copy to Google Artifact Registry: a repository made, layers in one request each.

google-auth is real; `servers.google` stands in for the service, in front of a real docker-registry.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.at_service import copied, foreseen
from moving.jobs import SHORT, plan_of
from moving.judge import digest_at
from servers.docker_registry import docker_registry
from servers.faults import CutRequest, Fault
from servers.google import LOCATION, PROJECT, Gar, Google, gar, google_api
from servers.images import push_image, random_layer
from servers.token_server import token_server
from transship import errors
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MEBIBYTE, Visibility
from transship.services.google import GAR, GarApi
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.plans.plan import Plan
    from transship.registry.service import AskApi


@pytest.fixture
def google() -> Iterator[Google]:
    with google_api() as server:
        yield server


@pytest.fixture
def behind(google: Google, tmp_path: Path) -> Iterator[DockerRegistry]:
    with (
        token_server(tmp_path / "tokens", {"_json_key": google.key()}) as tokens,
        docker_registry(tmp_path / "gar", auth="token", token_server=tokens) as registry,
    ):
        yield registry


@pytest.fixture
def target(google: Google, behind: DockerRegistry) -> Iterator[Gar]:
    with gar(behind.host, google) as server:
        yield server


@pytest.fixture
def plan(target: Gar, open_registry: DockerRegistry, repository: str) -> Plan:
    push_image(open_registry, repository, "v1", [random_layer(3 * MEBIBYTE, repository)])
    source = f"{open_registry.host}/{repository}:v1"
    return plan_of((source, f"{target.host}/{PROJECT}/shop/team/web:v1"))


def opened(target: Gar, google: Google) -> DistributionRegistry:
    """Open the registry as Google's, whose layers are large from 1 MiB on."""

    async def pause(seconds: float) -> None:
        assert seconds > 0

    def api(host: str, ask: AskApi) -> GarApi:
        return GarApi(LOCATION, ask, google.url, pause)

    takes = replace(GAR.capabilities, whole_limit=MEBIBYTE)
    service = replace(GAR, api=api, api_hosts=(google.host,), capabilities=takes)
    login = Credential("_json_key", google.key())
    return DistributionRegistry(target.host, credential=login, service=service, patience=SHORT)


@pytest.mark.parametrize("breaks", [False, True])
async def test_the_repository_is_made_and_the_layers_go_up_in_one_request_each(
    breaks: bool,
    plan: Plan,
    google: Google,
    target: Gar,
    behind: DockerRegistry,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    if breaks:
        target.add(Fault(CutRequest(after=MEBIBYTE), method="PUT", path="/blobs/uploads/.*"))
    source = DistributionRegistry(open_registry.host, patience=SHORT)
    allowed = replace(plan, create_missing=Visibility.PRIVATE)

    ended = await copied(tmp_path, allowed, source, opened(target, google))

    assert ended.state is JobState.DONE, ended.failures
    assert google.made == [("shop", {"format": "DOCKER"})]
    assert digest_at(behind, f"{PROJECT}/shop/team/web", "v1") == (
        digest_at(open_registry, repository, "v1")
    )
    assert "PATCH" not in {request.method for request in target.requests}


async def test_a_preview_says_what_is_missing_and_makes_nothing(
    plan: Plan, google: Google, target: Gar, open_registry: DockerRegistry
) -> None:
    seen = await foreseen(plan, DistributionRegistry(open_registry.host), opened(target, google))

    (blocked,) = seen.worklist.of(Verdict.BLOCKED)
    assert isinstance(blocked.problem, errors.NamespaceMissing)
    assert f"the repository {PROJECT}/shop isn't there" in blocked.reason
    assert "create_missing" in blocked.problem.remedy
    assert google.made == []
    assert {request.method for request in target.requests} <= {"GET", "HEAD"}
