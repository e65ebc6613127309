"""Quay, hosted or your own."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

# The range that it reports for an upload session is off by one, so it can't be continued.
QUAY = Service(
    kind="quay",
    title="Quay",
    hosts=(r"quay\.io",),
    username="user, or robot account (namespace+robot)",
    secret="encrypted password or robot token",
    lists=False,
    capabilities=Capabilities(resumable=False),
)
