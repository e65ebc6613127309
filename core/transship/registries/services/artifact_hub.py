"""Artifact Hub: a catalogue, known so that it can be said what it is. `catalogues` looks in it."""

from __future__ import annotations

from transship.registries.services.facts import Facts, no
from transship.registries.services.service import Service

_HOLDS_NOTHING = "Look for a package with `transship find`, and add the registry that holds it."

ARTIFACT_HUB = Service(
    kind="artifact-hub",
    title="Artifact Hub",
    hosts=(r"(www\.)?artifacthub\.io",),
    lists=False,
    holds_images=False,
    catalogue=True,
    facts=Facts(
        list=no(_HOLDS_NOTHING, "a catalogue holds no images"),
        create=no(_HOLDS_NOTHING, "a catalogue holds no images"),
        mount=no(_HOLDS_NOTHING, "a catalogue holds no images"),
        resume=no(_HOLDS_NOTHING, "a catalogue holds no images"),
        delete=no(_HOLDS_NOTHING, "a catalogue holds no images"),
        referrers=no(_HOLDS_NOTHING, "a catalogue holds no images"),
        limits="60 packages for one search",
        credential="none is needed",
    ),
)
