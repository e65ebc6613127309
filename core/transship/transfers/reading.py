"""Reading a blob to its end, over lost connections, with its digest checked on the way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest, Hasher, check, check_bytes, hasher
from transship.registries.pacing import Patience, Retrying
from transship.registries.place import MEBIBYTE, Place, ReadsWhole

_MOST_WHOLE = 2 * MEBIBYTE
"""What is read of a blob that should be small, in bytes."""


class SourceBlob:
    """A blob at its source, read piece by piece from one stream.

    A lost connection is opened again where it was lost, so that whoever sends the bytes on
    doesn't notice. Bytes are hashed in the order of the blob; the last of them are given out only
    when the digest is right, so that wrong bytes can never complete an upload.
    """

    def __init__(
        self,
        place: Place,
        repository: str,
        digest: Digest,
        size: int,
        *,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._place = place
        self._repository = repository
        self._digest = digest
        self._size = size
        self._patience = patience
        self._clock = clock
        self._hashed: Hasher | None = hasher(digest)
        self._offset = 0
        self._left_over = b""
        self._stream: AsyncGenerator[bytes, None] | None = None

    def begin_at(self, offset: int) -> None:
        """Read from `offset` on.

        The bytes before were hashed by a process that is gone, so from an offset that isn't 0 it
        is the target's own check of the digest that decides.
        """
        self._offset = offset
        self._hashed = hasher(self._digest) if offset == 0 else None
        self._left_over = b""

    async def take(self, size: int) -> AsyncIterator[bytes]:
        """Give the next `size` bytes of the blob."""
        end = self._offset + size
        if self._stream is None:
            self._stream = self._pieces()
        while self._offset < end:
            piece = self._left_over or await self._next()
            wanted = end - self._offset
            self._left_over = piece[wanted:]
            piece = piece[:wanted] if self._left_over else piece
            if self._hashed is not None:
                self._hashed.update(piece)
            self._offset += len(piece)
            if self._offset == self._size and self._hashed is not None:
                check(self._digest, self._hashed, self._where)
            yield piece

    async def whole(self) -> bytes:
        """Read the whole blob, which is small."""
        if isinstance(self._place, ReadsWhole):
            data = await self._place.whole_blob(self._repository, self._digest, _MOST_WHOLE)
            self._check_size(len(data))
            check_bytes(self._digest, data, self._where)
            return data
        self.begin_at(0)
        if self._size == 0:
            check(self._digest, hasher(self._digest), self._where)
        return b"".join([piece async for piece in self.take(self._size)])

    async def aclose(self) -> None:
        """Close the stream."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    @property
    def _where(self) -> str:
        return f"{self._place.name}/{self._repository}"

    async def _next(self) -> bytes:
        assert self._stream is not None
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            raise errors.DigestMismatch(
                f"{self._digest} from {self._where} ends after {self._offset} of {self._size} bytes"
            ) from None

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """Give the bytes from the current offset on, over lost connections."""
        position = self._offset
        retrying = Retrying(self._patience, self._clock, reached=True)
        while position < self._size:
            began = position
            try:
                async with aclosing(self._from(position)) as pieces:
                    async for piece in pieces:
                        position += len(piece)
                        yield piece
                return
            except TransshipError as error:
                if position > began:
                    retrying = Retrying(self._patience, self._clock, reached=True)
                pause = retrying.pause_after(error)
                if pause is None:
                    raise
                await self._clock.sleep(pause)

    async def _from(self, position: int) -> AsyncGenerator[bytes, None]:
        async with self._place.read_blob(self._repository, self._digest, position) as blob:
            self._check_size(blob.size)
            skip = position - blob.offset
            async for piece in blob:
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                yield piece[skip:] if skip else piece
                skip = 0

    def _check_size(self, size: int) -> None:
        if size != self._size:
            raise errors.InvalidManifest(
                f"{self._digest} has {size} bytes at {self._where}, the manifest says {self._size}"
            )
