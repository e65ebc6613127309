"""Layers for sample images: real gzipped tar archives, the same bytes on every machine."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import zlib
from collections.abc import Mapping

EPOCH = 1735689600
"""The age of every file in the samples: 2025-01-01T00:00:00Z, in seconds since the epoch."""

_STORED_BLOCK = 0xFFFF


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of `files`, contents by path, with nothing in it but them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mtime = EPOCH
            member.mode = 0o755 if "bin/" in path else 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def gzip(data: bytes) -> bytes:
    """Return `data` as a gzip member of stored blocks (RFC 1951, section 3.2.4; RFC 1952).

    Nothing is compressed: the samples can't be, and what zlib makes of them depends on whose zlib
    it is, so that digests would differ from machine to machine.
    """
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    for start in range(0, len(data), _STORED_BLOCK) or (0,):
        block = data[start : start + _STORED_BLOCK]
        last = start + _STORED_BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)


def noise(seed: str, size: int) -> bytes:
    """Return `size` bytes that don't compress and are the same for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(size)
