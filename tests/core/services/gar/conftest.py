"""Google's API, its registry, and how a test opens them: see `servers.google`."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from servers.docker_registry import docker_registry
from servers.google import LOCATION, TOKEN, Gar, Google, gar, google_api
from servers.token_server import token_server
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.services.google import GAR, GarApi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clients.opening import Connect
    from servers.docker_registry import DockerRegistry
    from servers.token_server import TokenServer
    from transship.registry.service import AskApi, Service


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(autouse=True)
def no_machine_of_google(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it finds nobody, google-auth looks for a server in the network of Google's machines."""
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.fixture(scope="module")
def running() -> Iterator[Google]:
    with google_api() as server:
        yield server


@pytest.fixture
def google(running: Google) -> Google:
    """The API, with nothing in it, and every knob turned back."""
    fresh = Google(running.url)
    for name in fresh.__dataclass_fields__:
        setattr(running, name, getattr(fresh, name))
    return running


@pytest.fixture(scope="module")
def behind(
    running: Google, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DockerRegistry, TokenServer]]:
    """A real registry that takes what Google's takes."""
    folder = tmp_path_factory.mktemp("gar")
    users = {
        "oauth2accesstoken": TOKEN,
        "_json_key": running.key(),
        "_json_key_base64": encoded(running.key()),
    }
    with (
        token_server(folder / "tokens", users) as tokens,
        docker_registry(folder / "registry", auth="token", token_server=tokens) as registry,
    ):
        yield registry, tokens


@pytest.fixture
def server(behind: tuple[DockerRegistry, TokenServer], google: Google) -> Iterator[Gar]:
    with gar(behind[0].host, google) as server:
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """How long was waited between looks at what is made, each time."""
    return []


@pytest.fixture
def service(google: Google, pauses: list[float]) -> Service:
    """Google's service, with its API where the stand-in is."""

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def api(host: str, ask: AskApi) -> GarApi:
        return GarApi(LOCATION, ask, google.url, pause)

    return replace(GAR, api=api, api_hosts=(google.host,), hands_out=(r"127\.0\.0\.1",))


@pytest.fixture
def registry(
    google: Google, server: Gar, service: Service, connect: Connect
) -> DistributionRegistry:
    login = Credential("_json_key", google.key())
    return connect(server.host, credential=login, service=service)


@pytest.fixture
def ambient(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that google-auth finds by itself."""
    path = tmp_path / "key.json"
    path.write_text(google.key())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
