"""Docker Hub."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

DOCKER_HUB = Service(
    kind="docker-hub",
    title="Docker Hub",
    hosts=(r"docker\.io",),
    username="Docker ID",
    secret="personal access token",
    lists=False,
    api_host="registry-1.docker.io",
    capabilities=Capabilities(parts=(2, 2)),
)
