"""What a tag of the new registry is called at the old one, by how a plan copies. Pure.

Under the domain a tag has the name that it has at the new registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from transship.cutover.catchup import TagKey
from transship.oci.reference import Reference


@dataclass(slots=True)
class Names:
    """The names by which tags were copied. What wasn't copied follows what its repository did."""

    _tags: dict[TagKey, TagKey] = field(default_factory=dict)
    _repositories: dict[str, set[str]] = field(default_factory=dict)
    _renamed: set[str] = field(default_factory=set)
    """Repositories at the new registry in which tags got other names."""
    _moved: bool = False

    @classmethod
    def of(cls, pairs: Iterable[tuple[Reference, Reference]]) -> Names:
        """Return the names of copies, given as source and target."""
        names = cls()
        for source, target in pairs:
            names.add(source, target)
        return names

    def add(self, source: Reference, target: Reference) -> None:
        """Take up a copy of a tag."""
        self._tags[target.repository, target.tag] = (source.repository, source.tag)
        self._repositories.setdefault(target.repository, set()).add(source.repository)
        self._moved = self._moved or source.repository != target.repository
        if source.tag != target.tag:
            self._renamed.add(target.repository)

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return what a tag is called at the old registry; None where that can't be told.

        A repository that nothing was copied to has the same name on both sides, unless other
        repositories haven't.
        """
        if tag in self._tags:
            return self._tags[tag]
        repository, name = tag
        came_of = self._repositories.get(repository)
        if came_of is None:
            return None if self._moved else tag
        if len(came_of) > 1 or repository in self._renamed:
            return None
        return next(iter(came_of)), name
