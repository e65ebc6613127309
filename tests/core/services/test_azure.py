"""Logins of Azure Container Registry: real azure-identity, and `servers.azure` for all else.

azure-identity is driven as on a machine with a managed identity, which it asks by plain http. That
it signs in with a client secret needs an authority on https that Microsoft vouches for, and isn't
tried here.
"""

from __future__ import annotations

import builtins
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from clients.asking import names
from clients.opening import told
from servers.azure import NOBODY, Acr, Directory, acr, directory
from servers.docker_registry import docker_registry
from servers.images import push_image
from servers.token_server import token_server
from transship import errors
from transship.accounts.registry_file import Account, is_handed_out
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.services import azure
from transship.services.azure import ACR, AcrApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clients.opening import Connect
    from fakes.clock import FakeClock
    from servers.docker_registry import DockerRegistry

ADMIN = Credential("example", "the admin's password")
HOURS = 3600.0


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    with directory() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerRegistry, Any]]:
    folder = tmp_path_factory.mktemp("acr")
    with (
        token_server(folder / "tokens", {ADMIN.username: ADMIN.secret}) as tokens,
        docker_registry(folder / "registry", auth="token", token_server=tokens) as registry,
    ):
        yield registry, tokens


@pytest.fixture
def server(behind: tuple[DockerRegistry, Any], cloud: Directory) -> Iterator[Acr]:
    registry, tokens = behind
    tokens.users.pop(NOBODY, None)
    with acr(registry.host, tokens, cloud.token) as server:
        yield server


@pytest.fixture
def handed(server: Acr, connect: Connect) -> DistributionRegistry:
    """The registry, as whoever azure-identity finds."""
    service = replace(ACR, hands_out=(r"127\.0\.0\.1",))
    return connect(server.host, service=service, handed_out=True)


async def test_a_token_of_the_directory_is_exchanged_for_a_login(
    server: Acr, cloud: Directory, handed: DistributionRegistry
) -> None:
    await handed.check_sign_in()

    assert cloud.asked == ["https://containerregistry.azure.net"]
    assert server.exchanged == [{"grant_type": "access_token", "service": "127.0.0.1"}]
    (exchanged,) = [request for request in server.requests if request.path == "/oauth2/exchange"]
    assert exchanged.method == "POST"
    assert not exchanged.has_authorization, "the token is in the form alone"


async def test_it_is_fetched_anew_before_it_ends(
    server: Acr, handed: DistributionRegistry, clock: FakeClock
) -> None:
    await handed.check_sign_in()
    first = server.refresh_token
    clock.advance(2 * HOURS)
    await handed.check_sign_in()
    assert len(server.exchanged) == 1

    clock.advance(1 * HOURS)
    await handed.check_sign_in()

    assert len(server.exchanged) == 2
    assert server.refresh_token != first


async def test_how_long_it_lives_is_read_in_it(
    server: Acr, handed: DistributionRegistry, clock: FakeClock
) -> None:
    server.life = 600
    await handed.check_sign_in()

    clock.advance(500)
    await handed.check_sign_in()

    assert len(server.exchanged) == 2


async def test_one_that_was_withdrawn_is_fetched_anew(
    server: Acr, handed: DistributionRegistry, behind: tuple[DockerRegistry, Any], clock: FakeClock
) -> None:
    await handed.check_sign_in()
    behind[1].users[NOBODY] = "another"
    clock.advance(300)  # The tokens of the registry itself have ended.

    await handed.check_sign_in()

    assert len(server.exchanged) == 2


async def test_all_pages_of_the_catalog_are_listed(
    server: Acr, behind: tuple[DockerRegistry, Any], connect: Connect
) -> None:
    for name in ("acme/web", "acme/api", "one"):
        push_image(behind[0], name, "v1")
    registry = connect(server.host, credential=ADMIN, service=ACR)

    assert {"acme/web", "acme/api", "one"} <= set(await names(registry))
    assert server.exchanged == [], "the account has a password"


async def test_who_is_refused_is_told_so_without_the_token(
    server: Acr, cloud: Directory, handed: DistributionRegistry
) -> None:
    server.may_sign_in = False

    with pytest.raises(errors.NoLogin, match="authentication required") as caught:
        await handed.check_sign_in()
    assert cloud.token not in told(caught.value)


async def test_without_an_identity_it_is_said_how_to_get_one(
    server: Acr,
    handed: DistributionRegistry,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")

    with pytest.raises(errors.NoLogin, match="az login"):
        await handed.check_sign_in()
    assert capfd.readouterr() == ("", ""), "what the library logs stays off the terminal"


async def test_a_directory_that_fails_is_not_waited_for_long(
    server: Acr, cloud: Directory, handed: DistributionRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure, "_LOOKING_SECONDS", 0.05)
    cloud.release = threading.Event()

    try:
        with pytest.raises(errors.TimedOut, match="azure-identity"):
            await handed.check_sign_in()
    finally:
        cloud.release.set()


async def test_without_the_extra_it_is_named(
    server: Acr, handed: DistributionRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without_azure(name: str, *more: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "azure":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without_azure)

    with pytest.raises(errors.ExtraMissing, match=r"transship\[azure\]"):
        await handed.check_sign_in()


def test_every_cloud_has_a_directory_of_its_own() -> None:
    asked = {azure._CLOUDS[end].scope.partition("//")[2] for end in ("io", "cn", "us")}

    assert len(asked) == 3
    assert azure._CLOUDS["io"].authority == "", "the library's own"


@pytest.mark.parametrize(
    ("account", "handed_out"),
    [
        (Account("example.azurecr.io"), True),
        (Account("example.azurecr.cn"), True),
        (Account("example.azurecr.io", username="example", secret_source="keyring"), False),
        (Account("images.example.com", service="acr"), False),
    ],
)
def test_only_an_account_without_a_secret_is_handed_a_login(
    account: Account, handed_out: bool
) -> None:
    assert is_handed_out(account) is handed_out


def test_a_login_and_its_api_show_no_secret() -> None:
    assert "refresh" not in repr(Credential(NOBODY, "refresh"))
    assert isinstance(ACR.api and ACR.api("example.azurecr.io", None), AcrApi)  # type: ignore[arg-type]
