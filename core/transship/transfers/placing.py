"""Brings each blob to the repositories that need it: sent once per target, mounted elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from transship.oci.digest import Digest, short
from transship.oci.reference import Reference
from transship.registries.place import Place, Upload
from transship.transfers.journal import Journal
from transship.transfers.lanes import Lanes
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
        place = self._places[target.registry]
        mount_from = self._mount_from(target, known)

        async def start() -> Upload | None:
            return await place.start_upload(target.repository, digest, mount_from=mount_from)

        upload = None
        if mount_from is not None:
            upload = await start()
            if upload is None:
                outcome = "there" if mount_from == target.repository else "mounted"
                self._now_there(target, digest, known, outcome)
                return
        first = upload

        async def take_or_start() -> Upload | None:
            nonlocal first
            ready, first = first, None
            return ready or await start()

        route = Route(
            self._places[source.registry], source.repository, place, target.repository, digest, size
        )
        async with self._lanes.lane(f"{target.repository} {short(digest)}", size) as moving:
            sent = await self._mover.move(route, take_or_start, moving)
        self._now_there(target, digest, known, "sent" if sent else "there")

    def _mount_from(self, target: Reference, known: _Whereabouts) -> str | None:
        """Return the repository to mount from, or the same one, which asks whether it is there."""
        if known.repositories:
            return next(iter(known.repositories))
        if (target.registry, target.repository) in self._new:
            return None
        return target.repository

    def _now_there(
        self, target: Reference, digest: Digest, known: _Whereabouts, outcome: str
    ) -> None:
        self._journal.placed(target.registry, target.repository, digest, outcome=outcome)
        known.repositories[target.repository] = None

    def _whereabouts(self, target: str, digest: Digest) -> _Whereabouts:
        return self._blobs.setdefault((target, digest), _Whereabouts())
