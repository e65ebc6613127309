"""Docker Hub, its API and its registry. The Hub itself can't be had here: they stand in.

The API answers at `/v2/auth/token`, `/v2/repositories/namespaces` and `/v2/repositories/NAMESPACE/`
with the documented fields, and knows one account. The registry is another server, as at the Hub:
`HubRegistry`, in front of a real one, counts the manifests that are read, as Docker's page on usage
and limits says.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from servers.faults import Answer, Fault, FaultProxy, ProxiedRequest
from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.loopback import Exchange
    from servers.wire import Head

TOKEN = "a token of ten minutes"
_HEADERS = {"Content-Type": "application/json"}


@dataclass
class Hub:
    """The API. `asked` are method, path and the Authorization field of each request, in order.

    `elsewhere` replaces the host of the next page; with `circles` the last one names the first.
    """

    identifier: str
    secret: str
    url: str = ""
    namespaces: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    elsewhere: str = ""
    circles: bool = False

    @property
    def host(self) -> str:
        """Its `host:port`."""
        return urlsplit(self.url).netloc

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in exchange.head.headers}
        body = b"".join([piece async for piece in exchange.body])
        self.asked.append((exchange.method, exchange.target, headers.get("authorization", "")))
        assert headers["user-agent"], "the Hub refuses who doesn't say it"
        status, answer = self._answer(exchange, headers, body)
        await exchange.answer(status, _HEADERS, json.dumps(answer).encode())

    def _answer(
        self, exchange: Exchange, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Any]:
        parts = urlsplit(exchange.target)
        if (exchange.method, parts.path) == ("POST", "/v2/auth/token"):
            known = {"identifier": self.identifier, "secret": self.secret}
            if json.loads(body) != known:
                return 401, {"detail": "Incorrect authentication credentials"}
            return 200, {"access_token": TOKEN}
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"detail": "Authentication required"}
        if parts.path == "/v2/repositories/namespaces":
            return 200, {"namespaces": list(self.namespaces)}
        namespace = parts.path.removeprefix("/v2/repositories/").removesuffix("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return 200, self._page(namespace, int(query["page"]), int(query["page_size"]))

    def _page(self, namespace: str, page: int, size: int) -> dict[str, Any]:
        assert size <= 100, "the Hub gives no more"
        names = self.namespaces[namespace]
        some = names[(page - 1) * size : page * size]
        more = page * size < len(names)
        path = f"/v2/repositories/{namespace}/?page={page + 1 if more else 1}&page_size={size}"
        following = (self.elsewhere or self.url) + path if more or self.circles else None
        results = [{"name": name, "namespace": namespace, "is_private": True} for name in some]
        return {"count": len(names), "next": following, "previous": None, "results": results}


class HubRegistry(FaultProxy):
    """The registry. Of `limit` manifests in six hours, `left` may still be read.

    Who asks for another is told to come back in `pause` seconds; when so many requests were
    refused as `refusals` says, the time is over, and as many may be read as before.
    """

    def __init__(self, upstream_host: str, limit: int) -> None:
        super().__init__(upstream_host)
        self.limit = self.left = limit
        self.pause = 60
        self.refusals = 1
        self.refused = 0

    @property
    def counted(self) -> int:
        """How many manifests were read."""
        return len([r for r in self.requests if _is_read(r) and r.status == 200])

    async def handle(self, exchange: Exchange) -> None:
        """Count what reads a manifest, and refuse what is too much."""
        if exchange.method == "GET" and "/manifests/" in exchange.target:
            if self.left == 0:
                self.refused += 1
                if self.refused % self.refusals == 0:
                    self.left = self.limit
                headers = {"Content-Type": "application/json", "Retry-After": str(self.pause)}
                await self._refuse(exchange, Answer(429, headers, _TOO_MANY))
                return
            self.left -= 1
        await super().handle(exchange)

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Say how many are left, with each answer about a manifest."""
        if "/manifests/" not in request.path:
            return head.raw
        fields = (
            f"ratelimit-limit: {self.limit};w=21600\r\n"
            f"ratelimit-remaining: {self.left};w=21600\r\n"
            "docker-ratelimit-source: 192.0.2.1\r\n\r\n"
        )
        return head.raw.removesuffix(b"\r\n") + fields.encode()

    async def _refuse(self, exchange: Exchange, answer: Answer) -> None:
        fault = self.add(Fault(answer, method="GET", path="/manifests/"))
        await super().handle(exchange)
        assert fault.struck


_TOO_MANY = json.dumps(
    {
        "errors": [
            {
                "code": "TOOMANYREQUESTS",
                "message": "You have reached your unauthenticated pull rate limit.",
            }
        ]
    }
).encode()


def _is_read(request: ProxiedRequest) -> bool:
    return request.method == "GET" and "/manifests/" in request.path


@contextmanager
def hub_registry(upstream_host: str, limit: int) -> Iterator[HubRegistry]:
    """Run the registry in front of the one at `upstream_host`."""
    server = HubRegistry(upstream_host, limit)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server


@contextmanager
def hub(identifier: str, secret: str) -> Iterator[Hub]:
    """Run it until the block ends, for the account with this Docker ID and access token."""
    server = Hub(identifier, secret)
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server
