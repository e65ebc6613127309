"""What nobody foresaw, put into words; where it came from is kept for whoever mends it.

The error's own words may quote a secret, and so may the variables of the code that it went
through. So only its type and the lines of that code are kept and shown.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from transship.errors import DiskFull, InternalFault, SystemRefused, TransshipError
from transship.paths import default_paths, private_folder


def log_path() -> Path:
    """Return the file that faults are kept in."""
    return default_paths().state / "errors.log"


class Faults:
    """Turns whatever was raised into an error that can be shown; keeps each fault once."""

    def __init__(self) -> None:
        self._kept: set[str] = set()

    def shown(self, error: BaseException, where: str) -> TransshipError:
        """Return what to say of an error that came up in `where`.

        One of ours, and what the operating system refuses, need no report and are kept nowhere.
        """
        if isinstance(error, TransshipError):
            return error
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            return DiskFull(where)
        if isinstance(error, OSError) and error.strerror:
            return SystemRefused(f"{error.filename or where}: {error.strerror}")
        return InternalFault(
            f"{type(error).__name__} in {where}", remedy=f"Please report it{self.keep(error)}."
        )

    def keep(self, error: BaseException) -> str:
        """Keep where an error came from; return the words that lead there."""
        path = log_path()
        frames = "".join(_frames(error))
        try:
            if frames not in self._kept:
                _append(path, frames)
                self._kept.add(frames)
        except OSError as refused:
            return f"; where it came from can't be kept: {path}: {refused.strerror}"
        return f" with what {path} says"


def _frames(error: BaseException) -> Iterator[str]:
    """Give the types and the lines of code, from what was raised back to what caused it."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield f"{type(cause).__qualname__}\n"
        yield from traceback.format_tb(cause.__traceback__)
        if isinstance(cause, BaseExceptionGroup):
            for each in cause.exceptions:
                yield from _frames(each)
        cause = cause.__cause__ or cause.__context__


def _append(path: Path, frames: str) -> None:
    private_folder(path.parent)
    head = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {sys.version.split()[0]}"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as log:
        log.write(f"{head}\n{frames}")
