"""Looks at one thing at a time, at its source and at its target, and remembers what it read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.artifact import Artifact, artifact_of
from transship.oci.digest import Digest, is_digest
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.reference import Reference
from transship.plans.plan import Terms, Wanted
from transship.registries.place import ManifestHead, Place
from transship.transfers.gather import both, each
from transship.transfers.platforms import chosen
from transship.transfers.trusted import Trusted
from transship.transfers.work import PLACE_WIDE, Found

AT_ONCE = 64
"""How many tags are looked at at a time."""

DEEPEST = 8
"""Signatures of signatures end somewhere; a circle of subjects must too."""


@dataclass(slots=True)
class Progress:
    """How far the inventory is, for who watches it."""

    repositories: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class TargetSight:
    """What a target was seen to point at: `head` is None where there is nothing to be seen.

    `hidden` says that the place refuses to tell: there may be anything, or nothing.
    """

    head: ManifestHead | None
    hidden: bool = False


async def see_target(place: Place, target: Reference) -> TargetSight:
    """Look at what a target points at now.

    Some services hide a missing repository behind a refusal. Writing will tell.
    """
    try:
        return TargetSight(await place.head_manifest(target.repository, target.version))
    except (errors.NoRight, errors.SignInNeeded):
        return TargetSight(None, hidden=True)


async def target_head(place: Place, target: Reference) -> ManifestHead | None:
    """Return what a target points at now, None where there is nothing to be seen."""
    return (await see_target(place, target)).head


@dataclass(slots=True)
class Looking:
    """What is known so far of both sides. Shared by all that look for the same plan.

    With `try_refused` the targets are asked also for names that their services aren't known to
    have. What is `trusted` of them isn't asked for, as long as the source has the same.
    """

    places: Mapping[str, Place]
    clock: Clock
    progress: Progress
    try_refused: bool = False
    trusted: Trusted = field(default_factory=Trusted)
    new_repositories: set[tuple[str, str]] = field(default_factory=set)
    """Repositories that a target doesn't have at all, by place and name."""

    slot: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    """Held while one thing is looked at."""

    _tags: dict[Reference, frozenset[str]] = field(default_factory=dict)
    _listing: dict[Reference, asyncio.Lock] = field(default_factory=dict)
    _manifests: dict[tuple[str, str], dict[str, Manifest]] = field(default_factory=dict)
    _claimed: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    async def version(
        self,
        wanted: Wanted,
        terms: Terms,
        *,
        at_target: bool = True,
        listed: Descriptor | None = None,
    ) -> Found:
        """Return what a tag or digest is at the source and, if `at_target`, at the target.

        What the source has just `listed` with its digest isn't asked for there once more, unless
        it is to be read. A problem with it is kept with it. Raises what is wrong with a whole
        place.
        """
        async with self.slot:
            try:
                found = await self._look(wanted, terms, listed, at_target=at_target)
            except PLACE_WIDE:
                raise
            except TransshipError as error:
                found = Found(wanted.source, wanted.target, None, None, problem=error)
            self.progress.found += 1
            return found

    async def manifest(self, source: Reference, version: str) -> Manifest:
        """Read a manifest at the source. What is asked for by its digest is read only once."""
        known = self._manifests.setdefault((source.registry, source.repository), {})
        if version in known:
            return known[version]
        manifest = await self.places[source.registry].get_manifest(source.repository, version)
        if is_digest(version):
            known[version] = manifest
        return manifest

    def forget(self, source: Reference) -> None:
        """Let go of the tags and manifests of one repository: nobody asks for them again."""
        self._manifests.pop((source.registry, source.repository), None)
        self._tags.pop(source, None)
        self._listing.pop(source, None)

    async def tree(self, source: Reference, root: Manifest) -> tuple[Manifest, ...]:
        """Read all that an index names, children before their parents and the root last."""
        ordered: dict[Digest, Manifest] = {}

        async def visit(manifest: Manifest, depth: int) -> None:
            if depth > DEEPEST:
                raise errors.InvalidManifest(f"{root.digest}: indexes nested over {DEEPEST} deep")
            missing = [child for child in manifest.children if child.digest not in ordered]
            for child in await each(self.manifest(source, child.digest) for child in missing):
                await visit(child, depth + 1)
            ordered[manifest.digest] = manifest

        await visit(root, 0)
        return tuple(ordered.values())

    async def source_tags(self, source: Reference) -> frozenset[str]:
        """Return all tags of the source's repository, listed once. Raises RepositoryNotFound."""
        return await self._listed(source)

    async def target_tags(self, target: Reference) -> frozenset[str]:
        """Return the target's tags, none for a repository that doesn't exist yet."""
        known = self.known_tags(target)
        if known is not None:
            return known
        try:
            return await self._listed(target)
        except errors.RepositoryNotFound:
            self.new_repositories.add((target.registry, target.repository))
        except (errors.NoRight, errors.SignInNeeded):
            pass  # As with `see_target`.
        return frozenset()

    def known_tags(self, target: Reference) -> frozenset[str] | None:
        """Return the target's tags if they were listed, without asking."""
        if (target.registry, target.repository) in self.new_repositories:
            return frozenset()
        return self._tags.get(Reference(target.registry, target.repository))

    def claim(self, target: Reference) -> bool:
        """Take a target for one finding; tell whether it was free."""
        claimed = self._claimed.setdefault((target.registry, target.repository), set())
        version = _version(target)
        free = version not in claimed
        claimed.add(version)
        return free

    def is_claimed(self, target: Reference) -> bool:
        """Tell whether a target is taken."""
        claimed = self._claimed.get((target.registry, target.repository), ())
        return _version(target) in claimed

    def check_name(self, target: Reference) -> None:
        """Check that a target can have a repository of this name. Raises PathRefused."""
        refusal = self.places[target.registry].capabilities.refusal(target.repository)
        if refusal and not self.try_refused:
            raise errors.PathRefused(refusal)

    async def _listed(self, where: Reference) -> frozenset[str]:
        key = Reference(where.registry, where.repository)
        async with self._listing.setdefault(key, asyncio.Lock()):
            if key not in self._tags:
                tags = self.places[where.registry].tags(where.repository)
                self._tags[key] = frozenset([tag async for tag in tags])
            return self._tags[key]

    async def _look(
        self, wanted: Wanted, terms: Terms, listed: Descriptor | None, *, at_target: bool
    ) -> Found:
        digest: Digest | None = None
        target_digest = seen_at = None
        self.check_name(wanted.target)
        if at_target:
            believed = self.trusted.digest(wanted.target)
            head: ManifestHead | Descriptor
            if believed is not None:
                head = await self._head(wanted.source)
                if head.digest == believed:
                    return _trusted(wanted, head)
                sight = await self._see(wanted.target)
            elif listed is not None:
                head, sight = listed, await self._see(wanted.target)
            else:
                head, sight = await both(self._head(wanted.source), self._see(wanted.target))
            seen_at = None if sight.hidden else self.clock.now()
            digest, target_digest = head.digest, sight.head.digest if sight.head else None
            if digest == target_digest:
                return Found(
                    source=wanted.source,
                    target=wanted.target,
                    digest=digest,
                    target_digest=digest,
                    media_type=head.media_type,
                    seen_at=seen_at,
                )
        root = await self.manifest(wanted.source, digest or wanted.source.version)
        found = Found(
            source=wanted.source,
            target=_named(wanted.target, root.digest),
            digest=root.digest,
            target_digest=target_digest,
            media_type=root.media_type,
            seen_at=seen_at,
            children=tuple(child.digest for child in root.children),
        )
        if terms.artifacts and (kind := artifact_of(root)) not in terms.artifacts:
            return replace(found, unwanted=_not_asked_for(kind))
        return await self._as_chosen(found, root, terms)

    async def _head(self, source: Reference) -> ManifestHead:
        """Return what the source points at. Raises ManifestNotFound."""
        place = self.places[source.registry]
        head = await place.head_manifest(source.repository, source.version)
        if head is None:
            raise errors.ManifestNotFound(str(source))
        return head

    async def _see(self, target: Reference) -> TargetSight:
        return await see_target(self.places[target.registry], target)

    async def _as_chosen(self, found: Found, root: Manifest, terms: Terms) -> Found:
        """Return what is to be written of an image, with all that it names."""
        source = self.places[found.source.registry]
        choice = await chosen(root, terms.platforms, source, found.source.repository)
        root = choice.root
        found = replace(
            found,
            target=_named(found.target, root.digest),
            digest=root.digest,
            media_type=root.media_type,
            note=choice.note,
            children=tuple(child.digest for child in root.children),
        )
        if root.digest == found.target_digest:
            return found
        return replace(found, manifests=await self.tree(found.source, root))


def _trusted(wanted: Wanted, head: ManifestHead) -> Found:
    """Return what is as the last run left it at the target, which wasn't asked for it."""
    return Found(
        source=wanted.source,
        target=wanted.target,
        digest=head.digest,
        target_digest=head.digest,
        media_type=head.media_type,
        trusted=True,
    )


def _version(target: Reference) -> str:
    """Return all that is said of a version, in one word that mostly is there already."""
    return f"{target.tag}@{target.digest}" if target.digest else target.tag


def _named(target: Reference, digest: Digest) -> Reference:
    """Return where the content goes: a target named by digest takes that of what is written."""
    return replace(target, digest=digest) if target.digest else target


def _not_asked_for(kind: Artifact) -> str:
    return f"it is {_WITH_ARTICLE[kind]}, which the rule leaves out"


_WITH_ARTICLE = {
    Artifact.IMAGE: "an image",
    Artifact.CHART: "a Helm chart",
    Artifact.SIGNATURE: "a signature or an attestation",
    Artifact.SBOM: "an SBOM",
    Artifact.OTHER: "another kind of artifact",
}
