"""The files of a docker-registry, for tests that damage what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


def blob_file(registry: DockerRegistry, digest: str) -> Path:
    """Return the file in which a registry keeps a blob or a manifest."""
    algorithm, _, encoded = digest.partition(":")
    folder = registry.storage / "docker" / "registry" / "v2" / "blobs" / algorithm
    return folder / encoded[:2] / encoded / "data"
