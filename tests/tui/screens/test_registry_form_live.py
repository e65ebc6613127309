"""The form with registries, certificates and files that are real."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from textual.pilot import Pilot
from textual.widgets import Button, Input, Select

from fakes.screen import until
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import KeyringStore, SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.paths import Paths
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.registries.form import RegistryForm
from transship_tui.widgets.form import Field

if TYPE_CHECKING:
    from servers.certificates import Certificates
    from servers.docker_registry import DockerRegistry


@asynccontextmanager
async def form(folder: Path) -> AsyncIterator[tuple[Pilot[None], Paths, Sources]]:
    paths = Paths(folder, folder)
    sources = Sources(SessionStore(), KeyringStore(), DockerConfig({}, home=folder), {})
    app = TransshipApp(Application(paths, sources), Settings(guide=False))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: app.screen.query(RegistryForm), "the form is there")
        await pilot.pause()
        yield pilot, paths, sources


def fill(pilot: Pilot[None], name: str, value: str) -> None:
    pilot.app.screen.query_one(f"#{name}", Input).value = value


async def says(pilot: Pilot[None], place: str, words: str) -> None:
    def said() -> str:
        return " ".join(pilot.app.screen.query_one(f"#at-{place}", Field).said.split())

    await until(pilot, lambda: words in said(), f"{words!r} at {place}", deadline=20)


async def press(pilot: Pilot[None], button: str) -> None:
    await pilot.pause()
    pilot.app.screen.query_one(f"#{button}", Button).press()


async def test_a_certificate_of_an_own_authority(
    tls_registry: DockerRegistry, certificates: Certificates, tmp_path: Path
) -> None:
    async with form(tmp_path) as (pilot, paths, _):
        fill(pilot, "host", tls_registry.host)
        await pilot.press("tab")
        await says(pilot, "tls", "✗ Certificate not trusted")
        pem = certificates.server_certificate.read_text().partition("-----END")[0]
        digest = sha256(ssl.PEM_cert_to_DER_cert(f"{pem}-----END CERTIFICATE-----\n")).hexdigest()
        said = "".join(pilot.app.screen.query_one("#at-tls", Field).said.split())
        assert digest.upper() in said.replace(":", "")
        pilot.app.screen.query_one("#tls", Select).value = "ca"
        fill(pilot, "ca-file", str(certificates.ca_file))
        pilot.app.screen.query_one("#ca-file").focus()
        await pilot.press("enter")
        await says(pilot, "host", "✓ answers")
        await press(pilot, "save")
        await until(pilot, lambda: not pilot.app.screen.query(RegistryForm), "it is kept")
        assert f'ca-file = "{certificates.ca_file}"' in paths.registries.read_text()


async def test_a_registry_that_asks_for_a_certificate_of_ones_own(
    new_registry: Callable[..., DockerRegistry], certificates: Certificates, tmp_path: Path
) -> None:
    registry = new_registry(tls=certificates, client_certificates=True)
    async with form(tmp_path) as (pilot, paths, _):
        fill(pilot, "host", registry.host)
        pilot.app.screen.query_one("#tls", Select).value = "ca"
        fill(pilot, "ca-file", str(certificates.ca_file))
        pilot.app.screen.query_one("#ca-file").focus()
        await pilot.press("enter")
        await says(pilot, "client-cert", "✗ The server refused the TLS handshake")
        await says(pilot, "client-cert", "name its file and that of its key")
        fill(pilot, "client-cert", str(certificates.client_certificate))
        fill(pilot, "client-key", str(tmp_path / "missing.pem"))
        pilot.app.screen.query_one("#client-key").focus()
        await pilot.press("enter")
        await says(pilot, "client-key", "missing.pem: No such file")
        fill(pilot, "client-key", str(certificates.client_key))
        pilot.app.screen.query_one("#client-key").focus()
        await pilot.press("enter")
        await says(pilot, "host", "✓ answers")
        await press(pilot, "save")
        await until(pilot, lambda: not pilot.app.screen.query(RegistryForm), "it is kept")
        kept = paths.registries.read_text()
        assert f'client-cert = "{certificates.client_certificate}"' in kept
        assert f'client-key = "{certificates.client_key}"' in kept


async def test_a_password_for_this_run_only(
    htpasswd_registry: DockerRegistry, tmp_path: Path
) -> None:
    user, password = htpasswd_registry.username or "", htpasswd_registry.password or ""
    async with form(tmp_path) as (pilot, paths, sources):
        fill(pilot, "host", htpasswd_registry.host)
        await pilot.press("tab")
        await says(pilot, "host", "and wants a sign-in")
        await says(pilot, "sign-in", "There is no keyring here")
        await press(pilot, "this-run")
        fill(pilot, "username", user)
        fill(pilot, "secret", "wrong")
        await press(pilot, "save")
        await says(pilot, "secret", "User name or password not accepted")
        assert not paths.registries.exists()
        fill(pilot, "secret", password)
        await press(pilot, "save")
        await until(pilot, lambda: not pilot.app.screen.query(RegistryForm), "it is kept")
        assert password not in paths.registries.read_text()
        assert await sources.session.get(htpasswd_registry.host, user) == password


async def test_nobody_is_there(tmp_path: Path) -> None:
    async with form(tmp_path) as (pilot, _, _sources):
        fill(pilot, "host", "localhost:1")
        await pilot.press("tab")
        await says(pilot, "host", "✗ Connection refused")
