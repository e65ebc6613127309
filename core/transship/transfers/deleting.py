"""Deletes at a target what is gone at the source, so that it can be put back."""

from __future__ import annotations

from collections.abc import Mapping

from transship import errors
from transship.clock import Clock
from transship.oci.digest import Digest, short
from transship.oci.manifest import Manifest
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.plans.vanished import origins
from transship.registries.deleting import is_stand_in
from transship.registries.place import Place
from transship.transfers.journal import Journal
from transship.transfers.looking import DEEPEST
from transship.transfers.work import Copy, Verdict


class Deleter:
    """Carries out the deletions of one job."""

    def __init__(
        self, plan: Plan, places: Mapping[str, Place], journal: Journal, clock: Clock
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


async def _tree(place: Place, tag: Reference, digest: Digest, depth: int = 0) -> list[Manifest]:
    """Return the manifests of an image that are there, the root last."""
    root = await place.get_manifest(tag.repository, digest)
    below: list[Manifest] = []
    for child in root.children if depth < DEEPEST else ():
        try:
            below += await _tree(place, tag, child.digest, depth + 1)
        except errors.ManifestNotFound:
            continue  # An index may name more than a repository has.
    return [*below, root]
