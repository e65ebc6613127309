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
from transship.registry.credential import Confidential, Credential, Login, life_of
from transship.registry.registry import MEBIBYTE, Capabilities
from transship.registry.service import AskApi, Facts, Service, partly, unneeded, yes
from transship.registry.sign_in_form import (
    Answers,
    SignInForm,
    SignInIdentity,
    SignInQuestion,
    always,
)
from transship.text import safe

_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NOBODY = "00000000-0000-0000-0000-000000000000"


def _joined(answers: Answers) -> str:
    return f"{answers['name'].lower()}.azurecr.io"


_FORM = SignInForm(
    also="acr microsoft",
    parts=(
        SignInQuestion(
            "name",
            "Registry name",
            "the name of the container registry",
            "In the Azure portal: Container registries. In the clouds of China and of the US "
            "government type the login server as the host.",
            example="example",
            shape=r"[A-Za-z0-9]{5,50}",
            is_what="5 to 50 letters and digits",
        ),
    ),
    joined=_joined,
    name=r"(?P<name>[a-z0-9]+)\.azurecr\.io",
    identities=(
        SignInIdentity(
            "principal",
            "service principal",
            SignInQuestion(
                "secret",
                "Client secret",
                "the secret's value",
                "In the Azure portal: the app registration, Certificates & secrets. The value is "
                "shown once, and isn't the secret's ID.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Client ID",
                "application (client) ID",
                "In the Azure portal: App registrations, the app, Overview. On the registry it has "
                "the role AcrPull, or AcrPush to write.",
                example="1b4e28ba-2fa1-11d2-883f-0016d3cca427",
                shape=_GUID,
                is_what="an application ID (a GUID)",
            ),
            known_by=rf"(?!{_NOBODY}){_GUID}",
        ),
        SignInIdentity(
            "refresh-token",
            "token of az acr login",
            SignInQuestion(
                "secret",
                "Token",
                "of `az acr login --expose-token`",
                "`az acr login -n NAME --expose-token` prints it as accessToken. It lives about 3 "
                "hours: too short for a long run.",
                secret=True,
            ),
            username=always(_NOBODY),
            known_by=_NOBODY,
        ),
        SignInIdentity(
            "token",
            "token of the registry",
            SignInQuestion(
                "secret",
                "Password",
                "one of the token's two passwords",
                "In the Azure portal: the registry, Tokens, the token. A password is shown once, "
                "when it is made.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Token name",
                "name of the token",
                "In the Azure portal: the registry, Repository permissions, Tokens. Its scope map "
                "says which repositories it is for.",
                shape=r"[A-Za-z0-9-]{5,50}",
                is_what="the name of a token (5 to 50 letters, digits and -)",
            ),
        ),
        SignInIdentity(
            "admin",
            "admin user",
            SignInQuestion(
                "secret",
                "Password",
                "password or password2",
                "In the Azure portal: the registry, Access keys, where the admin user has to be "
                "switched on.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Admin user",
                "user name of the admin user",
                "In the Azure portal: the registry, Access keys. It is the name of the registry.",
                shape=r"[A-Za-z0-9]{5,50}",
                is_what="the name of the registry",
            ),
        ),
    ),
    handed_out="by the Azure sign-in of this machine",
)

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

    def __init__(self, host: str, ask: AskApi) -> None:
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
    form=_FORM,
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
