"""Copies one image: its blobs, its manifests from the leaves up, its tag last.

Creates before what the plan allows to be created, and deletes what is gone at the source, so that
it can be put back.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from transship import errors
from transship.clock import Clock
from transship.concurrency import all_settled
from transship.errors import TransshipError
from transship.oci.digest import Digest, fallback_tag, short
from transship.oci.manifest import Manifest, make_index
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict, Plan
from transship.plans.pruning import origins
from transship.registry.distribution import is_stand_in
from transship.registry.registry import Registry
from transship.registry.service import Creating, Creator, TakesOptions, no_option
from transship.transfers.blobs import BlobPlacer
from transship.transfers.copies import Copy, Creation, Verdict
from transship.transfers.journal import Created, JobLog, Journal, StoredCreation
from transship.transfers.scanner import DEEPEST, fallback_entries, read_target

_EVIDENCE_SECONDS = 5.0
"""How long what was seen of the target's tag is good for; older, it is looked at again."""


class ImageCopier:
    """Carries out the copies of one job."""

    def __init__(
        self,
        places: Mapping[str, Registry],
        journal: Journal,
        placer: BlobPlacer,
        on_conflict: OnConflict,
        clock: Clock,
        replaces: Mapping[Reference, str] | None = None,
        maker: TargetCreator | None = None,
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
        self._writing = ManifestWrites()

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
            sight = await read_target(self._place(copy), copy.target)
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

    def _place(self, copy: Copy) -> Registry:
        return self._places[copy.target.registry]


def _repository(target: Reference) -> tuple[str, str]:
    return target.registry, target.repository


class ManifestWrites:
    """Which manifests are being written at the targets, and which are being looked at for that.

    Whoever waits here holds nothing that another one waits for.
    """

    def __init__(self) -> None:
        self._written: Counter[Reference] = Counter()
        self._looked_at: Counter[Reference] = Counter()
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def of(self, target: Reference, manifest: Manifest) -> AsyncIterator[None]:
        """Wait until a manifest can be written to the target's repository, and hold off others."""
        own = target.at(manifest.digest)
        named = [target.at(child.digest) for child in manifest.children]
        while own in self._looked_at or any(each in self._written for each in named):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._written[own] += 1
        self._looked_at.update(named)
        try:
            yield
        finally:
            _less(self._written, [own])
            _less(self._looked_at, named)
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)


def _less(counts: Counter[Reference], references: Iterable[Reference]) -> None:
    """Count each once less, and forget those of which there are none any more."""
    for reference in references:
        counts[reference] -= 1
        if not counts[reference]:
            del counts[reference]


_SETTLED = (Created.DONE, Created.THERE)


class TargetCreator:
    """Sees to it, for one job, that what repositories are in is there before they are written to.

    Nothing is ever created that isn't in the job's journal, where only what the plan allows is.
    """

    def __init__(
        self, places: Mapping[str, Registry], journal: Journal, log: JobLog, clock: Clock
    ) -> None:
        self._places = places
        self._journal = journal
        self._log = log
        self._clock = clock
        self._ready: set[tuple[str, str]] = set()
        self._making: dict[Creation, asyncio.Lock] = {}
        self._failed: dict[Creation, TransshipError] = {}

    async def ensure(self, target: Reference) -> None:
        """Return once a repository can be written to; of all that ask the first creates.

        Raises NotCreated, WrongCredential, or what may pass, to all who need it.
        """
        key = target.registry, target.repository
        if key in self._ready:
            return
        needed = self._journal.needed(*key)
        if needed is not None:
            async with self._making.setdefault(needed.creation, asyncio.Lock()):
                await self._ensure(self._journal.needed(*key) or needed)
        self._ready.add(key)

    def try_again(self) -> None:
        """Forget what failed, so that it is tried once more."""
        self._failed.clear()

    async def _ensure(self, needed: StoredCreation) -> None:
        creation = needed.creation
        if needed.state in _SETTLED:
            return
        if creation in self._failed:
            raise self._failed[creation]
        try:
            state = await self._created(creation, begun=needed.state is Created.BEGUN)
        except errors.WrongCredential as error:
            # It waits for the account, as everything else does that needs it.
            error.met_at = creation.target
            self._failed[creation] = error
            raise
        except TransshipError as error:
            failure = _failure(creation, error)
            self._failed[creation] = failure
            self._journal.creating(creation, Created.FAILED, self._clock.now(), str(error))
            raise failure from error
        self._journal.creating(creation, state, self._clock.now())
        words = "was created" if state is Created.DONE else "is there already"
        self._log.info(creation.target, f"{creation} {words}")

    async def _created(self, creation: Creation, *, begun: bool) -> Created:
        """Create it, and see that it is there; return what came of it."""
        missing = creation.missing
        creator = self._creator(creation)
        if begun and await creator.has(missing):
            return Created.DONE
        self._journal.creating(creation, Created.BEGUN, self._clock.now())
        try:
            await _create(creator, creation)
        except TransshipError:
            # What is there all the same was made by somebody else meanwhile.
            if await creator.has(missing):
                return Created.THERE
            raise
        if not await creator.has(missing):
            raise errors.UnexpectedAnswer("it was created, and isn't there after all")
        return Created.DONE

    def _creator(self, creation: Creation) -> Creator:
        place = self._places[creation.target]
        creator = place.creator() if isinstance(place, Creating) else None
        if creator is None:
            raise errors.UnexpectedAnswer("the service can't be asked to create anything")
        return creator


async def _create(creator: Creator, creation: Creation) -> None:
    if not creation.options:
        await creator.create(creation.missing, creation.visibility)
    elif isinstance(creator, TakesOptions):
        await creator.create_with(creation.missing, creation.visibility, creation.options)
    else:
        raise errors.UnexpectedAnswer(no_option(creation.missing, str(creation.options)))


def _failure(creation: Creation, error: TransshipError) -> TransshipError:
    """Return the error for all who need it. What may pass is tried again as what it is."""
    if error.retryable:
        return error
    return errors.NotCreated(f"{creation.target}: {creation}: {error}")


class TagDeleter:
    """Carries out the deletions of one job."""

    def __init__(
        self, plan: Plan, places: Mapping[str, Registry], journal: Journal, clock: Clock
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._clock = clock

    async def delete(self, copy: Copy) -> None:
        """Delete one tag, and journal that it is done. Raises why it can't be.

        What the tag points at is kept in the journal before: a registry may clear away what has no
        tag. A tag that is back at one of its sources stays, and so does one that points at
        something else by then, unless that is what a deletion that was broken off has put there.
        """
        place, tag = self._places[copy.target.registry], copy.target
        for source in dict.fromkeys((copy.source, *origins(self._plan, tag))):
            origin = self._places[source.registry]
            if await origin.head_manifest(source.repository, source.version) is not None:
                back = f"it is at the source again: {source}"
                self._journal.settled(copy, Verdict.SKIP, back, self._clock.now())
                return
        head = await place.head_manifest(tag.repository, tag.tag)
        if head is None:
            if copy.moving:
                # It may still be listed, and lead nowhere.
                await place.delete_tag(tag.repository, tag.tag)
                self._journal.done(copy, self._clock.now())
            else:
                gone = "it was gone already"
                self._journal.settled(copy, Verdict.SKIP, gone, self._clock.now())
            return
        if head.digest == copy.previous:
            self._journal.deleting(copy, await _tree(place, tag, head.digest))
        elif not (copy.moving and await is_stand_in(place, tag.repository, head.digest)):
            raise errors.TagConflict(f"{tag} points at {short(head.digest)} since it was looked at")
        await place.delete_tag(tag.repository, tag.tag)
        self._journal.done(copy, self._clock.now())


async def _tree(place: Registry, tag: Reference, digest: Digest, depth: int = 0) -> list[Manifest]:
    """Return the manifests of an image that are there, the root last."""
    root = await place.get_manifest(tag.repository, digest)
    below: list[Manifest] = []
    for child in root.children if depth < DEEPEST else ():
        try:
            below += await _tree(place, tag, child.digest, depth + 1)
        except errors.ManifestNotFound:
            continue  # An index may name more than a repository has.
    return [*below, root]
