"""A server whose every answer is the test's own: for what no real registry does on demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servers.loopback import Cut, serving
from servers.process import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers.certificates import Certificates
    from servers.loopback import Exchange


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered.

    `early`: answer at once and cut the connection, with the body of the request unread; otherwise
    that is read first. `hang`: never answer. `stall`: answer, but send no more than the head.
    `unsized`: in chunks, without saying how long the answer is.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    early: bool = False
    hang: bool = False
    stall: bool = False
    unsized: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """One request; the names of `headers` are in lower case. `body` is empty if it wasn't read."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class ScriptedServer:
    """Answers `GET /v2/` as an open registry does, and everything else as the test says."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Received] = []
        self._rules: list[tuple[str, str, list[Reply]]] = []
        self.on("GET", "/v2/", Reply(200, {"Docker-Distribution-Api-Version": "registry/2.0"}))

    @property
    def host(self) -> str:
        """The `host:port` that stands in front of a reference."""
        return self.url.partition("//")[2]

    def on(self, method: str, target: str, *replies: Reply) -> None:
        """Give `replies` in turn, the last one again and again, to requests for `target`.

        `target` is a regular expression for all of path and query. The latest rule counts.
        """
        self._rules.insert(0, (method, target, list(replies)))

    def asked(self, method: str, target: str = ".*") -> list[Received]:
        """Return the requests of this kind, in order."""
        return [r for r in self.requests if r.method == method and re.fullmatch(target, r.target)]

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request."""
        reply = self._reply(exchange.method, exchange.target)
        headers = {name.lower(): value for name, value in exchange.head.headers}
        body = b""
        if not reply.early:
            body = b"".join([piece async for piece in exchange.body])
        self.requests.append(Received(exchange.method, exchange.target, headers, body))
        if reply.hang:
            await exchange.reader.read()
            raise Cut
        if reply.stall:
            length = {"Content-Length": str(len(reply.body) + 1)}
            await exchange.send_head(reply.status, {**reply.headers, **length})
            await exchange.reader.read()
            raise Cut
        if reply.unsized:
            chunked = {**reply.headers, "Transfer-Encoding": "chunked"}
            await exchange.send_head(reply.status, chunked)
            if exchange.method != "HEAD":
                await exchange.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body))
            return
        await exchange.answer(reply.status, reply.headers, reply.body)
        if reply.early:
            raise Cut

    def _reply(self, method: str, target: str) -> Reply:
        for of, pattern, replies in self._rules:
            if of == method and re.fullmatch(pattern, target):
                return replies.pop(0) if len(replies) > 1 else replies[0]
        return Reply(404, {"Content-Type": "text/plain"}, b"404 page not found\n")


@contextmanager
def scripted_server(tls: Certificates | None = None) -> Iterator[ScriptedServer]:
    """Run a server until the block ends, over TLS with `tls`."""
    server = ScriptedServer()
    with serving(server.handle, tls=tls.server_context() if tls else None) as listener:
        server.url = (
            f"https://localhost:{listener.port}" if tls else f"http://{LOOPBACK}:{listener.port}"
        )
        yield server
