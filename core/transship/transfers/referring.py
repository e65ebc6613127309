"""Finds what refers to the images that were found, and to what refers to them in turn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from transship import errors
from transship.errors import TransshipError
from transship.oci.digest import Digest, fallback_tag, is_digest, short
from transship.oci.manifest import Descriptor
from transship.oci.media_types import INDEXES
from transship.oci.reference import Reference
from transship.plans.plan import Terms, Wanted
from transship.transfers.gather import each
from transship.transfers.looking import DEEPEST, Looking
from transship.transfers.referrers import cosign_tags, fallback_entries, listed, names_subjects
from transship.transfers.work import PLACE_WIDE, Found


@dataclass(slots=True)
class Referring:
    """Follows referrers for one plan: the API, the fallback tag, and cosign's tags."""

    looking: Looking
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
