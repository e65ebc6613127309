"""An OCI image layout folder as a registry (OCI image spec, image-layout.md).

Its index.json gives names to manifests; its blobs are files. What blocks runs in threads.
"""

# ruff: noqa: ARG002 - it is asked by repository, and here all repositories share their blobs

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import stat
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from secrets import token_hex

import msgspec

from transship.errors import (
    BadReference,
    BlobNotFound,
    DigestMismatch,
    DiskFull,
    InvalidManifest,
    ManifestBlobUnknown,
    ManifestNotFound,
    NoRight,
    NotALayout,
    RepositoryNotFound,
    TooLarge,
    TransshipError,
    UnsupportedManifest,
    UploadLost,
)
from transship.oci.digest import Digest, Hasher, check, check_bytes, hasher, is_digest, parse_digest
from transship.oci.manifest import (
    MANIFEST_LIMIT,
    Descriptor,
    Manifest,
    descriptor_document,
    parse_manifest,
)
from transship.oci.media_types import IMAGES, OCI_INDEX
from transship.oci.reference import LAYOUT, Reference, is_repository, is_tag, parse_reference
from transship.registry.registry import BlobReader, Capabilities, ManifestHead, Upload
from transship.text import bytes_text


class LayoutRegistry:
    """A place that holds images: one OCI image layout folder.

    With `create`, a folder that is empty or isn't there is an empty layout, and is made when
    something is written for the first time. Raises NotALayout for anything else that is none.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.name = f"{LAYOUT}{path}"
        self._files = LayoutFiles(path, create=create)
        self._waiting: dict[IndexChange, None] = {}
        self._writing = asyncio.Lock()
        self._referrers: tuple[LayoutIndex, dict[str, _LayoutReferrers]] = LayoutIndex(), {}

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
        await self._write_index(IndexChange(repository, reference, manifest))
        return True

    async def delete_tag(self, repository: str, tag: str) -> None:
        """Take a tag away. What it points at stays, reached by its digest."""
        if (repository, tag) in self._files.index().entries:
            await self._write_index(IndexChange(repository, tag, None))

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

    async def _write_index(self, change: IndexChange) -> None:
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


_LayoutReferrers = dict[Digest, tuple[Descriptor, ...]]


def _find_digest(files: LayoutFiles, repository: str, digest: Digest) -> Descriptor | None:
    return next((found for found in files.reach(repository) if found.digest == digest), None)


def _referrers(files: LayoutFiles, repository: str) -> _LayoutReferrers:
    found: _LayoutReferrers = {}
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


REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
REPOSITORY = "dev.transship.repository"

_DEFAULT_TAG = "latest"


@dataclass(frozen=True, slots=True, eq=False)
class IndexChange:
    """A manifest that is to be in the index, under a tag or its own digest.

    Without a manifest, the tag is to go.
    """

    repository: str
    reference: str
    manifest: Manifest | None


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """An entry of index.json. Without a `tag` it is reached by its digest only."""

    repository: str
    tag: str
    descriptor: Descriptor
    document: Mapping[str, object]
    """The entry as it stands in index.json."""

    @property
    def name(self) -> str:
        """What it is asked for by, in its repository: the tag, else the digest."""
        return self.tag or self.descriptor.digest

    @property
    def is_ours(self) -> bool:
        """Whether Transship wrote it, for a manifest that has no tag."""
        return not self.tag and REPOSITORY in self.descriptor.annotations


@dataclass(frozen=True, slots=True)
class LayoutIndex:
    """An index.json: entries by repository and name, in order. Of two with one name, the first."""

    entries: Mapping[tuple[str, str], IndexEntry] = field(default_factory=dict)
    duplicates: tuple[Mapping[str, object], ...] = ()
    document: Mapping[str, object] = field(
        default_factory=lambda: {"schemaVersion": 2, "mediaType": OCI_INDEX}
    )
    """What else stands in the file."""

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories, in order; "" is the one of what has no repository's name."""
        return tuple(dict.fromkeys(entry.repository for entry in self.entries.values()))

    def of(self, repository: str) -> Iterator[IndexEntry]:
        """Give the entries of a repository."""
        return (entry for entry in self.entries.values() if entry.repository == repository)

    def with_changes(self, changes: Iterable[IndexChange]) -> LayoutIndex:
        """Return the index after `changes`.

        A tag that moves takes its entry along; what it pointed at stays as an entry without a tag,
        as it would in a registry, so that the tag can be moved back. What an index of the
        repository reaches needs no entry of its own and loses the one that we gave it before.
        """
        entries = dict(self.entries)
        for change in changes:
            _apply(entries, change)
        return replace(self, entries=entries)

    def encode(self) -> bytes:
        """Return the file's bytes."""
        entries = [entry.document for entry in self.entries.values()]
        return msgspec.json.encode({**self.document, "manifests": [*entries, *self.duplicates]})


def parse_index(body: bytes) -> LayoutIndex:
    """Return the index in `body`. Raises InvalidManifest and UnsupportedManifest."""
    descriptors = parse_manifest(body, OCI_INDEX).entries
    try:
        document: dict[str, object] = msgspec.json.decode(body, type=dict[str, object])
        documents = msgspec.convert(document.pop("manifests", None) or [], list[dict[str, object]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidManifest(str(error)) from error
    entries: dict[tuple[str, str], IndexEntry] = {}
    duplicates = []
    for descriptor, raw in zip(descriptors, documents, strict=True):
        repository, tag = _name(descriptor.annotations)
        if (repository, tag) in entries:
            tag = ""
        entry = IndexEntry(repository, tag, descriptor, raw)
        if (repository, entry.name) in entries:
            duplicates.append(raw)
        else:
            entries[repository, entry.name] = entry
    return LayoutIndex(entries, tuple(duplicates), document)


def _apply(entries: dict[tuple[str, str], IndexEntry], change: IndexChange) -> None:
    repository, manifest = change.repository, change.manifest
    if manifest is None:
        _untag(entries, entries.pop((repository, change.reference), None))
        return
    for child in manifest.children:
        _drop(entries, repository, child.digest)
    if is_digest(change.reference):
        entries.setdefault((repository, manifest.digest), _untagged(repository, manifest))
        return
    key = repository, change.reference
    before = entries.get(key)
    entries[key] = _tagged(repository, change.reference, manifest)
    _drop(entries, repository, manifest.digest)
    if before and before.descriptor.digest != manifest.digest:
        _untag(entries, before)


def _untag(entries: dict[tuple[str, str], IndexEntry], entry: IndexEntry | None) -> None:
    """Let what a tag pointed at be reached by its digest."""
    if entry is not None:
        key = entry.repository, str(entry.descriptor.digest)
        entries.setdefault(key, _without_tag(entry))


def _drop(entries: dict[tuple[str, str], IndexEntry], repository: str, digest: Digest) -> None:
    entry = entries.get((repository, digest))
    if entry and entry.is_ours:
        del entries[repository, digest]


def _tagged(repository: str, tag: str, manifest: Manifest) -> IndexEntry:
    name = f"{repository}:{tag}" if repository else tag
    return _entry(repository, tag, _descriptor(manifest), {REF_NAME: name})


def _untagged(repository: str, manifest: Manifest) -> IndexEntry:
    return _entry(repository, "", _descriptor(manifest), {REPOSITORY: repository})


def _without_tag(entry: IndexEntry) -> IndexEntry:
    return _entry(entry.repository, "", entry.descriptor, {REPOSITORY: entry.repository})


def _descriptor(manifest: Manifest) -> Descriptor:
    listed = manifest.descriptor()
    # The config's type stands in for the artifact's among referrers; elsewhere it says nothing.
    return listed if manifest.subject else replace(listed, artifact_type=manifest.artifact_type)


def _entry(
    repository: str, tag: str, descriptor: Descriptor, annotations: dict[str, str]
) -> IndexEntry:
    descriptor = replace(descriptor, annotations=annotations)
    return IndexEntry(repository, tag, descriptor, descriptor_document(descriptor))


def _name(annotations: Mapping[str, str]) -> tuple[str, str]:
    """Return the repository and the tag that an entry's annotations name, "" for none."""
    repository, tag = _split(annotations.get(REF_NAME, ""))
    if not repository:
        full = _split_full(annotations.get(CONTAINERD_NAME, ""))
        repository, tag = full if full[0] else (repository, tag)
    if not (repository or tag):
        repository = annotations.get(REPOSITORY, "")
        repository = repository if is_repository(repository) else ""
    return repository, tag


def _split(name: str) -> tuple[str, str]:
    if is_tag(name):
        return "", name
    repository, _, tag = name.rpartition(":")
    if is_repository(repository) and is_tag(tag):
        return repository, tag
    return (name, _DEFAULT_TAG) if is_repository(name) else _split_full(name)


def _split_full(name: str) -> tuple[str, str]:
    try:
        reference = parse_reference(name)
    except BadReference:
        return "", ""
    if reference.layout is not None or not reference.repository:
        return "", ""
    return reference.repository, reference.tag or ("" if reference.digest else _DEFAULT_TAG)


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

    def update_index(self, changes: Iterable[IndexChange]) -> None:
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


PIECE = 1024 * 1024
"""How many bytes are read or written at once."""

OWN = ".transship-"
"""What the names of our files in the folder begin with, as long as they are there."""

_UPLOAD = re.compile(r"\.transship-upload-[0-9a-f]{32}")
_OLD_SECONDS = 7 * 24 * 60 * 60
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Raise the errors of the operating system as ours: DiskFull, NoRight, ..."""
    try:
        yield
    except OSError as error:
        detail = f"{error.filename or path}: {error.strerror}"
        if error.errno in _NO_ROOM:
            raise DiskFull(detail) from error
        if error.errno in _NO_RIGHT:
            raise NoRight(detail, remedy="Check who owns the folder and who may write.") from error
        raise TransshipError(detail) from error


@contextmanager
def removed_on_failure(temporary: Path) -> Iterator[None]:
    """Leave nothing of a temporary file behind when writing it or moving it fails."""
    try:
        yield
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync(path: Path) -> os.stat_result:
    """Wait until the disk has a file, or a folder's names; return what the file is now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


class LayoutBlobs:
    """The blobs of one folder, `blobs/ALGORITHM/ENCODED`, and the files that become blobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._resolved = folder.resolve()

    def size(self, digest: Digest) -> int | None:
        """Return the length of a blob in bytes, or None if it isn't there."""
        with disk_errors(self._folder):
            try:
                found = self._path(digest).stat()
            except FileNotFoundError:
                return None
            return found.st_size if stat.S_ISREG(found.st_mode) else None

    def open(self, digest: Digest) -> FileIO:
        """Open a blob for reading. Raises BlobNotFound, and DigestMismatch for a link elsewhere."""
        path = self._path(digest)
        with disk_errors(path):
            try:
                file = FileIO(path, opener=_open_without_waiting)
            except (FileNotFoundError, IsADirectoryError):
                raise BlobNotFound(f"{digest} isn't in {self._folder}") from None
            try:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise BlobNotFound(f"{digest} in {self._folder} isn't a file")
                if path.resolve() != self._resolved.joinpath(*path.parts[-3:]):
                    check(digest, _hash_file(file, digest), f"a link in {self._folder}")
            except BaseException:
                file.close()
                raise
        return file

    def holds(self, part: Descriptor) -> bool:
        """Tell whether a blob is there and sound; a damaged one is removed, to be sent again.

        A blob of another size than the descriptor says is damaged only if it doesn't have its own
        digest: the descriptor may be what is wrong.
        """
        size = self.size(part.digest)
        if size is None or size == part.size:
            return size is not None
        try:
            with self.open(part.digest) as file:
                check(part.digest, _hash_file(file, part.digest), str(self._folder))
        except DigestMismatch:
            self._path(part.digest).unlink(missing_ok=True)
            return False
        return True

    def write(self, digest: Digest, content: bytes) -> None:
        """Write a small blob whose digest is known to be right."""
        path = self._path(digest)
        with disk_errors(path):
            if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
                return
            temporary = self.new_upload()
            with removed_on_failure(temporary):
                temporary.write_bytes(content)
                self._place(temporary, digest)

    def new_upload(self) -> Path:
        """Make an empty file for a blob that is to be written."""
        path = self._folder / f"{OWN}upload-{token_hex(16)}"
        with disk_errors(path):
            path.touch(exist_ok=False)
        return path

    def find_upload(self, name: str) -> Path:
        """Return the file that was made for a blob before. Raises UploadLost."""
        path = self._folder / name
        if not _UPLOAD.fullmatch(name) or path.is_symlink() or not path.is_file():
            raise UploadLost(f"{name!r} isn't in {self._folder}")
        return path

    def remove_old_uploads(self) -> None:
        """Remove what was started a week ago and never went on: its job is gone."""
        with disk_errors(self._folder):
            for path in self._folder.glob(f"{OWN}upload-*"):
                with suppress(FileNotFoundError):
                    if time.time() - path.lstat().st_mtime > _OLD_SECONDS:
                        path.unlink()

    def finish_upload(self, path: Path, digest: Digest, hashed: Hasher | None, size: int) -> None:
        """Make a file the blob that it is. Raises DigestMismatch, and then removes the file.

        `hashed` is the hash of the file's first `size` bytes, if it is known.
        """
        with disk_errors(path):
            try:
                if hashed is None or path.stat().st_size != size:
                    with FileIO(path) as file:
                        hashed = _hash_file(file, digest)
                check(digest, hashed, "what was sent")
                self._place(path, digest)
            except FileNotFoundError:
                raise UploadLost(str(path)) from None
            except DigestMismatch:
                path.unlink(missing_ok=True)
                raise

    def sync(self) -> None:
        """Wait until the disk has the names of all blobs."""
        for folder in (self._folder / "blobs").iterdir():
            sync(folder)

    def _path(self, digest: Digest) -> Path:
        algorithm, _, encoded = parse_digest(digest).partition(":")
        return self._folder / "blobs" / algorithm / encoded

    def _place(self, temporary: Path, digest: Digest) -> None:
        sync(temporary)
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)


def write_at(path: Path, offset: int, piece: bytes | bytearray, hashed: Hasher | None) -> None:
    """Write a piece of a blob at its offset, and show it to `hashed`. Raises UploadLost.

    The file is opened for each piece: a write that outlives a cancelled call then repeats bytes
    that belong there, and can't reach another file under a descriptor that was used again.
    """
    with disk_errors(path):
        try:
            file = path.open("r+b", buffering=0)
        except FileNotFoundError:
            raise UploadLost(str(path)) from None
        with file:
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(file.fileno(), rest, offset)
                rest, offset = rest[written:], offset + written
    if hashed:
        hashed.update(piece)


def _open_without_waiting(path: str, flags: int) -> int:
    # Opening a pipe would wait for its writer.
    return os.open(path, flags | os.O_NONBLOCK)


def _hash_file(file: FileIO, digest: Digest) -> Hasher:
    hashed = hasher(digest)
    file.seek(0)
    while piece := file.read(PIECE):
        hashed.update(piece)
    file.seek(0)
    return hashed
