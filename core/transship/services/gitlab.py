"""GitLab's container registry, hosted or your own.

GitLab itself is where the registry's token server is, mostly at another host. Its API lists the
projects of an account and their repositories, and tells which projects are there, where the token
has `read_api`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registry.http.address import PageChain
from transship.registry.http.answer import Answer
from transship.registry.registry import (
    Capabilities,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Writes,
)
from transship.registry.service import (
    AskApi,
    Facts,
    Service,
    ServicePing,
    Unlisted,
    bearer,
    no,
    partly,
    yes,
)
from transship.registry.sign_in_form import SignInForm, SignInIdentity, SignInQuestion

_SCOPES = "read_registry to read, write_registry to write, and read_api so that it can list."

_FORM = SignInForm(
    host=SignInQuestion(
        "host",
        "Host",
        "host of the container registry, not of GitLab",
        "In GitLab: a project, Deploy, Container registry; its commands name the host. It often "
        "isn't that of the web pages.",
        example="registry.example.com",
        default="registry.gitlab.com",
    ),
    identities=(
        SignInIdentity(
            "personal",
            "personal access token",
            SignInQuestion(
                "secret",
                "Token",
                "personal access token",
                f"In GitLab: your settings, Access tokens. Scopes: {_SCOPES}",
                example="glpat-…",
                secret=True,
            ),
            SignInQuestion(
                "user", "User", "user name in GitLab", "It stands after @ on your profile."
            ),
        ),
        SignInIdentity(
            "deploy-token",
            "deploy token",
            SignInQuestion(
                "secret",
                "Deploy token",
                "the token itself",
                "Shown once, when the deploy token is made. It can't list repositories: name them "
                "with the account.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "User name",
                "user name of the deploy token",
                "In GitLab: the project or group, Settings, Repository, Deploy tokens. Scopes: "
                "read_registry, and write_registry to write.",
                example="gitlab+deploy-token-1",
            ),
            known_by=r"gitlab\+deploy-token-\d+",
        ),
        SignInIdentity(
            "access-token",
            "project or group access token",
            SignInQuestion(
                "secret",
                "Token",
                "project or group access token",
                f"In GitLab: the project or group, Settings, Access tokens. Scopes: {_SCOPES}",
                example="glpat-…",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "User name",
                "any name; that of the token is best",
                "GitLab looks at the token only, but takes no empty name.",
            ),
        ),
    ),
)

_REALM = "/jwt/auth"
_PAGE = 100
_MOST_BELOW = 2
"""So many components may follow a project's path in that of a repository."""


class _Project(msgspec.Struct):
    id: int
    path_with_namespace: str
    container_registry_access_level: str = ""


class _Repository(msgspec.Struct):
    path: str


class _Api:
    """Lists what is in the projects that an account is a member of.

    Asks whether the projects are there that are to be pushed to, with their registry.
    """

    def __init__(self, host: str, ask: AskApi) -> None:  # noqa: ARG002 - the API is GitLab's
        self._ask = ask
        self._known = PreflightAnswers[_Project | None](gives_up=True)

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the repositories, project by project."""
        projects = await self._projects()
        async for project in self._pages(projects, "membership=true&", _Project):
            if project.container_registry_access_level == "disabled":
                continue
            path = f"{projects}/{project.id}/registry/repositories"
            try:
                async for repository in self._pages(path, "", _Repository):
                    yield repository.path
            except errors.RepositoryNotFound:
                continue  # Its registry was never switched on.
            except errors.NoRight as error:
                # A repository's path is in lower case, whatever that of its project is.
                yield Unlisted(project.path_with_namespace.lower(), error)

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which repositories have no project to be in, or one without a registry."""
        projects = await self._projects()
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for repository in writes:
            try:
                standings[repository] = await self._standing(projects, repository)
            except TransshipError as error:
                unknown.append(UnknownTarget("whether its project is there", repository, error))
        return TargetOutlook(standings, tuple(unknown))

    async def _standing(self, projects: str, repository: str) -> TargetStatus:
        paths = _projects_of(repository)
        for path in paths:

            async def asked(path: str = path) -> _Project | None:
                return await self._project(projects, path)

            project = await self._known.once(path, asked)
            if project is None:
                continue
            if project.container_registry_access_level == "disabled":
                return TargetStatus(read_only=f"the project {path} has no container registry")
            return TargetStatus()
        return TargetStatus(missing=MissingTarget("project", " or ".join(paths), hidden=True))

    async def _project(self, projects: str, path: str) -> _Project | None:
        """Return what GitLab says of a project, None when it isn't there for this account."""
        try:
            answer = await self._got(f"{projects}/{quote(path, safe='')}")
        except errors.RepositoryNotFound:
            return None
        found: _Project = answer.json(_Project)
        return found

    async def _projects(self) -> str:
        """Return the address of the projects in GitLab's API."""
        realm = await self._ask.realm()
        gitlab = realm.partition("?")[0].removesuffix(_REALM)
        if not realm or gitlab == realm:
            raise errors.CatalogClosed("the registry names no GitLab as its token server")
        return f"{gitlab}/api/v4/projects"

    async def _got(self, address: str) -> Answer:
        token = bearer(self._ask.credential().secret)
        return await self._ask(address, authorization=token, missing=errors.RepositoryNotFound)

    async def _pages(self, address: str, query: str, kind: type[Any]) -> AsyncIterator[Any]:
        page = "1"
        pages = PageChain(page)
        while page:
            answer = await self._got(f"{address}?{query}per_page={_PAGE}&page={page}")
            some = answer.json(list[kind])  # type: ignore[valid-type]
            for each in some:
                yield each
            following = answer.headers.get("x-next-page", "")
            if len(some) >= _PAGE and "x-next-page" not in answer.headers:
                raise errors.ListIncomplete(f"{address}: nothing tells whether there is more")
            if following and not following.isdecimal():
                raise errors.UnexpectedAnswer(f"{address}: {following!r} is no number of a page")
            pages.turn(following, address)
            page = following


def _projects_of(repository: str) -> list[str]:
    """Return what may be the path of a repository's project, the longest first."""
    parts = repository.split("/")
    least = max(2, len(parts) - _MOST_BELOW)
    return ["/".join(parts[:count]) for count in range(len(parts), least - 1, -1)]


GITLAB = Service(
    kind="gitlab",
    title="GitLab",
    form=_FORM,
    hosts=(r"registry\.gitlab\.com",),
    greeting=ServicePing(realm=rf".*{_REALM}", service="container_registry"),
    username="user, or name of the deploy token",
    secret="token with read_registry (and write_registry to push, read_api to list)",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    api=_Api,
    lists_own=True,
    facts=Facts(
        list=yes("by GitLab's API, with a token that has read_api"),
        create=no(
            "The project must be there with its registry enabled: create it in GitLab first. A "
            "preview tells which aren't, with a token that has read_api."
        ),
        mount=yes("where the account may read both repositories"),
        resume=yes("from the last piece"),
        delete=partly("where the account has the right to delete"),
        limits="a project's path and up to two components more",
        credential="sign-ins of 5 minutes (15 at gitlab.com), renewed by themselves",
    ),
)
