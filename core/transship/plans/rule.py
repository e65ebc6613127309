"""One rule of a plan: what it selects at a source, and where that goes. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from transship.oci.artifact import Artifact
from transship.oci.digest import Digest
from transship.oci.platform import Platform
from transship.oci.reference import Reference


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
    its name below the source's: see `transship.plans.naming`. No `artifacts` and no `platforms`
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
