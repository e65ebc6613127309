"""How much of a registry something is about, in words: tags, and repositories as a whole."""

from __future__ import annotations

from collections.abc import Iterable

from transship.oci.reference import Reference
from transship.text import counted


def extent_of(references: Iterable[Reference]) -> str:
    """Return in words how many tags and repositories these are: `9 tags, 3 repositories`."""
    tags = repositories = 0
    for reference in references:
        if reference.version:
            tags += 1
        else:
            repositories += 1
    counts = (
        counted(tags, "tag") if tags else "",
        counted(repositories, "repository", "repositories") if repositories else "",
    )
    return ", ".join(filter(None, counts))
