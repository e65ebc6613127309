"""What stands in a registry by name: its repositories and their tags. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from transship.errors import TransshipError
from transship.oci.artifact import Artifact
from transship.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class TagFacts:
    """What is known of one tag beyond its name. `created` is in seconds since the epoch.

    `examined` says that its manifest was read: what is None then can't be known.
    """

    digest: Digest | None = None
    created: float | None = None
    artifact: Artifact | None = None
    size: int | None = None
    """The bytes of its blobs, over all platforms."""
    examined: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The repositories of one place with their tags, in the registry's order.

    `facts` holds what was looked up, by repository and tag. `problems` are repositories whose
    tags couldn't be listed; they aren't among `tags`.
    """

    place: str
    tags: Mapping[str, tuple[str, ...]]
    facts: Mapping[tuple[str, str], TagFacts] = field(default_factory=dict)
    problems: Mapping[str, TransshipError] = field(default_factory=dict)
