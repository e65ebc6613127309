"""Brings each blob to the repositories that need it: sent once per target, mounted elsewhere.

Reads it to its end over lost connections, moves its bytes into an upload session, and checks its
digest on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from transship import errors
from transship.clock import Clock
from transship.concurrency import both
from transship.errors import TransshipError
from transship.oci.digest import Digest, Hasher, check, check_bytes, hasher, short
from transship.oci.reference import Reference
from transship.registry.http.rate_limiter import (
    RateLimitedRegistry,
    RateLimiter,
    RetryPolicy,
    RetryState,
)
from transship.registry.registry import MEBIBYTE, ReadsWhole, Registry, Upload
from transship.text import bytes_text
from transship.transfers.journal import JobLog, Journal, StoredSession
from transship.transfers.lanes import LARGE_AT_ONCE, SMALL, Deferred, Gate, Lanes, Moving, Paused

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
class BlobRoute:
    """Where one blob comes from and where it goes. `size` is in bytes."""

    source: Registry
    source_repository: str
    target: Registry
    target_repository: str
    digest: Digest
    size: int

    @property
    def pacers(self) -> list[RateLimiter]:
        """How fast both ends are asked."""
        return [
            place.pacer
            for place in (self.source, self.target)
            if isinstance(place, RateLimitedRegistry)
        ]


Start = Callable[[], Coroutine[Any, Any, Upload | None]]
"""Starts an upload session at the target; None when the blob turns out to be there."""


class BlobMover:
    """Moves blobs for one job, and keeps in its journal how far the large ones are."""

    def __init__(self, journal: Journal, gate: Gate, patience: RetryPolicy, clock: Clock) -> None:
        self._journal = journal
        self._gate = gate
        self._patience = patience
        self._clock = clock
        self._log = JobLog(journal, clock)
        self._ours: set[tuple[str, str, Digest]] = set()
        """The blobs whose upload sessions were used since this mover is at work."""

    async def move(self, route: BlobRoute, start: Start, moving: Moving) -> bool:
        """Move one blob; return whether bytes were sent, or it was there after all.

        Tries again where that may help, from the last piece that the target holds if it can be
        continued, else from the beginning. Raises Paused after a piece when the job pauses.
        """
        retrying: RetryState | None = None
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
                    retrying = RetryState(self._patience, self._clock, reached=True)
                cuts.count(error, self._held(route))
                pause = retrying.pause_after(error)
                if pause is None and cuts.are_suspicious:
                    raise cuts.explained(error) from error
                if pause is None:
                    raise
            self._enter(route)
            await self._clock.sleep(pause)
            self._enter(route)

    async def _attempt(self, route: BlobRoute, start: Start, moving: Moving) -> bool:
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

    async def _send_small(
        self, route: BlobRoute, data: bytes, upload: Upload, moving: Moving
    ) -> None:
        moving.restart_at(0)
        if route.target.capabilities.whole_limit == 0 and data:
            await upload.append(len(data), _counted(_once(data), moving))
            await upload.finish(route.digest)
        else:
            await upload.put_small(route.digest, data)
            moving.advance(len(data))

    async def _send_pieces(
        self, route: BlobRoute, blob: SourceBlob, upload: Upload, moving: Moving
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

    async def _continued(self, route: BlobRoute) -> Upload | None:
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

    def _log_resumed(self, route: BlobRoute, upload: Upload | None) -> None:
        """Log what becomes of a session that an earlier process has left."""
        if self._key(route) in self._ours:
            return
        what = f"{route.target_repository} {short(route.digest)}"
        if upload is None:
            self._log.info(what, "its upload begins anew; the target has lost what it held")
        else:
            held, size = bytes_text(upload.offset), bytes_text(route.size)
            self._log.info(what, f"its upload goes on at {held} of {size}")

    def _key(self, route: BlobRoute) -> tuple[str, str, Digest]:
        return route.target.name, route.target_repository, route.digest

    def _keep(self, route: BlobRoute, upload: Upload) -> None:
        self._ours.add(self._key(route))
        self._journal.uploading(
            route.target.name,
            route.target_repository,
            route.digest,
            StoredSession(upload.location, upload.offset),
        )

    def _held(self, route: BlobRoute) -> int:
        """Return how much of a blob its upload session is known to hold, in bytes."""
        session = self._journal.upload(*self._key(route))
        return session.offset if session else 0

    def _forget(self, route: BlobRoute) -> None:
        self._journal.upload_gone(route.target.name, route.target_repository, route.digest)

    def _enter(self, route: BlobRoute) -> None:
        self._gate.enter(route.source.name, route.target.name)

    def _piece(self, route: BlobRoute) -> int:
        """Return how large a piece is, in bytes; 0 where blobs go up in one request only."""
        piece = route.target.capabilities.piece
        rates = [pacer.throttle.rate for pacer in route.pacers if pacer.throttle.rate is not None]
        if not rates:
            return piece
        return min(piece, max(_SMALLEST_PIECE, min(rates) * _PIECE_SECONDS // LARGE_AT_ONCE))

    def _whole_limit(self, route: BlobRoute) -> int:
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

    def __init__(self, route: BlobRoute) -> None:
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


_MOST_WHOLE = 2 * MEBIBYTE
"""What is read of a blob that should be small, in bytes."""


class SourceBlob:
    """A blob at its source, read piece by piece from one stream.

    A lost connection is opened again where it was lost, so that whoever sends the bytes on
    doesn't notice. Bytes are hashed in the order of the blob; the last of them are given out only
    when the digest is right, so that wrong bytes can never complete an upload.
    """

    def __init__(
        self,
        place: Registry,
        repository: str,
        digest: Digest,
        size: int,
        *,
        patience: RetryPolicy,
        clock: Clock,
    ) -> None:
        self._place = place
        self._repository = repository
        self._digest = digest
        self._size = size
        self._patience = patience
        self._clock = clock
        self._hashed: Hasher | None = hasher(digest)
        self._offset = 0
        self._left_over = b""
        self._stream: AsyncGenerator[bytes, None] | None = None

    def begin_at(self, offset: int) -> None:
        """Read from `offset` on.

        The bytes before were hashed by a process that is gone, so from an offset that isn't 0 it
        is the target's own check of the digest that decides.
        """
        self._offset = offset
        self._hashed = hasher(self._digest) if offset == 0 else None
        self._left_over = b""

    async def take(self, size: int) -> AsyncIterator[bytes]:
        """Give the next `size` bytes of the blob."""
        end = self._offset + size
        if self._stream is None:
            self._stream = self._pieces()
        while self._offset < end:
            piece = self._left_over or await self._next()
            wanted = end - self._offset
            self._left_over = piece[wanted:]
            piece = piece[:wanted] if self._left_over else piece
            if self._hashed is not None:
                self._hashed.update(piece)
            self._offset += len(piece)
            if self._offset == self._size and self._hashed is not None:
                check(self._digest, self._hashed, self._where)
            yield piece

    async def whole(self) -> bytes:
        """Read the whole blob, which is small."""
        if isinstance(self._place, ReadsWhole):
            data = await self._place.whole_blob(self._repository, self._digest, _MOST_WHOLE)
            self._check_size(len(data))
            check_bytes(self._digest, data, self._where)
            return data
        self.begin_at(0)
        if self._size == 0:
            check(self._digest, hasher(self._digest), self._where)
        return b"".join([piece async for piece in self.take(self._size)])

    async def aclose(self) -> None:
        """Close the stream."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    @property
    def _where(self) -> str:
        return f"{self._place.name}/{self._repository}"

    async def _next(self) -> bytes:
        assert self._stream is not None
        try:
            return await anext(self._stream)
        except StopAsyncIteration:
            raise errors.DigestMismatch(
                f"{self._digest} from {self._where} ends after {self._offset} of {self._size} bytes"
            ) from None

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """Give the bytes from the current offset on, over lost connections."""
        position = self._offset
        retrying = RetryState(self._patience, self._clock, reached=True)
        while position < self._size:
            began = position
            try:
                async with aclosing(self._from(position)) as pieces:
                    async for piece in pieces:
                        position += len(piece)
                        yield piece
                return
            except TransshipError as error:
                if position > began:
                    retrying = RetryState(self._patience, self._clock, reached=True)
                pause = retrying.pause_after(error)
                if pause is None:
                    raise
                await self._clock.sleep(pause)

    async def _from(self, position: int) -> AsyncGenerator[bytes, None]:
        async with self._place.read_blob(self._repository, self._digest, position) as blob:
            self._check_size(blob.size)
            skip = position - blob.offset
            async for piece in blob:
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                yield piece[skip:] if skip else piece
                skip = 0

    def _check_size(self, size: int) -> None:
        if size != self._size:
            raise errors.InvalidManifest(
                f"{self._digest} has {size} bytes at {self._where}, the manifest says {self._size}"
            )


@dataclass(slots=True)
class _Whereabouts:
    """What is known of one blob at one target."""

    repositories: dict[str, None] = field(default_factory=dict)
    """The repositories that have it, in the order in which they came to it."""

    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by who brings it to its first repository; the others wait, then mount."""

    placing: dict[str, asyncio.Lock] = field(default_factory=dict)
    """Held, by repository, by who brings it there; who asks as well waits and finds it."""


class BlobPlacer:
    """Knows, for one job, which repository at which target has which blob, and sees to the rest."""

    def __init__(
        self,
        places: Mapping[str, Registry],
        journal: Journal,
        lanes: Lanes,
        mover: BlobMover,
        new_repositories: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self._places = places
        self._journal = journal
        self._lanes = lanes
        self._mover = mover
        self._new = new_repositories
        self._mounting: set[str] = set()
        self._blobs: dict[tuple[str, Digest], _Whereabouts] = {}
        for target, repository, digest in journal.placements():
            self._whereabouts(target, digest).repositories[repository] = None

    async def ensure(self, source: Reference, target: Reference, digest: Digest, size: int) -> None:
        """Return once the target's repository has the blob.

        It is read from `source`'s repository if it must be. Of all that ask for the same blob at
        a target the first sends it; the others wait for that and mount it.
        """
        known = self._whereabouts(target.registry, digest)
        repository = target.repository
        if repository in known.repositories:
            return
        async with known.placing.setdefault(repository, asyncio.Lock()):
            if repository in known.repositories:
                return
            if not known.repositories:
                async with known.sending:
                    if not known.repositories:
                        await self._place(source, target, digest, size, known)
                        return
            await self._place(source, target, digest, size, known)

    def forget(self, target: Reference) -> None:
        """No longer believe what was known of a repository: the target says that it isn't so."""
        self._journal.forget_placements(target.registry, target.repository)
        for (registry, _), known in self._blobs.items():
            if registry == target.registry:
                known.repositories.pop(target.repository, None)

    async def _place(
        self, source: Reference, target: Reference, digest: Digest, size: int, known: _Whereabouts
    ) -> None:
        self._lanes.gate.enter(source.registry, target.registry)
        origin, place = self._places[source.registry], self._places[target.registry]
        repository = target.repository
        ready, outcome = await self._begin(source, target, digest, size, known)
        if not outcome:

            async def start() -> Upload | None:
                nonlocal ready
                upload, ready = ready, None
                return upload or await place.start_upload(repository, digest)

            route = BlobRoute(origin, source.repository, place, repository, digest, size)
            try:
                async with self._lanes.lane(
                    f"{repository} {short(digest)}",
                    size,
                    target=target.registry,
                    digest=digest,
                    between=(origin, place),
                ) as moving:
                    sent = await self._mover.move(route, start, moving)
            except Paused:
                if ready is not None:
                    await ready.cancel()
                raise
            outcome = "sent" if sent else "there"
        self._journal.placed(target.registry, repository, digest, outcome=outcome)
        known.repositories[repository] = None

    async def _begin(
        self,
        source: Reference,
        target: Reference,
        digest: Digest,
        size: int,
        known: _Whereabouts,
    ) -> tuple[Upload | None, str]:
        """Mount the blob, or find it there: return the outcome, else an upload if one was begun.

        One request is existence check, mount and the start of an upload: mounting from the
        repository itself answers whether it has the blob.
        """
        place, repository = self._places[target.registry], target.repository
        if self._journal.upload(target.registry, repository, digest) is not None:
            return None, ""  # It has begun already, and is continued.
        within = source.registry == target.registry
        if not known.repositories and not within and (target.registry, repository) in self._new:
            return None, ""
        # The last one that came to it, so that one where it is gone meanwhile is asked only once.
        first = source.repository if within else repository
        mount_from = next(reversed(known.repositories), first)
        upload = await place.start_upload(repository, digest, mount_from=mount_from)
        if upload is None:
            self._mounting.add(target.registry)
            return None, "there" if mount_from == repository else "mounted"
        # A registry that never mounts doesn't say by this that it lacks the blob.
        doubtful = size > SMALL and target.registry not in self._mounting
        if doubtful and await place.blob_size(repository, digest) is not None:
            await upload.cancel()
            return None, "there"
        return upload, ""

    def _whereabouts(self, target: str, digest: Digest) -> _Whereabouts:
        return self._blobs.setdefault((target, digest), _Whereabouts())
