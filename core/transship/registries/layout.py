"""An OCI image layout folder as a place that holds images (OCI image spec, image-layout.md).

Several repositories share one folder and its blobs. `layout_index` says how their names stand in
index.json, `layout_files` and `layout_blobs` how things are kept. A manifest is in a repository
when an entry of that repository reaches it: directly, or as the child of an index.

A manifest written by its digest gets an entry without a tag, so that it can be found at all. The
child of an index loses that entry again as soon as the index is written, and a referrer keeps it:
nothing else in the folder points at it. There is no referrers API here and none is needed, the
list is made by reading the `subject` of every manifest that the repository reaches. A manifest is
refused while a part of it is missing, so that a tag never points at half an image.

Manifests keep their bytes and so their media type. skopeo finds an image by its name only if its
manifest is an OCI one; it finds a Docker manifest only when it is alone in its folder.
"""

# ruff: noqa: ARG002 - a place is asked by repository, and here all repositories share their blobs

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from io import FileIO
from pathlib import Path

from transship.errors import (
    BadReference,
    DigestMismatch,
    ManifestNotFound,
    RepositoryNotFound,
    UploadLost,
)
from transship.oci.digest import Digest, Hasher, hasher, is_digest
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.reference import LAYOUT, Reference, is_repository, is_tag
from transship.registries.layout_blobs import PIECE, LayoutBlobs, disk_errors, write_at
from transship.registries.layout_files import LayoutFiles
from transship.registries.layout_index import Change, LayoutIndex
from transship.registries.place import BlobReader, Capabilities, ManifestHead, Upload


class Layout:
    """A place that holds images: one OCI image layout folder.

    With `create`, a folder that is empty or isn't there is an empty layout, and is made when
    something is written for the first time. Raises NotALayout for anything else that is none.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.name = f"{LAYOUT}{path}"
        self._files = LayoutFiles(path, create=create)
        self._waiting: dict[Change, None] = {}
        self._writing = asyncio.Lock()
        self._referrers: tuple[LayoutIndex, dict[str, _Referrers]] = LayoutIndex(), {}

    @property
    def capabilities(self) -> Capabilities:
        """How it wants blobs to be written: as it comes."""
        return Capabilities()

    async def repositories(self) -> AsyncIterator[str]:
        """Give the repositories' names; "" is the one of tags without a repository."""
        for repository in self._files.index().repositories:
            yield repository

    async def tags(self, repository: str) -> AsyncIterator[str]:
        """Give the tags of a repository. Raises RepositoryNotFound."""
        entries = tuple(self._files.index().of(repository))
        if not entries:
            raise RepositoryNotFound(f"{repository!r} in {self.name}")
        for entry in entries:
            if entry.tag:
                yield entry.tag

    async def untagged(self, repository: str) -> AsyncIterator[Digest]:
        """Give the digests of the entries without a tag."""
        for entry in tuple(self._files.index().of(repository)):
            if not entry.tag:
                yield entry.descriptor.digest

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        """Return what a tag or digest points at, or None if it isn't there whole."""
        found = await self._find(repository, reference)
        if found is None or self._files.blobs.size(found.digest) != found.size:
            return None
        return ManifestHead(found.digest, found.media_type, found.size)

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Read a manifest; what is returned has the digest asked for. Raises ManifestNotFound."""
        found = await self._find(repository, reference)
        if found is None or self._files.blobs.size(found.digest) is None:
            raise ManifestNotFound(str(Reference(self.name, repository).at(reference)))
        return self._files.read_manifest(found)

    async def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> bool:
        """Write a manifest under a tag or its own digest, durably; the index last.

        Returns True: the folder needs no list of referrers. Raises ManifestBlobUnknown when a blob
        or child of the manifest isn't there.
        """
        _check_names(repository, reference, manifest)
        await asyncio.to_thread(self._files.write_manifest, manifest)
        await self._write_index(Change(repository, reference, manifest))
        return True

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag away. What it points at stays, reached by its digest."""
        if (repository, tag) in self._files.index().entries:
            await self._write_index(Change(repository, tag, None))

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...]:
        """Return what refers to a manifest, in the order of the index."""
        index = self._files.index()
        if self._referrers[0] is not index:
            self._referrers = index, {}
        known = self._referrers[1]
        if repository not in known:
            known[repository] = await asyncio.to_thread(_referrers, self._files, repository)
        return known[repository].get(digest, ())

    async def blob_size(self, repository: str, digest: Digest) -> int | None:
        """Return the length of a blob in bytes, or None if the folder doesn't have it."""
        return self._files.blobs.size(digest)

    @asynccontextmanager
    async def read_blob(
        self, repository: str, digest: Digest, offset: int = 0
    ) -> AsyncIterator[BlobReader]:
        """Open a blob for reading. Raises BlobNotFound."""
        with await asyncio.to_thread(self._files.blobs.open, digest) as file:
            yield _FileReader(file, offset)

    async def start_upload(
        self, repository: str, digest: Digest, *, mount_from: str | None = None
    ) -> Upload | None:
        """Start writing a blob. Returns None when the folder has it: repositories share blobs."""
        if self._files.blobs.size(digest) is not None:
            return None
        await asyncio.to_thread(self._files.prepare)
        return _FileUpload(self._files.blobs, self._files.blobs.new_upload(), 0, hasher(digest))

    async def resume_upload(self, repository: str, location: str) -> Upload:
        """Return an upload that was started before. Raises UploadLost."""
        name, _, offset = location.partition("@")
        path = self._files.blobs.find_upload(name)
        if not offset.isdecimal() or path.stat().st_size < int(offset):
            raise UploadLost(f"{location!r} in {self.name}")
        return _FileUpload(self._files.blobs, path, int(offset), None)

    async def aclose(self) -> None:
        """Do nothing: no file stays open between two calls."""

    async def _find(self, repository: str, reference: str) -> Descriptor | None:
        entry = self._files.index().entries.get((repository, reference))
        if entry or not is_digest(reference):
            return entry.descriptor if entry else None
        return await asyncio.to_thread(_find_digest, self._files, repository, Digest(reference))

    async def _write_index(self, change: Change) -> None:
        """Write a change, and all that came in meanwhile with it: many tags cost few writes."""
        self._waiting[change] = None
        try:
            async with self._writing:
                if change in self._waiting:
                    changes = tuple(self._waiting)
                    await asyncio.to_thread(self._files.update_index, changes)
                    for written in changes:
                        self._waiting.pop(written, None)
        finally:
            self._waiting.pop(change, None)


class _FileReader:
    def __init__(self, file: FileIO, offset: int) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self.offset = offset
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with disk_errors(Path(str(self._file.name))):
            self._file.seek(self.offset)
            while piece := await asyncio.to_thread(self._file.read, PIECE):
                yield piece


class _FileUpload:
    """A blob that is being written, as a file beside the blobs.

    The file may hold more than `offset` bytes: a part of a piece that was cut, to be written over.
    `hashed` has seen the file up to `offset`, or is None: then the file is read again at the end.
    """

    location: str
    offset: int
    chunk_minimum = 0
    _hashed: Hasher | None

    def __init__(self, blobs: LayoutBlobs, path: Path, offset: int, hashed: Hasher | None) -> None:
        self._blobs = blobs
        self._path = path
        self._hold(offset, hashed)

    async def put(self, digest: Digest, size: int, body: AsyncIterator[bytes]) -> None:
        """Write the whole blob and finish."""
        self._hold(0, hasher(digest))
        await self.append(size, body)
        await self.finish(digest)

    async def put_small(self, digest: Digest, data: bytes) -> None:
        """Write a blob that is in memory whole, and finish."""
        await self.put(digest, len(data), _once(data))

    async def append(self, size: int, body: AsyncIterator[bytes]) -> None:
        """Write the next `size` bytes. Raises DigestMismatch when other than that come."""
        end = self.offset
        # If this is cut short, the hash has seen bytes that will be written again.
        hashed, self._hashed = self._hashed, None
        async with aclosing(_in_pieces(body)) as pieces:
            async for piece in pieces:
                await asyncio.to_thread(write_at, self._path, end, piece, hashed)
                end += len(piece)
        if end - self.offset != size:
            raise DigestMismatch(f"{end - self.offset} of {size} bytes came")
        self._hold(end, hashed)

    async def finish(self, digest: Digest) -> None:
        """Make it the blob that it is. Raises DigestMismatch, and then forgets it."""
        finish = self._blobs.finish_upload
        await asyncio.to_thread(finish, self._path, digest, self._hashed, self.offset)

    async def cancel(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink()

    def _hold(self, offset: int, hashed: Hasher | None) -> None:
        self.offset = offset
        self.location = f"{self._path.name}@{offset}"
        self._hashed = hashed


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _in_pieces(body: AsyncIterator[bytes]) -> AsyncGenerator[bytearray, None]:
    held = bytearray()
    async for part in body:
        held += part
        if len(held) >= PIECE:
            yield held
            held = bytearray()
    if held:
        yield held


_Referrers = dict[Digest, tuple[Descriptor, ...]]


def _find_digest(files: LayoutFiles, repository: str, digest: Digest) -> Descriptor | None:
    return next((found for found in files.reach(repository) if found.digest == digest), None)


def _referrers(files: LayoutFiles, repository: str) -> _Referrers:
    found: _Referrers = {}
    for descriptor in files.reach(repository):
        node = files.node(descriptor)
        if node and node.subject:
            found[node.subject] = (*found.get(node.subject, ()), node.descriptor)
    return found


def _check_names(repository: str, reference: str, manifest: Manifest) -> None:
    if repository and not is_repository(repository):
        raise BadReference(f"{repository!r} is not a repository name")
    if is_digest(reference):
        if reference != manifest.digest:
            raise DigestMismatch(f"the manifest {manifest.digest} under {reference}")
    elif not is_tag(reference):
        raise BadReference(f"{reference!r} is not a tag")
