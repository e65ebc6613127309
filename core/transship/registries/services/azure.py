"""Azure Container Registry.

A login is handed out to whoever azure-identity (the extra `azure`), imported only when it is used,
finds by itself: a service principal in the environment, a managed or workload identity, `az login`.
Its token is exchanged at the registry for a refresh token, which is a docker login (Azure/acr,
docs/AAD-OAuth.md; no tenant has to be named).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from transship import errors
from transship.extras import extra_missing
from transship.registries.credential import Confidential, Credential, Login
from transship.registries.place import MEBIBYTE, Capabilities
from transship.registries.services.api import Ask
from transship.registries.services.facts import Facts, partly, unneeded, yes
from transship.registries.services.service import Service
from transship.registries.web_token import life_of
from transship.text import safe

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user name that says that the password is a refresh token."""

_HOST = r"[a-z0-9-]+\.azurecr\.(io|cn|us)"
_LOOKING_SECONDS = 45.0
_LIFE_SECONDS = 3 * 3600.0
_EXCHANGE = "/oauth2/exchange"


@dataclass(frozen=True, slots=True)
class _Cloud:
    """Where a cloud's directory is, and for what a token of it is meant."""

    authority: str
    scope: str


_CLOUDS: Mapping[str, _Cloud] = {
    "io": _Cloud("", "https://containerregistry.azure.net/.default"),
    "cn": _Cloud("login.chinacloudapi.cn", "https://management.chinacloudapi.cn/.default"),
    "us": _Cloud("login.microsoftonline.us", "https://management.usgovcloudapi.net/.default"),
}


class _Refresh(Confidential):
    refresh_token: str


class AcrApi:
    """Hands out logins to the registry at `host`, to whom Azure's directory knows."""

    def __init__(self, host: str, ask: Ask) -> None:
        self._host = host.partition(":")[0]
        self._ask = ask

    async def login(self) -> Login:
        """Return a login for as long as the registry gives it, which is about 3 hours."""
        cloud = _CLOUDS.get(self._host.rpartition(".")[2], _CLOUDS["io"])
        form = {
            "grant_type": "access_token",
            "service": self._host,
            "access_token": await _directory_token(cloud),
        }
        answer = await self._ask(_EXCHANGE, method="POST", form=form, authorization="")
        token = answer.json(_Refresh).refresh_token
        return Login(Credential(NOBODY, token), life_of(token) or _LIFE_SECONDS)


async def _directory_token(cloud: _Cloud) -> str:
    """Return a token of Azure's directory, asked for beside the loop. Raises why there is none."""
    try:
        from azure.core import exceptions as failures
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise extra_missing("azure", "a login from Azure's directory") from error
    # What it logs is in what it raises; without a handler it would go to the terminal.
    if not (logger := logging.getLogger("azure")).handlers:
        logger.addHandler(logging.NullHandler())

    def asked() -> str:
        authority = {"authority": cloud.authority} if cloud.authority else {}
        with DefaultAzureCredential(
            **authority, process_timeout=15, connection_timeout=5, read_timeout=15, retry_total=1
        ) as credential:
            return str(credential.get_token(cloud.scope).token)

    try:
        async with asyncio.timeout(_LOOKING_SECONDS):
            return await asyncio.to_thread(asked)
    except TimeoutError:
        raise errors.TimedOut("Azure's directory, through azure-identity") from None
    except failures.ClientAuthenticationError as error:
        said = " ".join(safe(error.message).split())[:300]
        raise errors.SignInNeeded(
            f"azure-identity finds nobody to sign in as (`az login`, AZURE_CLIENT_ID, ...): {said}"
        ) from None
    except failures.AzureError as error:
        raise errors.ConnectionLost(safe(str(error), limit=300)) from None


# Bodies above some 20 MB are refused (413), so larger blobs go up in pieces below that.
ACR = Service(
    kind="acr",
    title="Azure Container Registry",
    hosts=(_HOST,),
    username="admin user, application ID of a service principal, or name of a token",
    secret="its password, client secret or token password",
    capabilities=Capabilities(whole_limit=16 * MEBIBYTE, piece=16 * MEBIBYTE),
    api=AcrApi,
    hands_out=(_HOST,),
    facts=Facts(
        list=partly(
            "by _catalog, page by page; a token that is scoped to repositories gets no list",
            "With such a token, name the repositories yourself.",
        ),
        create=unneeded(),
        mount=yes("where the account may read both repositories"),
        resume=yes("from the last piece"),
        delete=partly("where the account has the right to delete, and nothing is locked"),
        referrers=yes("referrers API"),
        limits="per minute, by tier (Basic, Standard, Premium): 1,000, 3,000, 10,000 reads and "
        "100, 500, 2,000 writes; layers to 200 GiB, manifests to 4 MiB",
        credential="an admin's password or a token's lives as set; of Azure's directory 3 hours, "
        "fetched anew with azure-identity where the account keeps none",
    ),
)
