"""Brings each blob to the repositories that need it: sent once per target, mounted elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from transship.oci.digest import Digest, short
from transship.oci.reference import Reference
from transship.registries.place import Place, Upload
from transship.transfers.journal import Journal
from transship.transfers.lanes import SMALL, Lanes, Paused
from transship.transfers.mover import Mover, Route


@dataclass(slots=True)
class _Whereabouts:
    """What is known of one blob at one target."""

    repositories: dict[str, None] = field(default_factory=dict)
    """The repositories that have it, in the order in which they came to it."""

    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by who brings it to its first repository; the others wait, then mount."""

    placing: dict[str, asyncio.Lock] = field(default_factory=dict)
    """Held, by repository, by who brings it there; who asks as well waits and finds it."""


class Placer:
    """Knows, for one job, which repository at which target has which blob, and sees to the rest."""

    def __init__(
        self,
        places: Mapping[str, Place],
        journal: Journal,
        lanes: Lanes,
        mover: Mover,
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

            route = Route(origin, source.repository, place, repository, digest, size)
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
