"""Google Artifact Registry, and gcr.io, which it serves.

Its API lists and makes the repositories of a project, and is asked with a token of Google's: the
access token that the registry is signed in to with, or one that google-auth (the extra `google`,
imported only when it is used) gets for a service account's key, or for whoever it finds by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote, urlencode

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.creation_options import NO_OPTIONS, CreationOptions
from transship.registries.credential import Credential, Login
from transship.registries.foreseeing import (
    Asked,
    Immutable,
    Missing,
    Outlook,
    Standing,
    Unknown,
    Writes,
)
from transship.registries.links import Pages
from transship.registries.place import Capabilities
from transship.registries.services import google_token
from transship.registries.services.api import Ask, Unlisted, bearer
from transship.registries.services.facts import NO_RESUME, Facts, no, partly, yes
from transship.registries.services.google_token import ACCESS_TOKEN, fault_of
from transship.registries.services.service import Service
from transship.registries.visibility import Visibility
from transship.text import duration_text, safe

API = "artifactregistry.googleapis.com"
_HOST = re.compile(r"([a-z0-9-]+)-docker\.pkg\.dev")
_PAGE = 1000
_LOOKS = 60
_PAUSE_SECONDS = 2.0
_LABEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


class _Docker(msgspec.Struct, rename="camel"):
    immutable_tags: bool = False


class _Repository(msgspec.Struct, rename="camel"):
    name: str
    format: str = ""
    mode: str = ""
    docker_config: _Docker | None = None


class _Repositories(msgspec.Struct, rename="camel"):
    repositories: list[_Repository] = []
    next_page_token: str = ""


class _Package(msgspec.Struct):
    name: str


class _Packages(msgspec.Struct, rename="camel"):
    packages: list[_Package] = []
    next_page_token: str = ""


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Operation(msgspec.Struct):
    name: str = ""
    done: bool = False
    error: _Status | None = None


_READ_ONLY = {
    "REMOTE_REPOSITORY": "is a remote repository, a proxy of another registry",
    "VIRTUAL_REPOSITORY": "is a virtual repository, a view of others",
}


class GarApi:
    """Lists, foresees and makes what is at one location, and hands out logins to it.

    `address` is that of the API. `pause` waits between two looks at what is being made.
    """

    def __init__(
        self,
        location: str,
        ask: Ask,
        address: str = f"https://{API}",
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._location = location
        self._ask = ask
        self._address = f"{address}/v1"
        self._pause = pause
        self._tokens = Asked[google_token.Token]()
        self._known = Asked[_Repository | None]()

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the repositories of the account's project, one after the other."""
        project = await self._project()
        parent = f"projects/{project}/locations/{self._location}"
        async for found in self._pages(f"{parent}/repositories", _Repositories, "repositories"):
            if found.format != "DOCKER":
                continue
            place = f"{_path_of(project)}/{found.name.rpartition('/')[2]}"
            try:
                packages = self._pages(f"{found.name}/packages", _Packages, "packages")
                async for package in packages:
                    # A slash in a package's own name is escaped.
                    yield f"{place}/{unquote(package.name.rpartition('/packages/')[2])}"
            except errors.NoRight as error:
                yield Unlisted(place, error)

    async def look(self, writes: Writes) -> Outlook:
        """Return which repositories aren't there, can't be pushed to, or keep their tags."""
        standings: dict[str, Standing] = {}
        unknown: list[Unknown] = []
        for name in writes:
            place = _place_of(name)
            if not place:
                continue  # The shape of its path is refused before.
            try:
                repository = await self._repository(place)
            except TransshipError as error:
                unknown.append(Unknown("what it would refuse", place, error))
                continue
            standings[name] = _standing(place, repository)
        return Outlook(standings, tuple(unknown))

    def refusal(self, missing: Missing, visibility: Visibility) -> str:
        """Return that what is made can't be public at once."""
        if visibility is Visibility.PUBLIC:
            return f"a new {missing.kind} is private at this service; its IAM policy opens it"
        return ""

    def options_refusal(self, missing: Missing, options: CreationOptions) -> str:  # noqa: ARG002
        """Return which labels Google doesn't take."""
        for name, value in options.resource_tags:
            if not _LABEL_NAME.fullmatch(name) or not _LABEL_VALUE.fullmatch(value):
                return f"Google doesn't take the label {name}={value}: lower case, up to 63 letters"
        return ""

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a repository for images, and wait until it is made."""
        await self.create_with(missing, visibility, NO_OPTIONS)

    async def create_with(
        self,
        missing: Missing,
        visibility: Visibility,  # noqa: ARG002 - all are private
        options: CreationOptions,
    ) -> None:
        """Make a repository for images, with its labels, and wait until it is made."""
        body: dict[str, object] = {"format": "DOCKER"}
        if options.resource_tags:
            body["labels"] = dict(options.resource_tags)
        if options.immutable_tags:
            body["dockerConfig"] = {"immutableTags": True}
        project, _, repository = _project_and_repository(missing.name)
        parent = f"projects/{project}/locations/{self._location}/repositories"
        operation = await self._operation(
            f"{parent}?{urlencode({'repositoryId': repository})}", body
        )
        for _ in range(_LOOKS):
            if operation.done:
                break
            await self._pause(_PAUSE_SECONDS)
            operation = await self._operation(operation.name)
        if not operation.done:
            waited = duration_text(_LOOKS * _PAUSE_SECONDS)
            raise errors.TimedOut(
                f"{missing.name} isn't made after {waited}",
                remedy="Look in Google's console what has become of it, and try again.",
            )
        if operation.error is not None:
            raise errors.UnexpectedAnswer(safe(operation.error.message, limit=300))

    async def has(self, missing: Missing) -> bool:
        """Tell whether a repository is there."""
        return await self._described(missing.name) is not None

    async def login(self) -> Login:
        """Return a login for as long as Google gives it, which is an hour."""
        token = await google_token.ambient()
        return Login(Credential(ACCESS_TOKEN, token.secret), token.seconds)

    async def _token(self) -> google_token.Token:
        async def fetched() -> google_token.Token:
            try:
                credential = self._ask.credential()
            except errors.SignInNeeded:
                return await google_token.ambient()
            return await google_token.of(credential)

        return await self._tokens.once("", fetched)

    async def _project(self) -> str:
        """Return the account's project; for an access token, that of whoever google-auth finds."""
        if project := (await self._token()).project:
            return project
        with suppress(errors.ExtraMissing, errors.SignInNeeded, errors.WrongCredential):
            if project := (await google_token.ambient()).project:
                return project
        raise errors.CatalogClosed("an access token doesn't say of which project it is")

    async def _repository(self, place: str) -> _Repository | None:
        return await self._known.once(place, lambda: self._described(place))

    async def _described(self, place: str) -> _Repository | None:
        """Return what the API says of a repository, None when it isn't there."""
        project, _, repository = _project_and_repository(place)
        path = f"projects/{project}/locations/{self._location}/repositories/{quote(repository)}"
        try:
            found: _Repository = await self._got(path, _Repository, errors.RepositoryNotFound)
        except errors.RepositoryNotFound:
            return None
        return found

    async def _operation(self, path: str, body: object = None) -> _Operation:
        operation: _Operation = await self._got(path, _Operation, body=body)
        return operation

    async def _got(
        self,
        path: str,
        kind: type[Any],
        missing: type[TransshipError] = errors.UnexpectedAnswer,
        *,
        body: object = None,
    ) -> Any:
        """Return what is answered, to a `body` by POST, decoded as `kind`."""
        answer = await self._ask(
            f"{self._address}/{path}",
            method="GET" if body is None else "POST",
            body=body,
            authorization=bearer((await self._token()).secret),
            missing=missing,
        )
        return answer.json(kind)

    async def _pages(self, path: str, kind: type[Any], what: str) -> AsyncIterator[Any]:
        query = {"pageSize": str(_PAGE)}
        pages = Pages("")
        while True:
            page = await self._got(f"{path}?{urlencode(query)}", kind)
            for each in getattr(page, what):
                yield each
            if not page.next_page_token:
                return
            pages.turn(page.next_page_token, path)
            query["pageToken"] = page.next_page_token


def _standing(place: str, repository: _Repository | None) -> Standing:
    if repository is None:
        return Standing(missing=Missing("repository", place))
    if why := _READ_ONLY.get(repository.mode):
        return Standing(read_only=f"{place} {why}")
    if repository.docker_config and repository.docker_config.immutable_tags:
        return Standing(
            immutable=(Immutable(f"the repository {place} keeps its tags", lambda _: True),)
        )
    return Standing()


def _path_of(project: str) -> str:
    """Return a project's ID as it stands in references: `example.com:shop` has a slash there."""
    return project.replace(":", "/")


def _place_of(name: str) -> str:
    """Return the project and the repository of an image, empty when its path is too short."""
    parts = name.split("/")
    count = 3 if "." in parts[0] else 2  # A project of a domain has two components.
    return "/".join(parts[:count]) if len(parts) > count else ""


def _project_and_repository(place: str) -> tuple[str, str, str]:
    project, slash, repository = place.rpartition("/")
    return project.replace("/", ":"), slash, repository


def _api(host: str, ask: Ask) -> object:
    named = _HOST.fullmatch(host.partition(":")[0])
    return GarApi(named[1], ask) if named else None


_CREDENTIAL = "a service account's key lives until it is withdrawn, an access token 1 hour"
_USERNAME = "_json_key, _json_key_base64 or oauth2accesstoken"
_SECRET = "service account's key (the whole JSON, or base64 of it), or an access token"
_NO_PIECES = no(NO_RESUME, "an upload is one request, it takes no pieces")

GAR = Service(
    kind="gar",
    title="Google Artifact Registry",
    hosts=(_HOST.pattern,),
    username=_USERNAME,
    secret=_SECRET,
    lists=False,
    capabilities=Capabilities(piece=0, resumable=False, parts=(3, 0)),
    api=_api,
    api_hosts=(API,),
    lists_own=True,
    hands_out=(_HOST.pattern,),
    fault=fault_of,
    facts=Facts(
        list=yes("by Google's API, the account's own project at this location"),
        create=yes("repository, by its API; what is in it is private"),
        mount=yes("where the account may read both repositories"),
        resume=_NO_PIECES,
        delete=partly("where the account may, and the repository's tags aren't immutable"),
        limits="paths are PROJECT/REPOSITORY/IMAGE",
        credential=f"{_CREDENTIAL}, fetched with google-auth where the account keeps none",
    ),
)

GCR = Service(
    kind="gcr",
    title="Google gcr.io",
    hosts=(r"([a-z]+\.)?gcr\.io",),
    username=_USERNAME,
    secret=_SECRET,
    capabilities=Capabilities(piece=0, resumable=False, parts=(2, 0)),
    fault=fault_of,
    facts=Facts(
        list=partly("by _catalog, the projects that the account may read"),
        create=partly(
            "the repository gcr.io of the project is made by the first push of who may",
            "Who may not, has it made at Artifact Registry first.",
        ),
        mount=yes("where the account may read both repositories"),
        resume=_NO_PIECES,
        delete=partly("where the account may"),
        limits="paths are PROJECT/IMAGE",
        credential=_CREDENTIAL,
    ),
)
