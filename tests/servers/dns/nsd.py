"""NSD: the root, the registry of `test.`, and the secondary."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from servers.dns.asked import serves
from servers.process import require, running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator


@contextmanager
def nsd_with_zone(folder: Path, address: str, port: int, zone: str, text: str) -> Iterator[None]:
    """Serve one zone from a file until the block ends."""
    folder.mkdir(parents=True)
    (folder / "zone").write_text(text)
    with _nsd(folder, address, port, f'zone:\n  name: "{zone}"\n  zonefile: "zone"\n', zone):
        yield


@contextmanager
def nsd_secondary(
    folder: Path, address: str, port: int, zone: str, primary: str
) -> Iterator[Callable[[], bool]]:
    """Serve one zone as `primary` has it until the block ends.

    What the block is given tells whether all answers come from one version of the zone.
    """
    folder.mkdir(parents=True)
    config = f"""
zone:
  name: "{zone}"
  zonefile: "zone"
  request-xfr: AXFR {primary}@{port} NOKEY
  allow-notify: 127.0.0.0/8 NOKEY
  outgoing-interface: {address}
"""
    with _nsd(folder, address, port, config, zone) as process:
        yield lambda: _serves_alone(process.pid)


@contextmanager
def _nsd(
    folder: Path, address: str, port: int, zones: str, ready: str
) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "nsd.conf"
    config.write_text(f"""
server:
  ip-address: {address}@{port}
  username: ""
  chroot: ""
  database: ""
  server-count: 1
  zonesdir: "{folder}"
  xfrdir: "{folder}"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  pidfile: "{folder}/nsd.pid"
  xfrd-reload-timeout: 0
  nsid: "ascii_{folder.name}-nsd"
remote-control:
  control-enable: no
{zones}""")
    argv = [require("nsd", "nsd"), "-d", "-c", str(config)]
    with running(argv, folder / "nsd.log", ready=lambda: serves(ready, address, port)) as process:
        yield process


def _serves_alone(pid: int) -> bool:
    """Tell whether no server of an earlier version of the zones is left beside the new one.

    The first process transfers; its child starts those that answer, and ends them by and by.
    """
    return all(len(_children(parent)) == 1 for parent in (pid, *_children(pid)))


def _children(pid: int) -> list[int]:
    # Without this file (not Linux, or a kernel without it) nobody can tell.
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return [0]
