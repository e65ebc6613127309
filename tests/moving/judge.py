"""What skopeo, who is no part of Transship, says of what is where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers import skopeo
from servers.images import digest_of

if TYPE_CHECKING:
    from servers.registry import Registry


def digest_at(registry: Registry, repository: str, tag: str) -> str:
    """Return the digest that a tag points at."""
    return digest_of(skopeo.inspect_raw(f"docker://{registry.host}/{repository}:{tag}", registry))


def tags_at(registry: Registry, repository: str) -> list[str]:
    """Return the tags of a repository."""
    return skopeo.list_tags(f"docker://{registry.host}/{repository}", registry)
