"""A secret that comes in a file, like the key of a service account: read once, when it is given."""

from __future__ import annotations

import stat
from pathlib import Path

from transship.errors import BadFile

_MOST_BYTES = 64 * 1024
_REMEDY = "Name the file that the key came in."


def read_key_file(path: str) -> str:
    """Return what stands in a file, without the white space around it. Raises BadFile.

    `path` may begin with ~. What is no plain file isn't opened: it might never end.
    """
    file = Path(path).expanduser()
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise BadFile(f"{path}: no plain file", remedy=_REMEDY)
        if found.st_size > _MOST_BYTES:
            raise BadFile(f"{path}: too large for a key", remedy=_REMEDY)
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy=_REMEDY) from error
    except UnicodeDecodeError:
        raise BadFile(f"{path}: no text", remedy=_REMEDY) from None
    if not text:
        raise BadFile(f"{path}: empty", remedy=_REMEDY)
    return text
