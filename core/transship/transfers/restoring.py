"""Restores one tag: brings what it pointed at, looks at it once more, then writes or deletes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Descriptor, Manifest, make_index
from transship.oci.reference import Reference
from transship.registries.pacing import INTERACTIVE
from transship.registries.place import Place
from transship.text import counted
from transship.transfers.gather import each
from transship.transfers.journal import Journal
from transship.transfers.lanes import Lanes
from transship.transfers.mover import Mover
from transship.transfers.placing import Placer
from transship.transfers.restores import Act, Restore, list_without

_ABSENT = (errors.ManifestNotFound, errors.RepositoryNotFound)


class Restorer:
    """Restores the tags of one job.

    `places` has the targets, and the sources that can be reached. `sources` are, by the target's
    repository, the repositories that may still have what the target has cleared away.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        sources: Mapping[Reference, Iterable[Reference]],
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._places = places
        self._sources = sources
        self._journal = journal
        lanes = Lanes(clock)
        self._placer = Placer(
            places, journal, lanes, Mover(journal, lanes.gate, INTERACTIVE, clock)
        )
        self._forgotten: set[Reference] = set()
        self._whole: dict[Reference, Manifest] = {}
        self._blobs: set[Reference] = set()
        self._held: dict[Reference, asyncio.Lock] = {}

    async def restore(self, restore: Restore) -> Restore:
        """Restore one tag; return what was done, which is less where somebody was faster.

        Raises RestoreFailed where what it pointed at is nowhere, DeletionRefused, and what else
        stands in the way. The tag is then as it was.
        """
        if restore.act is Act.UNLIST:
            return await self._unlist(restore)
        place, tag = self._places[restore.tag.registry], restore.tag
        manifest = await self._manifest(tag, restore.previous) if restore.previous else None
        head = await place.head_manifest(tag.repository, tag.tag)
        now = head.digest if head else None
        if now != restore.now:
            act = Act.ALREADY if now == restore.previous else Act.MOVED
            return replace(restore, act=act, now=now)
        if manifest is None:
            await place.delete_tag(tag.repository, tag.tag)
        else:
            await place.put_manifest(tag.repository, tag.tag, manifest)
        return restore

    async def _unlist(self, restore: Restore) -> Restore:
        """Take the job's referrers off a list, as it is by now.

        Where nothing can be deleted, an empty list says the same.
        """
        place, tag = self._places[restore.tag.registry], restore.tag
        gone = frozenset(restore.listed)
        try:
            now = await place.get_manifest(tag.repository, tag.tag)
        except _ABSENT:
            return replace(restore, act=Act.ALREADY, now=None)
        if gone.isdisjoint(entry.digest for entry in now.entries):
            return replace(restore, act=Act.ALREADY, now=now.digest)
        rest = list_without(now, gone)
        if rest is None:
            try:
                await place.delete_tag(tag.repository, tag.tag)
            except errors.DeletionRefused:
                rest = make_index(())
        if rest is not None:
            await place.put_manifest(tag.repository, tag.tag, rest)
        return replace(restore, now=now.digest, previous=rest.digest if rest else None)

    async def _manifest(self, tag: Reference, digest: Digest) -> Manifest:
        """Return a manifest that can be written: all that it names is in the tag's repository."""
        at = tag.at(digest)
        async with self._held.setdefault(at, asyncio.Lock()):
            if at not in self._whole:
                manifest = await self._found(tag, digest)
                await each(self._child(tag, child.digest) for child in manifest.children)
                await self._bring(tag, manifest.blobs)
                self._whole[at] = manifest
            return self._whole[at]

    async def _child(self, tag: Reference, digest: Digest) -> None:
        manifest = await self._manifest(tag, digest)
        place = self._places[tag.registry]
        if await place.head_manifest(tag.repository, digest) is None:
            await place.put_manifest(tag.repository, digest, manifest)

    async def _found(self, tag: Reference, digest: Digest) -> Manifest:
        """Return a manifest from where it can be had: the target, the journal, a source."""
        for where in (tag, *self._sources_of(tag)):
            try:
                return await self._places[where.registry].get_manifest(where.repository, digest)
            except _ABSENT:
                kept = self._journal.kept(digest)
                if kept is not None:
                    return kept
            except TransshipError:
                if where is tag:
                    raise
        raise errors.RestoreFailed(
            f"{tag}: {digest} is gone from the registry, and no source has it"
        )

    async def _bring(self, tag: Reference, blobs: Iterable[Descriptor]) -> None:
        """See to it that the tag's repository has the blobs. Raises RestoreFailed, naming all."""
        asked = [blob for blob in blobs if tag.at(blob.digest) not in self._blobs]
        lacking = [digest for digest in await each(self._lacks(tag, b) for b in asked) if digest]
        if lacking:
            what = counted(len(lacking), "blob")
            raise errors.RestoreFailed(
                f"{tag}: the registry has cleared away {what}, and no source has "
                f"{'it' if len(lacking) == 1 else 'them'}: {', '.join(lacking)}"
            )

    async def _lacks(self, tag: Reference, blob: Descriptor) -> Digest | None:
        """Return the digest of a blob that can't be had, or None if it is there now."""
        at = tag.at(blob.digest)
        async with self._held.setdefault(at, asyncio.Lock()):
            if at in self._blobs:
                return None
            place = self._places[tag.registry]
            if await place.blob_size(tag.repository, blob.digest) is None:
                source = await self._source_of(tag, blob.digest)
                if source is None:
                    return blob.digest
                self._forget(tag)
                await self._placer.ensure(source, tag, blob.digest, blob.size)
            self._blobs.add(at)
            return None

    async def _source_of(self, tag: Reference, digest: Digest) -> Reference | None:
        """Return a repository that has a blob. One that can't be asked hasn't."""
        for source in self._sources_of(tag):
            try:
                if await self._places[source.registry].blob_size(source.repository, digest):
                    return source
            except TransshipError:
                continue
        return None

    def _sources_of(self, tag: Reference) -> list[Reference]:
        repository = Reference(tag.registry, tag.repository)
        sources = self._sources.get(repository, ())
        return [s for s in sources if s != repository and s.registry in self._places]

    def _forget(self, tag: Reference) -> None:
        """No longer believe the job, once, of what a repository has: it has lost something."""
        repository = Reference(tag.registry, tag.repository)
        if repository not in self._forgotten:
            self._forgotten.add(repository)
            self._placer.forget(repository)
