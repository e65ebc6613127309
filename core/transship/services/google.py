"""Google Artifact Registry, and gcr.io, which it serves.

Tokens come from google-auth (the extra `google`), imported only when it is used.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from urllib.parse import quote, unquote, urlencode

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.extras import extra_missing
from transship.registry.credential import Confidential, Credential, Login, seconds_until
from transship.registry.http.address import PageChain, is_loopback, resolve
from transship.registry.registry import (
    NO_OPTIONS,
    Capabilities,
    CreationOptions,
    Immutable,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
    Writes,
)
from transship.registry.service import (
    NO_RESUME,
    AskApi,
    Facts,
    Service,
    Unlisted,
    bearer,
    no,
    partly,
    yes,
)
from transship.registry.sign_in_form import (
    Answers,
    SignInForm,
    SignInIdentity,
    SignInQuestion,
    always,
)
from transship.text import duration_text, safe


def _key(answers: Answers) -> str:
    return answers.get("key-file", "")


def _joined(answers: Answers) -> str:
    return f"{answers['location']}-docker.pkg.dev"


_IDENTITIES = (
    SignInIdentity(
        "key-file",
        "service account's key file",
        SignInQuestion(
            "key-file",
            "Key file",
            "path of the key's JSON file",
            "In the Google Cloud console: IAM & Admin, Service accounts, the account, Keys. "
            "The file is read, and what it says goes where secrets are kept.",
            example="~/key.json",
            shape=r"(?s)\s*\{.*\"private_key\".*\}\s*",
            is_what="the key of a service account in JSON",
            secret=True,
            from_file=True,
        ),
        username=always("_json_key"),
        password=_key,
        known_by="_json_key",
    ),
    SignInIdentity(
        "access-token",
        "access token",
        SignInQuestion(
            "secret",
            "Access token",
            "of `gcloud auth print-access-token`",
            "`gcloud auth print-access-token` prints it. It lives one hour: too short for a "
            "long run.",
            example="ya29.…",
            secret=True,
        ),
        username=always("oauth2accesstoken"),
        known_by="oauth2accesstoken",
    ),
)

_GAR_FORM = SignInForm(
    also="gcp",
    parts=(
        SignInQuestion(
            "location",
            "Location",
            "region or multi-region of the repositories",
            "In the Google Cloud console: Artifact Registry, Repositories, the column Location.",
            example="europe-west3",
            shape=r"[a-z0-9-]+",
            is_what="a location, like europe-west3 or europe",
        ),
    ),
    joined=_joined,
    name=r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev",
    identities=_IDENTITIES,
    handed_out="by the Google sign-in of this machine",
)

_GCR_FORM = SignInForm(
    also="gcp container registry",
    host=SignInQuestion(
        "host",
        "Host",
        "gcr.io, or that of a continent",
        "The first part of the images' names.",
        example="eu.gcr.io",
        default="gcr.io",
    ),
    identities=_IDENTITIES,
)

ACCESS_TOKEN = "oauth2accesstoken"
_KEY = "_json_key"
_KEY_BASE64 = "_json_key_base64"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LOOKING_SECONDS = 45.0
_ASKING_SECONDS = 15
_LIFE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, for how many seconds it holds, and the project of who has it, if known."""

    secret: str = field(repr=False)
    seconds: float = _LIFE_SECONDS
    project: str = ""


class _Key(Confidential):
    """What of a service account's key is looked at."""

    type: str
    project_id: str
    private_key: str
    client_email: str
    token_uri: str


def fault_of(credential: Credential) -> str:
    """Return in words what is wrong with a user name and secret, or an empty string.

    Never quotes the secret.
    """
    if credential.username == ACCESS_TOKEN:
        return ""
    if credential.username not in (_KEY, _KEY_BASE64):
        return f"the user is {_KEY}, {_KEY_BASE64} or {ACCESS_TOKEN}"
    try:
        _read(credential)
    except ValueError as error:
        return str(error)
    return ""


async def of(credential: Credential) -> Token:
    """Return a token for what a registry is signed in to with. Raises why there is none."""
    if credential.username == ACCESS_TOKEN:
        return Token(credential.secret)
    try:
        key, document = _read(credential)
    except ValueError as error:
        raise errors.WrongCredential(str(error)) from None

    def fetched() -> Token:
        from google.oauth2 import service_account

        made = service_account.Credentials.from_service_account_info(document, scopes=[_SCOPE])  # type: ignore[no-untyped-call]
        return _fetched(made, key.project_id)

    return await _answered(fetched)


async def ambient() -> Token:
    """Return a token for whoever google-auth finds by itself. Raises why there is none."""

    def fetched() -> Token:
        import google.auth

        found, project = google.auth.default(scopes=[_SCOPE])
        return _fetched(found, project or "")

    return await _answered(fetched)


def _read(credential: Credential) -> tuple[_Key, dict[str, Any]]:
    """Return a service account's key. Raises ValueError, which says what is wrong with it."""
    text = credential.secret.encode()
    if credential.username == _KEY_BASE64:
        try:
            text = base64.b64decode(b"".join(text.split()), validate=True)
        except binascii.Error:
            raise ValueError("the key isn't base64") from None
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"the key is no JSON; give the whole file, or {_KEY_BASE64}") from None
    try:
        key = msgspec.convert(document, _Key)
    except msgspec.ValidationError:
        fields = ", ".join(_Key.__struct_fields__)
        raise ValueError(f"the key isn't that of a service account, which has {fields}") from None
    if key.type != "service_account":
        raise ValueError("the key isn't that of a service account, whose type is service_account")
    if "PRIVATE KEY" not in key.private_key:
        raise ValueError("the key has no private key in it")
    _check_token_server(key.token_uri)
    return key, document


def _check_token_server(address: str) -> None:
    """Raise ValueError unless what the key signs may be sent to its token server."""
    with suppress(ValueError):
        host = resolve(address, "").partition("//")[2].partition("/")[0]
        if address.startswith("https://") or is_loopback(host):
            return
    raise ValueError("the key's token server isn't spoken to by https")


def _fetched(found: Any, project: str) -> Token:
    import google.auth.transport.requests

    asking = google.auth.transport.requests.Request()
    found.refresh(lambda *a, **named: asking(*a, **{**named, "timeout": _ASKING_SECONDS}))
    end = found.expiry
    seconds = (
        seconds_until(end.replace(tzinfo=UTC).timestamp(), _LIFE_SECONDS) if end else _LIFE_SECONDS
    )
    return Token(str(found.token), seconds, project)


async def _answered(work: Callable[[], Token]) -> Token:
    """Return what google-auth does beside the loop. Raises its failures as errors of ours."""
    try:
        import google.auth.transport.requests  # noqa: F401 - whether it is there
        from google.auth import exceptions as failures
    except ImportError as error:
        raise extra_missing("google", "a token of Google's") from error
    # Without this, what it has to say would go to the terminal.
    if not (logger := logging.getLogger("google")).handlers:
        logger.addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", category=UserWarning, module=r"google\.auth\b")
    try:
        async with asyncio.timeout(_LOOKING_SECONDS):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise errors.TimedOut("Google's token server, through google-auth") from None
    except failures.DefaultCredentialsError as error:
        raise errors.SignInNeeded(
            "google-auth finds nobody to sign in as (`gcloud auth application-default login`, "
            f"GOOGLE_APPLICATION_CREDENTIALS): {safe(str(error), limit=200)}"
        ) from None
    except failures.RefreshError as error:
        said = error.args[0] if error.args else ""
        raise errors.WrongCredential(f"Google: {safe(str(said), limit=300)}") from None
    except failures.TransportError as error:
        raise errors.ConnectionLost(f"Google: {safe(str(error), limit=300)}") from None
    except (failures.GoogleAuthError, ValueError) as error:
        # Of a key that can't be read; what is wrong with it says nothing of what is in it.
        raise errors.WrongCredential(f"Google: {type(error).__name__}") from None


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
        ask: AskApi,
        address: str = f"https://{API}",
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._location = location
        self._ask = ask
        self._address = f"{address}/v1"
        self._pause = pause
        self._tokens = PreflightAnswers[Token]()
        self._known = PreflightAnswers[_Repository | None]()

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

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which repositories aren't there, can't be pushed to, or keep their tags."""
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for name in writes:
            place = _place_of(name)
            if not place:
                continue  # The shape of its path is refused before.
            try:
                repository = await self._repository(place)
            except TransshipError as error:
                unknown.append(UnknownTarget("what it would refuse", place, error))
                continue
            standings[name] = _standing(place, repository)
        return TargetOutlook(standings, tuple(unknown))

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:
        """Return that what is made can't be public at once."""
        if visibility is Visibility.PUBLIC:
            return f"a new {missing.kind} is private at this service; its IAM policy opens it"
        return ""

    def options_refusal(self, missing: MissingTarget, options: CreationOptions) -> str:  # noqa: ARG002
        """Return which labels Google doesn't take."""
        for name, value in options.resource_tags:
            if not _LABEL_NAME.fullmatch(name) or not _LABEL_VALUE.fullmatch(value):
                return f"Google doesn't take the label {name}={value}: lower case, up to 63 letters"
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a repository for images, and wait until it is made."""
        await self.create_with(missing, visibility, NO_OPTIONS)

    async def create_with(
        self,
        missing: MissingTarget,
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

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether a repository is there."""
        return await self._described(missing.name) is not None

    async def login(self) -> Login:
        """Return a login for as long as Google gives it, which is an hour."""
        token = await ambient()
        return Login(Credential(ACCESS_TOKEN, token.secret), token.seconds)

    async def _token(self) -> Token:
        async def fetched() -> Token:
            try:
                credential = self._ask.credential()
            except errors.SignInNeeded:
                return await ambient()
            return await of(credential)

        return await self._tokens.once("", fetched)

    async def _project(self) -> str:
        """Return the account's project; for an access token, that of whoever google-auth finds."""
        if project := (await self._token()).project:
            return project
        with suppress(errors.ExtraMissing, errors.SignInNeeded, errors.WrongCredential):
            if project := (await ambient()).project:
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
        pages = PageChain("")
        while True:
            page = await self._got(f"{path}?{urlencode(query)}", kind)
            for each in getattr(page, what):
                yield each
            if not page.next_page_token:
                return
            pages.turn(page.next_page_token, path)
            query["pageToken"] = page.next_page_token


def _standing(place: str, repository: _Repository | None) -> TargetStatus:
    if repository is None:
        return TargetStatus(missing=MissingTarget("repository", place))
    if why := _READ_ONLY.get(repository.mode):
        return TargetStatus(read_only=f"{place} {why}")
    if repository.docker_config and repository.docker_config.immutable_tags:
        return TargetStatus(
            immutable=(Immutable(f"the repository {place} keeps its tags", lambda _: True),)
        )
    return TargetStatus()


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


def _api(host: str, ask: AskApi) -> object:
    named = _HOST.fullmatch(host.partition(":")[0])
    return GarApi(named[1], ask) if named else None


_CREDENTIAL = "a service account's key lives until it is withdrawn, an access token 1 hour"
_USERNAME = "_json_key, _json_key_base64 or oauth2accesstoken"
_SECRET = "service account's key (the whole JSON, or base64 of it), or an access token"
_NO_PIECES = no(NO_RESUME, "an upload is one request, it takes no pieces")

GAR = Service(
    kind="gar",
    title="Google Artifact Registry",
    form=_GAR_FORM,
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
    form=_GCR_FORM,
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
