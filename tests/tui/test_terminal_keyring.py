"""The real app in a real terminal, with a real keyring that is absent, locked, hung or at work."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from servers.terminal import Terminal, terminal
from transship.accounts.registry_file import Accounts
from transship.paths import default_paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.keyring_session import KeyringSession

pytestmark = pytest.mark.secretservice

CTRL_S = "\x13"
EXIT_SECONDS = 3.0
LAG_SECONDS = 2.0
"""How late the app may ever be. A call that blocks it lasts five seconds, or for ever."""
MEASURED_APP = """
import asyncio, json, sys, time
import transship_tui.app as module
from transship_tui.commands import main

lags = []

class Measured(module.TransshipApp):
    CSS_PATH = module.__file__.replace("app.py", "app.tcss")

    def on_mount(self):
        self.run_worker(self.sample(), group="lag", exit_on_error=False)

    async def sample(self):
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - due)

module.TransshipApp = Measured
try:
    main(["--no-guide"])
finally:
    with open(sys.argv[1], "w") as file:
        json.dump(lags, file)
"""


@dataclass
class Opened:
    """The app in its window. What is measured is there once it has ended."""

    window: Terminal
    registry: DockerRegistry
    lags: list[float] = field(default_factory=list)
    exit_seconds: float = 0.0

    def fill_in(self) -> None:
        """Go to the way to sign in, past a host that answers."""
        self.window.press("a")
        self.window.shows("Add a registry")
        self.window.shows("f1 Help")
        self.window.press(self.registry.host, "tab")
        self.window.shows("and wants a sign-in")

    def sign_in_for_this_run(self) -> None:
        """Take up the offer to keep the secret nowhere, from the alias on."""
        self.window.shows("Keep it for this run only")
        self.window.press(*["tab"] * 3, "enter")
        self.window.shows("forgotten when you quit")
        self.sign_in()
        self.window.shows("its secret for this run only")

    def sign_in(self) -> None:
        """Type who and what, and save; the user is the field that has the focus."""
        self.window.press(str(self.registry.username), "tab")
        self.window.press(str(self.registry.password), CTRL_S)


@contextmanager
def opened(
    registry: DockerRegistry, folder: Path, session: KeyringSession | None
) -> Iterator[Opened]:
    """Open the app, and quit it at the end; it has to be quick, and the terminal clean."""
    program, lags = folder / "measured.py", folder / "lags.json"
    program.write_text(MEASURED_APP)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHON_KEYRING_BACKEND"}
    names = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME")
    environment |= {name: session.environment[name] for name in names} if session else {}
    with terminal([sys.executable, str(program), str(lags)], environment) as window:
        window.shows("Registries")
        app = Opened(window, registry)
        yield app
        window.press("ctrl+q")
        began = time.monotonic()
        assert window.ended() == 0
        app.exit_seconds = time.monotonic() - began
        assert b"Traceback" not in window.raw
        app.lags += json.loads(lags.read_text())


def is_responsive(app: Opened) -> None:
    """Check what was measured, and that the secret is in no file of ours."""
    assert app.exit_seconds < EXIT_SECONDS
    assert max(app.lags) < LAG_SECONDS
    (account,) = Accounts(default_paths().registries).all()
    assert account.secret_source == "session"
    home = default_paths().state.parent
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert str(app.registry.password).encode() not in kept


def test_without_a_keyring_the_secret_is_for_this_run(
    htpasswd_registry: DockerRegistry, tmp_path: Path
) -> None:
    with opened(htpasswd_registry, tmp_path, None) as app:
        app.window.shows("keyring – absent")
        app.fill_in()
        app.window.shows("There is no keyring here")
        app.sign_in_for_this_run()
    is_responsive(app)


def test_a_locked_keyring_is_said_and_nothing_is_kept_elsewhere_unasked(
    htpasswd_registry: DockerRegistry, tmp_path: Path, locked_keyring: KeyringSession
) -> None:
    with opened(htpasswd_registry, tmp_path, locked_keyring) as app:
        app.window.shows("keyring ! locked")
        app.fill_in()
        app.window.shows("The keyring is locked")
        app.window.press(*["tab"] * 4)
        app.sign_in()
        app.window.shows("✗ The keyring is locked")
        assert Accounts(default_paths().registries).all() == ()
        app.window.press("tab", "enter")
        app.window.shows("forgotten when you quit")
        app.window.press(CTRL_S)
        app.window.shows("its secret for this run only")
    is_responsive(app)


def test_a_hung_keyring_holds_up_neither_the_work_nor_the_end(
    htpasswd_registry: DockerRegistry, tmp_path: Path, unlocked_keyring: KeyringSession
) -> None:
    unlocked_keyring.hang()
    with opened(htpasswd_registry, tmp_path, unlocked_keyring) as app:
        app.window.shows("keyring … checking")
        app.fill_in()
        app.window.shows("keyring ✗ hung")
        app.window.shows("The keyring doesn't answer")
        app.sign_in_for_this_run()
    is_responsive(app)


def test_an_app_that_still_waits_for_the_keyring_ends_at_once(
    htpasswd_registry: DockerRegistry, tmp_path: Path, unlocked_keyring: KeyringSession
) -> None:
    unlocked_keyring.hang()
    with opened(htpasswd_registry, tmp_path, unlocked_keyring) as app:
        app.window.shows("keyring … checking")
    assert app.exit_seconds < EXIT_SECONDS
    assert max(app.lags) < LAG_SECONDS


def test_a_keyring_that_is_open_keeps_the_secret(
    htpasswd_registry: DockerRegistry, tmp_path: Path, unlocked_keyring: KeyringSession
) -> None:
    with opened(htpasswd_registry, tmp_path, unlocked_keyring) as app:
        app.window.shows("keyring ✓ ok")
        app.fill_in()
        app.window.press(*["tab"] * 3)
        app.sign_in()
        app.window.shows("its secret in your keyring")
    (account,) = Accounts(default_paths().registries).all()
    assert account.secret_source == "keyring"
    assert app.exit_seconds < EXIT_SECONDS
