"""What a plan says of repositories that ECR doesn't have.

boto3 is real, and `servers.ecr` stands in for AWS: moto lacks what pushes are refused by here. Of a
job that makes repositories, see `test_ecr_whole`.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import SHORT, plan_of
from servers.ecr import HOST, EcrApi, ecr_api
from servers.images import push_image
from transship.clock import SystemClock
from transship.oci.reference import Reference
from transship.registry.access import open_registry as open_place
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import Visibility
from transship.services.ecr import ECR
from transship.transfers.copies import Verdict
from transship.transfers.preview import preview_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.docker_registry import DockerRegistry
    from transship.plans.plan import Plan
    from transship.registry.service import AskApi


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, htpasswd_registry: DockerRegistry) -> Iterator[EcrApi]:
    with ecr_api() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", api.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        api.username = htpasswd_registry.username or ""
        api.password = htpasswd_registry.password or ""
        yield api


def opened_ecr(registry: DockerRegistry) -> DistributionRegistry:
    """Open a registry of the tests as one of ECR's, without a password."""

    def api(host: str, ask: AskApi) -> object:
        assert ECR.api is not None
        return ECR.api(HOST, ask)

    service = replace(ECR, api=api, hands_out=(r"127\.0\.0\.1",))
    return DistributionRegistry(registry.host, service=service, patience=SHORT, handed_out=True)


@pytest.fixture
def plan(open_registry: DockerRegistry, htpasswd_registry: DockerRegistry, repository: str) -> Plan:
    for tag in ("v1", "v2"):
        push_image(open_registry, repository, tag, annotations={"tag": tag})
    source = f"{open_registry.host}/{repository}"
    return plan_of(
        (source, f"{htpasswd_registry.host}/{repository}/web"),
        (f"{source}:v1", f"{htpasswd_registry.host}/{repository}/api:v1"),
    )


@pytest.mark.parametrize("create_missing", [None, Visibility.PRIVATE])
async def test_what_a_push_may_make_is_created_only_where_the_plan_allows_it(
    create_missing: Visibility | None,
    plan: Plan,
    api: EcrApi,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    api.denied = {"DescribeRepositoryCreationTemplates"}
    source = open_place(Reference(open_registry.host), patience=SHORT)
    async with aclosing(source), aclosing(opened_ecr(htpasswd_registry)) as target:
        places = {open_registry.host: source, htpasswd_registry.host: target}
        asked = replace(plan, create_missing=create_missing)
        foreseen = await preview_plan(asked, places, SystemClock())

    assert {copy.verdict for copy in foreseen.worklist.copies} == {Verdict.COPY}
    assert len(foreseen.worklist.creations) == (2 if create_missing else 0)
    assert [each.what for each in foreseen.unknown] == ["whether a push makes a repository"]


async def test_what_would_have_to_be_public_is_blocked(
    plan: Plan,
    api: EcrApi,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    source = open_place(Reference(open_registry.host), patience=SHORT)
    async with aclosing(source), aclosing(opened_ecr(htpasswd_registry)) as target:
        places = {open_registry.host: source, htpasswd_registry.host: target}
        public = replace(plan, create_missing=Visibility.PUBLIC)
        foreseen = await preview_plan(public, places, SystemClock())

    assert {copy.verdict for copy in foreseen.worklist.copies} == {Verdict.BLOCKED}
    assert "only ECR Public has others" in foreseen.worklist.copies[0].reason
    assert foreseen.worklist.creations == ()
    assert "CreateRepository" not in {operation for operation, _ in api.asked}
