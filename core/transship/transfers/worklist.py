"""From what is where to what is to be done. Pure: the same inventory gives the same worklist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from transship.errors import TagConflict
from transship.oci.digest import Digest, short
from transship.oci.reference import Reference
from transship.plans.plan import OnConflict
from transship.transfers.foresight import Foresight
from transship.transfers.kept import KeptBlobs, KeptWorklist
from transship.transfers.scratch import Scratch
from transship.transfers.work import Copy, Found, Need, Verdict, Worklist

Replaces = Mapping[Reference, str]
"""What tags at a target must point at to be written; empty: there must be no such tag."""

Written = Mapping[Reference, tuple[Reference, Digest | None]]
"""What is written, or stands already, at each target: from which source, and its digest."""

_ONE_OF_TWO = "Leave one of the two out, or give it another name at the target (`to`, `map`)."
TRUSTED = "trusted: believed to be as the last job left it, not asked for"
"""Why a copy counts as the same whose target wasn't asked."""
NOT_ASKED_TO_DELETE = "gone at the source; deleted only when that is asked for"
"""Why a run leaves a tag that its plan lets vanish."""


def make_worklist(
    inventory: Iterable[Found],
    on_conflict: OnConflict = OnConflict.OVERWRITE,
    before: Written | None = None,
    replaces: Replaces | None = None,
    foresight: Foresight | None = None,
) -> Worklist:
    """Return every copy with its verdict, and every blob once per target.

    Copies keep the order of the inventory; the same target is written once, by the first that
    asks for it. `before` is what the job has seen to already, `foresight` what the targets say that
    they would refuse.
    """
    draft = Draft(on_conflict, before=before, replaces=replaces, foresight=foresight)
    draft.add(inventory)
    return draft.finished()


class Draft:
    """A worklist in the making: findings go in as they come, in the order of the inventory.

    Nothing of them is held in memory, so that it doesn't matter how many they are. A run that
    wasn't asked to delete (`deletes`) only names what it would.
    """

    def __init__(
        self,
        on_conflict: OnConflict = OnConflict.OVERWRITE,
        *,
        before: Written | None = None,
        replaces: Replaces | None = None,
        deletes: bool = True,
        foresight: Foresight | None = None,
    ) -> None:
        self._on_conflict = on_conflict
        self._before = before or {}
        self._replaces = replaces or {}
        self._deletes = deletes
        self._foresight = foresight
        self._scratch = Scratch()
        self._needs: dict[tuple[str, str], Need] = {}

    def add(self, inventory: Iterable[Found]) -> None:
        """Judge what was found, and note what is needed for it."""
        for found in inventory:
            self._scratch.read(found.source, found.manifests)
            copy = self._judged(found)
            if copy is None:
                continue
            self._scratch.add(copy)
            if copy.verdict.moves:
                for manifest in found.manifests:
                    self._scratch.need(copy.source, copy.target, manifest)

    def manifests_read(self) -> Counter[str]:
        """Count the manifests that were read at each source: each once per repository."""
        counts: Counter[str] = Counter()
        for place, count in self._scratch.manifests_read():
            counts[place] += count
        return counts

    def blobs(self) -> KeptBlobs:
        """Return every blob that is needed, once per target. Nothing can be added any more."""
        self._scratch.sort_out()
        return KeptBlobs(self._scratch)

    def know(self, first: int, there: Sequence[bool | None]) -> None:
        """Note of the blobs from the place `first` on whether their targets have them."""
        self._scratch.know(first, there)

    def finished(self) -> KeptWorklist:
        """Return the worklist. Nothing can be added any more."""
        self._scratch.sort_out()
        return KeptWorklist(self._scratch, tuple(self._needs.values()))

    def _judged(self, found: Found) -> Copy | None:
        copy = _judged(self._scratch.length + 1, found, self._scratch, self._before)
        if copy is None:
            return None
        if copy.verdict is Verdict.DELETE and not self._deletes:
            return replace(copy, verdict=Verdict.SKIP, reason=NOT_ASKED_TO_DELETE)
        if copy.verdict is Verdict.COPY:
            copy = _moved(copy, self._on_conflict, self._replaces.get(copy.target))
        return self._foreseen(found, copy) if copy.verdict.moves else copy

    def _foreseen(self, found: Found, copy: Copy) -> Copy:
        """Return the copy, blocked if its target is known to refuse it."""
        refused = self._foresight.refusal(found) if self._foresight else None
        if refused is None:
            return self._in_new(found, copy)
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(refused), problem=refused)

    def _in_new(self, found: Found, copy: Copy) -> Copy:
        """Return the copy, with what is created for it."""
        creation = self._foresight.creation(found) if self._foresight else None
        if creation is None:
            return copy
        key = copy.target.registry, copy.target.repository
        self._needs.setdefault(key, Need(copy.target.repository, creation))
        reasons = filter(None, (copy.reason, f"in {creation}, which is created"))
        return replace(copy, reason="; ".join(reasons))


def _judged(
    number: int,
    found: Found,
    scratch: Scratch,
    before: Written,
) -> Copy | None:
    """Return the copy with its verdict, or None when the same copy is in the list already.

    What the target has under another digest is still to be copied.
    """
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
    written = scratch.written(found.target)
    if found.digest == earlier_digest or written == (found.digest,):
        return None
    if written is not None or earlier_source != found.source:
        problem = TagConflict(
            f"{found.target} is written from another source in the same job", remedy=_ONE_OF_TWO
        )
        return replace(copy, verdict=Verdict.BLOCKED, reason=str(problem), problem=problem)
    scratch.write(found.target, found.digest)
    if found.target_digest == found.digest:
        reason = TRUSTED if found.trusted else copy.reason
        return replace(copy, verdict=Verdict.SAME, reason=reason) if found.listed else copy
    return copy


def _moved(copy: Copy, on_conflict: OnConflict, expected: str | None) -> Copy:
    """Return the copy as what its tag points at lets it be; it may have to be `expected`."""
    if copy.previous == copy.digest:
        return copy
    if expected is not None and expected != (copy.previous or ""):
        return _conflicting(
            copy, OnConflict.SKIP if on_conflict is OnConflict.SKIP else OnConflict.FAIL
        )
    if copy.previous is None:
        return copy
    return _conflicting(copy, OnConflict.OVERWRITE if expected is not None else on_conflict)


def _conflicting(copy: Copy, on_conflict: OnConflict) -> Copy:
    was = f"the target has {short(copy.previous) if copy.previous else 'no such tag'}"
    if on_conflict is OnConflict.OVERWRITE:
        reason = f"{copy.reason}; {was}" if copy.reason else was
        return replace(copy, verdict=Verdict.OVERWRITE, reason=reason)
    if on_conflict is OnConflict.SKIP:
        return replace(copy, verdict=Verdict.SKIP, reason=f"{was}, and is left as it is")
    problem = TagConflict(f"{copy.target}: {was}, the source {short(copy.digest or '')}")
    return replace(copy, verdict=Verdict.CONFLICT, reason=str(problem), problem=problem)
