"""What a verification of a job has found, kept in the job's journal for its report."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from transship.transfers.jobs import Job
from transship.transfers.journal import Journal
from transship.transfers.verify import Proof

_FACT = "proof"


@dataclass(frozen=True, slots=True)
class KeptProof:
    """A proof, when it ended in seconds since the epoch, and who asked for it."""

    proof: Proof
    at: float
    by: str


def keep_proof(job: Job, proof: Proof, at: float, by: str) -> None:
    """Keep what a verification of all of a job has found, in the place of an earlier one."""
    kept = KeptProof(proof, at, by)
    with job.journal() as journal:
        journal.note(**{_FACT: msgspec.json.encode(kept).decode()})


def kept_proof(journal: Journal) -> KeptProof | None:
    """Return what the last verification of a job has found, or None if there was none."""
    kept = journal.fact(_FACT)
    try:
        return msgspec.json.decode(kept, type=KeptProof) if kept else None
    except msgspec.MsgspecError:
        return None  # Of a version that kept something else: as good as none.
