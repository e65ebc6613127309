"""Knot: the primary, which signs, and is changed while it serves."""

from __future__ import annotations

import base64
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servers.dns.asked import serves
from servers.process import clean_environment, require, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY_NAME = "migrator."
KEY_ALGORITHM = "hmac-sha256"
KEY_SECRET = base64.b64encode(b"a key that everybody may know...").decode()

_KINDS = ("CNAME", "A", "AAAA", "TXT")


class Knot:
    """A running knotd with the zones of `files`; those of `signed` are signed."""

    def __init__(self, folder: Path, address: str, port: int, secondary: str) -> None:
        self.address = address
        self.port = port
        self._folder = folder
        self._secondary = secondary
        self._config = folder / "knot.conf"
        self._zones: dict[str, bool] = {}
        self._changed: dict[tuple[str, str], list[str]] = {}

    def prepare(self, files: Mapping[str, str], signed: str) -> str:
        """Write everything that it starts from, and return the DS of the zone that it signs."""
        for zone, text in files.items():
            (self._folder / f"{zone}zone").write_text(text)
            self._zones[zone] = zone == signed
        self._write(transfers=True)
        keymgr = [require("keymgr", "knot"), "-c", str(self._config), signed]
        subprocess.run(
            [*keymgr, "generate", "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes"],
            check=True,
            capture_output=True,
            env=clean_environment(self._folder),
        )
        lines = subprocess.run(
            [*keymgr, "ds"],
            check=True,
            capture_output=True,
            text=True,
            env=clean_environment(self._folder),
        ).stdout.splitlines()
        ds = next(line for line in lines if " 13 2 " in line)
        return ds.partition(" DS ")[2]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run until the block ends."""
        argv = [require("knotd", "knot"), "-c", str(self._config)]
        with running(
            argv,
            self._folder / "knot.log",
            ready=lambda: all(serves(zone, self.address, self.port) for zone in self._zones),
        ):
            yield

    def set(self, zone: str, name: str, kind: str, *values: str, ttl: int) -> None:
        """Let `name` hold these records and nothing else that leads a pull."""
        self._remember(zone, name)
        commands = [["zone-set", zone, name, str(ttl), kind, value] for value in values]
        self._replace(zone, name, commands)

    def remove(self, zone: str, name: str) -> None:
        """Let `name` be gone."""
        self._remember(zone, name)
        self._replace(zone, name, [])

    def remember(self, zone: str, name: str) -> None:
        """Put the records of `name` back at `reset`, whoever changes them."""
        self._remember(zone, name)

    def reset(self) -> bool:
        """Put everything back that was changed; tell whether there was anything."""
        changed, self._changed = self._changed, {}
        for (zone, name), lines in changed.items():
            commands = [["zone-set", zone, *line.split(" ", 3)] for line in lines]
            self._replace(zone, name, commands)
        return bool(changed)

    def allow_transfers(self, zone: str, *, allowed: bool) -> None:
        """Let the secondary have the zones, or not; if so, tell it that there is news."""
        self._write(transfers=allowed)
        self._control("reload")
        if allowed:
            self._control("zone-notify", zone)

    def _remember(self, zone: str, name: str) -> None:
        if (zone, name) not in self._changed:
            lines = [self._control("zone-read", zone, name, kind, check=False) for kind in _KINDS]
            found = [line for text in lines for line in text.splitlines() if line.startswith("[")]
            self._changed[zone, name] = [line.partition("] ")[2] for line in found]

    def _replace(self, zone: str, name: str, commands: list[list[str]]) -> None:
        self._control("zone-begin", zone)
        for kind in _KINDS:
            self._control("zone-unset", zone, name, kind, check=False)
        for command in commands:
            self._control(*command)
        self._control("zone-commit", zone)

    def _control(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            [require("knotc", "knot"), "-c", str(self._config), *words],
            capture_output=True,
            text=True,
            env=clean_environment(self._folder),
        )
        if check and done.returncode:
            raise RuntimeError(f"knotc {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _write(self, *, transfers: bool) -> None:
        zones = "".join(
            f"""
  - domain: {zone}
    file: {zone}zone
    acl: [{"transfer, " if transfers else ""}update]
    notify: secondary
    dnssec-signing: {"on" if signed else "off"}
"""
            for zone, signed in self._zones.items()
        )
        self._config.write_text(f"""
server:
    rundir: "{self._folder}"
    listen: {self.address}@{self.port}
    nsid: "primary-knot"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "{self._folder}"
key:
  - id: {KEY_NAME}
    algorithm: {KEY_ALGORITHM}
    secret: {KEY_SECRET}
remote:
  - id: secondary
    address: {self._secondary}@{self.port}
    via: {self.address}
acl:
  - id: transfer
    address: 127.0.0.0/8
    action: transfer
  - id: update
    key: {KEY_NAME}
    action: update
policy:
  - id: by-hand
    manual: on
template:
  - id: default
    storage: "{self._folder}"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    serial-policy: increment
    dnssec-policy: by-hand
zone:{zones}
""")
