"""GitLab's container registry, hosted or your own."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

GITLAB = Service(
    kind="gitlab",
    title="GitLab",
    hosts=(r"registry\.gitlab\.com",),
    username="user, or name of the deploy token",
    secret="token with read_registry (and write_registry to push)",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
)
