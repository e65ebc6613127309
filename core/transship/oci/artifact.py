"""What a manifest stands for: an image, a chart, a signature, a list of parts, or something else.

OCI image spec, "Guidelines for Artifact Usage": the `artifactType`, else the config's media type.
"""

from __future__ import annotations

from enum import StrEnum

from transship.oci.manifest import Manifest
from transship.oci.media_types import CONFIGS


class Artifact(StrEnum):
    """What a manifest stands for, as its media types and its `artifactType` tell."""

    IMAGE = "image"
    CHART = "chart"
    """A Helm chart."""
    SIGNATURE = "signature"
    """Signatures and attestations: Notation, cosign, in-toto."""
    SBOM = "sbom"
    OTHER = "other"
    """Any other OCI artifact."""


_CHART = "application/vnd.cncf.helm."
_SIGNATURES = (
    "application/vnd.cncf.notary.",
    "application/vnd.dev.cosign.",
    "application/vnd.dev.sigstore.",
    "application/vnd.in-toto",
    "application/vnd.dsse.",
)
_SBOMS = (
    "application/spdx",
    "text/spdx",
    "application/vnd.cyclonedx",
    "application/vnd.syft",
)


def artifact_of_type(media_type: str) -> Artifact | None:
    """Return what an `artifactType` or a media type stands for; None when it says nothing."""
    if media_type in CONFIGS:
        return Artifact.IMAGE
    if media_type.startswith(_CHART):
        return Artifact.CHART
    if media_type.startswith(_SIGNATURES):
        return Artifact.SIGNATURE
    if media_type.startswith(_SBOMS):
        return Artifact.SBOM
    return None


def artifact_of(manifest: Manifest) -> Artifact:
    """Return what a manifest stands for.

    An index without an `artifactType` is an image. Cosign's older signatures look like images:
    there the layers tell.
    """
    config = manifest.config.media_type if manifest.config else ""
    parts = (layer.media_type for layer in manifest.layers)
    for media_type in (manifest.artifact_type, *parts, config):
        kind = artifact_of_type(media_type)
        if kind is not None:
            return kind
    return Artifact.IMAGE if manifest.is_index and not manifest.artifact_type else Artifact.OTHER
