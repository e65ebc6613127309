"""What each service asks of who signs in to it, in its own words, a file per vendor."""

from __future__ import annotations

from collections.abc import Mapping

from transship.registries.services.service import Service
from transship.registries.services.sign_in_words import (
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
from transship.registries.services.sign_in_words.asking import (
    Answers,
    Asks,
    Identity,
    Question,
    SignIn,
    faults,
    sign_in_from,
)

_WORDS: Mapping[str, Asks] = {
    "docker-hub": docker_hub.ASKS,
    "harbor": harbor.ASKS,
    "ecr": ecr.PRIVATE,
    "ecr-public": ecr.PUBLIC,
    "acr": azure.ASKS,
    "gar": google.GAR,
    "gcr": google.GCR,
    "swr": huawei.ASKS,
    "quay": quay.ASKS,
    "gitlab": gitlab.ASKS,
    "ghcr": github.ASKS,
    "artifactory": artifactory.ASKS,
    "artifactory-key": artifactory.KEY,
    "tcr": tencent.TCR,
    "ccr": tencent.CCR,
    "tencent-api": tencent.API,
    "alibaba": alibaba.REGISTRY,
    "alibaba-api": alibaba.API,
    "registry": generic.ASKS,
}


def asks_of(service: Service) -> Asks:
    """Return what a service asks for."""
    return _WORDS.get(service.kind) or generic.plain(service.username, service.secret)


__all__ = [
    "Answers",
    "Asks",
    "Identity",
    "Question",
    "SignIn",
    "asks_of",
    "faults",
    "sign_in_from",
]
