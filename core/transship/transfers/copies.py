"""The words of a transfer: copies, verdicts and states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from transship import errors
from transship.errors import TransshipError
from transship.oci.digest import Digest
from transship.oci.manifest import Manifest
from transship.oci.reference import Reference
from transship.registry.registry import NO_OPTIONS, CreationOptions, MissingTarget, Visibility

PLACE_WIDE = (
    errors.BadFile,
    errors.CertificateNotTrusted,
    errors.ClientCertificateRefused,
    errors.ConnectionRefused,
    errors.DiskFull,
    errors.NameNotFound,
    errors.NotALayout,
    errors.NotARegistry,
    errors.PlainHttp,
    errors.ProxyFailed,
    errors.RealmRefused,
    errors.WrongCredential,
)
"""What is wrong with a whole place, and would be said again of everything in it."""

MAY_PASS = frozenset(
    error().cause
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, TransshipError) and error.retryable
)
"""The names of the causes that may be gone when it is tried again."""


class Verdict(StrEnum):
    """What is to be done with one copy."""

    COPY = "copy"
    """The target doesn't have it."""
    SAME = "same"
    """The target has it with the same digest."""
    OVERWRITE = "overwrite"
    """The target's tag points at something else, and moves."""
    CONFLICT = "conflict"
    """The target's tag points at something else, and must not move."""
    BLOCKED = "blocked"
    """It can't be copied."""
    SKIP = "skip"
    """It isn't wanted."""
    DELETE = "delete"
    """The target's tag is gone at the source, and goes."""

    @property
    def moves(self) -> bool:
        """Whether something is to be written."""
        return self in (Verdict.COPY, Verdict.OVERWRITE)

    @property
    def changes(self) -> bool:
        """Whether something is to be done at the target: written or deleted."""
        return self.moves or self is Verdict.DELETE


class CopyState(StrEnum):
    """How far one copy is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    """Its process ended without finishing it."""
    DONE = "done"
    FAILED = "failed"
    """It has ended, and something in it failed."""
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens unless it is retried."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing at the source, and what the target has under the same name: evidence, no judgement.

    `manifests` is the tree to be written, children before their parents and the root last; empty
    when the target has the same digest, or `problem` says why it can't be read. `digest` is what
    will be written: the root's own, or that of an index with fewer platforms. `seen_at` is when
    the target was asked, in seconds since the epoch, or None when only its list of tags was, or it
    refused to tell.
    `children` are an index's, where they are known although `manifests` is empty. `listed` is
    False for a referrer that the target has, but doesn't list with its `subject`. `unwanted` says
    why the rules leave it out after all. `believed` is a tag that the target has, and that was
    declared immutable: its digest wasn't asked for. `trusted` is what the target wasn't asked for
    because the last run left it there. `vanished` is a tag that only the target has.
    """

    source: Reference
    target: Reference
    digest: Digest | None
    target_digest: Digest | None
    manifests: tuple[Manifest, ...] = ()
    media_type: str = ""
    subject: Digest | None = None
    note: str = ""
    problem: TransshipError | None = None
    seen_at: float | None = None
    children: tuple[Digest, ...] = ()
    listed: bool = True
    unwanted: str = ""
    believed: bool = False
    trusted: bool = False
    vanished: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """One thing to be written at the target, or the reason why it isn't.

    `previous` is what the target's tag pointed at. `subject` is what a referrer refers to. `moving`
    says that the tag was about to be written once, so that what it points at may be our doing.
    `unseen` says that the target refused to tell what it pointed at then: `previous` says nothing.
    """

    id: int
    source: Reference
    target: Reference
    digest: Digest | None
    previous: Digest | None
    verdict: Verdict
    reason: str = ""
    subject: Digest | None = None
    problem: TransshipError | None = None
    seen_at: float | None = None
    moving: bool = False
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class BlobWork:
    """One blob that a target needs, once for the whole job. `size` is in bytes.

    It is sent to `home`, the first repository that needs it, and mounted into the `others`.
    `source` is a repository to read it from. `there` says whether the target was seen to have it
    already in its home; None when it wasn't asked.
    """

    target: str
    digest: Digest
    size: int
    source: Reference
    home: str
    others: tuple[str, ...] = ()
    there: bool | None = None


@dataclass(frozen=True, slots=True)
class Creation:
    """Something that a run creates at a target before it writes there: the plan allows it."""

    target: str
    missing: MissingTarget
    visibility: Visibility
    options: CreationOptions = NO_OPTIONS

    @property
    def how(self) -> str:
        """Who may pull from it and what else it is to have, in words."""
        return f"{self.visibility}, {self.options}" if self.options else str(self.visibility)

    def __str__(self) -> str:
        return f"the {self.missing.kind} {self.missing.name} ({self.how})"


@dataclass(frozen=True, slots=True)
class Need:
    """A repository that can be written to only once something was created."""

    repository: str
    creation: Creation


@dataclass(frozen=True)
class Worklist:
    """Everything that a job will do, in order, before a byte is moved."""

    copies: Sequence[Copy]
    blobs: Sequence[BlobWork]
    manifests: Mapping[Digest, Manifest]
    needs: Sequence[Need] = ()

    @cached_property
    def creations(self) -> Sequence[Creation]:
        """What is created, each once, in the order in which it is needed."""
        return tuple(dict.fromkeys(need.creation for need in self.needs))

    @cached_property
    def counts(self) -> Mapping[Verdict, int]:
        """How many copies there are of each verdict."""
        return Counter(copy.verdict for copy in self.copies)

    @cached_property
    def bytes_total(self) -> int:
        """The bytes of every blob in every repository that needs it: what a naive copy sends."""
        return sum(blob.size * (1 + len(blob.others)) for blob in self.blobs)

    @cached_property
    def bytes_to_move(self) -> int:
        """The bytes that are sent, as far as is known: each blob once, and none that is there."""
        return sum(blob.size for blob in self.blobs if not blob.there)

    @cached_property
    def written_to(self) -> frozenset[tuple[str, str]]:
        """The repositories that something is written to, by place and name."""
        moved = (copy.target for copy in self.copies if copy.verdict.moves)
        return frozenset((target.registry, target.repository) for target in moved)

    def of(self, *verdicts: Verdict) -> Sequence[Copy]:
        """Return the copies with one of these verdicts, in order."""
        return tuple(copy for copy in self.copies if copy.verdict in verdicts)
