"""A place in memory, for rules that need no wire: it counts, and fails when it is told to."""

from __future__ import annotations

import itertools
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from transship import errors
from transship.errors import TransshipError
from transship.oci.digest import Digest, digest_of
from transship.registry.registry import Capabilities, ManifestHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from transship.oci.manifest import Descriptor, Manifest

PIECE = 1000


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.time += seconds


@dataclass
class MemoryPlace:
    """A place whose failures are lists: each call takes the next one, None means it goes well.

    `reads` gives, for each opened blob, after how many bytes it is cut and by what, None for an
    end that looks like one. `done` is what was done, in order.
    """

    name: str = "memory.example"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(whole_limit=4 * 1024**2, piece=3 * 1024**2)
    )
    blobs: dict[str, dict[Digest, bytes]] = field(default_factory=lambda: defaultdict(dict))
    manifests: dict[str, dict[str, Manifest]] = field(default_factory=lambda: defaultdict(dict))
    mounts: bool = True
    ranges: bool = True
    starts: list[TransshipError | None] = field(default_factory=list)
    reads: list[tuple[int, TransshipError | None] | None] = field(default_factory=list)
    appends: list[TransshipError | None] = field(default_factory=list)
    puts: list[TransshipError | None] = field(default_factory=list)
    sessions: dict[str, bytearray] = field(default_factory=dict)
    done: list[tuple[str, ...]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def instead(self, **methods: object) -> None:
        """Let other functions do what methods of this name do."""
        self.__dict__.update(methods)

    def add(self, repository: str, content: bytes) -> Digest:
        """Put a blob into a repository."""
        digest = digest_of(content)
        self.blobs[repository][digest] = content
        return digest

    async def repositories(self) -> AsyncIterator[str]:
        """Give the repositories."""
        for name in self.manifests:
            yield name

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags."""
        for reference in self.manifests[repository]:
            if ":" not in reference:
                yield reference

    async def untagged(self, repository: str) -> AsyncIterator[Digest]:
        """Give nothing: all that is here has a tag."""
        nothing: tuple[Digest, ...] = ()
        for digest in nothing:
            yield digest

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what is there."""
        found = self.manifests[repository].get(reference)
        return ManifestHead(found.digest, found.media_type, found.size) if found else None

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Return a manifest."""
        found = self.manifests[repository].get(reference)
        if found is None:
            raise errors.ManifestNotFound(reference)
        return found

    async def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
        """Keep a manifest."""
        self.manifests[repository][reference] = manifest
        return True

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """There is no such list."""
        return None

    async def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return the length of a blob."""
        self.done.append(("size", repository))
        content = self.blobs[repository].get(digest)
        return None if content is None else len(content)

    @asynccontextmanager
    async def read_blob(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AsyncIterator[MemoryBlob]:
        """Open a blob, which is cut where `reads` says."""
        self.done.append(("read", repository, str(offset)))
        if digest not in self.blobs[repository]:
            raise errors.BlobNotFound(digest)
        cut = self.reads.pop(0) if self.reads else None
        yield MemoryBlob(self.blobs[repository][digest], offset if self.ranges else 0, cut)

    async def start_upload(
        self, repository: str, digest: Digest, *, mount_from: str | None = None
    ) -> MemoryUpload | None:
        """Begin an upload, or mount."""
        kind = "start" if mount_from is None else "mount"
        self.done.append((kind, repository, *([mount_from] if mount_from else [])))
        if self.starts and (error := self.starts.pop(0)):
            raise error
        if mount_from and self.mounts and digest in self.blobs[mount_from]:
            self.blobs[repository][digest] = self.blobs[mount_from][digest]
            return None
        location = f"session-{next(self._numbers)}"
        self.sessions[location] = bytearray()
        return MemoryUpload(self, repository, location, 0)

    async def resume_upload(self, repository: str, location: str) -> MemoryUpload:
        """Return a session as it is."""
        self.done.append(("resume", repository, location))
        if location not in self.sessions:
            raise errors.UploadLost(location)
        return MemoryUpload(self, repository, location, len(self.sessions[location]))

    async def aclose(self) -> None:
        """Nothing is open."""


class MemoryBlob:
    """An open blob."""

    def __init__(
        self, content: bytes, offset: int, cut: tuple[int, TransshipError | None] | None
    ) -> None:
        self.size, self.offset = len(content), offset
        self._content, self._cut = content, cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        end = len(self._content)
        if self._cut is not None:
            end = min(end, self.offset + self._cut[0])
        for start in range(self.offset, end, PIECE):
            yield self._content[start : min(start + PIECE, end)]
        if self._cut is not None and self._cut[1] is not None:
            raise self._cut[1]


@dataclass
class MemoryUpload:
    """An upload session. What fails leaves half of its piece behind."""

    place: MemoryPlace
    repository: str
    location: str
    offset: int
    chunk_minimum: int = 0

    async def put(self, digest: Digest, size: int, body: AsyncIterator[bytes]) -> None:
        """Take the whole blob."""
        await self._take(size, body, self.place.puts)
        await self.finish(digest)

    async def put_small(self, digest: Digest, data: bytes) -> None:
        """Take the whole blob."""
        await self.put(digest, len(data), _once(data))

    async def append(self, size: int, body: AsyncIterator[bytes]) -> None:
        """Take a piece."""
        await self._take(size, body, self.place.appends)

    async def _take(
        self, size: int, body: AsyncIterator[bytes], failures: list[TransshipError | None]
    ) -> None:
        error = failures.pop(0) if failures else None
        session = self.place.sessions[self.location]
        async for piece in body:
            session += piece
            if error is not None and len(session) - self.offset > size // 2:
                raise error
        self.place.done.append(("took", self.repository, str(size)))
        self.offset += size

    async def finish(self, digest: Digest) -> None:
        """Keep the blob if it is the right one."""
        content = bytes(self.place.sessions.pop(self.location))
        if digest_of(content) != digest:
            raise errors.DigestMismatch(digest)
        self.place.blobs[self.repository][digest] = content

    async def cancel(self) -> None:
        """Forget the session."""
        self.place.done.append(("cancel", self.repository))
        self.place.sessions.pop(self.location, None)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
