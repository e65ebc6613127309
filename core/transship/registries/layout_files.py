"""The folder of an OCI image layout. Everything here blocks; `layout.Layout` calls it.

Writers share the folder: index.json is read, changed and replaced under an exclusive lock on the
file oci-layout, which is never replaced. index.json appears whole, by a rename, and after all that
it points at is on the disk.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from transship.errors import (
    BlobNotFound,
    InvalidManifest,
    ManifestBlobUnknown,
    NotALayout,
    TooLarge,
    TransshipError,
    UnsupportedManifest,
)
from transship.oci.digest import Digest, check_bytes
from transship.oci.manifest import MANIFEST_LIMIT, Descriptor, Manifest, parse_manifest
from transship.oci.media_types import IMAGES
from transship.registries.layout_blobs import (
    OWN,
    LayoutBlobs,
    disk_errors,
    removed_on_failure,
    sync,
)
from transship.registries.layout_index import Change, LayoutIndex, parse_index
from transship.text import bytes_text

_VERSION = "1.0.0"
_INDEX_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Node:
    """What a manifest says of others: its children, what it is about, and how it is listed."""

    children: tuple[Descriptor, ...]
    subject: Digest | None
    descriptor: Descriptor


class _Marker(msgspec.Struct):
    imageLayoutVersion: str = ""  # noqa: N815 - the specification's own spelling


class LayoutFiles:
    """An OCI image layout folder.

    With `create`, a folder that is empty or isn't there counts as an empty layout and is made at
    the first write. Raises NotALayout for anything else that is no layout.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        self.blobs = LayoutBlobs(path)
        self._create = create
        self._marker = path / "oci-layout"
        self._index = path / "index.json"
        self._read: tuple[_Stamp, LayoutIndex] | None = None
        self._nodes: dict[Digest, Node] = {}
        self._ready = False
        with disk_errors(path):
            self._check()

    def prepare(self) -> None:
        """Make what every layout has, where it isn't there yet."""
        if self._ready:
            return
        with disk_errors(self.path):
            (self.path / "blobs").mkdir(parents=True, exist_ok=True)
            with self._locked() as marker:
                # An empty one was left by somebody who was interrupted right here.
                if os.fstat(marker).st_size == 0:
                    os.write(marker, msgspec.json.encode({"imageLayoutVersion": _VERSION}))
                    os.fsync(marker)
                if not self._index.exists():
                    self._replace_index(LayoutIndex())
        self.blobs.remove_old_uploads()
        self._ready = True

    def index(self) -> LayoutIndex:
        """Return index.json as it is now; it is read again only when the file has changed."""
        with disk_errors(self._index):
            try:
                stamp = _stamp(self._index.stat())
                if self._read and self._read[0] == stamp:
                    return self._read[1]
                with self._index.open("rb") as file:
                    stamp = _stamp(os.fstat(file.fileno()))
                    body = file.read(_INDEX_LIMIT + 1)
            except FileNotFoundError:
                if self._create:
                    return LayoutIndex()
                raise NotALayout(f"{self.path} has no index.json") from None
        if len(body) > _INDEX_LIMIT:
            raise NotALayout(f"{self._index} is larger than {bytes_text(_INDEX_LIMIT)}")
        try:
            index = parse_index(body)
        except (InvalidManifest, UnsupportedManifest) as error:
            raise NotALayout(f"{self._index}: {error.detail}") from error
        self._read = stamp, index
        return index

    def update_index(self, changes: Iterable[Change]) -> None:
        """Write `changes` into index.json. Their manifests are in the folder already."""
        with disk_errors(self._index), self._locked():
            before = self.index()
            after = before.with_changes(changes)
            if after.entries != before.entries:
                self.blobs.sync()
                self._replace_index(after)

    def reach(self, repository: str) -> Iterator[Descriptor]:
        """Give what points at the manifests of a repository, children included, each once."""
        waiting = deque(entry.descriptor for entry in self.index().of(repository))
        seen = set()
        while waiting:
            descriptor = waiting.popleft()
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            yield descriptor
            node = None if descriptor.media_type in IMAGES else self.node(descriptor)
            waiting.extend(node.children if node else ())

    def node(self, descriptor: Descriptor) -> Node | None:
        """Return what a manifest says of others, or None if it can't be read."""
        node = self._nodes.get(descriptor.digest)
        if node is None:
            try:
                manifest = self.read_manifest(descriptor)
            except TransshipError:
                return None
            subject = manifest.subject.digest if manifest.subject else None
            node = Node(manifest.children, subject, manifest.descriptor())
            self._nodes[descriptor.digest] = node
        return node

    def read_manifest(self, descriptor: Descriptor) -> Manifest:
        """Read and check a manifest.

        Raises BlobNotFound, DigestMismatch, TooLarge and what `parse_manifest` raises.
        """
        digest = descriptor.digest
        size = self.blobs.size(digest)
        if size is None:
            raise BlobNotFound(f"{digest} isn't in {self.path}")
        if size > MANIFEST_LIMIT:
            raise TooLarge(
                f"{digest} in {self.path} has {bytes_text(size)}",
                remedy=f"No manifest has more than {bytes_text(MANIFEST_LIMIT)}: it isn't one.",
            )
        with disk_errors(self.path), self.blobs.open(digest) as file:
            body = file.readall()
        check_bytes(digest, body, str(self.path))
        return parse_manifest(body, descriptor.media_type, digest)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write a manifest's bytes. Raises ManifestBlobUnknown when a part of it isn't there."""
        self.prepare()
        for part in (*manifest.children, *manifest.blobs):
            if not self.blobs.holds(part):
                raise ManifestBlobUnknown(f"{part.digest} isn't in {self.path}")
        self.blobs.write(manifest.digest, manifest.body)

    def _check(self) -> None:
        try:
            body = self._marker.read_bytes()
        except NotADirectoryError:
            raise NotALayout(f"{self.path} is a file, not a folder") from None
        except FileNotFoundError:
            body = b""
        if not body:
            self._check_absent()
            return
        try:
            version = msgspec.json.decode(body, type=_Marker).imageLayoutVersion
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise NotALayout(f"{self._marker}: {error}") from error
        if version != _VERSION:
            raise NotALayout(f"{self._marker} has the version {version!r}, not {_VERSION}")
        self.index()

    def _check_absent(self) -> None:
        if not self.path.exists():
            if not self._create:
                raise NotALayout(f"{self.path} doesn't exist")
            return
        others = {path.name for path in self.path.iterdir()} - {"oci-layout", "blobs"}
        if not self._create or any(not name.startswith(OWN) for name in others):
            raise NotALayout(f"{self.path} has no oci-layout file")

    @contextmanager
    def _locked(self) -> Iterator[int]:
        marker = os.open(self._marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(marker, fcntl.LOCK_EX)
            yield marker
        finally:
            os.close(marker)

    def _replace_index(self, index: LayoutIndex) -> None:
        temporary = self.path / f"{OWN}index"
        with removed_on_failure(temporary):
            temporary.write_bytes(index.encode())
            self._read = _stamp(sync(temporary)), index
            temporary.replace(self._index)
        sync(self.path)


_Stamp = tuple[int, int, int]


def _stamp(found: os.stat_result) -> _Stamp:
    return found.st_ino, found.st_mtime_ns, found.st_size
