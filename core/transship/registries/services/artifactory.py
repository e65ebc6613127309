"""JFrog Artifactory, hosted or your own."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.facts import Facts, no, partly
from transship.registries.services.service import Service

# It has refused whole uploads for a long time (RTFACT-19344), so every blob goes up as a piece.
ARTIFACTORY = Service(
    kind="artifactory",
    title="JFrog Artifactory",
    hosts=(r"[a-z0-9-]+\.jfrog\.io",),
    secret="password, API key or identity token",
    capabilities=Capabilities(whole_limit=0, parts=(2, 0)),
    facts=Facts(
        list=partly("by _catalog, for one repository key"),
        create=no(
            "The repository key, the first component, must be there: create it at the service."
        ),
        limits="a layer is never taken in one request (POST, PATCH, PUT)",
    ),
)
