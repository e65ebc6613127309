"""What should move where, and how. Data; docs/plans.md is the file.

A rule says what it selects at a source and where that goes; limits, schedule and deletion say when
a plan runs, how hard it may pull and what it may delete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

from transship.errors import BadRequest
from transship.oci.artifact import Artifact
from transship.oci.digest import Digest
from transship.oci.platform import Platform
from transship.oci.reference import Reference
from transship.registry.registry import NO_OPTIONS, CreationOptions, Visibility

MOST_AT_ONCE = 1000
"""What is the highest concurrency that makes sense."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each day, in minutes since midnight, local time. It may reach over midnight."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one registry may be asked for.

    `concurrency` counts requests at once, blobs included; `rate` is in bytes of blobs per second,
    read and written together. Outside its `window` nothing is moved.
    """

    concurrency: int | None = None
    rate: int | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a plan runs again: every so many seconds, or when a cron line (5 fields) says so."""

    every: float | None = None
    cron: str = ""


@dataclass(frozen=True, slots=True)
class Deletion:
    """That what has vanished at the source vanishes at the target too, and how much of it.

    `at_most` is the share (0 to 1) of a target's tags under the plan that one run may delete.
    What matches one of `protect` (`REPOSITORY[:TAG]`, globs, names at the target) stays.
    """

    at_most: float = 0.05
    protect: tuple[str, ...] = ()


class NewestBy(StrEnum):
    """What makes one tag newer than another."""

    CREATED = "created"
    """The time that the image's configuration says it was created."""
    VERSION = "version"
    """The version that the tag is, as semantic versioning orders it."""


@dataclass(frozen=True, slots=True)
class TagFilter:
    """Which tags of a repository are wanted. Left empty, all.

    A tag is wanted when it matches one of `include` (when there are any) and none of `exclude`,
    lies in the range `semver`, and was created since `since`; of those, the `newest` are taken.
    Patterns are globs, or regular expressions after `regex:`. What `exact` and `digests` name is
    taken beside that; a filter with nothing but them takes nothing else.
    Where tags are read as versions (`semver`, or newest by version), pre-releases are left out
    unless `prereleases` is set or the range names one.

    `since` is a number of seconds before the run, or a moment in seconds since the epoch when
    `since_is_moment`.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    semver: str = ""
    prereleases: bool = False
    newest: int | None = None
    newest_by: NewestBy = NewestBy.CREATED
    since: float | None = None
    since_is_moment: bool = False
    exact: tuple[str, ...] = ()
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule selects, and where that goes.

    `source` and each of `targets` are a registry, with or without a path (their `repository`).
    Below the source's path, `repositories` selects by globs or `regex:`; what matches one that
    begins with `!` is left out. `map` makes the repository's name below the target's path from
    its name below the source's: see `transship.plans.mapping`. No `artifacts` and no `platforms`
    mean all of them, byte for byte. A tag that matches one of `immutable` and is at the target is
    believed to be the same, and isn't asked for.
    """

    source: Reference
    targets: tuple[Reference, ...]
    repositories: tuple[str, ...] = ("**",)
    tags: TagFilter = field(default_factory=TagFilter)
    artifacts: frozenset[Artifact] = frozenset()
    platforms: tuple[Platform, ...] = ()
    map: str = "{repository}"
    immutable: tuple[str, ...] = ()


class OnConflict(StrEnum):
    """What to do with a tag that exists at the target with another digest."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    FAIL = "fail"


class Kind(StrEnum):
    """What sort of plan it is."""

    COPY = "copy"
    """Named things, once."""
    SYNC = "sync"
    """What rules select, on demand or on a schedule."""
    REPLICATION = "replication"
    """Everything below a registry, a path or a repository, kept in step."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How one thing is to be copied, where that differs from rule to rule.

    No `platforms` and no `artifacts` mean all. `immutable` says that a tag which the target has is
    believed to be the same, without being asked for.
    """

    platforms: tuple[Platform, ...] = ()
    artifacts: frozenset[Artifact] = frozenset()
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to copy: a tag, a digest, or a whole repository (no version on either side).

    Without `terms` those of the plan hold. With `replaces` the target's tag is written only while
    it points at that digest, or with an empty one while there is no such tag; anything else is a
    conflict, whatever the plan says of tags that exist.
    """

    source: Reference
    target: Reference
    terms: Terms | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What should move where, and how: `copies` by name, or `rules` that select.

    `limits` go by registry. `retries` is how often what failed is tried again before the job ends.
    `create_missing` allows to create what a repository has to be in, and says who may pull from it,
    `create` what else it is to have.
    With `try_refused` it is tried what a target would refuse by all that is known of its service:
    what the target itself says still counts.
    """

    copies: tuple[Wanted, ...] = ()
    on_conflict: OnConflict = OnConflict.OVERWRITE
    referrers: bool = True
    platforms: tuple[Platform, ...] = ()
    kind: Kind = Kind.COPY
    rules: tuple[Rule, ...] = ()
    schedule: Schedule | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    delete: Deletion | None = None
    retries: int = 0
    create_missing: Visibility | None = None
    create: CreationOptions = NO_OPTIONS
    try_refused: bool = False

    @property
    def sources(self) -> tuple[Reference, ...]:
        """The first thing that is named in each registry that is read from, in order."""
        rules = (rule.source for rule in self.rules)
        return _by_registry(chain((copy.source for copy in self.copies), rules))

    @property
    def targets(self) -> tuple[Reference, ...]:
        """The first thing that is named in each registry that is written to, in order."""
        rules = (target for rule in self.rules for target in rule.targets)
        return _by_registry(chain((copy.target for copy in self.copies), rules))

    @property
    def places(self) -> tuple[Reference, ...]:
        """The first thing that is named in each registry that takes part, sources first."""
        return _by_registry(self.sources + self.targets)

    @property
    def is_replication(self) -> bool:
        """Whether everything is to be kept in step."""
        return self.kind is Kind.REPLICATION

    def without_idle_limits(self) -> Plan:
        """Return the plan without limits of registries that take no part, as its file wants it."""
        taking_part = {place.registry for place in self.places}
        kept = {name: limits for name, limits in self.limits.items() if name in taking_part}
        return replace(self, limits=kept)

    @property
    def replaces(self) -> dict[Reference, str]:
        """What tags at the target must point at to be written, where a copy says so."""
        said = ((copy.target, copy.replaces) for copy in self.copies)
        return {target: digest for target, digest in said if digest is not None}

    def terms(self, wanted: Wanted) -> Terms:
        """Return how `wanted` is to be copied."""
        return wanted.terms or Terms(platforms=self.platforms)


def _by_registry(references: Iterable[Reference]) -> tuple[Reference, ...]:
    first: dict[str, Reference] = {}
    for reference in references:
        first.setdefault(reference.registry, reference)
    return tuple(first.values())


def wanted(source: Reference, target: Reference) -> Wanted:
    """Return the copy from `source` to `target`, with what was left out of the target filled in.

    A target without a version takes the source's. Raises BadRequest when the two don't fit.
    """
    if not source.repository and source.layout is None:
        raise BadRequest(f"{source} is a whole registry; name a repository")
    if not target.repository and target.layout is None and not source.repository:
        raise BadRequest(f"{target} needs a repository, to be put before what the layout holds")
    if not source.version and target.version:
        raise BadRequest(f"{source} means all its tags, so {target} can't name one")
    if target.digest and target.digest != source.digest:
        raise BadRequest(f"{target}: a digest can't be chosen, it comes from the content")
    if not target.repository and source.repository:
        if target.layout is None:
            raise BadRequest(f"{target} names no repository")
        target = Reference(target.registry, source.repository, target.tag, target.digest)
    if source.version and not target.version:
        target = Reference(target.registry, target.repository, source.tag, source.digest)
    if target.tag and target.digest:
        target = target.at(target.tag)
    _check_apart(source, target)
    return Wanted(source, target)


def _check_apart(source: Reference, target: Reference) -> None:
    if (target.registry, target.repository) != (source.registry, source.repository):
        return
    if not source.version:
        raise BadRequest(f"source and target are the same repository, {source}")
    if target.version in (source.tag, source.digest):
        raise BadRequest(f"source and target are the same, {source}")
