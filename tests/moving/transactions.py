"""Counts the transactions in which a journal was written."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def transactions(path: Path) -> int:
    """Count what was written to a journal, by the frames of its log that end a transaction.

    https://www.sqlite.org/fileformat2.html#walformat; nothing may have begun the log anew.
    """
    log = path.with_name(f"{path.name}-wal").read_bytes()
    size = struct.unpack(">I", log[8:12])[0] + 24
    frames = (log[at : at + 16] for at in range(32, len(log) - size + 1, size))
    return sum(frame[4:8] != bytes(4) and frame[8:16] == log[16:24] for frame in frames)
