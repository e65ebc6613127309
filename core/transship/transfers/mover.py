"""Moves the bytes of one blob from a source into an upload session at the target.

How, depends on its length and on what the target takes: small blobs whole from memory, larger
ones as one stream, large ones in pieces, each of which survives what happens to the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest, short
from transship.registries.pacing import Paced, Pacer, Patience, Retrying
from transship.registries.place import MEBIBYTE, Place, Upload
from transship.text import bytes_text
from transship.transfers.gather import both
from transship.transfers.journal import Journal
from transship.transfers.journal_outcomes import Session
from transship.transfers.lanes import LARGE_AT_ONCE, SMALL, Deferred, Gate, Moving
from transship.transfers.logbook import Logbook
from transship.transfers.reading import SourceBlob

_MOST_MISMATCHES = 3
_SMALLEST_PIECE = 5 * MEBIBYTE
"""Storage takes no smaller parts than this, but for the last."""

_PIECE_SECONDS = 10
"""How long a piece takes, of as many as go on at once, where the operator has set a rate."""

_SUSPICIOUS = 3
"""How often one request is cut until that is no chance any more."""

_NOT_CONTINUED = (
    errors.BlobNotFound,
    errors.NoRight,
    errors.RepositoryNotFound,
    errors.ServerFailed,
    errors.UnexpectedAnswer,
    errors.UploadLost,
)
"""What places say of a session that they don't have any more."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where one blob comes from and where it goes. `size` is in bytes."""

    source: Place
    source_repository: str
    target: Place
    target_repository: str
    digest: Digest
    size: int

    @property
    def pacers(self) -> list[Pacer]:
        """How fast both ends are asked."""
        return [place.pacer for place in (self.source, self.target) if isinstance(place, Paced)]


Start = Callable[[], Coroutine[Any, Any, Upload | None]]
"""Starts an upload session at the target; None when the blob turns out to be there."""


class Mover:
    """Moves blobs for one job, and keeps in its journal how far the large ones are."""

    def __init__(self, journal: Journal, gate: Gate, patience: Patience, clock: Clock) -> None:
        self._journal = journal
        self._gate = gate
        self._patience = patience
        self._clock = clock
        self._log = Logbook(journal, clock)
        self._ours: set[tuple[str, str, Digest]] = set()
        """The blobs whose upload sessions were used since this mover is at work."""

    async def move(self, route: Route, start: Start, moving: Moving) -> bool:
        """Move one blob; return whether bytes were sent, or it was there after all.

        Tries again where that may help, from the last piece that the target holds if it can be
        continued, else from the beginning. Raises Paused after a piece when the job pauses.
        """
        retrying: Retrying | None = None
        furthest = mismatches = 0
        cuts = _Cuts(route)
        while True:
            try:
                return await self._attempt(route, start, moving)
            except TransshipError as error:
                if isinstance(error, errors.DigestMismatch):
                    # What the target holds of it can't be trusted either.
                    self._forget(route)
                    mismatches += 1
                    if mismatches >= _MOST_MISMATCHES:
                        raise
                # Patience is for standing still: it begins anew whenever more was sent than ever.
                if retrying is None or moving.moved > furthest:
                    furthest = moving.moved
                    retrying = Retrying(self._patience, self._clock, reached=True)
                cuts.count(error, self._held(route))
                pause = retrying.pause_after(error)
                if pause is None and cuts.are_suspicious:
                    raise cuts.explained(error) from error
                if pause is None:
                    raise
            self._enter(route)
            await self._clock.sleep(pause)
            self._enter(route)

    async def _attempt(self, route: Route, start: Start, moving: Moving) -> bool:
        blob = SourceBlob(
            route.source,
            route.source_repository,
            route.digest,
            route.size,
            patience=self._patience,
            clock=self._clock,
        )
        async with aclosing(blob):
            if route.size <= SMALL:
                upload, data = await both(start(), blob.whole())
                if upload is not None:
                    await self._send_small(route, data, upload, moving)
                return upload is not None
            upload = await self._continued(route) or await start()
            if upload is None:
                return False
            moving.restart_at(upload.offset)
            if not self._piece(route) or route.size <= self._whole_limit(route):
                counted = _counted(blob.take(route.size), moving)
                await upload.put(route.digest, route.size, counted)
            else:
                await self._send_pieces(route, blob, upload, moving)
        return True

    async def _send_small(self, route: Route, data: bytes, upload: Upload, moving: Moving) -> None:
        moving.restart_at(0)
        if route.target.capabilities.whole_limit == 0 and data:
            await upload.append(len(data), _counted(_once(data), moving))
            await upload.finish(route.digest)
        else:
            await upload.put_small(route.digest, data)
            moving.advance(len(data))

    async def _send_pieces(
        self, route: Route, blob: SourceBlob, upload: Upload, moving: Moving
    ) -> None:
        if upload.offset:
            blob.begin_at(upload.offset)
        self._keep(route, upload)
        while upload.offset < route.size:
            piece = max(self._piece(route), upload.chunk_minimum)
            size = min(piece, route.size - upload.offset)
            await upload.append(size, _counted(blob.take(size), moving))
            self._keep(route, upload)
            if upload.offset < route.size:
                self._enter(route)
                if any(pacer.crowded for pacer in route.pacers):
                    raise Deferred
        await upload.finish(route.digest)

    async def _continued(self, route: Route) -> Upload | None:
        """Return the session that the journal knows, if the target says of it what can be.

        It may hold one piece more than was journalled: its answer to that was lost. In any other
        doubt the blob starts again; its digest decides in the end.
        """
        session = self._journal.upload(route.target.name, route.target_repository, route.digest)
        if session is None or not route.target.capabilities.resumable:
            return None
        try:
            upload = await route.target.resume_upload(route.target_repository, session.location)
        except _NOT_CONTINUED:
            upload = None
        piece = route.target.capabilities.piece  # Which it had, whatever holds now.
        most = session.offset + max(piece, upload.chunk_minimum if upload else 0)
        if upload is None or not session.offset <= upload.offset <= min(most, route.size):
            self._log_resumed(route, None)
            self._forget(route)
            return None
        self._log_resumed(route, upload)
        return upload

    def _log_resumed(self, route: Route, upload: Upload | None) -> None:
        """Log what becomes of a session that an earlier process has left."""
        if self._key(route) in self._ours:
            return
        what = f"{route.target_repository} {short(route.digest)}"
        if upload is None:
            self._log.info(what, "its upload begins anew; the target has lost what it held")
        else:
            held, size = bytes_text(upload.offset), bytes_text(route.size)
            self._log.info(what, f"its upload goes on at {held} of {size}")

    def _key(self, route: Route) -> tuple[str, str, Digest]:
        return route.target.name, route.target_repository, route.digest

    def _keep(self, route: Route, upload: Upload) -> None:
        self._ours.add(self._key(route))
        self._journal.uploading(
            route.target.name,
            route.target_repository,
            route.digest,
            Session(upload.location, upload.offset),
        )

    def _held(self, route: Route) -> int:
        """Return how much of a blob its upload session is known to hold, in bytes."""
        session = self._journal.upload(*self._key(route))
        return session.offset if session else 0

    def _forget(self, route: Route) -> None:
        self._journal.upload_gone(route.target.name, route.target_repository, route.digest)

    def _enter(self, route: Route) -> None:
        self._gate.enter(route.source.name, route.target.name)

    def _piece(self, route: Route) -> int:
        """Return how large a piece is, in bytes; 0 where blobs go up in one request only."""
        piece = route.target.capabilities.piece
        rates = [pacer.throttle.rate for pacer in route.pacers if pacer.throttle.rate is not None]
        if not rates:
            return piece
        return min(piece, max(_SMALLEST_PIECE, min(rates) * _PIECE_SECONDS // LARGE_AT_ONCE))

    def _whole_limit(self, route: Route) -> int:
        """Return up to which size a blob goes up in one request, in bytes."""
        capabilities = route.target.capabilities
        piece = self._piece(route)
        whole = capabilities.whole_limit
        return whole if piece == capabilities.piece else min(whole, piece)


class _Cuts:
    """How often the target has cut the same large request.

    What is larger than a proxy allows (413) is often not refused but cut, because the client is
    still sending when the answer comes.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._held = 0
        self._count = 0

    def count(self, error: TransshipError, held: int) -> None:
        """Take note of what an attempt came to, and how much the target held then."""
        cut = isinstance(error, errors.ConnectionLost) and self._route.size > SMALL
        by_target = error.detail.partition(": ")[0] == self._route.target.name
        if not (cut and by_target) or held != self._held:
            self._count = 0
        self._count += cut and by_target
        self._held = held

    @property
    def are_suspicious(self) -> bool:
        """Whether it looks as if the size were the reason."""
        return self._count >= _SUSPICIOUS

    def explained(self, error: TransshipError) -> TransshipError:
        """Return the error with what may be behind it."""
        size = bytes_text(self._route.size - self._held)
        return errors.ConnectionLost(
            f"{error.detail}; {self._count} times in the same upload, with {size} to send",
            remedy="A proxy before the registry may cut requests that are larger than it allows "
            "(413): raise its body limit. Otherwise check the network between here and there.",
        )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _counted(pieces: AsyncIterator[bytes], moving: Moving) -> AsyncIterator[bytes]:
    async for piece in pieces:
        yield piece
        moving.advance(len(piece))
