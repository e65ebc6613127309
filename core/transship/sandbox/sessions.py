"""Upload sessions: blobs that are on their way.

A session is a file, and how long that file is says how far the upload has come. So a session
outlives both a cut connection, whose bytes are kept as far as they came, and the registry itself.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from transship.sandbox.answers import Code, Refusal
from transship.sandbox.pace import Pace


@dataclass(slots=True, eq=False)
class Session:
    """One upload. `complete` says that a piece came which can only be the last one."""

    id: str
    file: Path
    complete: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def offset(self) -> int:
        """How many bytes have come."""
        return self.file.stat().st_size

    async def append(self, body: AsyncIterator[bytes], pace: Pace) -> None:
        """Write the bytes of a request at the end of what has come, each as it comes."""
        with self.file.open("ab", buffering=0) as file:
            async for piece in body:
                file.write(piece)
                await pace.spend(len(piece))

    def truncate(self, offset: int) -> None:
        """Forget what came after `offset`."""
        with self.file.open("r+b") as file:
            file.truncate(offset)


class Sessions:
    """The sessions of one registry, under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, Session] = {}

    def start(self, repository: str) -> str:
        """Start a session and return its id, a UUID as the specification asks for."""
        session_id = str(uuid.uuid4())
        file = self._file(repository, session_id)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(exist_ok=False)
        return session_id

    @asynccontextmanager
    async def hold(self, repository: str, session_id: str) -> AsyncIterator[Session]:
        """Have a session for one request alone; another request waits.

        Raises Refusal when there is no such session, or none any more.
        """
        file = self._file(repository, session_id)
        if not file.is_file():
            raise Refusal(Code.BLOB_UPLOAD_UNKNOWN)
        session = self._known.setdefault(file, Session(session_id, file))
        async with session.lock:
            if not file.is_file():
                raise Refusal(Code.BLOB_UPLOAD_UNKNOWN)
            yield session

    def end(self, session: Session) -> None:
        """Forget a session and what it holds."""
        session.file.unlink(missing_ok=True)
        self._known.pop(session.file, None)

    def _file(self, repository: str, session_id: str) -> Path:
        try:
            canonical = str(uuid.UUID(session_id))
        except ValueError:
            raise Refusal(Code.BLOB_UPLOAD_UNKNOWN) from None
        # No part of a repository's name begins with an underscore.
        return self._folder / repository / f"_{canonical}"
