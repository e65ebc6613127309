"""Reads what a source and a target hold, one thing at a time, and remembers what it read.

Lists the sources of a plan as far as its rules need it, lets the rules select, and finds what
belongs to an image: its platforms and its referrers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace

from transship import errors
from transship.clock import Clock
from transship.concurrency import both, each, each_of
from transship.errors import (
    CatalogClosed,
    ManifestNotFound,
    PlatformMissing,
    RepositoryNotFound,
    TransshipError,
)
from transship.oci.artifact import Artifact, artifact_of
from transship.oci.digest import Digest, fallback_tag, is_digest, short
from transship.oci.manifest import Descriptor, Manifest, filter_index
from transship.oci.media_types import INDEXES
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.plan import Plan, Rule, Terms, Wanted
from transship.plans.selection import (
    Selection,
    literal_repositories,
    may_take_below,
    select_tags,
    takes_repository,
    to_look_up,
)
from transship.registry.distribution import Reticent
from transship.registry.inspection import read_config
from transship.registry.registry import ManifestHead, Registry, left_out_of, unlisted_of
from transship.transfers.copies import PLACE_WIDE, Found
from transship.transfers.trust import TrustCache

AT_ONCE = 64
"""How many tags are looked at at a time."""

DEEPEST = 8
"""Signatures of signatures end somewhere; a circle of subjects must too."""


@dataclass(slots=True)
class ScanProgress:
    """How far the inventory is, for who watches it."""

    repositories: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class TargetState:
    """What a target was seen to point at: `head` is None where there is nothing to be seen.

    `hidden` says that the place refuses to tell: there may be anything, or nothing.
    """

    head: ManifestHead | None
    hidden: bool = False


async def read_target(place: Registry, target: Reference) -> TargetState:
    """Look at what a target points at now.

    Some services hide a missing repository behind a refusal. Writing will tell.
    """
    try:
        return TargetState(await place.head_manifest(target.repository, target.version))
    except (errors.NoRight, errors.SignInNeeded):
        return TargetState(None, hidden=True)


async def target_head(place: Registry, target: Reference) -> ManifestHead | None:
    """Return what a target points at now, None where there is nothing to be seen."""
    return (await read_target(place, target)).head


@dataclass(slots=True)
class Scanner:
    """What is known so far of both sides. Shared by all that look for the same plan.

    With `try_refused` the targets are asked also for names that their services aren't known to
    have. What is `trusted` of them isn't asked for, as long as the source has the same.
    """

    places: Mapping[str, Registry]
    clock: Clock
    progress: ScanProgress
    try_refused: bool = False
    trusted: TrustCache = field(default_factory=TrustCache)
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

    async def _see(self, target: Reference) -> TargetState:
        return await read_target(self.places[target.registry], target)

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

_LISTS_AT_ONCE = 64

_GONE = (ManifestNotFound, RepositoryNotFound)
"""What a source says of a tag that it doesn't have any more."""


@dataclass(frozen=True, slots=True)
class SourceSelection:
    """What the rules have selected, from what."""

    selection: Selection
    catalogues: Mapping[str, Catalogue]


async def select_sources(plan: Plan, looking: Scanner) -> SourceSelection:
    """Return what the rules of a plan select now.

    Only repositories that a rule takes are listed, and of tags only what the rules need is looked
    up. A repository that can't be listed, and a tag that can't be looked at, keep their problem.
    Raises what is wrong with a whole place, and CatalogClosed where a rule needs a list that the
    source doesn't give.
    """
    catalogues = {
        source.registry: await catalogue_of(
            looking.places[source.registry], _rules_of(plan, source.registry), looking
        )
        for source in plan.sources
    }
    now = looking.clock.now()
    selection = select_tags(plan, catalogues, now)
    while needed := to_look_up(selection, catalogues):
        catalogues = await look_up(catalogues, needed, looking)
        selection = select_tags(plan, catalogues, now)
    digests = _digests_named(plan, catalogues)
    if digests:
        catalogues = await look_up(catalogues, digests, looking)
        selection = select_tags(plan, catalogues, now)
    return SourceSelection(selection, catalogues)


async def catalogue_of(place: Registry, rules: Iterable[Rule], looking: Scanner) -> Catalogue:
    """List the repositories of a place, and the tags of those that one of `rules` takes.

    Where the place can't list all that they may take, that is a problem of the catalogue.
    """
    rules = tuple(rules)
    names = [name async for name in _repositories(place, rules)]
    taken = [name for name in names if any(takes_repository(rule, name) for rule in rules)]
    tags: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    problems = _unlisted(place, rules)

    async def listed(name: str) -> None:
        try:
            found = await looking.source_tags(Reference(place.name, name))
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            problems[name] = error
            del tags[name]
        else:
            tags[name] = tuple(sorted(found))

    await each_of(taken, listed, at_once=_LISTS_AT_ONCE)
    return Catalogue(place.name, tags, {}, problems, left_out_of(place))


async def look_up(
    catalogues: Mapping[str, Catalogue], needed: Iterable[Reference], looking: Scanner
) -> dict[str, Catalogue]:
    """Return the catalogues with what is to be known of `needed`: digest, creation, kind."""
    facts: dict[str, dict[tuple[str, str], TagFacts]] = {
        name: dict(catalogue.facts) for name, catalogue in catalogues.items()
    }

    async def one(source: Reference) -> None:
        try:
            known = await _facts(source, looking)
        except PLACE_WIDE:
            raise
        except _GONE:
            known = TagFacts(examined=True)
        except TransshipError as error:
            known = TagFacts(examined=True, problem=error)
        facts[source.registry][source.repository, source.version] = known

    await each_of(needed, one, at_once=AT_ONCE)
    return {name: replace(c, facts=facts[name]) for name, c in catalogues.items()}


async def _facts(source: Reference, looking: Scanner) -> TagFacts:
    async with looking.slot:
        if source.digest:
            place = looking.places[source.registry]
            head = await place.head_manifest(source.repository, source.digest)
            return TagFacts(digest=head.digest if head else None, examined=True)
        root = await looking.manifest(source, source.version)
        image = root
        if root.is_index and root.children:
            image = await looking.manifest(source, root.children[0].digest)
        place = looking.places[source.registry]
        config = await read_config(place, source.repository, image)
        return TagFacts(
            digest=root.digest,
            created=config.created_at if config else None,
            artifact=artifact_of(root),
            examined=True,
        )


async def _repositories(place: Registry, rules: tuple[Rule, ...]) -> AsyncIterator[str]:
    """Give the names of repositories: of all, or of those that the rules write out in full.

    Raises CatalogClosed where a rule takes nothing of a list that is only of the account's own.
    """
    literal = [literal_repositories(rule) for rule in rules]
    if all(names is not None for names in literal):
        for name in dict.fromkeys(name for names in literal for name in names or ()):
            yield name
        return
    given: set[str] = set()
    async for name in place.repositories():
        given.add(name)
        yield name
    if not (isinstance(place, Reticent) and place.lists_own):
        return
    for rule, names in zip(rules, literal, strict=True):
        if names is None and not any(takes_repository(rule, name) for name in given):
            raise CatalogClosed(f"{rule.source}: only what the account owns is listed")
        for name in names or ():
            if name not in given:
                given.add(name)
                yield name


def _unlisted(place: Registry, rules: tuple[Rule, ...]) -> dict[str, TransshipError]:
    """Return below which paths there may be what `rules` take, and isn't listed, and why."""
    listing = [rule for rule in rules if literal_repositories(rule) is None]
    return {
        path: why
        for path, why in unlisted_of(place).items()
        if any(may_take_below(rule, path) for rule in listing)
    }


def _digests_named(plan: Plan, catalogues: Mapping[str, Catalogue]) -> list[Reference]:
    """Return the digests that rules name, in each of the repositories that they may be in."""
    found: dict[Reference, None] = {}
    for rule in plan.rules:
        for repository in catalogues[rule.source.registry].tags if rule.tags.digests else ():
            if takes_repository(rule, repository):
                where = Reference(rule.source.registry, repository)
                found |= dict.fromkeys(where.at(digest) for digest in rule.tags.digests)
    return list(found)


def _rules_of(plan: Plan, place: str) -> list[Rule]:
    return [rule for rule in plan.rules if rule.source.registry == place]


@dataclass(frozen=True, slots=True)
class PlatformChoice:
    """What is written for an image, and what is to be said about it."""

    root: Manifest
    note: str = ""


async def chosen(
    root: Manifest, wanted: tuple[Platform, ...], source: Registry, repository: str
) -> PlatformChoice:
    """Return what to write of `root` when only some platforms are wanted.

    No wish: the image as it is. One platform: that platform's own manifest, whose digest can be
    proven. Several: an index of these, which is a new document with a new digest, so signatures
    of the old one don't hold for it. What is no image stays whole. Raises PlatformMissing when the
    image has none of them.
    """
    if not wanted or not (root.is_index or root.is_image):
        return PlatformChoice(root)
    if not root.is_index:
        platform = await _platform_of(root, source, repository)
        if not any(platform.matches(wish) for wish in wanted):
            raise PlatformMissing(f"it is for {platform}, not {_words(wanted)}")
        return PlatformChoice(root)
    if not root.platforms:
        return PlatformChoice(root)
    kept = [entry for entry in root.children if _matches(entry, wanted)]
    if not kept:
        raise PlatformMissing(f"it has {_words(root.platforms)}, not {_words(wanted)}")
    missing = [wish for wish in wanted if not any(_matches(entry, (wish,)) for entry in kept)]
    absent = f"; it has no {_words(missing)}" if missing else ""
    if len(kept) == 1:
        only = await source.get_manifest(repository, kept[0].digest)
        return PlatformChoice(only, f"only {kept[0].platform}, as a plain image{absent}")
    if len(kept) == len(root.entries):
        return PlatformChoice(root, absent.removeprefix("; "))
    filtered = filter_index(root, (entry.digest for entry in kept))
    words = _words(entry.platform for entry in kept if entry.platform)
    return PlatformChoice(filtered, f"only {words}: a new digest, signatures don't hold{absent}")


def _matches(entry: Descriptor, wanted: tuple[Platform, ...]) -> bool:
    return entry.platform is not None and any(entry.platform.matches(wish) for wish in wanted)


async def _platform_of(image: Manifest, source: Registry, repository: str) -> Platform:
    config = await read_config(source, repository, image)
    if config is None or config.platform is None:
        raise PlatformMissing("its config doesn't say which platform it is for")
    return config.platform


def _words(platforms: Iterable[Platform]) -> str:
    return ", ".join(str(platform) for platform in platforms)


COSIGN_SUFFIXES = (".sig", ".att", ".sbom")

_PREFIXES = ("sha256-", "sha512-")


def names_subjects(tags: Iterable[str]) -> bool:
    """Tell whether a tag among these may be about a digest."""
    return any(tag.startswith(_PREFIXES) for tag in tags)


def cosign_tags(subject: Digest) -> list[str]:
    """Return the tags under which cosign keeps what it has made for a manifest."""
    return [fallback_tag(subject) + suffix for suffix in COSIGN_SUFFIXES]


async def fallback_entries(
    place: Registry, repository: str, subject: Digest
) -> tuple[Descriptor, ...]:
    """Return what stands in the list under the fallback tag of `subject`."""
    try:
        return (await place.get_manifest(repository, fallback_tag(subject))).entries
    except (errors.ManifestNotFound, errors.RepositoryNotFound):
        return ()


async def listed(place: Registry, repository: str, subject: Digest) -> frozenset[Digest]:
    """Return what a place lists as referrers of `subject`, in whichever way it does."""
    entries = await place.referrers(repository, subject)
    if entries is None:
        entries = await fallback_entries(place, repository, subject)
    return frozenset(entry.digest for entry in entries)


@dataclass(slots=True)
class ReferrerScan:
    """Follows referrers for one plan: the API, the fallback tag, and cosign's tags."""

    looking: Scanner
    _seen: dict[Reference, set[tuple[Reference, Digest]]] = field(default_factory=dict)
    """By repository at the source: for which repository at the target which digest was seen."""

    async def of(self, found: Found, terms: Terms, depth: int = 0) -> list[Found]:
        """Return what refers to a found image, to its children, and to those in turn."""
        if found.digest is None or depth >= DEEPEST or not self._begin(found, found.digest):
            return []
        try:
            subjects = await self._subjects(found, found.digest)
            direct = await each(self._referrers_of(found, s, terms) for s in subjects)
        except PLACE_WIDE:
            raise
        except TransshipError as error:
            return [replace(found, problem=error, manifests=(), note="its referrers")]
        referrers = [item for items in direct for item in items]
        deeper = await each(self.of(item, terms, depth + 1) for item in referrers)
        return referrers + [item for items in deeper for item in items]

    def forget(self, source: Reference) -> None:
        """Let go of what was seen of one repository: nobody looks there again."""
        self._seen.pop(source, None)

    def _begin(self, found: Found, subject: Digest) -> bool:
        """Tell whether nobody has looked for the referrers of this one yet: tags share images."""
        seen = self._seen.setdefault(_repository(found.source), set())
        pair = _repository(found.target), subject
        first = pair not in seen
        seen.add(pair)
        return first

    async def _subjects(self, found: Found, digest: Digest) -> list[Digest]:
        """Return the digests that others may refer to: the image's, and those of its children."""
        if found.manifests:
            parts = [manifest.digest for manifest in found.manifests]
        elif found.children or found.media_type not in INDEXES:
            parts = [*found.children, digest]
        elif await self._may_have_referrers(found, digest):
            root = await self.looking.manifest(found.source, digest)
            tree = await self.looking.tree(found.source, root)
            parts = [manifest.digest for manifest in tree]
        else:
            parts = [digest]
        return [part for part in parts if part == digest or self._begin(found, part)]

    async def _may_have_referrers(self, found: Found, digest: Digest) -> bool:
        source = self.looking.places[found.source.registry]
        if await source.referrers(found.source.repository, digest) is not None:
            return True
        return names_subjects(await self._tags_beside(found.source))

    async def _referrers_of(self, found: Found, subject: Digest, terms: Terms) -> list[Found]:
        source = self.looking.places[found.source.registry]
        entries = await source.referrers(found.source.repository, subject)
        if entries is None:
            entries = await self._fallback(found, subject)
        tags = await self._tags_beside(found.source)
        cosign = [tag for tag in cosign_tags(subject) if tag in tags]

        async def one(version: str, entry: Descriptor | None = None) -> Found:
            pair = Wanted(found.source.at(version), found.target.at(version))
            item = await self.looking.version(pair, terms, listed=entry)
            return replace(item, subject=subject) if is_digest(version) else item

        versions = [*((entry.digest, entry) for entry in entries), *((tag, None) for tag in cosign)]
        free = [(v, entry) for v, entry in versions if self.looking.claim(found.target.at(v))]
        items = await each(one(v, entry) for v, entry in free)
        return await self._with_listing(items, subject)

    async def _with_listing(self, items: list[Found], subject: Digest) -> list[Found]:
        """See whether the target lists the referrers that it has: unlisted, nobody finds them."""
        there = {
            item.digest
            for item in items
            if item.subject and item.digest == item.target_digest and not item.trusted
        }
        if not there:
            return items
        target = items[0].target
        place = self.looking.places[target.registry]
        there -= await listed(place, target.repository, subject)

        async def looked_up(item: Found) -> Found:
            if item.digest is None or item.digest not in there:
                return item
            try:
                root = await self.looking.manifest(item.source, item.digest)
                manifests = await self.looking.tree(item.source, root)
            except PLACE_WIDE:
                raise
            except TransshipError as error:
                return replace(item, problem=error)
            return replace(
                item,
                listed=False,
                manifests=manifests,
                note=f"the target doesn't list it among the referrers of {short(subject)}",
            )

        return await each(looked_up(item) for item in items)

    async def _fallback(self, found: Found, subject: Digest) -> tuple[Descriptor, ...]:
        """Return what stands under the fallback tag, unless that is copied as a tag anyway."""
        tag = fallback_tag(subject)
        tags = await self._tags_beside(found.source)
        if tag not in tags or self.looking.is_claimed(found.target.at(tag)):
            return ()
        source = self.looking.places[found.source.registry]
        return await fallback_entries(source, found.source.repository, subject)

    async def _tags_beside(self, source: Reference) -> frozenset[str]:
        """Return the tags of the source's repository: none where all is known by digest only."""
        try:
            return await self.looking.source_tags(source)
        except errors.RepositoryNotFound:
            return frozenset()


def _repository(reference: Reference) -> Reference:
    return Reference(reference.registry, reference.repository)
