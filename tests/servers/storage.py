"""The storage that a registry redirects to: another host, which refuses a login as S3 does."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from servers.loopback import serving
from servers.process import LOOPBACK
from servers.wire import PIECE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.certificates import Certificates
    from servers.loopback import Exchange

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class StorageRequest:
    """One request at the storage, the Range it named, and whether a login came with it."""

    method: str
    path: str
    range: str | None
    has_authorization: bool
    status: int


@dataclass
class BlobStorage:
    """Files under `root`, served by GET and HEAD with single ranges."""

    root: Path
    url: str = ""
    requests: list[StorageRequest] = field(default_factory=list)

    async def handle(self, exchange: Exchange) -> None:
        """Answer one request, recorded before the client can see the answer."""
        path = urlsplit(exchange.target).path
        wanted = exchange.head.get("Range")
        has_authorization = exchange.head.get("Authorization") is not None
        file = (self.root / unquote(path).lstrip("/")).resolve()
        if has_authorization:
            reply = _Reply(HTTPStatus.BAD_REQUEST)
        elif file.is_relative_to(self.root.resolve()) and file.is_file():
            reply = _part(file.stat().st_size, wanted)
        else:
            reply = _Reply(HTTPStatus.NOT_FOUND)
        self.requests.append(
            StorageRequest(exchange.method, path, wanted, has_authorization, reply.status)
        )
        await exchange.send_head(reply.status, reply.headers())
        if exchange.method == "GET" and reply.length:
            await _send_part(exchange, file, reply.start, reply.length)


@contextmanager
def blob_storage(root: Path, tls: Certificates | None = None) -> Iterator[BlobStorage]:
    """Serve the files under `root` until the block ends, over TLS with `tls`.

    Give its `url` as `redirect_to`, and the same folder as `storage`, to a `docker_registry`.
    """
    storage = BlobStorage(root)
    with serving(storage.handle, tls=tls.server_context() if tls else None) as listener:
        storage.url = (
            f"https://localhost:{listener.port}" if tls else f"http://{LOOPBACK}:{listener.port}"
        )
        yield storage


@dataclass(frozen=True, slots=True)
class _Reply:
    status: HTTPStatus
    start: int = 0
    length: int = 0
    content_range: str | None = None

    def headers(self) -> dict[str, str]:
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(self.length)}
        if self.content_range is not None:
            headers["Content-Range"] = self.content_range
        return headers


def _part(size: int, wanted: str | None) -> _Reply:
    """Return what to send of a file of `size` bytes, of which the client wants a range or all."""
    found = _RANGE.fullmatch(wanted or "")
    if found is None:
        return _Reply(HTTPStatus.OK, 0, size)
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    if start >= end:
        unsatisfied = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        return _Reply(unsatisfied, content_range=f"bytes */{size}")
    content_range = f"bytes {start}-{end - 1}/{size}"
    return _Reply(HTTPStatus.PARTIAL_CONTENT, start, end - start, content_range)


async def _send_part(exchange: Exchange, path: Path, start: int, length: int) -> None:
    with path.open("rb") as file:
        file.seek(start)
        while length and (piece := file.read(min(PIECE_BYTES, length))):
            await exchange.send(piece)
            length -= len(piece)
