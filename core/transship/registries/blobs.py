"""Blobs of a registry over HTTP (distribution spec, "Pulling blobs", "Pushing blobs")."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import quote

from transship import errors
from transship.oci.digest import Digest
from transship.registries.answers import Answer, described, number
from transship.registries.exchange import Exchange
from transship.registries.pacing import Patience
from transship.registries.place import Capabilities, Upload
from transship.registries.scopes import Scopes, delete, pull, push
from transship.registries.throttle import Throttle
from transship.registries.transport import Stream

_IS_CUT = Patience(attempts=2, seconds=10)
"""With what may be cut because the repository isn't there."""


class Blobs:
    """Reads and writes the blobs of one registry, in the way that it takes."""

    def __init__(self, exchange: Exchange, capabilities: Capabilities) -> None:
        self._exchange = exchange
        self._capabilities = capabilities

    async def size(self, repository: str, digest: Digest) -> int | None:
        """Return the length of a blob in bytes, or None if the repository doesn't have it."""
        answer = await self._exchange.ask(
            "HEAD", _blob_path(repository, digest), scopes=(pull(repository),)
        )
        if answer.ok and "content-length" in answer.headers:
            return number(answer.headers["content-length"])
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        # Storage that signs addresses for GET only refuses a HEAD that was redirected to it.
        try:
            async with self.read(repository, digest) as blob:
                return blob.size
        except errors.BlobNotFound:
            return None

    @asynccontextmanager
    async def read(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AsyncIterator[HttpBlob]:
        """Open a blob for reading from `offset`. Raises BlobNotFound."""
        async with self._exchange.stream(
            _blob_path(repository, digest),
            scopes=(pull(repository),),
            headers={"range": f"bytes={offset}-"} if offset else None,
            missing=errors.BlobNotFound,
        ) as stream:
            yield HttpBlob(stream, offset, self._exchange.pacer.throttle)

    async def whole(self, repository: str, digest: Digest, most: int) -> bytes:
        """Return a small blob. Raises BlobNotFound, and UnexpectedAnswer where it is over `most`.

        It is a small request like any other, and tried again like these.
        """
        answer = await self._exchange.ask(
            "GET", _blob_path(repository, digest), scopes=(pull(repository),), limit=most
        )
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.BlobNotFound)
        await self._exchange.pacer.throttle.spend(len(answer.body))
        return answer.body

    async def start_upload(
        self, repository: str, digest: Digest, mount_from: str | None
    ) -> Upload | None:
        """Start writing a blob, or mount it; None when the repository has it now."""
        path = f"/v2/{repository}/blobs/uploads/"
        if mount_from is not None:
            try:
                return await self._start(
                    f"{path}?mount={quote(digest)}&from={quote(mount_from, safe='')}",
                    repository,
                    tuple(sorted({push(repository), _from_scope(repository, mount_from)})),
                )
            except errors.TransshipError as error:
                # A registry that can't mount, or may not for us, still takes uploads.
                if error.retryable:
                    raise
        return await self._start(path, repository, (push(repository),))

    async def resume_upload(self, repository: str, location: str) -> Upload:
        """Return a session that was started before. Raises UploadLost."""
        answer = await self._exchange.ask("GET", location, scopes=(push(repository),))
        if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise errors.UploadLost(described(answer))
        offset = _held(answer, self._capabilities.range_excess)
        return HttpUpload(self._exchange, repository, answer, offset=offset, location=location)

    async def _start(self, path: str, repository: str, scopes: Scopes) -> Upload | None:
        answer = await self._begun(path, repository, scopes)
        if answer.status == HTTPStatus.CREATED:
            return None
        if not answer.ok:
            raise self._exchange.error_of(answer, missing=errors.RepositoryNotFound)
        return HttpUpload(self._exchange, repository, answer)

    async def _begun(self, path: str, repository: str, scopes: Scopes) -> Answer:
        """Ask for an upload session. Raises NamespaceMissing where a cut turns out to mean that."""
        if self._capabilities.cuts_absent:
            try:
                return await self._exchange.ask(
                    "POST", path, scopes=scopes, content=b"", patience=_IS_CUT
                )
            except errors.ConnectionLost:
                await self._check_there(repository)
        return await self._exchange.ask("POST", path, scopes=scopes, content=b"")

    async def _check_there(self, repository: str) -> None:
        path = f"/v2/{repository}/tags/list?n=1"
        answer = await self._exchange.ask("GET", path, scopes=(pull(repository),))
        if answer.status == HTTPStatus.NOT_FOUND:
            where = f"{self._exchange.host}/{repository}"
            raise errors.NamespaceMissing(f"{where}: a push is cut, the repository isn't there")


class HttpBlob:
    """An open blob. `size` is that of the whole blob, `offset` where reading really starts."""

    def __init__(self, stream: Stream, asked: int, throttle: Throttle) -> None:
        self._stream = stream
        self._throttle = throttle
        self.offset = 0
        if stream.status == HTTPStatus.PARTIAL_CONTENT:
            self.offset, self.size = _content_range(stream.headers.get("content-range", ""))
        elif "content-length" in stream.headers:
            self.size = number(stream.headers["content-length"])
        else:
            raise errors.UnexpectedAnswer(f"{_where(stream)}: a blob without its length")
        if self.offset > asked:
            raise errors.UnexpectedAnswer(
                f"{_where(stream)}: a blob from byte {self.offset} on, asked from {asked}"
            )

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._throttle.passed(aiter(self._stream))


class HttpUpload:
    """An upload session of a registry."""

    def __init__(
        self,
        exchange: Exchange,
        repository: str,
        answer: Answer,
        *,
        offset: int = 0,
        location: str = "",
    ) -> None:
        self._exchange = exchange
        self._repository = repository
        self._scopes = (push(repository),)
        self.location = location
        self.offset = offset
        self.chunk_minimum = number(answer.headers.get("oci-chunk-min-length", ""))
        self._follow(answer)

    async def put(self, digest: Digest, size: int, body: AsyncIterator[bytes]) -> None:
        """Send the whole blob in one request and finish."""
        await self._exchange.send(
            "PUT", self._with_digest(digest), self._passed(body), size, scopes=self._scopes
        )

    async def put_small(self, digest: Digest, data: bytes) -> None:
        """Send a blob that is in memory whole, in one request, and finish."""
        await self._exchange.pacer.throttle.spend(len(data))
        await self._exchange.send(
            "PUT", self._with_digest(digest), data, len(data), scopes=self._scopes
        )

    async def append(self, size: int, body: AsyncIterator[bytes]) -> None:
        """Send the next `size` bytes as one piece; on return the registry holds them."""
        answer = await self._exchange.send(
            "PATCH",
            self.location,
            self._passed(body),
            size,
            scopes=self._scopes,
            headers={"content-range": f"{self.offset}-{self.offset + size - 1}"},
        )
        self.offset += size
        self._follow(answer)

    async def finish(self, digest: Digest) -> None:
        """Declare the blob complete. Raises DigestMismatch when the registry holds other bytes."""
        await self._exchange.send("PUT", self._with_digest(digest), b"", 0, scopes=self._scopes)

    async def cancel(self) -> None:
        """Give the session up and let the registry forget it. Never fails."""
        try:
            await self._exchange.ask("DELETE", self.location, scopes=(delete(self._repository),))
        except errors.TransshipError:
            return  # Registries clear away sessions that nobody finishes.

    def _passed(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return self._exchange.pacer.throttle.passed(body)

    def _follow(self, answer: Answer) -> None:
        if location := answer.headers.get("location"):
            self.location = self._exchange.address(location, answer)
        if not self.location:
            raise errors.UnexpectedAnswer(f"{described(answer)}: no Location for the upload")

    def _with_digest(self, digest: Digest) -> str:
        return f"{self.location}{'&' if '?' in self.location else '?'}digest={quote(digest)}"


def _blob_path(repository: str, digest: Digest) -> str:
    return f"/v2/{repository}/blobs/{digest}"


def _from_scope(repository: str, mount_from: str) -> str:
    return push(repository) if mount_from == repository else pull(mount_from)


def _held(answer: Answer, excess: int) -> int:
    """Return how many bytes an upload session holds.

    `Range: 0-N` names the last byte. `0-0` is what registries say of an empty session as well, so
    it counts as nothing: no piece is ever one byte long.
    """
    match = re.fullmatch(r"(?:bytes=)?0-(-?\d{1,18})", answer.headers.get("range", "").strip())
    if not match:
        raise errors.UploadLost(f"{described(answer)}: it doesn't say how much it holds")
    last = int(match[1])
    return last + 1 - excess if last > 0 else 0


def _content_range(field: str) -> tuple[int, int]:
    match = re.fullmatch(r"bytes (\d{1,18})-\d+/(\d{1,18})", field.strip())
    if not match:
        raise errors.UnexpectedAnswer(f"a part of a blob came with Content-Range {field!r}")
    return int(match[1]), int(match[2])


def _where(stream: Stream) -> str:
    return stream.url.partition("?")[0]
