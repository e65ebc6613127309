"""From what is where to what is to be done. Pure: the same inventory gives the same worklist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from transship.errors import TagConflict
from transship.oci.digest import Digest, short
from transship.oci.manifest import Manifest
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.transfers.work import BlobWork, Copy, Found, Verdict, Worklist


def make_worklist(
    inventory: Iterable[Found],
    on_conflict: OnConflict = OnConflict.OVERWRITE,
    there: Mapping[tuple[str, str, Digest], bool] | None = None,
) -> Worklist:
    """Return every copy with its verdict, and every blob once per target.

    Copies keep the order of the inventory; the same target is written once, by the first that
    asks for it. `there` tells, by target, repository and digest, which blobs the target was seen
    to have.
    """
    copies: list[Copy] = []
    manifests: dict[Digest, Manifest] = {}
    blobs: dict[tuple[str, Digest], BlobWork] = {}
    written: dict[Reference, Digest | None] = {}
    for found in inventory:
        copy = _judged(len(copies) + 1, found, on_conflict, written)
        if copy is None:
            continue
        copies.append(copy)
        if copy.verdict.moves:
            for manifest in found.manifests:
                manifests.setdefault(manifest.digest, manifest)
                _add_blobs(blobs, manifest, copy, there or {})
    return Worklist(tuple(copies), tuple(blobs.values()), manifests)


def _judged(
    number: int,
    found: Found,
    on_conflict: OnConflict,
    written: dict[Reference, Digest | None],
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
    if found.target in written:
        if written[found.target] == found.digest:
            return None
        problem = TagConflict(f"{found.target} is written from another source in the same job")
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(problem), problem=problem)
    written[found.target] = found.digest
    if found.target_digest == found.digest:
        return replace(copy, verdict=Verdict.SAME)
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


def _add_blobs(
    blobs: dict[tuple[str, Digest], BlobWork],
    manifest: Manifest,
    copy: Copy,
    there: Mapping[tuple[str, str, Digest], bool],
) -> None:
    target, repository = copy.target.registry, copy.target.repository
    for blob in manifest.blobs:
        known = blobs.get((target, blob.digest))
        if known is None:
            blobs[target, blob.digest] = BlobWork(
                target=target,
                digest=blob.digest,
                size=blob.size,
                source=copy.source,
                home=repository,
                there=there.get((target, repository, blob.digest)),
            )
        elif repository != known.home and repository not in known.others:
            others = (*known.others, repository)
            blobs[target, blob.digest] = replace(known, others=others)
