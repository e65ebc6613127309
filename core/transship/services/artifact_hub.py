"""Artifact Hub: a catalogue, known so that it can be said what it is. `catalogues` looks in it."""

from __future__ import annotations

from transship.registry.service import Role, Service, no_registry

ARTIFACT_HUB = Service(
    kind="artifact-hub",
    title="Artifact Hub",
    hosts=(r"(www\.)?artifacthub\.io",),
    role=Role.CATALOGUE,
    lists=False,
    facts=no_registry(
        "Look for a package with `transship find`, and add the registry that holds it.",
        "a catalogue holds no images",
        limits="60 packages for one search",
        credential="none is needed",
    ),
)
