"""The proxy that stands between a company and the world: by CONNECT for TLS, else by whole URLs."""

from __future__ import annotations

import asyncio
import base64
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from servers.loopback import Cut, serving
from servers.process import LOOPBACK
from servers.wire import PIECE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from servers.loopback import Exchange

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass
class ForwardProxy:
    """The proxy's address, where its names lead, and what was asked of it.

    `names`: which `host:port` of loopback stands for a `host:port` that only the proxy knows.
    `login`: the `user:password` without which nobody gets through, if any. `silent`: accept
    connections and say nothing.
    """

    names: Mapping[str, str]
    login: str | None = None
    silent: bool = False
    host: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What goes into HTTP_PROXY, with the login."""
        return f"http://{self.login}@{self.host}" if self.login else f"http://{self.host}"

    async def handle(self, exchange: Exchange) -> None:
        """Let one request, or one tunnel, through."""
        self.requests.append((exchange.method, exchange.target))
        if self.silent:
            await exchange.reader.read()
            raise Cut
        if exchange.head.get("Proxy-Authorization") != self._expected():
            await exchange.answer(407, {"Proxy-Authenticate": 'Basic realm="proxy"'})
            return
        tunnel = exchange.method == "CONNECT"
        name = exchange.target if tunnel else urlsplit(exchange.target).netloc
        if name not in self.names:
            await exchange.answer(502)
            return
        host, _, port = self.names[name].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            if tunnel:
                await exchange.send(_ESTABLISHED)
            else:
                writer.write(_origin_form(exchange))
            async with asyncio.TaskGroup() as both_ways:
                outward = both_ways.create_task(_pour(exchange.reader, writer))
                await _pour(reader, exchange.writer)
                outward.cancel()
        except* ConnectionError:
            pass
        finally:
            writer.transport.abort()
        raise Cut

    def _expected(self) -> str | None:
        return f"Basic {base64.b64encode(self.login.encode()).decode()}" if self.login else None


@contextmanager
def forward_proxy(
    names: Mapping[str, str], *, login: str | None = None, silent: bool = False
) -> Iterator[ForwardProxy]:
    """Run a proxy until the block ends."""
    proxy = ForwardProxy(names, login, silent)
    with serving(proxy.handle) as listener:
        proxy.host = f"{LOOPBACK}:{listener.port}"
        yield proxy


def _origin_form(exchange: Exchange) -> bytes:
    """Return the head as the server wants it; the connection ends after its answer."""
    parts = urlsplit(exchange.target)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    kept = [
        f"{name}: {value}"
        for name, value in exchange.head.headers
        if name.lower() not in {"proxy-authorization", "connection"}
    ]
    lines = [f"{exchange.method} {target} HTTP/1.1", *kept, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
