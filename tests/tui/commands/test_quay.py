"""At a Quay, a token to push with creates what it is for: only a run ever asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servers.images import push_image
from servers.quay import OAUTH, ROBOT, Quay, quay
from transship.accounts.secrets import variables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

USERS = {OAUTH: "an OAuth token", ROBOT: "a robot's token"}


@pytest.fixture
def target(open_registry: DockerRegistry) -> Iterator[Quay]:
    with quay(open_registry.host, USERS) as server:
        server.organizations = {"team"}
        yield server


@pytest.fixture(params=USERS)
def line(
    request: pytest.FixtureRequest, transship: Callable[..., Any], target: Quay
) -> Callable[..., Any]:
    """The line of somebody who signs in to the Quay."""
    username, password = variables_of(target.host)
    secrets = {username: request.param, password: USERS[request.param]}
    return lambda *words: transship(*words, **secrets)


def test_only_a_run_creates(
    line: Callable[..., Any],
    target: Quay,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    push_image(other_registry, repository, "v1")
    source, new = f"{other_registry.host}/{repository}", f"{target.host}/team/{repository}"
    plan = tmp_path / "moves.toml"
    plan.write_text(
        'version = 1\nkind = "copy"\ncreate_missing = "private"\n'
        f'[[copies]]\nfrom = "{source}"\nto = "{new}"\n'
    )
    before = target.there

    looks = [
        line("login", target.host, "--service", "quay", "--from-environment"),
        line("registries", target.host, "--json"),
        line("ls", target.host),
        line("plan", plan),
        line("copy", "--dry-run", f"{source}:v1", f"{new}:v1"),
        line("verify", f"{source}:v1", f"{new}:v1"),
        line("check", "images.example.com", "--to", target.host, "--resolver", "127.0.0.1:9"),
        line("advise", other_registry.host, target.host),
    ]

    assert [ended.status for ended in looks[:5]] == [0] * 5, [ended.err for ended in looks[:5]]
    assert all(ended.status in (0, 1, 3) for ended in looks), [ended.err for ended in looks]
    assert target.there == before
    pushes = [each for each in target.token_requests if "push" in " ".join(each.scopes)]
    assert pushes == []
    assert {each.method for each in target.api} <= {"GET"}

    ended = line("copy", f"{source}:v1", f"{new}:v1")

    assert ended.status == 0, ended.err
    assert set(target.repositories) == {f"team/{repository}"}
