"""The keys of a cloud's API on the line: an account of their own, which opens the registry's.

`servers.alibaba` stands in for the cloud, in front of a real registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from moving.judge import digest_at
from servers.alibaba import (
    KEY_ID,
    KEY_SECRET,
    AlibabaApi,
    AlibabaRegistry,
    Instance,
    Namespace,
    alibaba_api,
    alibaba_registry,
)
from servers.images import push_image
from transship.accounts.secrets import variables_of

if TYPE_CHECKING:
    from servers.docker_registry import DockerRegistry


@pytest.fixture
def api() -> Iterator[AlibabaApi]:
    with alibaba_api() as api:
        api.instances = {"cri-1": Instance("example", ["127.0.0.1"])}
        yield api


@pytest.fixture
def registry(api: AlibabaApi, htpasswd_registry: DockerRegistry) -> Iterator[AlibabaRegistry]:
    namespaces = api.instances["cri-1"].namespaces
    with alibaba_registry(htpasswd_registry.host, namespaces) as server:
        yield server


@pytest.fixture(autouse=True)
def secrets(
    api: AlibabaApi,
    registry: AlibabaRegistry,
    htpasswd_registry: DockerRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both accounts' secrets are in variables: there is no keyring."""
    login = (htpasswd_registry.username or "", htpasswd_registry.password or "")
    for host, values in ((api.host, (KEY_ID, KEY_SECRET)), (registry.host, login)):
        for name, value in zip(variables_of(host), values, strict=True):
            monkeypatch.setenv(name, value)


def test_with_the_keys_a_registry_lists_and_what_a_copy_needs_is_created(
    transship: Any,
    api: AlibabaApi,
    registry: AlibabaRegistry,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
) -> None:
    image = push_image(open_registry, repository, "v1")
    team = repository.replace("/", "-")
    api.instances["cri-1"].namespaces["other"] = Namespace({"web": "PRIVATE"})

    added = transship("login", api.host, "--service", "alibaba-api", "--from-environment")
    assert added.status == 0, added.err
    words = ("--service", "alibaba", "--api", api.host, "--from-environment")
    signed_in = transship("login", registry.host, *words)
    assert signed_in.status == 0, signed_in.err
    assert transship("ls", registry.host).out == "other/web\n"

    copied = transship(
        "copy",
        f"{open_registry.host}/{repository}:v1",
        f"{registry.host}/{team}/web:v1",
        "--create-missing",
        "private",
    )

    assert copied.status == 0, copied.err
    assert digest_at(htpasswd_registry, f"{team}/web", "v1") == image.digest
    assert api.instances["cri-1"].namespaces[team].repositories == {"web": "PRIVATE"}
    assert KEY_SECRET not in "".join(each.out + each.err for each in (added, signed_in, copied))


def test_keys_that_are_not_taken_are_not_kept(
    transship: Any, api: AlibabaApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variables_of(api.host)[1], "another secret")

    ended = transship("login", api.host, "--service", "alibaba-api", "--from-environment")

    assert ended.status == 1
    assert "User name or password not accepted" in ended.err
    assert "another secret" not in ended.err
    assert transship("ls").out == ""
