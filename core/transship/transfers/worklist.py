"""From what is where to what is to be done. Pure: the same inventory gives the same worklist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from transship.errors import TagConflict
from transship.oci.digest import Digest, short
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.transfers.work import BlobWork, Copy, Found, Verdict, Worklist

There = Mapping[tuple[str, str, Digest], bool]
"""Which blobs a target was seen to have: by place, repository and digest."""

Written = Mapping[Reference, tuple[Reference, Digest | None]]
"""What is written, or stands already, at each target: from which source, and its digest."""


def make_worklist(
    inventory: Iterable[Found],
    on_conflict: OnConflict = OnConflict.OVERWRITE,
    before: Written | None = None,
) -> Worklist:
    """Return every copy with its verdict, and every blob once per target.

    Copies keep the order of the inventory; the same target is written once, by the first that
    asks for it. `before` is what the job has seen to already.
    """
    copies: list[Copy] = []
    manifests: dict[Digest, Manifest] = {}
    blobs: dict[tuple[str, Digest], _Needed] = {}
    written: dict[Reference, Digest | None] = {}
    for found in inventory:
        copy = _judged(len(copies) + 1, found, on_conflict, written, before or {})
        if copy is None:
            continue
        copies.append(copy)
        if copy.verdict.moves:
            for manifest in found.manifests:
                manifests.setdefault(manifest.digest, manifest)
                for blob in manifest.blobs:
                    key = copy.target.registry, blob.digest
                    if key in blobs:
                        blobs[key].add(copy.target.repository)
                    else:
                        blobs[key] = _Needed(blob, copy.source, copy.target.repository)
    work = [needed.work(target) for (target, _), needed in blobs.items()]
    return Worklist(tuple(copies), tuple(work), manifests)


def with_known(worklist: Worklist, there: There) -> Worklist:
    """Return the worklist with what is known of its blobs: whether the target has them."""
    blobs = (
        replace(blob, there=there.get((blob.target, blob.home, blob.digest)))
        for blob in worklist.blobs
    )
    return replace(worklist, blobs=tuple(blobs))


def without_deletions(worklist: Worklist) -> Worklist:
    """Return the worklist of a run that wasn't asked to delete: what it would is only named."""
    asked = "gone at the source; deleted only when that is asked for"
    copies = (
        replace(copy, verdict=Verdict.SKIP, reason=asked)
        if copy.verdict is Verdict.DELETE
        else copy
        for copy in worklist.copies
    )
    return replace(worklist, copies=tuple(copies))


@dataclass(slots=True)
class _Needed:
    """A blob that one target needs, in which repositories, in the order of the copies.

    Most are needed in one only, and there are many of them.
    """

    blob: Descriptor
    source: Reference
    home: str
    others: dict[str, None] | None = None

    def add(self, repository: str) -> None:
        """Note that it is needed in a repository."""
        if repository != self.home:
            self.others = self.others or {}
            self.others[repository] = None

    def work(self, target: str) -> BlobWork:
        return BlobWork(
            target=target,
            digest=self.blob.digest,
            size=self.blob.size,
            source=self.source,
            home=self.home,
            others=tuple(self.others or ()),
        )


def _judged(
    number: int,
    found: Found,
    on_conflict: OnConflict,
    written: dict[Reference, Digest | None],
    before: Written,
) -> Copy | None:
    """Return the copy with its verdict, or None when the same copy is in the list already."""
    copy = Copy(
        id=number,
        source=found.source,
        target=found.target,
        digest=found.digest,
        previous=found.target_digest,
        verdict=Verdict.COPY,
        reason=found.note,
        subject=found.subject,
        problem=found.problem,
        seen_at=found.seen_at,
    )
    if found.problem is not None:
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(found.problem))
    if found.unwanted:
        return replace(copy, verdict=Verdict.SKIP, reason=found.unwanted)
    if found.vanished and found.target in before:
        return None
    if found.vanished:
        return replace(copy, verdict=Verdict.DELETE)
    if found.believed:
        return replace(copy, verdict=Verdict.SAME, reason="immutable: believed, not asked for")
    earlier_source, earlier_digest = before.get(found.target, (found.source, None))
    if found.digest in (earlier_digest, written.get(found.target)):
        return None
    if found.target in written or earlier_source != found.source:
        problem = TagConflict(f"{found.target} is written from another source in the same job")
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(problem), problem=problem)
    written[found.target] = found.digest
    if found.target_digest == found.digest:
        return replace(copy, verdict=Verdict.SAME) if found.listed else copy
    if found.target_digest is None:
        return copy
    return _conflicting(copy, on_conflict)


def _conflicting(copy: Copy, on_conflict: OnConflict) -> Copy:
    was = f"the target has {short(copy.previous or '')}"
    if on_conflict is OnConflict.OVERWRITE:
        reason = f"{copy.reason}; {was}" if copy.reason else was
        return replace(copy, verdict=Verdict.OVERWRITE, reason=reason)
    if on_conflict is OnConflict.SKIP:
        return replace(copy, verdict=Verdict.SKIP, reason=f"{was}, and is left as it is")
    problem = TagConflict(f"{copy.target}: {was}, the source {short(copy.digest or '')}")
    return replace(copy, verdict=Verdict.CONFLICT, reason=str(problem), problem=problem)
