"""GitHub's container registry.

Its packages are listed by GitHub's API, at another host than the registry's, with the same token.
Nothing has to be made first, and who may pull what a push has made can only be set at GitHub.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import msgspec

from transship import errors
from transship.errors import UnexpectedAnswer
from transship.registry.http.address import PageChain, next_page
from transship.registry.registry import Capabilities
from transship.registry.service import (
    NO_DELETE,
    NO_RESUME,
    AskApi,
    Facts,
    Service,
    Unlisted,
    bearer,
    no,
    unneeded,
    yes,
)
from transship.registry.sign_in_form import SignInForm, SignInIdentity, SignInQuestion

_FORM = SignInForm(
    also="packages",
    at="ghcr.io",
    identities=(
        SignInIdentity(
            "token",
            "personal access token (classic)",
            SignInQuestion(
                "secret",
                "Token",
                "personal access token (classic)",
                "On github.com: Settings, Developer settings, Personal access tokens (classic). "
                "Scopes: read:packages to read, write:packages to write, read:org to list an "
                "organization's.",
                example="ghp_…",
                shape=r"(?!github_pat_).+",
                is_what="a classic token: packages don't take fine-grained ones",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "User",
                "user name on GitHub",
                "The name in the address of your profile. For an organization with SSO the token "
                "is authorized for it.",
                shape=r"[A-Za-z0-9][A-Za-z0-9-]*(\[bot\])?",
                is_what="a user name of GitHub",
            ),
        ),
    ),
)

GITHUB = "api.github.com"
_PAGE = 100
_ORGANIZATIONS = (
    "Give the token `read:org` too, so that the packages of organizations are listed, or name the "
    "repositories without patterns."
)


class _Owner(msgspec.Struct):
    login: str


class _Package(msgspec.Struct):
    name: str
    owner: _Owner


class GitHubApi:
    """Lists the packages of a user and of its organizations. `github` is the API's address."""

    def __init__(self, ask: AskApi, github: str) -> None:
        self._ask = ask
        self._github = github

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the account's own packages, then those of its organizations.

        The organizations are shown to tokens with `read:org`; another lists its user's own
        packages, and says that there may be more.
        """
        async for name in self._packages("/user"):
            yield name
        try:
            organizations = [each.login async for each in self._pages("/user/orgs", "", _Owner)]
        except (errors.NoRight, errors.RepositoryNotFound) as error:
            yield Unlisted("", errors.NoRight(error.detail, remedy=_ORGANIZATIONS))
            return
        for organization in organizations:
            try:
                async for name in self._packages(f"/orgs/{quote(organization, safe='')}"):
                    yield name
            except (errors.NoRight, errors.RepositoryNotFound) as error:
                yield Unlisted(organization.lower(), error)

    async def _packages(self, owner: str) -> AsyncIterator[str]:
        async for package in self._pages(f"{owner}/packages", "package_type=container&", _Package):
            # Logins keep their capitals, references have none.
            yield f"{package.owner.login}/{package.name}".lower()

    async def _pages(self, path: str, query: str, kind: type[Any]) -> AsyncIterator[Any]:
        address: str | None = f"{self._github}{path}?{query}per_page={_PAGE}"
        pages = PageChain(address or "")
        while address:
            token = bearer(self._ask.credential().secret)
            answer = await self._ask(
                address, authorization=token, missing=errors.RepositoryNotFound
            )
            for each in answer.json(list[kind]):  # type: ignore[valid-type]
                yield each
            try:
                address = next_page(answer.headers.get("link", ""), answer.url)
            except ValueError as error:
                raise UnexpectedAnswer(f"{path}: its next page is {error}") from error
            if address:
                pages.turn(address, path)


def _api(host: str, ask: AskApi) -> GitHubApi:  # noqa: ARG001 - the API is at another host
    return GitHubApi(ask, f"https://{GITHUB}")


# Pieces of more than 4 MiB are refused, and of smaller ones it isn't certain that each is added to
# those before it.
GHCR = Service(
    kind="ghcr",
    title="GitHub Container Registry",
    form=_FORM,
    hosts=(r"ghcr\.io",),
    secret="classic token with read:packages (write:packages to push, read:org to list)",
    lists=False,
    capabilities=Capabilities(piece=0, parts=(2, 0)),
    api=_api,
    api_hosts=(GITHUB,),
    lists_own=True,
    facts=Facts(
        list=yes("by GitHub's packages API; those of organizations with read:org"),
        create=unneeded("a first push makes a private package; GitHub alone can open it"),
        resume=no(NO_RESUME, "it takes a layer in one request"),
        delete=no(NO_DELETE, "only by GitHub's packages API"),
        limits="layers to 10 GB, each in 10 minutes",
        credential="a classic token lives as set",
    ),
)
