"""The secret that a sender shares with the receiver."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from pathlib import Path

from transship.errors import BadFile, BadRequest

SHORTEST = 16
_LONGEST = 512
_WRITTEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
_HOW = "`openssl rand -hex 32` makes a good one."


class SharedSecret:
    """A secret, compared in a time that says nothing of it. It never shows itself."""

    def __init__(self, text: str) -> None:
        """Take the secret. Raises BadRequest when it is too short, or can't stand in a header."""
        if not SHORTEST <= len(text) <= _LONGEST:
            raise BadRequest(
                f"the shared secret has to have {SHORTEST} to {_LONGEST} characters", remedy=_HOW
            )
        if not _WRITTEN.fullmatch(text):
            raise BadRequest(
                "the shared secret may have letters, digits and . _ ~ + / = - in it", remedy=_HOW
            )
        self._digest = _digest(text)

    def __repr__(self) -> str:
        return "SharedSecret(...)"

    def is_shown_by(self, authorization: str, last_of_path: str) -> bool:
        """Tell whether a request knows the secret.

        It stands in the Authorization header, after `Bearer` or alone, or it is the last component
        of the path, for senders that can't set headers.
        """
        scheme, _, token = authorization.partition(" ")
        offered = token.strip() if scheme.lower() == "bearer" else authorization
        in_header = hmac.compare_digest(_digest(offered), self._digest)
        in_path = hmac.compare_digest(_digest(last_of_path), self._digest)
        return in_header or in_path


def secret_in_file(path: Path) -> SharedSecret:
    """Return the secret in the first line of a file. Raises BadFile and BadRequest.

    A file that everybody may read keeps no secret, and is refused.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & stat.S_IROTH:
                raise BadFile(
                    f"{path}: everybody can read it", remedy=f"chmod 600 {path}, then try again."
                )
            return _first_line(file.read(_LONGEST + 2))
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from error


def secret_from_descriptor(number: int) -> SharedSecret:
    """Return the secret in the first line that a file descriptor gives, and close it.

    Raises BadRequest.
    """
    try:
        with os.fdopen(number, "rb") as file:
            return _first_line(file.read(_LONGEST + 2))
    except OSError as error:
        raise BadRequest(
            f"file descriptor {number} can't be read: {error.strerror}",
            remedy="Open it for the command, for example 3<FILE.",
        ) from error


def _first_line(content: bytes) -> SharedSecret:
    return SharedSecret(content.partition(b"\n")[0].decode("latin-1").rstrip("\r"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
