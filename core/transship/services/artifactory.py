"""JFrog Artifactory, hosted or your own.

Its images are in repositories of its own kind, each with a key. By the repository path method the
key is the first component of a name, and its API lists the keys, and makes them. By the subdomain
or port method a host stands for one key, which isn't in the names: to clients that is a registry
of its own (`ARTIFACTORY_KEY`), listed by its catalog.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from transship import errors
from transship.errors import NoRight, TransshipError, UnexpectedAnswer
from transship.registry.http.address import PageChain, next_page
from transship.registry.registry import (
    Capabilities,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
    Writes,
)
from transship.registry.service import (
    AskApi,
    Facts,
    Service,
    ServicePing,
    Unlisted,
    no,
    partly,
    yes,
)
from transship.registry.sign_in_form import SignInForm, SignInIdentity, SignInQuestion

_USER = SignInQuestion(
    "user",
    "User",
    "user name in Artifactory",
    "At the top right of its pages: Edit Profile.",
)

_IDENTITIES = (
    SignInIdentity(
        "identity-token",
        "identity token",
        SignInQuestion(
            "secret",
            "Token",
            "identity token",
            "In Artifactory: your name at the top right, Edit Profile, Generate an Identity "
            "Token. Shown once.",
            secret=True,
        ),
        _USER,
    ),
    SignInIdentity(
        "access-token",
        "access token",
        SignInQuestion(
            "secret",
            "Token",
            "access token",
            "In Artifactory: Administration, User Management, Access Tokens. Its scope has to "
            "take in the Docker repositories.",
            secret=True,
        ),
        SignInQuestion(
            "user", "User", "the user that the token is for", "The token's list names it."
        ),
    ),
    SignInIdentity(
        "password",
        "password or API key",
        SignInQuestion(
            "secret",
            "Password",
            "password or API key",
            "The password of its pages, unless sign-in is by SSO; an API key stands in Edit "
            "Profile.",
            secret=True,
        ),
        _USER,
    ),
)

_FORM = SignInForm(
    host=SignInQuestion(
        "host",
        "Host",
        "NAME.jfrog.io, or the host of your own",
        "In Artifactory: Artifacts, the repository, Set Me Up; its `docker login` names the host.",
        example="example.jfrog.io",
    ),
    identities=_IDENTITIES,
)

_KEY_FORM = SignInForm(
    host=SignInQuestion(
        "host",
        "Host",
        "the subdomain, or the port, of the one repository",
        "In Artifactory: Artifacts, the repository, Set Me Up; its `docker login` names the host.",
        example="docker-local.example.com",
    ),
    identities=_IDENTITIES,
)

KEY = "repository key"
_API = "/artifactory/api"
_PACKAGES = ("docker", "oci")
_PAGE = 1000


class _Repository(msgspec.Struct):
    key: str
    type: str = ""


class _Settings(msgspec.Struct, rename="camel"):
    default_deployment_repo: str | None = None
    """Where a push to a virtual key goes; not shown to everyone."""


class _Catalog(msgspec.Struct):
    repositories: list[str] = msgspec.field(default_factory=list)


class _Key(NamedTuple):
    package: str
    type: str


class _Api:
    """Lists the repository keys and what they hold, and makes local ones."""

    def __init__(self, host: str, ask: AskApi) -> None:  # noqa: ARG002 - a path is enough
        self._ask = ask
        self._keys = PreflightAnswers[Mapping[str, _Key]]()
        self._settings = PreflightAnswers[_Settings]()

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give what is in the keys that the account sees: local, remote and virtual ones."""
        for name, key in (await self._list()).items():
            path = f"{_API}/{key.package}/{quote(name, safe='')}/v2/_catalog?n={_PAGE}"
            try:
                async for image in self._images(path):
                    yield f"{name}/{image}"
            except (NoRight, UnexpectedAnswer, errors.RepositoryNotFound) as error:
                yield Unlisted(name, error)

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which keys aren't there, or take nothing."""
        keys = await self._keys.once("", self._list)
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for repository in writes:
            name = repository.partition("/")[0]
            try:
                standings[repository] = await self._standing(name, keys.get(name))
            except TransshipError as error:
                unknown.append(UnknownTarget("whether a virtual key takes pushes", name, error))
        return TargetOutlook(standings, tuple(unknown))

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:
        """Return that who may pull from a key isn't a setting of the key."""
        if visibility is Visibility.PUBLIC:
            return f"who may pull from a {missing.kind} is set by permissions at this service"
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:  # noqa: ARG002
        """Make a local key for images."""
        settings = {"key": missing.name, "rclass": "local", "packageType": "docker"}
        path = f"{_API}/repositories/{quote(missing.name, safe='')}"
        await self._ask(path, method="PUT", body=settings)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether a key is there, and shown to the account."""
        return missing.name in await self._list()

    async def _standing(self, name: str, key: _Key | None) -> TargetStatus:
        if key is None:
            return TargetStatus(missing=MissingTarget(KEY, name, hidden=True))
        if key.type == "REMOTE":
            return TargetStatus(read_only=f"the {KEY} {name} is a cache of another registry")
        if key.type == "VIRTUAL":
            settings = await self._settings.once(name, lambda: self._set(name))
            if settings.default_deployment_repo is None:
                raise NoRight("the account isn't shown where a push to it goes")
            if not settings.default_deployment_repo:
                return TargetStatus(
                    read_only=f"the {KEY} {name} is virtual, and nothing is behind it"
                )
        return TargetStatus()

    async def _set(self, name: str) -> _Settings:
        answer = await self._ask(f"{_API}/repositories/{quote(name, safe='')}")
        settings: _Settings = answer.json(_Settings)
        return settings

    async def _list(self) -> Mapping[str, _Key]:
        """Return the keys that hold images, by their names."""
        found: dict[str, _Key] = {}
        for package in _PACKAGES:
            try:
                answer = await self._ask(f"{_API}/repositories?packageType={package}")
            except UnexpectedAnswer:
                if package == _PACKAGES[0]:
                    raise
                continue  # An older one knows only the first kind.
            for each in answer.json(list[_Repository]):
                found[each.key] = _Key(package, each.type.upper())
        return found

    async def _images(self, path: str) -> AsyncIterator[str]:
        """Give the images of one key.

        Link says whether there are more. Its path may be the one that clients of the registry know,
        so the next page is asked for where this one was.
        """
        pages = PageChain("")
        last = ""
        while True:
            after = f"&last={quote(last, safe='')}" if last else ""
            answer = await self._ask(path + after, missing=errors.RepositoryNotFound)
            images: list[str] = answer.json(_Catalog).repositories
            for image in images:
                yield image
            if not images or not _goes_on(answer.headers.get("link", ""), answer.url):
                return
            last = images[-1]
            pages.turn(last, path)


def _goes_on(link: str, url: str) -> bool:
    try:
        return next_page(link, url) is not None
    except ValueError as error:
        raise UnexpectedAnswer(f"its next page is {error}") from error


# It has refused whole uploads for a long time (RTFACT-19344), so every blob goes up as a piece.
_LIMITS = "a layer is never taken in one request (POST, PATCH, PUT)"
_CREDENTIAL = "a token lives as set, a password until it is changed"
_RESUME = partly(
    "from the last piece",
    "An account that may write, but not overwrite, can't send again what broke off.",
)

ARTIFACTORY = Service(
    kind="artifactory",
    title="JFrog Artifactory",
    form=_FORM,
    hosts=(r"[a-z0-9-]+\.jfrog\.io",),
    greeting=ServicePing(realm=r"/artifactory/api/docker/null/v2/token", service=".*"),
    secret="password, API key or identity token",
    capabilities=Capabilities(whole_limit=0, parts=(2, 0)),
    api=_Api,
    facts=Facts(
        list=yes("by its API, key by key"),
        create=yes("repository key, by its API as an administrator"),
        resume=_RESUME,
        limits=_LIMITS,
        credential=_CREDENTIAL,
    ),
)

ARTIFACTORY_KEY = Service(
    kind="artifactory-key",
    title="JFrog Artifactory (one key, by subdomain or port)",
    form=_KEY_FORM,
    greeting=ServicePing(realm=r"/artifactory/api/docker/(?!null/)[^/]+/v2/token", service=".*"),
    secret="password, API key or identity token",
    capabilities=Capabilities(whole_limit=0),
    facts=Facts(
        list=yes("by its catalog, what is in the key"),
        create=no("The repository key that the host stands for must be there."),
        resume=_RESUME,
        limits=_LIMITS,
        credential=_CREDENTIAL,
    ),
)
