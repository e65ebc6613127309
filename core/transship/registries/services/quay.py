"""Quay, hosted or your own.

Its API takes an OAuth token, which opens the registry as well: as the password of the user
`$oauthtoken`. Robot accounts and passwords open the registry only, whose catalog then holds what
they may read.

To ask its token server for a token to push with makes the repository that it is for, and the
organization too where that is switched on. So nothing here, and nothing that only looks, asks for
more than pull.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.answers import Answer
from transship.registries.credential import Credential
from transship.registries.foreseeing import Asked, Missing, Outlook, Standing, Unknown, Writes
from transship.registries.links import Pages
from transship.registries.place import Capabilities
from transship.registries.services.api import Ask, Unlisted, bearer
from transship.registries.services.facts import Facts, partly, yes
from transship.registries.services.service import Greeting, Service
from transship.registries.visibility import Visibility

OAUTH = "$oauthtoken"
"""The user name of who signs in with an OAuth token."""

REPOSITORY = "repository"
WITH_ORGANIZATION = "repository with its organization"

_API = "/api/v1"
_READ_ONLY = {
    "READ_ONLY": "is read-only",
    "MIRROR": "is a mirror, which only its own robot writes to",
}


class _Organization(msgspec.Struct):
    name: str


class _User(msgspec.Struct):
    username: str
    organizations: list[_Organization] = msgspec.field(default_factory=list)


class _Repository(msgspec.Struct):
    name: str
    """Without its namespace."""
    state: str | None = None


class _Repositories(msgspec.Struct):
    repositories: list[_Repository]
    next_page: str | None = None


class _Api:
    """Lists what is in the namespaces of an account, and makes repositories and organizations.

    Asks which are there, and which of them take nothing.
    """

    def __init__(self, host: str, ask: Ask) -> None:  # noqa: ARG002 - a path is enough
        self._ask = ask
        self._held = Asked[Mapping[str, _Repository]](gives_up=True)
        self._known = Asked[bool](gives_up=True)

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give what is in the account's own namespace, and in its organizations."""
        user: _User = (await self._asked(f"{_API}/user/")).json(_User)
        namespaces = (user.username, *(each.name for each in user.organizations))
        for namespace in dict.fromkeys(namespaces):
            try:
                async for repository in self._in(namespace):
                    yield f"{namespace}/{repository.name}"
            except (errors.NoRight, errors.RepositoryNotFound) as error:
                yield Unlisted(namespace, error)

    async def look(self, writes: Writes) -> Outlook:
        """Return which repositories aren't there, or take nothing. Raises without an OAuth token.

        One that isn't there is made by a push, but not its organization.
        """
        standings: dict[str, Standing] = {}
        unknown: list[Unknown] = []
        for path in writes:
            namespace, _, name = path.partition("/")
            try:
                standings[path] = await self._standing(namespace, name)
            except (errors.NoRight, errors.UnexpectedAnswer) as error:
                unknown.append(Unknown("whether repositories are there", namespace, error))
        return Outlook(standings, tuple(unknown))

    def refusal(self, missing: Missing, visibility: Visibility) -> str:  # noqa: ARG002
        """Return that a repository can be made, private or public."""
        return ""

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a repository, and its organization where that was foreseen as missing too."""
        namespace, _, name = missing.name.partition("/")
        if missing.kind == WITH_ORGANIZATION and not await self._has_namespace(namespace):
            try:
                await self._asked(f"{_API}/organization/", {"name": namespace})
            except TransshipError:
                # Another repository of this organization may have been quicker.
                if not await self._has_namespace(namespace):
                    raise
        settings = {
            "namespace": namespace,
            "repository": name,
            "visibility": str(visibility),
            "description": "",
            "repo_kind": "image",
        }
        await self._asked(f"{_API}/repository", settings)

    async def has(self, missing: Missing) -> bool:
        """Tell whether a repository is there, and shown to the account."""
        path = f"{_API}/repository/{quote(missing.name)}?includeTags=false"
        return await self._answers(path, hides=True)

    async def _standing(self, namespace: str, name: str) -> Standing:
        held = await self._held.once(namespace, lambda: self._hold(namespace))
        if repository := held.get(name):
            why = _READ_ONLY.get(repository.state or "")
            path = f"{namespace}/{name}"
            return Standing(read_only=f"the repository {path} {why}" if why else "")
        if await self._known.once(namespace, lambda: self._has_namespace(namespace)):
            missing = Missing(REPOSITORY, f"{namespace}/{name}", hidden=True, perhaps=True)
        else:
            missing = Missing(WITH_ORGANIZATION, f"{namespace}/{name}")
        return Standing(missing=missing)

    async def _hold(self, namespace: str) -> Mapping[str, _Repository]:
        """Return what a namespace holds, by name; nothing where it isn't there."""
        try:
            return {repository.name: repository async for repository in self._in(namespace)}
        except errors.RepositoryNotFound:
            return {}

    async def _in(self, namespace: str) -> AsyncIterator[_Repository]:
        """Give the repositories of a namespace that the account sees, page by page."""
        path = f"{_API}/repository?namespace={quote(namespace, safe='')}"
        pages = Pages("")
        token = ""
        while True:
            following = f"&next_page={quote(token, safe='')}" if token else ""
            answer = await self._asked(path + following)
            page: _Repositories = answer.json(_Repositories)
            for repository in page.repositories:
                yield repository
            token = page.next_page or ""
            if not token:
                return
            pages.turn(token, path)

    async def _asked(self, path: str, body: object = None) -> Answer:
        """Ask, with a `body` by POST. Raises RepositoryNotFound for what isn't there."""
        return await self._ask(
            path,
            method="GET" if body is None else "POST",
            body=body,
            authorization=_authorization(self._ask.credential()),
            missing=errors.RepositoryNotFound,
        )

    async def _has_namespace(self, name: str) -> bool:
        """Tell whether there is an organization, or a user, of this name."""
        named = quote(name, safe="")
        return await self._answers(f"{_API}/organization/{named}") or await self._answers(
            f"{_API}/users/{named}"
        )

    async def _answers(self, path: str, *, hides: bool = False) -> bool:
        """Tell whether something is there. What isn't shown counts as nothing where that `hides`.

        Who may not look gets the same answer for what isn't there.
        """
        try:
            await self._asked(path)
        except errors.RepositoryNotFound:
            return False
        except errors.NoRight:
            if not hides:
                raise
            return False
        return True


def _authorization(credential: Credential) -> str:
    if credential.username != OAUTH:
        raise errors.SignInNeeded(
            f"{credential.username} opens Quay's registry, not its API",
            remedy=f"Sign in as {OAUTH} with an OAuth token of the service, or name the "
            "repositories yourself.",
        )
    return bearer(credential.secret)


# Of an upload session it reports one byte more than it holds.
QUAY = Service(
    kind="quay",
    title="Quay",
    hosts=(r"quay\.io",),
    greeting=Greeting(realm=r"/v2/auth", service="{host}"),
    username=f"robot account (namespace+robot), user, or {OAUTH}",
    secret="robot token, encrypted password, or OAuth token",
    lists=False,
    capabilities=Capabilities(parts=(2, 0), range_excess=1),
    api=_Api,
    lists_own=True,
    facts=Facts(
        list=partly(
            f"by its API as {OAUTH}; by its catalog what a robot account may read",
            "Where a robot account gets no list, name the repositories yourself.",
        ),
        create=yes("repository with its organization, by its API with an OAuth token"),
        mount=yes("where the account may read both repositories"),
        resume=yes("from the last piece"),
        delete=yes("who may push may delete"),
        limits=(
            "more than two components only where that is switched on; layers to 20 GB, unless set "
            "otherwise"
        ),
        credential="a robot's or an OAuth token lives until it is revoked; sign-ins of 1 hour",
    ),
)
