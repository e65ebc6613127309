"""The proof: is everything at the target that is at the source? Asks both, and no journal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.digest import Digest, check, fallback_tag, hasher, short
from transship.oci.manifest import Descriptor, Manifest
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.registries.place import Place
from transship.transfers.gather import each
from transship.transfers.inventory import Progress, take_inventory
from transship.transfers.work import Found

_DEEP_AT_ONCE = 6


class Problem(StrEnum):
    """What is wrong with one thing that should be at the target."""

    MISSING = "missing"
    DIFFERS = "differs"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't at the target as it is at the source."""

    source: Reference
    target: Reference
    problem: Problem
    detail: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was compared, and every difference. `bytes_read` counts what `deep` has hashed."""

    compared: int
    manifests: int
    blobs: int
    bytes_read: int
    deep: bool
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether everything is there."""
        return not self.differences


@dataclass(slots=True)
class VerifyProgress(Progress):
    """How far a verification is, for who watches it."""

    blobs: int = 0
    bytes_read: int = 0


async def verify(
    plan: Plan,
    places: Mapping[str, Place],
    clock: Clock,
    *,
    deep: bool = False,
    progress: VerifyProgress | None = None,
) -> Proof:
    """Compare every digest of a plan on both sides, and walk every image at the target.

    All manifests are read at the target and hashed; each blob must be there with the length that
    its manifest gives, and with `deep` is read and hashed as well.
    """
    verifying = _Verifying(places, deep, progress or VerifyProgress())
    inventory = await take_inventory(plan, places, clock, verifying.progress)
    differences = await each(verifying.compare(found) for found in inventory.found)
    return Proof(
        compared=len(inventory.found),
        manifests=len(verifying.manifests),
        blobs=len(verifying.blobs),
        bytes_read=verifying.progress.bytes_read,
        deep=deep,
        differences=tuple(difference for difference in differences if difference),
    )


@dataclass(slots=True)
class _Verifying:
    places: Mapping[str, Place]
    deep: bool
    progress: VerifyProgress
    manifests: dict[tuple[str, str, Digest], asyncio.Task[None]] = field(default_factory=dict)
    blobs: dict[tuple[str, str, Digest], asyncio.Task[None]] = field(default_factory=dict)
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_DEEP_AT_ONCE))

    async def compare(self, found: Found) -> Difference | None:
        """Return what is wrong with one thing at the target, or None."""
        if found.problem is not None:
            return self._difference(found, Problem.UNREADABLE, str(found.problem))
        if found.target_digest is None:
            return self._difference(found, Problem.MISSING, "the target doesn't have it")
        if found.target_digest != found.digest:
            was, wanted = short(found.target_digest), short(found.digest or "")
            return self._difference(
                found, Problem.DIFFERS, f"the target has {was}, the source {wanted}"
            )
        try:
            await self._manifest(found.target, found.target_digest)
            await self._listed(found)
        except (errors.BlobNotFound, errors.ManifestNotFound, errors.DigestMismatch) as error:
            return self._difference(found, Problem.INCOMPLETE, str(error))
        except TransshipError as error:
            return self._difference(found, Problem.UNREADABLE, str(error))
        return None

    async def _manifest(self, target: Reference, digest: Digest) -> None:
        """Check a manifest at the target and all that it names, once for the whole run."""
        key = (target.registry, target.repository, digest)
        if key not in self.manifests:
            self.manifests[key] = asyncio.create_task(self._walk(target, digest))
        await asyncio.shield(self.manifests[key])

    async def _walk(self, target: Reference, digest: Digest) -> None:
        manifest: Manifest = await self._place(target).get_manifest(target.repository, digest)
        await each(
            [
                *(self._manifest(target, child.digest) for child in manifest.children),
                *(self._blob(target, blob) for blob in manifest.blobs),
            ]
        )

    async def _blob(self, target: Reference, blob: Descriptor) -> None:
        key = (target.registry, target.repository, blob.digest)
        if key not in self.blobs:
            check_blob = self._read_blob if self.deep else self._measure_blob
            self.blobs[key] = asyncio.create_task(check_blob(target, blob))
        await asyncio.shield(self.blobs[key])

    async def _measure_blob(self, target: Reference, blob: Descriptor) -> None:
        size = await self._place(target).blob_size(target.repository, blob.digest)
        self._check_size(target, blob, size)
        self.progress.blobs += 1

    async def _read_blob(self, target: Reference, blob: Descriptor) -> None:
        hashed = hasher(blob.digest)
        size = 0
        async with (
            self._reading,
            self._place(target).read_blob(target.repository, blob.digest) as stream,
        ):
            async for piece in stream:
                hashed.update(piece)
                size += len(piece)
                self.progress.bytes_read += len(piece)
        self._check_size(target, blob, size)
        check(blob.digest, hashed, f"{target.registry}/{target.repository}")
        self.progress.blobs += 1

    def _check_size(self, target: Reference, blob: Descriptor, size: int | None) -> None:
        where = f"{target.registry}/{target.repository}"
        if size is None:
            raise errors.BlobNotFound(f"{blob.digest} in {where}")
        if size != blob.size:
            raise errors.DigestMismatch(
                f"{blob.digest} in {where} has {size} bytes, its manifest says {blob.size}"
            )

    async def _listed(self, found: Found) -> None:
        """Raise unless the target lists a referrer with its subject: unlisted, nobody finds it."""
        if found.subject is None:
            return
        place, repository = self._place(found.target), found.target.repository
        entries = await place.referrers(repository, found.subject)
        if entries is None:
            tag = fallback_tag(found.subject)
            entries = (await place.get_manifest(repository, tag)).entries
        if all(entry.digest != found.digest for entry in entries):
            raise errors.ManifestNotFound(
                f"{found.target} is there, but not among the referrers of {short(found.subject)}"
            )

    def _difference(self, found: Found, problem: Problem, detail: str) -> Difference:
        return Difference(found.source, found.target, problem, detail)

    def _place(self, target: Reference) -> Place:
        return self.places[target.registry]
