"""The API of the Personal Edition (2016-06-07, ROA style)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from transship import errors
from transship.registries.credential import Confidential, Login
from transship.registries.services.alibaba.asking import asked
from transship.registries.services.alibaba.editions import (
    PAGE,
    TYPES,
    Namespace,
    Page,
    login_until,
    paged,
)
from transship.registries.services.alibaba.signing import Action
from transship.registries.services.api import Ask
from transship.registries.visibility import Visibility

_VERSION = "2016-06-07"


class _Namespace(msgspec.Struct):
    namespace: str
    autoCreate: bool = False  # noqa: N815 - the API's own name


class _Namespaces(msgspec.Struct):
    namespaces: list[_Namespace]


class _NamespaceList(msgspec.Struct):
    data: _Namespaces


class _One(msgspec.Struct):
    namespace: _Namespace


class _OneNamespace(msgspec.Struct):
    data: _One


class _Repository(msgspec.Struct):
    repoName: str  # noqa: N815


class _Repositories(msgspec.Struct):
    total: int
    repos: list[_Repository]


class _RepositoryPage(msgspec.Struct):
    data: _Repositories


class _Token(Confidential):
    tempUserName: str  # noqa: N815
    authorizationToken: str  # noqa: N815
    expireDate: int  # noqa: N815
    """In milliseconds since the epoch."""


class _Tokens(msgspec.Struct):
    data: _Token


class Personal:
    """The registry of a region, as the account sees it."""

    components = 2

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def namespaces(self) -> AsyncIterator[str]:
        """Give the namespaces, which come all at once."""
        answer = await asked(self._ask, _read("GetNamespaceList", "/namespace"))
        found: _NamespaceList = answer.json(_NamespaceList)
        for each in found.data.namespaces:
            yield each.namespace

    async def repositories(self, namespace: str) -> AsyncIterator[str]:
        """Give the repositories of a namespace, page by page."""

        async def page(number: int) -> Page[_Repository]:
            query = {"Page": str(number), "PageSize": str(PAGE)}
            action = _read("GetRepoListByNamespace", f"/repos/{_escaped(namespace)}", query)
            found: _RepositoryPage = (await asked(self._ask, action)).json(_RepositoryPage)
            return found.data.repos, found.data.total

        async for each in paged(page, f"repositories in {namespace}"):
            yield each.repoName

    async def namespace(self, name: str) -> Namespace | None:
        """Return a namespace, None when it isn't there."""
        action = _read("GetNamespace", f"/namespace/{_escaped(name)}")
        try:
            found: _OneNamespace = (await asked(self._ask, action)).json(_OneNamespace)
        except errors.RepositoryNotFound:
            return None
        return Namespace(found.data.namespace.namespace, found.data.namespace.autoCreate)

    async def has_repository(self, namespace: str, name: str) -> bool:
        """Tell whether a repository is there."""
        try:
            await asked(
                self._ask, _read("GetRepo", f"/repos/{_escaped(namespace)}/{_escaped(name)}")
            )
        except errors.RepositoryNotFound:
            return False
        return True

    async def create_namespace(self, name: str, visibility: Visibility) -> None:
        """Make a namespace, and then say of what kind its repositories are: it takes two calls."""
        await asked(
            self._ask,
            _write("CreateNamespace", "PUT", "/namespace", {"Namespace": {"Namespace": name}}),
        )
        settings = {"AutoCreate": True, "DefaultVisibility": TYPES[visibility]}
        path = f"/namespace/{_escaped(name)}"
        await asked(self._ask, _write("UpdateNamespace", "POST", path, {"Namespace": settings}))

    async def create_repository(self, namespace: str, name: str, visibility: Visibility) -> None:
        """Make a repository."""
        repository = {
            "RepoNamespace": namespace,
            "RepoName": name,
            "RepoType": TYPES[visibility],
            "Summary": name[:PAGE],  # Has to be there, with up to 100 characters.
        }
        await asked(self._ask, _write("CreateRepo", "PUT", "/repos", {"Repo": repository}))

    async def login(self) -> Login:
        """Return a login for as long as it is said to live, which is an hour."""
        answer = await asked(self._ask, _read("GetAuthorizationToken", "/tokens"))
        token: _Token = answer.json(_Tokens).data
        return login_until(token.tempUserName, token.authorizationToken, token.expireDate)


def _read(name: str, path: str, query: dict[str, str] | None = None) -> Action:
    return Action(name, _VERSION, "GET", path, query or {})


def _write(name: str, method: str, path: str, body: object) -> Action:
    return Action(name, _VERSION, method, path, content=msgspec.json.encode(body))


def _escaped(name: str) -> str:
    return quote(name, safe="-_.~")
