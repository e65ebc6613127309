"""What is where, by digest. Reads both sides at once and judges nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest, fallback_tag, is_digest, short
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.media_types import INDEXES
from transship.oci.reference import Reference
from transship.plans.plan import Plan, Wanted
from transship.registries.place import ManifestHead, Place
from transship.transfers.gather import both, each
from transship.transfers.platforms import chosen
from transship.transfers.referrers import cosign_tags, fallback_entries, listed, names_subjects
from transship.transfers.work import PLACE_WIDE, Found

AT_ONCE = 48
"""How many tags are looked at at a time."""

_DEEPEST = 8  # Signatures of signatures end somewhere; a circle of subjects must too.


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was found for a plan, in the order of the plan and of the tags' names.

    `new_repositories` are those that the target doesn't have at all, by place and name.
    """

    found: tuple[Found, ...]
    new_repositories: frozenset[tuple[str, str]]


@dataclass(slots=True)
class Progress:
    """How far the inventory is, for who watches it."""

    repositories: int = 0
    found: int = 0


async def take_inventory(
    plan: Plan, places: Mapping[str, Place], clock: Clock, progress: Progress | None = None
) -> Inventory:
    """Look at everything that a plan names, at its source and at its target.

    A problem with one tag or one repository is kept with it. Raises what is wrong with a whole
    place, and ManifestNotFound when there is nothing at all to be copied.
    """
    taking = _Taking(plan, places, clock, progress or Progress())
    lines = await each(taking.wanted(wanted) for wanted in plan.copies)
    found = [item for line in lines for item in line]
    if not found:
        sources = ", ".join(str(wanted.source) for wanted in plan.copies[:3])
        raise errors.ManifestNotFound(f"{sources}: there are no tags")
    return Inventory(tuple(found), frozenset(taking.new_repositories))


async def target_head(place: Place, target: Reference) -> ManifestHead | None:
    """Return what a target points at now, None where there is nothing to be seen.

    Some services hide a missing repository behind a refusal. Writing will tell.
    """
    try:
        return await place.head_manifest(target.repository, target.version)
    except (errors.NoRight, errors.SignInNeeded):
        return None


@dataclass(slots=True)
class _Taking:
    plan: Plan
    places: Mapping[str, Place]
    clock: Clock
    progress: Progress
    new_repositories: set[tuple[str, str]] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _tags: dict[Reference, frozenset[str]] = field(default_factory=dict)
    _listing: dict[Reference, asyncio.Lock] = field(default_factory=dict)
    _manifests: dict[Reference, Manifest] = field(default_factory=dict)
    _claimed: set[Reference] = field(default_factory=set)
    _subjects_seen: set[tuple[Reference, Reference]] = field(default_factory=set)

    async def wanted(self, wanted: Wanted) -> list[Found]:
        """Return what is there for one line of the plan, and what refers to it."""
        found: list[Found] = []
        for pair in [pair async for pair in self._repositories(wanted)]:
            self.progress.repositories += 1
            found += await self._repository(pair)
        return found

    async def _repositories(self, wanted: Wanted) -> AsyncIterator[Wanted]:
        """Give each repository of a layout that is meant as a whole, or the one that is named."""
        if wanted.source.repository or wanted.source.version:
            yield wanted
            return
        prefix = wanted.target.repository
        async for name in self.places[wanted.source.registry].repositories():
            target = "/".join(part for part in (prefix, name) if part)
            yield Wanted(
                replace(wanted.source, repository=name), replace(wanted.target, repository=target)
            )

    async def _repository(self, wanted: Wanted) -> list[Found]:
        if wanted.source.version:
            self._claim(wanted.target)
            found = [await self._version(wanted, look_at_target=True)]
        else:
            try:
                found = await self._all_tags(wanted)
            except PLACE_WIDE:
                raise
            except TransshipError as error:
                found = [Found(wanted.source, wanted.target, None, None, problem=error)]
        if self.plan.referrers:
            for referrers in await each(self._referrers(item) for item in tuple(found)):
                found += referrers
        if not wanted.source.version:
            found += await self._untagged(wanted)
        return found

    async def _untagged(self, wanted: Wanted) -> list[Found]:
        """Return what stands there without a tag, and nothing that was found has led to."""
        source, repository = self.places[wanted.source.registry], wanted.source.repository
        digests = [digest async for digest in source.untagged(repository)]
        if not self.plan.referrers:
            manifests = await each(source.get_manifest(repository, digest) for digest in digests)
            digests = [manifest.digest for manifest in manifests if manifest.subject is None]

        async def one(digest: Digest) -> Found:
            pair = Wanted(wanted.source.at(digest), wanted.target.at(digest))
            return await self._version(pair, look_at_target=True)

        return await each(one(d) for d in digests if self._claim(wanted.target.at(d)))

    async def _all_tags(self, wanted: Wanted) -> list[Found]:
        tags, at_target = await both(
            self._source_tags(wanted.source), self._target_tags(wanted.target)
        )

        async def one(tag: str) -> Found:
            pair = Wanted(wanted.source.at(tag), wanted.target.at(tag))
            return await self._version(pair, look_at_target=tag in at_target)

        return await each(one(tag) for tag in sorted(tags) if self._claim(wanted.target.at(tag)))

    async def _target_tags(self, target: Reference) -> frozenset[str]:
        """Return the target's tags, none for a repository that doesn't exist yet."""
        try:
            return frozenset(await _listed(self.places[target.registry], target.repository))
        except errors.RepositoryNotFound:
            self.new_repositories.add((target.registry, target.repository))
        except (errors.NoRight, errors.SignInNeeded):
            pass  # As with `target_head`.
        return frozenset()

    async def _version(self, wanted: Wanted, *, look_at_target: bool) -> Found:
        async with self._slots:
            try:
                found = await self._look(wanted, look_at_target=look_at_target)
            except PLACE_WIDE:
                raise
            except TransshipError as error:
                found = Found(wanted.source, wanted.target, None, None, problem=error)
            self.progress.found += 1
            return found

    async def _look(self, wanted: Wanted, *, look_at_target: bool) -> Found:
        source = self.places[wanted.source.registry]
        repository = wanted.source.repository
        digest = target_digest = None
        seen_at = None
        if look_at_target:
            head, at_target = await both(
                source.head_manifest(repository, wanted.source.version),
                target_head(self.places[wanted.target.registry], wanted.target),
            )
            seen_at = self.clock.now()
            if head is None:
                raise errors.ManifestNotFound(str(wanted.source))
            digest, target_digest = head.digest, at_target.digest if at_target else None
            if digest == target_digest:
                return Found(
                    source=wanted.source,
                    target=wanted.target,
                    digest=digest,
                    target_digest=digest,
                    media_type=head.media_type,
                    seen_at=seen_at,
                )
        root = await self._manifest(wanted.source, digest or wanted.source.version)
        choice = await chosen(root, self.plan.platforms, source, repository)
        root = choice.root
        found = Found(
            source=wanted.source,
            target=_named(wanted.target, root.digest),
            digest=root.digest,
            target_digest=target_digest,
            media_type=root.media_type,
            note=choice.note,
            seen_at=seen_at,
            children=tuple(child.digest for child in root.children),
        )
        if root.digest == target_digest:
            return found
        return replace(found, manifests=await self._tree(wanted.source, root))

    async def _manifest(self, source: Reference, version: str) -> Manifest:
        """Read a manifest at the source. What is asked for by its digest is read only once."""
        key = source.at(version)
        if key in self._manifests:
            return self._manifests[key]
        manifest = await self.places[source.registry].get_manifest(source.repository, version)
        if is_digest(version):
            self._manifests[key] = manifest
        return manifest

    async def _tree(self, source: Reference, root: Manifest) -> tuple[Manifest, ...]:
        """Read all that an index names, children before their parents and the root last."""
        ordered: dict[Digest, Manifest] = {}

        async def visit(manifest: Manifest, depth: int) -> None:
            if depth > _DEEPEST:
                raise errors.InvalidManifest(f"{root.digest}: indexes nested over {_DEEPEST} deep")
            missing = [child for child in manifest.children if child.digest not in ordered]
            for child in await each(self._manifest(source, child.digest) for child in missing):
                await visit(child, depth + 1)
            ordered[manifest.digest] = manifest

        await visit(root, 0)
        return tuple(ordered.values())

    async def _referrers(self, found: Found, depth: int = 0) -> list[Found]:
        """Return what refers to a found image, to its children, and to those in turn."""
        if found.digest is None or depth >= _DEEPEST or not self._begin(found, found.digest):
            return []
        try:
            subjects = await self._subjects(found, found.digest)
            direct = await each(self._referrers_of(found, subject) for subject in subjects)
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            return [replace(found, problem=error, manifests=(), note="its referrers")]
        referrers = [item for items in direct for item in items]
        deeper = await each(self._referrers(item, depth + 1) for item in referrers)
        return referrers + [item for items in deeper for item in items]

    def _begin(self, found: Found, subject: Digest) -> bool:
        """Tell whether nobody has looked for the referrers of this one yet: tags share images."""
        pair = found.source.at(subject), found.target.at(subject)
        first = pair not in self._subjects_seen
        self._subjects_seen.add(pair)
        return first

    async def _subjects(self, found: Found, digest: Digest) -> list[Digest]:
        """Return the digests that others may refer to: the image's, and those of its children."""
        if found.manifests:
            parts = [manifest.digest for manifest in found.manifests]
        elif found.children or found.media_type not in INDEXES:
            parts = [*found.children, digest]
        elif await self._may_have_referrers(found, digest):
            root = await self._manifest(found.source, digest)
            parts = [manifest.digest for manifest in await self._tree(found.source, root)]
        else:
            parts = [digest]
        return [part for part in parts if part == digest or self._begin(found, part)]

    async def _may_have_referrers(self, found: Found, digest: Digest) -> bool:
        source = self.places[found.source.registry]
        if await source.referrers(found.source.repository, digest) is not None:
            return True
        return names_subjects(await self._tags_beside(found.source))

    async def _referrers_of(self, found: Found, subject: Digest) -> list[Found]:
        source = self.places[found.source.registry]
        entries = await source.referrers(found.source.repository, subject)
        if entries is None:
            entries = await self._fallback(found, subject)
        tags = await self._tags_beside(found.source)
        cosign = [tag for tag in cosign_tags(subject) if tag in tags]

        async def one(version: str) -> Found:
            pair = Wanted(found.source.at(version), found.target.at(version))
            item = await self._version(pair, look_at_target=True)
            return replace(item, subject=subject) if is_digest(version) else item

        versions = [*(entry.digest for entry in entries), *cosign]
        items = await each(one(v) for v in versions if self._claim(found.target.at(v)))
        return await self._with_listing(items, subject)

    async def _with_listing(self, items: list[Found], subject: Digest) -> list[Found]:
        """See whether the target lists the referrers that it has: unlisted, nobody finds them."""
        there = {
            item.digest for item in items if item.subject and item.digest == item.target_digest
        }
        if not there:
            return items
        target = items[0].target
        there -= await listed(self.places[target.registry], target.repository, subject)

        async def looked_up(item: Found) -> Found:
            if item.digest is None or item.digest not in there:
                return item
            root = await self._manifest(item.source, item.digest)
            return replace(
                item,
                listed=False,
                manifests=await self._tree(item.source, root),
                note=f"the target doesn't list it among the referrers of {short(subject)}",
            )

        return await each(looked_up(item) for item in items)

    async def _fallback(self, found: Found, subject: Digest) -> tuple[Descriptor, ...]:
        """Return what stands under the fallback tag, unless that is copied as a tag anyway."""
        tag = fallback_tag(subject)
        tags = await self._tags_beside(found.source)
        if tag not in tags or found.target.at(tag) in self._claimed:
            return ()
        source = self.places[found.source.registry]
        return await fallback_entries(source, found.source.repository, subject)

    async def _tags_beside(self, source: Reference) -> frozenset[str]:
        """Return the tags of the source's repository: none where all is known by digest only."""
        try:
            return await self._source_tags(source)
        except errors.RepositoryNotFound:
            return frozenset()

    async def _source_tags(self, source: Reference) -> frozenset[str]:
        """Return all tags of the source's repository, listed once for the whole plan."""
        key = Reference(source.registry, source.repository)
        async with self._listing.setdefault(key, asyncio.Lock()):
            if key not in self._tags:
                place = self.places[source.registry]
                self._tags[key] = frozenset(await _listed(place, source.repository))
            return self._tags[key]

    def _claim(self, target: Reference) -> bool:
        """Take a target for one finding; tell whether it was free."""
        free = target not in self._claimed
        self._claimed.add(target)
        return free


async def _listed(place: Place, repository: str) -> list[str]:
    return [tag async for tag in place.tags(repository)]


def _named(target: Reference, digest: Digest) -> Reference:
    """Return where the content goes: a target named by digest takes that of what is written."""
    return replace(target, digest=digest) if target.digest else target
