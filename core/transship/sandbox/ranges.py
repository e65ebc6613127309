"""Byte ranges as they stand in requests. Both kinds are returned half-open, as `range`."""

from __future__ import annotations

import re

_BYTES = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")


def parse_range(header: str, size: int) -> range | None:
    """Return what a Range header asks of `size` bytes (RFC 9110, section 14.2).

    None means the whole: the header holds no single range of bytes and is to be ignored. An empty
    range means that nothing of what is asked for is there.
    """
    match = _BYTES.fullmatch(header.replace(" ", ""))
    if not match or match[0].endswith("=-"):
        return None
    first, last = match[1], match[2]
    if not first:
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)


def parse_content_range(header: str) -> range | None:
    """Return where a chunk of an upload belongs, or None if the header can't be read.

    OCI distribution spec, "Pushing a blob in chunks": `<first>-<last>`, both inclusive.
    """
    match = _CONTENT_RANGE.fullmatch(header)
    if not match or int(match[2]) < int(match[1]):
        return None
    return range(int(match[1]), int(match[2]) + 1)


def upload_range(offset: int) -> str:
    """Return how many bytes an upload holds, as its Range header says it.

    Nothing and one byte look alike (`0-0`), as in every registry.
    """
    return f"0-{max(0, offset - 1)}"
