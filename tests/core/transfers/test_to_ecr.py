"""Copies to Amazon ECR, whose registry does several things its own way.

`servers.ecr` stands in for it, in front of a real docker-registry; boto3 is real.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.at_service import copied, foreseen
from moving.jobs import SHORT, plan_of
from moving.judge import digest_at
from servers.ecr import HOST, EcrApi, EcrRegistry, ecr_api, ecr_registry
from servers.faults import CutRequest, Fault, LoseResponse
from servers.images import push_artifact, push_image, random_layer
from transship import errors
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MEBIBYTE
from transship.services.ecr import ECR
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.registry.service import AskApi


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[EcrApi]:
    with ecr_api() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", api.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield api


@pytest.fixture
def target(api: EcrApi, htpasswd_registry: DockerRegistry) -> Iterator[EcrRegistry]:
    with ecr_registry(htpasswd_registry.host, api.repositories) as server:
        yield server


@pytest.fixture
def opened(target: EcrRegistry, htpasswd_registry: DockerRegistry) -> DistributionRegistry:
    """The target as one of ECR's, with a password."""

    def api(host: str, ask: AskApi) -> object:
        assert ECR.api is not None
        return ECR.api(HOST, ask)

    login = Credential(htpasswd_registry.username or "", htpasswd_registry.password or "")
    service = replace(ECR, api=api)
    return DistributionRegistry(target.host, credential=login, service=service, patience=SHORT)


@pytest.fixture
def source(open_registry: DockerRegistry) -> DistributionRegistry:
    return DistributionRegistry(open_registry.host, patience=SHORT)


FAULTS = {
    "none": None,
    "a piece is cut": Fault(CutRequest(after=MEBIBYTE), method="PATCH", skip=1),
    "the answer to a piece is lost": Fault(LoseResponse(), method="PATCH", skip=1),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_large_layer_goes_up_in_pieces_whatever_is_answered_to_them(
    fault: str,
    api: EcrApi,
    target: EcrRegistry,
    opened: DistributionRegistry,
    source: DistributionRegistry,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    api.repositories[repository] = {}
    if (struck := FAULTS[fault]) is not None:
        target.add(replace(struck))
    push_image(open_registry, repository, "v1", [random_layer(23 * MEBIBYTE, fault)])
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{target.host}/{repository}:v1"))

    ended = await copied(tmp_path, plan, source, opened)

    assert ended.state is JobState.DONE, ended.failures
    assert digest_at(htpasswd_registry, repository, "v1") == (
        digest_at(open_registry, repository, "v1")
    )
    pieces = [request for request in target.requests if request.method == "PATCH"]
    assert len(pieces) == 3 if struck is None else len(pieces) == 3 + 2
    assert {request.status for request in pieces} <= {201, None}


async def test_a_layer_is_mounted_where_that_goes_and_sent_where_it_does_not(
    api: EcrApi,
    target: EcrRegistry,
    opened: DistributionRegistry,
    source: DistributionRegistry,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    layer = random_layer(MEBIBYTE, repository)
    names = [f"{repository}/{name}" for name in ("web", "api", "job")]
    for name in names:
        api.repositories[name] = {}
        push_image(open_registry, name, "v1", [layer, random_layer(1000, name)])
    plan = plan_of(*((f"{open_registry.host}/{n}:v1", f"{target.host}/{n}:v1") for n in names))

    ended = await copied(tmp_path, plan, source, opened)

    assert ended.state is JobState.DONE, ended.failures
    for name in names:
        assert digest_at(htpasswd_registry, name, "v1") == digest_at(open_registry, name, "v1")
    wanted = [request for request in target.requests if "mount=" in request.path]
    assert len(wanted) > len(target.mounted), "some were wanted, and not mounted"


async def test_a_layer_without_a_byte_is_refused_before_anything_is_sent(
    api: EcrApi,
    target: EcrRegistry,
    opened: DistributionRegistry,
    source: DistributionRegistry,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    api.repositories[repository] = {}
    push_artifact(open_registry, repository, "empty", b"")
    push_image(open_registry, repository, "v1")
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))

    ended = await copied(tmp_path, plan, source, opened)

    assert (ended.counts.copied, ended.counts.failed) == (1, 1)
    (failure,) = ended.failures
    assert failure.cause == "manifest-rejected"
    assert "without a single byte" in failure.examples[0][1]
    assert not [r for r in target.requests if r.status == 400], "it isn't tried"


@pytest.mark.parametrize("may_ask", [True, False])
async def test_a_repository_that_is_not_there_is_named_though_the_push_is_only_cut(
    may_ask: bool,
    api: EcrApi,
    target: EcrRegistry,
    opened: DistributionRegistry,
    source: DistributionRegistry,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    if not may_ask:
        api.denied = {"DescribeRepositories"}
    push_image(open_registry, repository, "v1")
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{target.host}/{repository}:v1"))

    ended = await copied(tmp_path, plan, source, opened)

    assert ended.state is JobState.FAILED
    (failure,) = ended.failures
    assert failure.cause == "namespace-missing"
    assert "isn't there" in failure.examples[0][1]
    cut = [request for request in target.requests if request.status is None]
    assert (len(cut) == 0) == may_ask


async def test_what_would_be_refused_is_in_the_preview(
    api: EcrApi,
    target: EcrRegistry,
    opened: DistributionRegistry,
    source: DistributionRegistry,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    api.repositories[repository] = {}
    push_artifact(open_registry, repository, "empty", b"")
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))

    seen = await foreseen(plan, source, opened)

    (blocked,) = seen.worklist.of(Verdict.BLOCKED)
    assert isinstance(blocked.problem, errors.ManifestRejected)
    assert blocked.problem.remedy
    assert target.requests == [r for r in target.requests if r.method in ("GET", "HEAD")]
