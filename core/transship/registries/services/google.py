"""Google Artifact Registry, and gcr.io, which it serves."""

from __future__ import annotations

from transship.registries.place import Capabilities
from transship.registries.services.service import Service

GAR = Service(
    kind="gar",
    title="Google Artifact Registry",
    hosts=(r"[a-z0-9-]+-docker\.pkg\.dev", r"([a-z]+\.)?gcr\.io"),
    username="_json_key or oauth2accesstoken",
    secret="the service account's JSON key, or an access token",
    lists=False,
    capabilities=Capabilities(piece=0, parts=(2, 0)),  # It takes no chunked uploads.
)
