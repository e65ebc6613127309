"""GitHub's container registry."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.facts import (
    NO_CREATION,
    NO_DELETE,
    NO_LIST,
    NO_RESUME,
    Facts,
    no,
)
from transship.registries.services.service import Service

# A second piece overwrites the first, and pieces with a range are cut at 4 MiB.
GHCR = Service(
    kind="ghcr",
    title="GitHub Container Registry",
    hosts=(r"ghcr\.io",),
    secret="classic token with read:packages (and write:packages to push)",
    lists=False,
    capabilities=Capabilities(piece=0),
    facts=Facts(
        list=no(NO_LIST, "only by GitHub's packages API"),
        create=no(NO_CREATION, "the first push makes a private package"),
        resume=no(NO_RESUME, "a second piece overwrites the first"),
        delete=no(NO_DELETE, "only by GitHub's packages API"),
        credential="a classic token lives as set",
    ),
)
