"""Resolvers with a cache: unbound of every temper, and dnsmasq, which only forwards."""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servers.dns.asked import responds
from servers.process import eventually, require, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from servers.certificates import Certificates

TLS_PORT = 8853
HTTPS_PORT = 8443


@dataclass(frozen=True, slots=True)
class Cache:
    """A resolver that runs. `flush` makes it forget everything."""

    address: str
    port: int
    flush: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Beneath:
    """What a cache stands on: where the root is, or each zone when port 53 isn't to be had."""

    root: str
    port: int
    anchor: str = ""
    stubs: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def unbound(
    folder: Path,
    address: str,
    beneath: Beneath,
    options: str = "",
    tls: Certificates | None = None,
) -> Iterator[Cache]:
    """Run unbound until the block ends; `options` are lines of its `server:` clause."""
    folder.mkdir(parents=True)
    control = folder / "control.sock"
    (folder / "root.hints").write_text(f". NS a.root.\na.root. A {beneath.root}\n")
    config = folder / "unbound.conf"
    config.write_text(_config(folder, address, beneath, options, tls))

    def flush() -> None:
        if "serve-expired" in options:
            # To such a cache what was flushed has only expired: it would be served once more.
            _control(control, "reload")
            eventually(lambda: responds(address, beneath.port), "a resolver that was reloaded")
            return
        for command in ("flush_zone .", "flush_infra all", "flush_negative"):
            _control(control, command)

    argv = [require("unbound", "unbound"), "-d", "-c", str(config)]
    with running(argv, folder / "log", ready=lambda: responds(address, beneath.port)):
        yield Cache(address, beneath.port, flush)


@contextmanager
def dnsmasq(folder: Path, address: str, port: int, upstream: str) -> Iterator[Cache]:
    """Run dnsmasq in front of another cache until the block ends."""
    folder.mkdir(parents=True)
    config = folder / "dnsmasq.conf"
    config.write_text(f"""
keep-in-foreground
no-resolv
no-hosts
bind-interfaces
listen-address={address}
port={port}
server={upstream}#{port}
pid-file={folder}/pid
user=
group=
""")
    argv = [require("dnsmasq", "dnsmasq-base"), "-C", str(config)]
    with running(argv, folder / "log", ready=lambda: responds(address, port)) as process:
        yield Cache(address, port, lambda: process.send_signal(signal.SIGHUP))


def _control(place: Path, command: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(place))
        connection.sendall(f"UBCT1 {command}\n".encode())
        with connection.makefile("rb") as answer:
            said = answer.read().decode()
    if not said.startswith("ok"):
        raise RuntimeError(f"{command}: {said}")


def _config(
    folder: Path, address: str, beneath: Beneath, options: str, tls: Certificates | None
) -> str:
    anchor = f'trust-anchor: "{beneath.anchor}"' if beneath.anchor else ""
    validator = "validator iterator" if beneath.anchor else "iterator"
    stubs = "".join(
        f'stub-zone:\n  name: "{zone}"\n  stub-addr: {at}@{beneath.port}\n'
        for zone, at in beneath.stubs.items()
    )
    return f"""
server:
  interface: {address}@{beneath.port}
  port: {beneath.port}
  {_encrypted(address, tls)}
  do-ip6: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/pid"
  use-syslog: no
  num-threads: 1
  outgoing-range: 256
  num-queries-per-thread: 128
  msg-cache-size: 1m
  rrset-cache-size: 1m
  do-not-query-localhost: no
  outgoing-interface: {address}
  root-hints: "{folder}/root.hints"
  local-zone: "test." nodefault
  access-control: 127.0.0.0/8 allow_snoop
  ede: yes
  module-config: "{validator}"
  {anchor}
{options}
remote-control:
  control-enable: yes
  control-interface: {folder}/control.sock
  control-use-cert: no
{stubs}"""


def _encrypted(address: str, tls: Certificates | None) -> str:
    if tls is None:
        return ""
    return f"""interface: {address}@{TLS_PORT}
  interface: {address}@{HTTPS_PORT}
  tls-port: {TLS_PORT}
  https-port: {HTTPS_PORT}
  tls-service-pem: "{tls.server_certificate}"
  tls-service-key: "{tls.server_key}\""""
