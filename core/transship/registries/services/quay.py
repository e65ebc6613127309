"""Quay, hosted or your own."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.facts import NO_LIST, NO_RESUME, Facts, no, partly
from transship.registries.services.service import Greeting, Service

# The range that it reports for an upload session is off by one, so it can't be continued.
QUAY = Service(
    kind="quay",
    title="Quay",
    hosts=(r"quay\.io",),
    greeting=Greeting(realm=r"/v2/auth", service="{host}"),
    username="user, or robot account (namespace+robot)",
    secret="encrypted password or robot token",
    lists=False,
    capabilities=Capabilities(resumable=False),
    facts=Facts(
        list=no(NO_LIST, "its catalog holds public repositories only"),
        create=partly(
            "a push makes the repository, and the organization where that is switched on",
            "Where it isn't, create the organization at the service first.",
        ),
        resume=no(NO_RESUME, "the range that it reports is off by one"),
        credential="a robot's token lives until it is changed; sign-ins of 1 hour",
    ),
)
