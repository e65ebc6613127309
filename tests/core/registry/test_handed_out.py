"""A login that the service hands out: fetched when it is needed, renewed, and never kept.

`servers.ecr` stands in for the API that hands it out; the registry that takes it is a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes.clock import FakeClock
from servers.ecr import HOST, EcrApi, ecr_api
from transship import errors
from transship.accounts.registry_file import Account, is_handed_out
from transship.services.ecr import ECR

if TYPE_CHECKING:
    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from transship.registry.service import AskApi

HOURS = 3600.0


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, htpasswd_registry: DockerRegistry) -> Iterator[EcrApi]:
    """The API, which hands out what the registry takes."""
    with ecr_api() as api:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", api.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        api.username = htpasswd_registry.username or ""
        api.password = htpasswd_registry.password or ""
        yield api


@pytest.fixture
def options() -> dict[str, Any]:
    """What makes a registry of the tests one of ECR's."""

    def opened(host: str, ask: AskApi) -> object:
        assert ECR.api is not None
        return ECR.api(HOST, ask)

    service = replace(ECR, api=opened, hands_out=(r"127\.0\.0\.1",))
    return {"service": service, "handed_out": True}


def logins(api: EcrApi) -> int:
    return [operation for operation, _ in api.asked].count("GetAuthorizationToken")


async def test_it_is_fetched_once_and_signed_in_with(
    api: EcrApi, options: dict[str, Any], htpasswd_registry: DockerRegistry, connect: Connect
) -> None:
    registry = connect(htpasswd_registry.host, **options)

    await registry.check_sign_in()
    await registry.blob_size("team/web", "sha256:" + "0" * 64)  # type: ignore[arg-type]

    assert logins(api) == 1


async def test_it_is_renewed_before_it_ends(
    api: EcrApi,
    options: dict[str, Any],
    htpasswd_registry: DockerRegistry,
    connect: Connect,
    clock: FakeClock,
) -> None:
    registry = connect(htpasswd_registry.host, **options)

    await registry.check_sign_in()
    clock.advance(9 * HOURS)
    await registry.check_sign_in()
    assert logins(api) == 1
    clock.advance(1 * HOURS)
    await registry.check_sign_in()
    assert logins(api) == 2


async def test_one_that_ended_early_is_fetched_anew(
    api: EcrApi, options: dict[str, Any], htpasswd_registry: DockerRegistry, connect: Connect
) -> None:
    right, api.password = api.password, "withdrawn"
    registry = connect(htpasswd_registry.host, **options)

    with pytest.raises(errors.WrongCredential):
        await registry.check_sign_in()
    asked = logins(api)
    api.password = right
    await registry.check_sign_in()

    assert asked == 2, "a second one, and then it is enough"
    assert logins(api) == 3


async def test_why_there_is_none_is_said(
    api: EcrApi, options: dict[str, Any], htpasswd_registry: DockerRegistry, connect: Connect
) -> None:
    api.denied = {"GetAuthorizationToken"}

    with pytest.raises(errors.NoLogin, match="GetAuthorizationToken") as refused:
        await connect(htpasswd_registry.host, **options).check_sign_in()

    assert refused.value.met_at == htpasswd_registry.host, "it is about the whole account"


async def test_nobody_who_was_not_asked_to_fetches_one(
    api: EcrApi, options: dict[str, Any], htpasswd_registry: DockerRegistry, connect: Connect
) -> None:
    anonymous = connect(htpasswd_registry.host, service=options["service"])

    with pytest.raises(errors.SignInNeeded):
        await anonymous.check_sign_in()
    assert api.asked == []


@pytest.mark.parametrize(
    ("account", "handed_out"),
    [
        (Account(HOST), True),
        (Account(HOST, username="AWS", secret_source="keyring"), False),
        (Account("public.ecr.aws"), False),
        (Account("images.example.com", service="ecr"), False),
        (Account("docker.io"), False),
    ],
)
def test_only_an_account_without_a_secret_at_such_a_registry_is_handed_one(
    account: Account, handed_out: bool
) -> None:
    assert is_handed_out(account) is handed_out
