"""The domain of an instance: a real docker-registry, to which only namespaces are written.

What it does beside that is TCR's own: a push makes a repository, and never a namespace.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from servers.faults import FaultProxy
from servers.loopback import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.loopback import Exchange
    from servers.tencent.enterprise import Instance
    from servers.tencent.personal import Personal

_WRITES = re.compile(r"/v2/(?P<namespace>[^/]+)/(?P<rest>.+)/(blobs|manifests)/")


class TcrRegistry(FaultProxy):
    """The way to the registry. `place` is whose domain it is: an instance, or what CCR has."""

    place: Instance | Personal

    async def handle(self, exchange: Exchange) -> None:
        """Refuse what is written to no namespace, note what is, and pass everything on."""
        found = _WRITES.match(exchange.target)
        if found is None or exchange.method in ("GET", "HEAD"):
            await super().handle(exchange)
            return
        namespace = self.place.namespaces.get(found["namespace"])
        if namespace is None:
            await exchange.discard_body()
            body = {"errors": [{"code": "NAME_UNKNOWN", "message": "namespace not found"}]}
            headers = {"Content-Type": "application/json"}
            await exchange.answer(404, headers, json.dumps(body).encode())
            return
        await super().handle(exchange)
        known = namespace if isinstance(namespace, list) else namespace.repositories
        if "/manifests/" in exchange.target and found["rest"] not in known:
            known.append(found["rest"])


@contextmanager
def tcr_registry(upstream_host: str) -> Iterator[TcrRegistry]:
    """Run it in front of the plain-http registry at `upstream_host`; the test sets its `place`."""
    server = TcrRegistry(upstream_host)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server
