"""The table of all hosted services, and of what signing in to each of them asks."""

from __future__ import annotations

from collections.abc import Mapping

from transship.registry.service import GENERIC, Service
from transship.services import (
    alibaba,
    artifactory,
    azure,
    docker_hub,
    ecr,
    generic,
    github,
    gitlab,
    google,
    harbor,
    huawei,
    quay,
    tencent,
)
from transship.services.artifact_hub import ARTIFACT_HUB
from transship.services.ecr import ECR_PUBLIC
from transship.services.github import GHCR
from transship.services.huawei import SWR
from transship.services.sign_in import (
    SignInForm,
)

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

_WORDS: Mapping[str, SignInForm] = {
    "docker-hub": docker_hub.FORM,
    "harbor": harbor.FORM,
    "ecr": ecr.PRIVATE_FORM,
    "ecr-public": ecr.PUBLIC_FORM,
    "acr": azure.FORM,
    "gar": google.GAR_FORM,
    "gcr": google.GCR_FORM,
    "swr": huawei.FORM,
    "quay": quay.FORM,
    "gitlab": gitlab.FORM,
    "ghcr": github.FORM,
    "artifactory": artifactory.FORM,
    "artifactory-key": artifactory.KEY_FORM,
    "tcr": tencent.TCR_FORM,
    "ccr": tencent.CCR_FORM,
    "tencent-api": tencent.API_FORM,
    "alibaba": alibaba.REGISTRY_FORM,
    "alibaba-api": alibaba.API_FORM,
    "registry": generic.FORM,
}


def sign_in_form(service: Service) -> SignInForm:
    """Return what a service asks for."""
    return _WORDS.get(service.kind) or generic.plain(service.username, service.secret)
