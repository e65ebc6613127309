"""GitLab's container registry, hosted or your own.

GitLab itself is where the registry's token server is, mostly at another host. Its API lists the
projects of an account and their repositories, where the token has `read_api`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from transship import errors
from transship.registries.credential import Credential
from transship.registries.links import Pages
from transship.registries.place import Capabilities
from transship.registries.services.api import Ask, Signed, Unlisted
from transship.registries.services.facts import Facts, no, yes
from transship.registries.services.service import Greeting, Service

_REALM = "/jwt/auth"
_PAGE = 100


class _Project(msgspec.Struct):
    id: int
    path_with_namespace: str
    container_registry_access_level: str = ""


class _Repository(msgspec.Struct):
    path: str


class _Api:
    """Lists what is in the projects that an account is a member of."""

    def __init__(self, host: str, ask: Ask) -> None:  # noqa: ARG002 - the API is GitLab's
        self._ask = ask

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the repositories, project by project."""
        realm = await self._ask.realm()
        gitlab = realm.partition("?")[0].removesuffix(_REALM)
        if not realm or gitlab == realm:
            raise errors.CatalogClosed("the registry names no GitLab as its token server")
        projects = f"{gitlab}/api/v4/projects"
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

    async def _pages(self, address: str, query: str, kind: type[Any]) -> AsyncIterator[Any]:
        page = "1"
        pages = Pages(page)
        while page:
            answer = await self._ask(
                f"{address}?{query}per_page={_PAGE}&page={page}",
                sign=_sign,
                missing=errors.RepositoryNotFound,
            )
            for each in answer.json(list[kind]):  # type: ignore[valid-type]
                yield each
            following = answer.headers.get("x-next-page", "")
            if following and not following.isdecimal():
                raise errors.UnexpectedAnswer(f"{address}: {following!r} is no number of a page")
            pages.turn(following, address)
            page = following


def _sign(credential: Credential) -> Signed:
    return Signed(f"Bearer {credential.secret}")


GITLAB = Service(
    kind="gitlab",
    title="GitLab",
    hosts=(r"registry\.gitlab\.com",),
    greeting=Greeting(realm=rf".*{_REALM}", service="container_registry"),
    username="user, or name of the deploy token",
    secret="token with read_registry (and write_registry to push, read_api to list)",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    api=_Api,
    lists_own=True,
    facts=Facts(
        list=yes("by GitLab's API, with a token that has read_api"),
        create=no(
            "The project must be there with its registry enabled: create it in GitLab first."
        ),
        limits="a project's path and up to two components more",
        credential="sign-ins of 5 minutes (15 at gitlab.com), renewed by themselves",
    ),
)
