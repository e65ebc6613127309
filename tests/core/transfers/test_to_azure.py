"""A whole copy to Azure Container Registry, with a login that its directory hands out.

`servers.azure` stands in for the service, in front of a real docker-registry with tokens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.at_service import copied
from moving.jobs import SHORT, plan_of
from moving.judge import digest_at
from servers.azure import Acr, acr, directory
from servers.docker_registry import docker_registry
from servers.images import push_image, random_layer
from servers.token_server import token_server
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MEBIBYTE
from transship.services.azure import ACR
from transship.transfers.copies import JobState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Acr, DockerRegistry]]:
    with (
        directory() as cloud,
        token_server(tmp_path / "tokens") as tokens,
        docker_registry(tmp_path / "acr", auth="token", token_server=tokens) as behind,
        acr(behind.host, tokens, cloud.token) as server,
    ):
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        yield server, behind


async def test_layers_larger_than_a_body_may_be_go_up_in_pieces(
    target: tuple[Acr, DockerRegistry],
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    server, behind = target
    layers = [random_layer(34 * MEBIBYTE, repository), random_layer(1000, repository)]
    push_image(open_registry, repository, "v1", layers)
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{server.host}/acme/web:v1"))
    service = replace(ACR, hands_out=(r"127\.0\.0\.1",))

    ended = await copied(
        tmp_path,
        plan,
        DistributionRegistry(open_registry.host, patience=SHORT),
        DistributionRegistry(server.host, service=service, handed_out=True, patience=SHORT),
    )

    assert ended.state is JobState.DONE, ended.failures
    assert digest_at(behind, "acme/web", "v1") == digest_at(open_registry, repository, "v1")
    pieces = [request.sent for request in server.requests if request.method == "PATCH"]
    assert len(pieces) == 3
    assert max(pieces) <= 16 * MEBIBYTE
    assert all(request.status != 413 for request in server.requests)
    assert len(server.exchanged) == 1, "one login for all of it"
