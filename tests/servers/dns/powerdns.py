"""PowerDNS: a name server that is changed over HTTP."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from servers.dns.asked import serves
from servers.dns.zones import NEGATIVE_TTL, OLD, TTL
from servers.process import require, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

API_KEY = "everybody may know it"
ZONE = "power.test."
IMAGES = f"images.{ZONE}"

_API_PORT = 8081


@dataclass(frozen=True, slots=True)
class PowerDns:
    """A running server. `url` is that of its API."""

    address: str
    port: int
    url: str
    api_key: str = API_KEY

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send one request to the API; `path` begins below the server."""
        return httpx.request(
            method,
            f"{self.url}/api/v1/servers/localhost{path}",
            headers={"X-API-Key": self.api_key},
            json=body,
            trust_env=False,
        )

    def set(self, name: str, kind: str, *values: str, ttl: int = TTL) -> None:
        """Let `name` hold these records of this type, none for no values."""
        records = [{"content": value, "disabled": False} for value in values]
        change: dict[str, Any] = {"name": name, "type": kind, "changetype": "DELETE"}
        if records:
            change |= {"changetype": "REPLACE", "ttl": ttl, "records": records}
        self.call("PATCH", f"/zones/{ZONE}", {"rrsets": [change]}).raise_for_status()


@contextmanager
def powerdns(folder: Path, address: str, port: int) -> Iterator[PowerDns]:
    """Run PowerDNS with `power.test.` until the block ends."""
    folder.mkdir(parents=True)
    program = require("pdns_server", "pdns-server pdns-backend-lmdb")
    (folder / "pdns.conf").write_text(f"""
launch=lmdb
lmdb-filename={folder}/pdns.lmdb
lmdb-shards=1
local-address={address}
local-port={port}
socket-dir={folder}
setuid=
setgid=
daemon=no
guardian=no
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
receiver-threads=1
distributor-threads=1
server-id=power-pdns
api=yes
api-key={API_KEY}
webserver-address={address}
webserver-port={_API_PORT}
webserver-allow-from=127.0.0.0/8
""")
    server = PowerDns(address, port, f"http://{address}:{_API_PORT}")
    argv = [program, f"--config-dir={folder}"]
    with running(argv, folder / "log", ready=lambda: _open(server)):
        _fill(server)
        yield server


def _open(server: PowerDns) -> bool:
    try:
        return server.call("GET", "").is_success
    except httpx.TransportError:
        return False


def _fill(server: PowerDns) -> None:
    own = f"ns.{ZONE}"
    soa = f"{own} admin.{ZONE} 1 3600 600 86400 {NEGATIVE_TTL}"
    records = {(ZONE, "SOA"): soa, (own, "A"): server.address, (IMAGES, "CNAME"): OLD}
    server.call(
        "POST",
        "/zones",
        {
            "name": ZONE,
            "kind": "Native",
            "nameservers": [own],
            "rrsets": [
                {
                    "name": name,
                    "type": kind,
                    "ttl": TTL,
                    "records": [{"content": value, "disabled": False}],
                }
                for (name, kind), value in records.items()
            ],
        },
    ).raise_for_status()
    if not serves(ZONE, server.address, server.port):
        raise RuntimeError("PowerDNS doesn't serve its zone")
