"""Google Artifact Registry, and gcr.io, which it serves."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.facts import NO_LIST, NO_RESUME, Facts, no
from transship.registries.services.service import Service

GAR = Service(
    kind="gar",
    title="Google Artifact Registry",
    hosts=(r"[a-z0-9-]+-docker\.pkg\.dev", r"([a-z]+\.)?gcr\.io"),
    username="_json_key or oauth2accesstoken",
    secret="the service account's JSON key, or an access token",
    lists=False,
    capabilities=Capabilities(piece=0, parts=(2, 0)),  # It takes no chunked uploads.
    facts=Facts(
        list=no(NO_LIST, "only by Google's API"),
        create=no("The repository in the project must be there: create it at the service first."),
        resume=no(NO_RESUME, "no uploads in pieces"),
        credential="a service account's key lives until it is withdrawn, an access token 1 hour",
    ),
)
