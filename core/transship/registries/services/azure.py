"""Azure Container Registry."""

from __future__ import annotations

from transship.registries.place import MEBIBYTE, Capabilities
from transship.registries.services.facts import NO_CREATION, Facts, no, yes
from transship.registries.services.service import Service

# Bodies above some 20 MB are refused, so larger blobs go up in pieces below that.
ACR = Service(
    kind="acr",
    title="Azure Container Registry",
    hosts=(r"[a-z0-9-]+\.azurecr\.(io|cn|us)",),
    username="token name, service principal, or 00000000-0000-0000-0000-000000000000",
    secret="token password, client secret, or refresh token",
    capabilities=Capabilities(whole_limit=16 * MEBIBYTE, piece=16 * MEBIBYTE),
    facts=Facts(
        list=yes("by _catalog"),
        create=no(NO_CREATION),
        limits="1,000 reads and 100 writes per minute, more by tier; layers to 200 GiB",
        credential="a token password lives as set; a refresh token about 3 hours",
    ),
)
