"""Copies one image: its blobs, its manifests from the leaves up, its tag last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from transship import errors
from transship.clock import Clock
from transship.oci.digest import Digest, fallback_tag, short
from transship.oci.manifest import Manifest, make_index
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.registries.place import Place
from transship.transfers.creating import Maker
from transship.transfers.gather import all_settled
from transship.transfers.journal import Journal
from transship.transfers.looking import see_target
from transship.transfers.placing import Placer
from transship.transfers.referrers import fallback_entries
from transship.transfers.work import Copy, Verdict
from transship.transfers.writing import Writing

_EVIDENCE_SECONDS = 5.0
"""How long what was seen of the target's tag is good for; older, it is looked at again."""


class Copier:
    """Carries out the copies of one job."""

    def __init__(
        self,
        places: Mapping[str, Place],
        journal: Journal,
        placer: Placer,
        on_conflict: OnConflict,
        clock: Clock,
        replaces: Mapping[Reference, str] | None = None,
        maker: Maker | None = None,
    ) -> None:
        self._places = places
        self._journal = journal
        self._placer = placer
        self._on_conflict = on_conflict
        self._clock = clock
        self._replaces = replaces or {}
        self._maker = maker
        self._written: set[Reference] = set()
        self._locks: dict[Reference, asyncio.Lock] = {}
        self._writing = Writing()

    async def copy(self, copy: Copy) -> None:
        """Copy one image and journal that it is done. Raises why it can't be."""
        root = self._manifest(copy, copy.digest)
        if self._maker is not None:
            await self._maker.ensure(copy.target)
        try:
            await self._copy(copy, root)
        except errors.ManifestBlobUnknown:
            # What was known to be at the target isn't: its clean-up was at work. Once more, with
            # everything asked for anew.
            self._placer.forget(copy.target)
            self._written = {
                written
                for written in self._written
                if _repository(written) != _repository(copy.target)
            }
            await self._copy(copy, root)

    async def _copy(self, copy: Copy, root: Manifest) -> None:
        await self._parts(copy, root)
        if copy.target.tag and await self._settled(copy):
            return
        async with self._writing.of(copy.target, root):
            keeps_referrers = await self._place(copy).put_manifest(
                copy.target.repository, copy.target.tag or root.digest, root
            )
        if not keeps_referrers:
            await self._list_referrer(copy.target, root)
        self._written.add(copy.target.at(root.digest))
        self._journal.done(copy, self._clock.now())
        if not copy.target.tag:
            await self._journal.committed()

    async def _parts(self, copy: Copy, manifest: Manifest) -> None:
        """Bring all that a manifest names to the target: its blobs, and its children in full."""
        await all_settled(
            [
                *(
                    self._placer.ensure(copy.source, copy.target, blob.digest, blob.size)
                    for blob in manifest.blobs
                ),
                *(self._child(copy, child.digest) for child in manifest.children),
            ]
        )

    async def _child(self, copy: Copy, digest: Digest) -> None:
        """Write a child by its digest, once: several indexes may name it."""
        child = copy.target.at(digest)
        async with self._lock(child):
            if child in self._written:
                return
            manifest = self._manifest(copy, digest)
            await self._parts(copy, manifest)
            async with self._writing.of(child, manifest):
                await self._place(copy).put_manifest(child.repository, digest, manifest)
            self._written.add(child)

    async def _settled(self, copy: Copy) -> bool:
        """Keep what the tag points at, right before it is moved; tell whether that is needless.

        The target may have changed since it was looked at. What the operator said about a tag
        with another digest holds for what it points at now.
        """
        now = self._clock.now()
        current, unseen = copy.previous, False
        expected = self._replaces.get(copy.target)
        old = copy.seen_at is None or now - copy.seen_at > _EVIDENCE_SECONDS
        if old or expected is not None:
            sight = await see_target(self._place(copy), copy.target)
            current = sight.head.digest if sight.head else None
            unseen = sight.hidden
        if current == copy.digest:
            if copy.moving:
                self._journal.done(copy, now)
            else:
                self._journal.settled(copy, Verdict.SAME, "it came there meanwhile", now)
            return True
        if unseen and (expected is not None or self._on_conflict is not OnConflict.OVERWRITE):
            raise errors.NoRight(f"{copy.target}: it isn't told what the tag points at now")
        if self._may_move(current, expected):
            self._journal.moving(copy, current, unseen=unseen)
            await self._journal.committed()
            return False
        was = f"{copy.target}: the target has {short(current) if current else 'no such tag'} now"
        if self._on_conflict is not OnConflict.SKIP:
            raise errors.TagConflict(was)
        self._journal.settled(copy, Verdict.SKIP, f"{was}, and is left as it is", now)
        return True

    def _may_move(self, current: Digest | None, expected: str | None) -> bool:
        """Tell whether a tag that points at `current` may be moved."""
        if expected is not None:
            return (current or "") == expected
        return current is None or self._on_conflict is OnConflict.OVERWRITE

    async def _list_referrer(self, target: Reference, referrer: Manifest) -> None:
        """Add a referrer to the list under the fallback tag of its subject.

        Distribution spec, "Pushing Manifests with Subject": the client keeps the list where the
        registry doesn't. Where the job copies that list as a tag, it comes whole by itself.
        """
        if referrer.subject is None:
            return
        subject = referrer.subject.digest
        where = target.at(fallback_tag(subject))
        if self._journal.has_target(where):
            return
        place = self._places[target.registry]
        async with self._lock(where):
            entries = await fallback_entries(place, target.repository, subject)
            if all(entry.digest != referrer.digest for entry in entries):
                index = make_index([*entries, referrer.descriptor()])
                async with self._writing.of(target, index):
                    await place.put_manifest(target.repository, where.tag, index)

    def _lock(self, target: Reference) -> asyncio.Lock:
        """Return what is held by who writes here."""
        return self._locks.setdefault(target, asyncio.Lock())

    def _manifest(self, copy: Copy, digest: Digest | None) -> Manifest:
        manifest = self._journal.manifest(digest) if digest else None
        if manifest is None:
            raise errors.SourceMoved(f"{copy.source}: {digest} isn't in the job's journal")
        return manifest

    def _place(self, copy: Copy) -> Place:
        return self._places[copy.target.registry]


def _repository(target: Reference) -> tuple[str, str]:
    return target.registry, target.repository
