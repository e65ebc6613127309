"""The API of Docker Hub. The Hub itself can't be had here: it stands in.

It answers at `/v2/auth/token`, `/v2/repositories/namespaces` and `/v2/repositories/NAMESPACE/` with
the documented fields, and knows one account. The registry is another server, as at the Hub.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from servers.loopback import serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.loopback import Exchange

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


@contextmanager
def hub(identifier: str, secret: str) -> Iterator[Hub]:
    """Run it until the block ends, for the account with this Docker ID and access token."""
    server = Hub(identifier, secret)
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server
