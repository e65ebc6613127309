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
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from io import FileIO
from pathlib import Path

from transship.errors import (
    BadReference,
    DigestMismatch,
    ManifestNotFound,
    RepositoryNotFound,
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
        """How it wants blobs to be written: in pieces of any length."""
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
        path = self._files.blobs.find_upload(location)
        return _FileUpload(self._files.blobs, path, path.stat().st_size, None)

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

    `hashed` has seen the file up to `offset`, or is None: then the file is read again at the end.
    """

    chunk_minimum = 0

    def __init__(self, blobs: LayoutBlobs, path: Path, offset: int, hashed: Hasher | None) -> None:
        self.location = path.name
        self.offset = offset
        self._blobs = blobs
        self._path = path
        self._hashed = hashed

    async def put(self, digest: Digest, size: int, body: AsyncIterator[bytes]) -> None:
        """Write the whole blob and finish."""
        if self.offset:
            os.truncate(self._path, 0)
            self.offset, self._hashed = 0, hasher(digest)
        await self.append(size, body)
        await self.finish(digest)

    async def append(self, size: int, body: AsyncIterator[bytes]) -> None:
        """Write the next `size` bytes. Raises DigestMismatch when other than that come."""
        end = self.offset + size
        held = bytearray()
        async for piece in body:
            held += piece
            if len(held) >= PIECE:
                await self._write(held)
                held = bytearray()
        await self._write(held)
        if self.offset != end:
            raise DigestMismatch(f"{self.offset - end + size} of {size} bytes came")

    async def finish(self, digest: Digest) -> None:
        """Make it the blob that it is. Raises DigestMismatch, and then forgets it."""
        await asyncio.to_thread(self._blobs.finish_upload, self._path, digest, self._hashed)

    async def cancel(self) -> None:
        """Remove the file."""
        with suppress(OSError):
            self._path.unlink()

    async def _write(self, piece: bytearray) -> None:
        # Until the piece is written, nobody knows what the file holds.
        hashed, self._hashed = self._hashed, None
        await asyncio.to_thread(write_at, self._path, self.offset, piece, hashed)
        self.offset, self._hashed = self.offset + len(piece), hashed


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
