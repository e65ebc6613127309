"""Every registry that is none of the known services, docker-registry itself among them."""

from __future__ import annotations

from transship.registries.services.facts import Facts, partly, unneeded, yes
from transship.registries.services.service import Service

GENERIC = Service(
    kind="registry",
    title="Registry",
    facts=Facts(
        list=partly("by _catalog, where the account may"),
        create=unneeded(),
        mount=yes("within the registry, where the account may read both repositories"),
        resume=yes("from the last piece"),
        delete=partly("where the registry allows it"),
    ),
)
