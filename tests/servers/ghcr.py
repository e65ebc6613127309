"""GitHub's container registry and its packages API. GitHub can't be had here: they stand in.

The registry is real behind its quirks: pieces whose range is over 4 MiB are refused as others
report of it (416), a second piece takes the place of the first, nothing is deleted, and there is
no catalog. The API answers with the documented fields and pages.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from servers.faults import Answer
from servers.loopback import serving
from servers.process import LOOPBACK
from servers.token_proxy import Asked, TokenProxy, document, error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.faults import ProxiedRequest
    from servers.loopback import Exchange
    from servers.wire import Head

_LARGEST_PIECE = 4 * 1024 * 1024
_MANIFEST = re.compile(r"/v2/(.+)/manifests/[^/]+")
_UPLOAD = re.compile(r"/v2/.+/blobs/uploads/([^/?]+)")


class Ghcr(TokenProxy):
    """The registry. `packages` are those that were pushed to, with who may pull them."""

    service = "ghcr.io"

    def __init__(self, upstream_host: str, users: Mapping[str, str]) -> None:
        super().__init__(upstream_host, users)
        self.packages: dict[str, str] = {}
        self._begun: set[str] = set()

    def granted(self, user: str, repository: str, actions: frozenset[str]) -> frozenset[str]:
        """Grant nothing to nobody, except for what is public."""
        public = self.packages.get(repository) == "public"
        return actions if user else actions & ({"pull"} if public else set())

    def instead(self, exchange: Exchange, user: str, repository: str, kind: str) -> Answer | None:
        """Refuse what isn't taken, and lose what a piece of an upload had before it."""
        path = urlsplit(exchange.target).path
        if path == "/v2/_catalog":
            return Answer(404, {"Content-Type": "text/plain"}, b"404 page not found\n")
        if exchange.method == "DELETE" and kind == "manifests":
            return error(405, "UNSUPPORTED", "The operation is unsupported.")
        if exchange.method == "PATCH" and (found := _UPLOAD.fullmatch(path)):
            return self._piece(exchange, found[1])
        return None

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Take note of what is pushed."""
        found = _MANIFEST.fullmatch(request.path.partition("?")[0])
        if found and request.method == "PUT" and head.start[1] == "201":
            self.packages.setdefault(found[1], "private")
        return head.raw

    def _piece(self, exchange: Exchange, session: str) -> Answer | None:
        ranged = exchange.head.get("Content-Range")
        if ranged and (exchange.head.length or 0) > _LARGEST_PIECE:
            words = "the request body is too large and exceeds the maximum permissible limit"
            return error(416, "REQUESTED_RANGE_NOT_SATISFIABLE", f"{words} of 4.00MiB")
        if session in self._begun:
            return Answer(202, {"Location": exchange.target, "Range": ranged or "0-0"})
        self._begun.add(session)
        return None


@dataclass
class GitHub:
    """The API. `packages` are names by owner; the first owner is the user of the token.

    `closed` are organizations that don't show their packages. Without `reads_org` the token sees no
    organizations. `elsewhere` replaces the host of the next page.
    """

    token: str
    url: str = ""
    packages: dict[str, list[str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    reads_org: bool = True
    elsewhere: str = ""
    asked: list[Asked] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Its `host:port`."""
        return urlsplit(self.url).netloc

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        await exchange.discard_body()
        assert exchange.head.get("User-Agent"), "GitHub refuses who doesn't say it"
        sign_in = exchange.head.get("Authorization") or ""
        self.asked.append(Asked(exchange.method, exchange.target, sign_in, b""))
        answer = self._answer(self.asked[-1])
        await exchange.answer(answer.status, answer.headers, answer.body)

    def _answer(self, asked: Asked) -> Answer:
        if asked.sign_in != f"Bearer {self.token}":
            return document({"message": "Bad credentials"}, 401)
        match asked.path.strip("/").split("/"):
            case ["user", "packages"]:
                return self._packages(next(iter(self.packages)), asked)
            case ["user", "orgs"]:
                if not self.reads_org:
                    return document({"message": "You need at least read:org scope"}, 403)
                return self._page([{"login": name} for name in list(self.packages)[1:]], asked)
            case ["orgs", name, "packages"] if name not in self.closed:
                return self._packages(name, asked)
        return document({"message": "Forbidden"}, 403)

    def _packages(self, owner: str, asked: Asked) -> Answer:
        assert asked.query["package_type"] == "container"
        named = [
            {"id": 1, "name": name, "owner": {"login": owner}, "visibility": "private"}
            for name in self.packages[owner]
        ]
        return self._page(named, asked)

    def _page(self, entries: list[Any], asked: Asked) -> Answer:
        page, size = int(asked.query.get("page", 1)), int(asked.query["per_page"])
        assert size <= 100, "GitHub gives no more"
        headers = {}
        if page * size < len(entries):
            rest = "&".join(f"{k}={v}" for k, v in asked.query.items() if k != "page")
            where = f"{self.elsewhere or self.url}{asked.path}?{rest}"
            headers["Link"] = f'<{where}&page={page + 1}>; rel="next", <{where}>; rel="last"'
        return document(entries[(page - 1) * size : page * size], headers=headers)


@contextmanager
def ghcr(upstream_host: str, users: Mapping[str, str]) -> Iterator[Ghcr]:
    """Run the registry in front of the plain-http registry at `upstream_host` (`host:port`)."""
    server = Ghcr(upstream_host, users)
    with serving(server.handle) as listener:
        server.attach(listener)
        yield server


@contextmanager
def github(token: str) -> Iterator[GitHub]:
    """Run the API until the block ends, for who has this token."""
    server = GitHub(token)
    with serving(server.handle) as listener:
        server.url = f"http://{LOOPBACK}:{listener.port}"
        yield server
