"""The table of all hosted services."""

from __future__ import annotations

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
from transship.registries.services.ecr_public import ECR_PUBLIC
from transship.registries.services.generic import GENERIC
from transship.registries.services.github import GHCR
from transship.registries.services.huawei import SWR
from transship.registries.services.service import Service

SERVICES: tuple[Service, ...] = (
    docker_hub.DOCKER_HUB,
    harbor.HARBOR,
    ecr.ECR,
    ECR_PUBLIC,
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

__all__ = ["GENERIC", "SERVICES", "Service"]
