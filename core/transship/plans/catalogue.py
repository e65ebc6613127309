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
    problem: TransshipError | None = None
    """Why its manifest couldn't be read; then nothing of it counts as known for certain."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The repositories of one place with their tags, in the registry's order.

    `facts` holds what was looked up, by repository and tag. `problems` are repositories whose
    tags couldn't be listed, and paths below which the place lists no repositories; they aren't
    among `tags`.
    """

    place: str
    tags: Mapping[str, tuple[str, ...]]
    facts: Mapping[tuple[str, str], TagFacts] = field(default_factory=dict)
    problems: Mapping[str, TransshipError] = field(default_factory=dict)
    unnameable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the place lists and nobody can ask it for, since it is no name (distribution spec,
    "Pulling manifests"): tags by repository, and repositories under an empty name."""

    @property
    def uncertain(self) -> frozenset[str]:
        """The repositories, and paths, of which not all could be learned."""
        failed = {name for (name, _), facts in self.facts.items() if facts.problem is not None}
        return frozenset(failed.union(self.problems))

    @property
    def is_whole(self) -> bool:
        """Whether all could be learned of it that was asked."""
        return not self.problems and all(each.problem is None for each in self.facts.values())
