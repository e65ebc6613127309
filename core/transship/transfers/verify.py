"""The proof: is everything at the target that is at the source? Asks both, and no journal.

What a verification of a job has found is kept in the job's journal for its report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from transship import errors
from transship.clock import Clock
from transship.concurrency import each
from transship.errors import TransshipError
from transship.oci.digest import Digest, check, hasher, short
from transship.oci.manifest import Descriptor
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.registry.registry import Registry
from transship.transfers.copies import PLACE_WIDE, Found
from transship.transfers.inventory import take_inventory
from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.limits import hold
from transship.transfers.scanner import ScanProgress

_DEEP_AT_ONCE = 6
_INCOMPLETE = (errors.BlobNotFound, errors.ManifestNotFound, errors.DigestMismatch)


class Problem(StrEnum):
    """What is wrong with one thing that should be at the target."""

    MISSING = "missing"
    DIFFERS = "differs"
    INCOMPLETE = "incomplete"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ProofDifference:
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
    differences: tuple[ProofDifference, ...]

    @property
    def holds(self) -> bool:
        """Whether everything is there."""
        return not self.differences


@dataclass(slots=True)
class VerifyProgress(ScanProgress):
    """How far a verification is, for who watches it."""

    blobs: int = 0
    bytes_read: int = 0


async def verify_plan(
    plan: Plan,
    places: Mapping[str, Registry],
    clock: Clock,
    *,
    deep: bool = False,
    progress: VerifyProgress | None = None,
) -> Proof:
    """Compare every digest of a plan on both sides, and walk every image at the target.

    All manifests are read at the target and hashed; each blob must be there with the length that
    its manifest gives, and with `deep` is read and hashed as well.
    """
    hold(places, plan.limits)
    verifying = _Verifying(places, deep, progress or VerifyProgress())
    inventory = await take_inventory(asking(plan), places, clock, verifying.progress)
    wanted = [found for found in inventory.found if not found.unwanted]
    differences = await each(verifying.compare(found) for found in wanted)
    return Proof(
        compared=len(wanted),
        manifests=len(verifying.manifests),
        blobs=len(verifying.blobs),
        bytes_read=verifying.progress.bytes_read,
        deep=deep,
        differences=tuple(difference for difference in differences if difference),
    )


def asking(plan: Plan) -> Plan:
    """Return the plan that believes nothing without asking for it, and looks for nothing more."""
    rules = tuple(replace(rule, immutable=()) for rule in plan.rules)
    copies = tuple(
        replace(each, terms=replace(each.terms, immutable=False)) if each.terms else each
        for each in plan.copies
    )
    return replace(plan, copies=copies, rules=rules, delete=None)


_Wrong = tuple[TransshipError, ...]
"""What is wrong with one manifest or blob and with all that it names."""


@dataclass(slots=True)
class _Checked:
    """A manifest or a blob at the target: looked at once, however many name it."""

    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    wrong: _Wrong | None = None


@dataclass(slots=True)
class _Verifying:
    places: Mapping[str, Registry]
    deep: bool
    progress: VerifyProgress
    manifests: dict[Reference, _Checked] = field(default_factory=dict)
    blobs: dict[Reference, _Checked] = field(default_factory=dict)
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_DEEP_AT_ONCE))

    async def compare(self, found: Found) -> ProofDifference | None:
        """Return what is wrong with one thing at the target, or None."""
        if found.problem is not None:
            return _difference(found, Problem.UNREADABLE, str(found.problem))
        if found.target_digest is None:
            return _difference(found, Problem.MISSING, "the target doesn't have it")
        if found.target_digest != found.digest:
            was, wanted = short(found.target_digest), short(found.digest or "")
            return _difference(found, Problem.DIFFERS, f"the target has {was}, the source {wanted}")
        wrong = await self._manifest(found.target, found.target_digest)
        if wrong:
            incomplete = all(isinstance(error, _INCOMPLETE) for error in wrong)
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            kind = Problem.INCOMPLETE if incomplete else Problem.UNREADABLE
            return _difference(found, kind, f"{wrong[0]}{more}")
        return None if found.listed else _difference(found, Problem.INCOMPLETE, found.note)

    async def _manifest(self, target: Reference, digest: Digest) -> _Wrong:
        """Return what is wrong with a manifest at the target and with all that it names."""
        return await _once(self.manifests, target.at(digest), self._walk)

    async def _walk(self, target: Reference) -> _Wrong:
        place = self.places[target.registry]
        manifest = await place.get_manifest(target.repository, target.version)
        wrong = await each(
            [
                *(self._manifest(target, child.digest) for child in manifest.children),
                *(self._blob(target, blob) for blob in manifest.blobs),
            ]
        )
        # One error, however many of the children share the blob that it is about.
        return tuple({str(error): error for part in wrong for error in part}.values())

    async def _blob(self, target: Reference, blob: Descriptor) -> _Wrong:
        async def check_blob(where: Reference) -> _Wrong:
            await (self._read_blob if self.deep else self._measure_blob)(where, blob)
            self.progress.blobs += 1
            return ()

        return await _once(self.blobs, target.at(blob.digest), check_blob)

    async def _measure_blob(self, target: Reference, blob: Descriptor) -> None:
        place = self.places[target.registry]
        _check_size(target, blob, await place.blob_size(target.repository, blob.digest))

    async def _read_blob(self, target: Reference, blob: Descriptor) -> None:
        hashed = hasher(blob.digest)
        size = 0
        place = self.places[target.registry]
        async with self._reading, place.read_blob(target.repository, blob.digest) as stream:
            async for piece in stream:
                hashed.update(piece)
                size += len(piece)
                self.progress.bytes_read += len(piece)
                if size > blob.size:
                    break
        _check_size(target, blob, size)
        check(blob.digest, hashed, f"{target.registry}/{target.repository}")


async def _once(
    known: dict[Reference, _Checked],
    where: Reference,
    look: Callable[[Reference], Awaitable[_Wrong]],
) -> _Wrong:
    """Look at something once. Raises only what is wrong with the whole place."""
    checked = known.setdefault(where, _Checked())
    async with checked.looking:
        if checked.wrong is None:
            try:
                checked.wrong = await look(where)
            except PLACE_WIDE:
                raise
            except TransshipError as error:
                checked.wrong = (error,)
        return checked.wrong


def _check_size(target: Reference, blob: Descriptor, size: int | None) -> None:
    where = f"{target.registry}/{target.repository}"
    if size is None:
        raise errors.BlobNotFound(f"{blob.digest} in {where}")
    if size != blob.size:
        raise errors.DigestMismatch(
            f"{blob.digest} in {where} has {size} bytes, its manifest says {blob.size}"
        )


def _difference(found: Found, problem: Problem, detail: str) -> ProofDifference:
    return ProofDifference(found.source, found.target, problem, detail)


_FACT = "proof"


@dataclass(frozen=True, slots=True)
class StoredProof:
    """A proof, when it ended in seconds since the epoch, and who asked for it."""

    proof: Proof
    at: float
    by: str


def store_proof(job: Job, proof: Proof, at: float, by: str) -> None:
    """Keep what a verification of all of a job has found, in the place of an earlier one."""
    kept = StoredProof(proof, at, by)
    with job.journal() as journal:
        journal.note(**{_FACT: msgspec.json.encode(kept).decode()})


def stored_proof(journal: Journal) -> StoredProof | None:
    """Return what the last verification of a job has found, or None if there was none."""
    kept = journal.fact(_FACT)
    try:
        return msgspec.json.decode(kept, type=StoredProof) if kept else None
    except msgspec.MsgspecError:
        return None  # Of a version that kept something else: as good as none.
