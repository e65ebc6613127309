"""Copies to GitLab, whose tokens live for minutes, and which has projects or hasn't.

`servers.gitlab` stands in for it; its registry is a real docker-registry that takes its tokens.
What are five minutes there is a second here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from moving.at_service import copied, foreseen
from moving.jobs import SHORT, plan_of
from moving.judge import digest_at
from servers.docker_registry import docker_registry
from servers.faults import Delay, Fault, FaultProxy, fault_proxy
from servers.gitlab import GitLab, gitlab
from servers.images import push_image, random_layer
from servers.token_server import TokenServer, token_server
from transship import errors
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.registry import MEBIBYTE
from transship.services.gitlab import GITLAB
from transship.transfers.copies import JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

TOKEN = "a personal access token"
PUSH = "repository:acme/shop/web:pull,push"


class _TrustsGitLab:
    """What a registry has to know of its token server, which is GitLab."""

    def __init__(self, tokens: TokenServer, server: GitLab) -> None:
        self.users = tokens.users
        self._options = tokens.registry_options() | {
            "realm": f"{server.url}/jwt/auth",
            "service": "container_registry",
        }

    def registry_options(self) -> dict[str, str]:
        return self._options


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitLab]:
    users = {"mover": TOKEN}
    with gitlab(TOKEN) as server, token_server(tmp_path / "tokens", users) as tokens:
        server.tokens = tokens
        server.there = {"acme/shop": "enabled"}
        yield server


@pytest.fixture
def behind(server: GitLab, tmp_path: Path) -> Iterator[DockerRegistry]:
    assert server.tokens is not None
    trusted: Any = _TrustsGitLab(server.tokens, server)
    with docker_registry(tmp_path / "gitlab", auth="token", token_server=trusted) as registry:
        yield registry


@pytest.fixture
def proxy(behind: DockerRegistry) -> Iterator[FaultProxy]:
    with fault_proxy(behind.host) as proxy:
        yield proxy


def opened(proxy: FaultProxy) -> DistributionRegistry:
    """Open the registry as GitLab's, whose layers are large from 1 MiB on."""
    takes = replace(GITLAB.capabilities, whole_limit=MEBIBYTE, piece=MEBIBYTE)
    service = replace(GITLAB, capabilities=takes)
    login = Credential("mover", TOKEN)
    return DistributionRegistry(proxy.host, credential=login, service=service, patience=SHORT)


async def test_a_token_that_ends_in_the_middle_of_an_upload_is_renewed(
    server: GitLab,
    behind: DockerRegistry,
    proxy: FaultProxy,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    assert server.tokens is not None
    server.tokens.lifetime = 1
    proxy.add(Fault(Delay(0.5), method="PATCH", times=None))
    push_image(open_registry, repository, "v1", [random_layer(5 * MEBIBYTE, repository)])
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{proxy.host}/acme/shop/web:v1"))

    ended = await copied(
        tmp_path, plan, DistributionRegistry(open_registry.host, patience=SHORT), opened(proxy)
    )

    assert ended.state is JobState.DONE, ended.failures
    server.tokens.lifetime = 300
    assert digest_at(behind, "acme/shop/web", "v1") == digest_at(open_registry, repository, "v1")
    renewed = [asked for asked in server.tokens.requests if PUSH in asked.scopes]
    assert len(renewed) >= 3
    pieces = [request for request in proxy.requests if request.method == "PATCH"]
    assert len([piece for piece in pieces if piece.status == 202]) >= 6, "none is sent again"
    assert len({piece.path.partition("?")[0] for piece in pieces}) == 1, "of one upload"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("acme/gone/web", errors.NamespaceMissing, "the project acme/gone/web or acme/gone isn't"),
        ("acme/tools/web", errors.ReadOnly, "has no container registry"),
    ],
)
async def test_where_nothing_can_be_pushed_is_said_before(
    name: str,
    kind: type[errors.TransshipError],
    words: str,
    server: GitLab,
    proxy: FaultProxy,
    open_registry: DockerRegistry,
    repository: str,
) -> None:
    server.there["acme/tools"] = "disabled"
    push_image(open_registry, repository, "v1")
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{proxy.host}/{name}:v1"))

    seen = await foreseen(plan, DistributionRegistry(open_registry.host), opened(proxy))

    (blocked,) = seen.worklist.of(Verdict.BLOCKED)
    assert isinstance(blocked.problem, kind)
    assert words in blocked.reason
    assert blocked.problem.remedy


async def test_without_leave_to_ask_the_push_is_refused_in_words(
    server: GitLab,
    proxy: FaultProxy,
    open_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    server.reads_api = False
    push_image(open_registry, repository, "v1")
    plan = plan_of((f"{open_registry.host}/{repository}:v1", f"{proxy.host}/acme/gone/web:v1"))

    ended = await copied(
        tmp_path, plan, DistributionRegistry(open_registry.host, patience=SHORT), opened(proxy)
    )

    (failure,) = ended.failures
    assert failure.cause == "no-right"
    assert "/v2/acme/gone/web/" in failure.examples[0][1]
    assert "hide what is missing" in failure.remedy
