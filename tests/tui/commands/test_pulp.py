"""The line at pulp-container, the real one: sign in, list, copy into it, prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from moving.judge import digest_at
from servers.images import push_image, push_index
from transship.accounts.secrets import variables_of

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry
    from servers.pulp import PulpRegistry

pytestmark = pytest.mark.pulp


@pytest.fixture
def signed_in(pulp_registry: PulpRegistry, monkeypatch: pytest.MonkeyPatch) -> str:
    """The host of a registry whose login is in the environment."""
    user, password = variables_of(pulp_registry.host)
    monkeypatch.setenv(user, str(pulp_registry.username))
    monkeypatch.setenv(password, str(pulp_registry.password))
    return pulp_registry.host


def test_a_wrong_password_is_told_and_not_kept(transship: Any, pulp_registry: PulpRegistry) -> None:
    words = ("login", pulp_registry.host, "-u", "admin", "--password-stdin", "--session")

    ended = transship(*words, stdin="wrong\n")

    assert ended.status == 1
    assert "error: User name or password not accepted" in ended.err
    assert transship("registries", "--json").document["registries"] == []


def test_from_the_sign_in_to_the_proof(
    transship: Any,
    signed_in: str,
    pulp_registry: PulpRegistry,
    other_registry: DockerRegistry,
    repository: str,
) -> None:
    children = [
        push_image(other_registry, repository, None, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(other_registry, repository, "v1", children)
    source, target = f"{other_registry.host}/{repository}", f"{signed_in}/{repository}"

    assert transship("login", signed_in, "--from-environment", "--alias", "new").status == 0
    copied = transship("copy", source, target)
    assert copied.status == 0, copied.err
    assert repository in transship("ls", "new").out.splitlines()
    assert transship("ls", f"new/{repository}").out == "v1\n"
    assert transship("verify", source, target, "--deep").status == 0

    assert digest_at(pulp_registry, repository, "v1") == index.digest
    assert transship("inspect", f"new/{repository}:v1").status == 0
