"""The blobs of an OCI image layout folder. Everything here blocks; `layout.Layout` calls it.

A blob is written to a file beside the blobs and renamed to its place when its digest is proven and
its bytes are on the disk. What stands under a digest's name is therefore taken for what it names.

A blob may be a symbolic link, or stand in a linked folder: some build tools lay their images out
like this. Such a blob is hashed before a byte of it is given away, so that a folder from elsewhere
can't make us send a file of this machine that isn't an image's.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from secrets import token_hex

from transship.errors import (
    BlobNotFound,
    DigestMismatch,
    DiskFull,
    NoRight,
    TransshipError,
    UploadLost,
)
from transship.oci.digest import Digest, Hasher, check, hasher, parse_digest
from transship.oci.manifest import Descriptor

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
