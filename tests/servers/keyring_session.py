"""A D-Bus session of its own with a real gnome-keyring, unlocked, locked or hung."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from servers.process import clean_environment, running

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = ("dbus-daemon", "dbus-send", "gnome-keyring-daemon")
_LOCK = """
import secretstorage
with secretstorage.dbus_init() as bus:
    secretstorage.get_default_collection(bus).lock()
"""


@dataclass(frozen=True, slots=True)
class KeyringSession:
    """A session that is running. `environment` is what a child process needs to be in it."""

    environment: dict[str, str] = field(repr=False)
    daemon_pid: int

    def run(self, *argv: str | Path, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run a program in the session and return its output, whatever its exit status."""
        return subprocess.run(
            [str(word) for word in argv],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run_python(self, code: str, *, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run a piece of Python in the session, by this interpreter with its packages."""
        return self.run(sys.executable, "-c", code, timeout=timeout)

    def lock(self) -> None:
        """Lock the keyring. There is no display, so nobody can be asked to unlock it."""
        self.run_python(_LOCK).check_returncode()

    def hang(self) -> None:
        """Stop the daemon: whoever asks it something waits for ever."""
        os.kill(self.daemon_pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let the daemon go on."""
        os.kill(self.daemon_pid, signal.SIGCONT)


@contextmanager
def keyring_session(folder: Path) -> Iterator[KeyringSession]:
    """Run a session whose keyring is new, empty and unlocked; its logs are in `folder`.

    Skips the test where the programs are missing, but fails it under CI.
    """
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        excuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        excuse(f"{', '.join(missing)} missing: apt-get install gnome-keyring dbus")
    folder.mkdir(parents=True, exist_ok=True)
    # The path of a Unix socket holds about a hundred bytes, and folders of tests are deep.
    with tempfile.TemporaryDirectory(prefix="keyring-") as short:
        bus = Path(short, "bus")
        environment = clean_environment(Path(short)) | {
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}",
            "XDG_DATA_HOME": str(Path(short, "data")),
            "XDG_RUNTIME_DIR": short,
        }
        bus_argv = ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={bus}"]
        daemon_argv = ["gnome-keyring-daemon", "--unlock", "--foreground", "--components=secrets"]
        with (
            running(bus_argv, folder / "dbus.log", environment=environment, ready=bus.exists),
            running(
                daemon_argv,
                folder / "keyring.log",
                environment=environment,
                stdin=b"the password of a keyring of the tests",
                ready=lambda: _is_on_bus(environment),
            ) as daemon,
        ):
            session = KeyringSession(environment, daemon.pid)
            try:
                yield session
            finally:
                session.resume()


def _is_on_bus(environment: dict[str, str]) -> bool:
    asked = subprocess.run(
        [
            "dbus-send",
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.NameHasOwner",
            "string:org.freedesktop.secrets",
        ],
        env=environment,
        capture_output=True,
        check=False,
    )
    return b"boolean true" in asked.stdout
