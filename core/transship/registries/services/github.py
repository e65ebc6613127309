"""GitHub's container registry."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

# A second piece overwrites the first, and pieces with a range are cut at 4 MiB.
GHCR = Service(
    kind="ghcr",
    title="GitHub Container Registry",
    hosts=(r"ghcr\.io",),
    secret="classic token with read:packages (and write:packages to push)",
    lists=False,
    capabilities=Capabilities(piece=0),
)
