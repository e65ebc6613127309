"""Manifests that no builder makes: written to a registry as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from servers.images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Pushed, push_blob

if TYPE_CHECKING:
    from servers.registry import Registry


def put_manifest(
    registry: Registry,
    repository: str,
    reference: str | None,
    document: dict[str, Any],
    media_type: str = OCI_MANIFEST,
) -> Pushed:
    """Put a document under a tag, or under its digest."""
    pushed = Pushed(repository, media_type, json.dumps(document).encode())
    registry.http.put(
        f"/v2/{repository}/manifests/{reference or pushed.digest}",
        content=pushed.content,
        headers={"Content-Type": media_type},
    ).raise_for_status()
    return pushed


def image_of(
    registry: Registry, repository: str, layers: list[bytes], **more: Any
) -> dict[str, Any]:
    """Push a config and raw layers, and return the manifest that names them, in their order."""
    config = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": push_blob(registry, repository, config, OCI_CONFIG),
        "layers": [push_blob(registry, repository, layer, OCI_LAYER) for layer in layers],
        **more,
    }


def delete_manifest(registry: Registry, repository: str, digest: str) -> None:
    """Delete a manifest, and with it the tags that point at it."""
    registry.http.delete(f"/v2/{repository}/manifests/{digest}").raise_for_status()
