"""What is believed of the targets without asking them."""

from __future__ import annotations

from dataclasses import dataclass, field

from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.text import counted
from transship.transfers.journal import Journal


@dataclass(frozen=True, slots=True)
class TrustCache:
    """What is believed of the targets: all that the job `job` says it left there.

    Without a job nothing is, and `doubt` says in words why.
    """

    job: str = ""
    doubt: str = ""
    _journal: Journal | None = field(default=None, repr=False)

    def digest(self, target: Reference) -> Digest | None:
        """Return what a target is believed to point at, None where nothing is believed."""
        return self._journal.left(target) if self._journal else None


@dataclass(frozen=True, slots=True)
class StoredTrust:
    """What came of a job's trust: how many `images` were believed to be as `job` left them.

    They weren't asked for at the target. Where nothing was believed, `doubt` says why.
    """

    job: str
    images: int
    doubt: str

    @property
    def words(self) -> str:
        """What came of it, in a sentence."""
        if self.doubt:
            return f"the last run wasn't trusted, and both sides were asked: {self.doubt}"
        images = counted(self.images, "image")
        asked = "wasn't asked for" if self.images == 1 else "weren't asked for"
        return f"{images} {asked} at the target: believed to be as the job {self.job} left it"


def store_trust(journal: Journal, trusted: TrustCache, images: int) -> None:
    """Keep what came of a job's trust."""
    journal.note(trusted=trusted.job, trusted_images=images, doubt=trusted.doubt)


def stored_trust(journal: Journal) -> StoredTrust | None:
    """Return what came of a job's trust, None where it wasn't to trust or hasn't looked yet."""
    job, doubt = journal.fact("trusted"), journal.fact("doubt")
    if not job and not doubt:
        return None
    return StoredTrust(job, int(journal.fact("trusted_images") or 0), doubt)
