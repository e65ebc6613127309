"""Docker Hub.

Its repositories are listed by another host than the registry's, which is signed in to with the
same Docker ID and access token (`POST /v2/auth/token`) and hands out a token of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from transship.registry.credential import Confidential
from transship.registry.http.address import PageChain
from transship.registry.registry import Capabilities
from transship.registry.service import NO_DELETE, AskApi, Facts, Service, bearer, no, unneeded, yes
from transship.registry.sign_in_form import SignInForm, SignInIdentity, SignInQuestion

_FORM = SignInForm(
    also="dockerhub",
    at="docker.io",
    identities=(
        SignInIdentity(
            "personal",
            "personal access token",
            SignInQuestion(
                "secret",
                "Access token",
                "personal access token",
                "On hub.docker.com: Account settings, Personal access tokens. Read & Write to "
                "write there; Read-only is enough for a source.",
                example="dckr_pat_…",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Docker ID",
                "the name that you sign in with, no e-mail address",
                "On hub.docker.com it stands in the menu under your picture.",
                shape=r"[^@\s]+",
                is_what="a Docker ID (an e-mail address won't do)",
            ),
        ),
        SignInIdentity(
            "organization",
            "organization access token",
            SignInQuestion(
                "secret",
                "Access token",
                "organization access token",
                "On hub.docker.com: the organization, Access tokens. It names the repositories "
                "that it is for.",
                example="dckr_oat_…",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Organization",
                "name of the organization",
                "The first part of its repositories' names.",
                shape=r"[^@\s]+",
                is_what="the name of an organization",
            ),
        ),
    ),
)

HUB = "hub.docker.com"
_PAGE = 100


class _Token(Confidential):
    access_token: str


class _Namespaces(msgspec.Struct):
    namespaces: list[str]


class _Repository(msgspec.Struct):
    name: str


class _Page(msgspec.Struct):
    results: list[_Repository]
    next: str | None = None


class HubApi:
    """Lists what is in the namespaces of an account. `hub` is the address of the API."""

    def __init__(self, ask: AskApi, hub: str) -> None:
        self._ask = ask
        self._hub = hub

    async def repositories(self) -> AsyncIterator[str]:
        """Give the repositories of the account's namespaces: its own and its organizations'."""
        credential = self._ask.credential()
        signed = await self._ask(
            f"{self._hub}/v2/auth/token",
            method="POST",
            body={"identifier": credential.username, "secret": credential.secret},
            authorization="",
        )
        # It lives 10 minutes: longer than a list takes.
        token = bearer(signed.json(_Token).access_token)
        answer = await self._ask(f"{self._hub}/v2/repositories/namespaces", authorization=token)
        for namespace in answer.json(_Namespaces).namespaces:
            path = f"/v2/repositories/{quote(namespace, safe='')}/?page=1&page_size={_PAGE}"
            following: str | None = self._hub + path
            pages = PageChain(self._hub + path)
            while following:
                page: _Page = (await self._ask(following, authorization=token)).json(_Page)
                for repository in page.results:
                    yield f"{namespace}/{repository.name}"
                following = page.next
                if following:
                    pages.turn(following, f"{self._hub}/v2/repositories/{namespace}")


def _api(host: str, ask: AskApi) -> HubApi:  # noqa: ARG001 - the API is at another host
    return HubApi(ask, f"https://{HUB}")


DOCKER_HUB = Service(
    kind="docker-hub",
    title="Docker Hub",
    form=_FORM,
    hosts=(r"docker\.io",),
    username="Docker ID",
    secret="personal access token",
    lists=False,
    api_host="registry-1.docker.io",
    capabilities=Capabilities(parts=(2, 2)),
    api=_api,
    api_hosts=(HUB,),
    lists_own=True,
    metered=True,
    facts=Facts(
        list=yes("by the Hub's API, the account's own namespaces"),
        create=unneeded("in the account's own namespace"),
        mount=yes(),
        resume=yes("from the last piece"),
        delete=no(NO_DELETE, "only by the Hub's API"),
        limits="manifests read are counted, HEAD isn't: 100 in 6 hours without an account, "
        "200 with a free one, no bound with a paid one",
        credential="a personal access token lives as set",
    ),
)
