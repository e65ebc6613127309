"""Sources with tags, digests or patterns at their end, as image-transfer and image-syncer write."""

from __future__ import annotations

from dataclasses import dataclass

from transship.errors import BadReference
from transship.oci.digest import Digest
from transship.oci.reference import Reference, is_tag
from transship.plans.importers.names import image_of


@dataclass(frozen=True, slots=True)
class SourceName:
    """A repository with what is wanted of it: tags, a digest, or a Go expression over its tags.

    With nothing of these, all tags.
    """

    registry: str
    repository: str
    tags: tuple[str, ...] = ()
    digest: Digest | None = None
    expression: str = ""

    @property
    def whole(self) -> Reference:
        """The repository."""
        return Reference(self.registry, self.repository)


def source_name(text: str) -> SourceName:
    """Return what `repository`, `...:a,b`, `...@sha256:...` or `...:/expression/` names.

    Raises BadReference.
    """
    text = text.strip()
    name, found, expression = text.partition(":/")
    if found and "/" in name and expression.endswith("/") and len(expression) > 1:
        image = image_of(name)
        return SourceName(image.registry, image.repository, expression=expression[:-1])
    first, *more = text.split(",")
    image = image_of(first)
    if not more:
        single = (image.tag,) if image.tag else ()
        return SourceName(image.registry, image.repository, single, image.digest)
    tags = tuple(dict.fromkeys([image.tag, *(tag.strip() for tag in more)]))
    if image.digest or not all(map(is_tag, tags)):
        raise BadReference(f"{text!r} has something else than tags between its commas")
    return SourceName(image.registry, image.repository, tags)
