"""The hosted services: what is known of each one, a file per service.

Every registry that speaks the distribution API works without being known here. A service that is
known is signed in to with the right kind of user name, reached at the right host, and written to
in the way that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable

from transship.registries.services import (
    alibaba,
    artifactory,
    azure,
    docker_hub,
    ecr,
    gitlab,
    google,
    harbor,
    quay,
    tencent,
)
from transship.registries.services.artifact_hub import ARTIFACT_HUB
from transship.registries.services.generic import GENERIC
from transship.registries.services.github import GHCR
from transship.registries.services.huawei import SWR
from transship.registries.services.recognising import recognised
from transship.registries.services.service import Service

SERVICES: tuple[Service, ...] = (
    docker_hub.DOCKER_HUB,
    harbor.HARBOR,
    ecr.ECR,
    azure.ACR,
    google.GAR,
    google.GCR,
    SWR,
    quay.QUAY,
    gitlab.GITLAB,
    GHCR,
    artifactory.ARTIFACTORY,
    artifactory.ARTIFACTORY_KEY,
    tencent.TCR,
    tencent.CCR,
    tencent.TENCENT_API,
    alibaba.ALIBABA,
    alibaba.ALIBABA_API,
    ARTIFACT_HUB,
    GENERIC,
)
"""All that are known; the last one stands for every other registry."""


def service_of(host: str) -> Service:
    """Return the service that runs at `host[:port]`, as far as the name tells."""
    name = host.partition(":")[0]
    return next((s for s in SERVICES if s.runs_at(name)), GENERIC)


def service_greeting(host: str, challenges: Iterable[str]) -> Service | None:
    """Return the service that answers so to `/v2/`, as far as that tells; None when it doesn't.

    `challenges` are the WWW-Authenticate fields of the answer.
    """
    return recognised(host, challenges, SERVICES)


def service_named(kind: str) -> Service | None:
    """Return the service of this kind (`harbor`, `ecr`, ...), or None."""
    return next((service for service in SERVICES if service.kind == kind), None)


__all__ = ["GENERIC", "SERVICES", "Service", "service_greeting", "service_named", "service_of"]
