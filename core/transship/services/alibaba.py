"""Alibaba Cloud Container Registry: personal and Enterprise Edition, and the API of its cloud."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Confidential, Credential, Login, seconds_until
from transship.registry.http.answer import Answer
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
    ApiKeys,
    ApiRequest,
    AskApi,
    Facts,
    Role,
    Service,
    ServicePing,
    Unlisted,
    of_keys,
    partly,
    yes,
)
from transship.registry.sign_in_form import Answers, SignInForm, SignInIdentity, SignInQuestion
from transship.text import safe

_REGION = SignInQuestion(
    "region",
    "Region",
    "the region that the registry is in",
    "In the console of Container Registry at the top left; its code stands in every image's "
    "address.",
    example="cn-hangzhou",
    shape=r"[a-z]{2}(-[a-z]+)+(-\d)?",
    is_what="a region's code, like cn-hangzhou",
)


def _joined(answers: Answers) -> str:
    instance, region = answers.get("instance", ""), answers["region"]
    if instance:
        return f"{instance}-registry.{region}.cr.aliyuncs.com"
    return f"registry.{region}.aliyuncs.com"


def _api_joined(answers: Answers) -> str:
    return f"cr.{answers['region']}.aliyuncs.com"


_REGISTRY_FORM = SignInForm(
    also="aliyun",
    parts=(
        _REGION,
        SignInQuestion(
            "instance",
            "Instance name",
            "of an enterprise instance; none for the personal one",
            "In the console of Container Registry: Instances. If the console shows another "
            "address, type that as the host.",
            example="example",
            shape=r"[a-z0-9][a-z0-9-]*",
            is_what="the name of an instance (small letters, digits and -)",
            optional=True,
        ),
    ),
    joined=_joined,
    name=(r"((?P<instance>[a-z0-9-]+)-)?registry\.(?P<region>[a-z0-9-]+)(\.cr)?\.aliyuncs\.com"),
    identities=(
        SignInIdentity(
            "password",
            "registry password",
            SignInQuestion(
                "secret",
                "Password",
                "the registry's own password, not that of the console",
                "In the console of Container Registry: the instance, Access Credential, Set "
                "Password. It lives until it is changed.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Account",
                "full name of the account, or of the RAM user",
                "In the console of Container Registry: the instance, Access Credential; its "
                "`docker login` names it.",
                example="ci@example",
            ),
        ),
        SignInIdentity(
            "temporary",
            "temporary token",
            SignInQuestion(
                "secret",
                "Token",
                "temporary token",
                "From the same page, or the API's GetAuthorizationToken. It lives one hour: too "
                "short for a long run.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "User",
                "the temporary token's user",
                "In the console of Container Registry: the instance, Access Credential, Temporary "
                "Token.",
                example="cr_temp_user",
            ),
            known_by=r"cr_temp_user",
        ),
    ),
)

_API_FORM = SignInForm(
    also="aliyun",
    parts=(_REGION,),
    joined=_api_joined,
    name=r"cr\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com",
    identities=(
        SignInIdentity(
            "access-key",
            "AccessKey pair",
            SignInQuestion(
                "secret",
                "Key secret",
                "AccessKey secret",
                "Shown once, when the AccessKey is made.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "AccessKey ID",
                "AccessKey ID",
                "In the console of RAM: Users, the user, AccessKey. Best a user that may only "
                "read Container Registry, and create there if a run shall.",
                example="LTAI…",
                shape=r"[A-Za-z0-9]{10,}",
                is_what="an AccessKey ID (letters and digits)",
            ),
        ),
    ),
)

_ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AlibabaAction:
    """One call of an API: its name there, and the request that it is.

    A `path` is escaped already, a query not yet.
    """

    name: str
    version: str
    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    @property
    def canonical_query(self) -> str:
        """The query as it is signed and sent: sorted by names, escaped as RFC 3986 has it."""
        return "&".join(
            f"{_escaped(name)}={_escaped(self.query[name])}" for name in sorted(self.query)
        )


def sign_action(
    action: AlibabaAction, host: str, credential: Credential, now: float, nonce: str
) -> dict[str, str]:
    """Return the header fields of a request to `host`, its Authorization among them.

    `now` is in seconds since the epoch; the service takes it for a quarter of an hour. No two
    requests may have the same `nonce`.
    """
    content = action.content or b""
    fields = {
        "host": host,
        "x-acs-action": action.name,
        "x-acs-content-sha256": hashlib.sha256(content).hexdigest(),
        "x-acs-date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": action.version,
    }
    if action.content is not None:
        fields["content-type"] = "application/json"
    names = ";".join(sorted(fields))
    lines = [f"{name}:{fields[name]}\n" for name in sorted(fields)]
    canonical = "\n".join(
        [
            action.method,
            action.path,
            action.canonical_query,
            "".join(lines),
            names,
            fields["x-acs-content-sha256"],
        ]
    )
    text = f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(credential.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    fields["authorization"] = (
        f"{_ALGORITHM} Credential={credential.username},SignedHeaders={names},Signature={signature}"
    )
    return fields


def _escaped(text: str) -> str:
    return quote(text, safe="-_.~")


_PER_SECOND = 15.0
"""How often the API may be asked; Harbor holds itself to the same."""

_ABSENT = ("NAMESPACE_NOT_EXIST", "REPO_NOT_EXIST")
_KEYS = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidSecurityToken",
)
_CLOCK = ("InvalidTimeStamp", "IllegalTimestamp", "SignatureNonceUsed")
_DENIED = ("Forbidden", "NoPermission", "NO_PERMISSION", "UNAUTHORIZED", "INSTANCE_NOT_EXIST")
_LATER = ("ServiceUnavailable", "InternalError", "SYSTEM_ERROR")


async def asked(ask: AskApi, action: AlibabaAction) -> Answer:
    """Return the answer, which is a success.

    Raises RepositoryNotFound for what isn't there, WrongCredential, NoRight, and what may pass.
    """

    def made(keys: ApiKeys, now: float) -> ApiRequest:
        fields = sign_action(action, keys.host, keys.credential, now, secrets.token_hex(16))
        query = f"?{action.canonical_query}" if action.query else ""
        return ApiRequest(action.method, action.path + query, fields, action.content)

    def judged(answer: Answer) -> TransshipError | None:
        return _failure(action, answer)

    # Whether what was to be made was made isn't known where no answer came.
    repeats = not action.name.startswith("Create")
    return await ask.cloud(made, judged, per_second=_PER_SECOND, repeats=repeats)


def _failure(action: AlibabaAction, answer: Answer) -> TransshipError | None:
    """Return what an answer stands for, None where it is a success."""
    document = _document(answer)
    if answer.ok and document.get("issuccess", True):
        return None
    code = str(document.get("code", ""))
    words = safe(str(document.get("message", "")), limit=300)
    detail = f"{action.name}: {answer.status} {code} {words}".rstrip()
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or code.startswith("Throttling"):
        return errors.RateLimited(detail)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or code.startswith(_LATER):
        return errors.ServerFailed(detail)
    if code.startswith(_ABSENT):
        return errors.RepositoryNotFound(detail)
    if code.startswith(_KEYS):
        return errors.WrongCredential(detail)
    if code.startswith(_CLOCK):
        remedy = "Check this machine's clock: what is signed holds for a quarter of an hour."
        return errors.WrongCredential(detail, remedy=remedy)
    if code.startswith(_DENIED) or answer.status in (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    ):
        return errors.NoRight(detail)
    return errors.UnexpectedAnswer(detail)


def _document(answer: Answer) -> dict[str, object]:
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {str(name).lower(): value for name, value in document.items()}


PAGE = 100
"""The most that both APIs give at once."""

_LIFE_SECONDS = 3600.0

_T = TypeVar("_T")

Page = tuple[Sequence[_T], int]
"""The entries of a page, and how many there are in all."""

TYPES = {Visibility.PRIVATE: "PRIVATE", Visibility.PUBLIC: "PUBLIC"}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace. With `makes_repositories` a push makes the repository that it goes to."""

    name: str
    makes_repositories: bool


def login_until(username: str, token: str, milliseconds: int) -> Login:
    """Return a login that ends so many milliseconds after the epoch."""
    seconds = seconds_until(milliseconds / 1000, _LIFE_SECONDS)
    return Login(Credential(username, token), seconds)


async def paged(page: Callable[[int], Awaitable[Page[_T]]], what: str) -> AsyncIterator[_T]:
    """Give what is listed, page by page from 1, until as many have come as there are said to be.

    Raises ListIncomplete, which says `what` is listed, when there is an empty page before that.
    """
    came = 0
    for number in itertools.count(1):
        entries, total = await page(number)
        for each in entries:
            yield each
        came += len(entries)
        if came >= total:
            return
        if not entries:
            raise errors.ListIncomplete(f"{what}: {came:,} of {total:,} came")


class AlibabaEdition(Protocol):
    """What an edition's API is asked. All may raise the errors of `asking.asked`."""

    components: int
    """How many components the name of a repository may have; 0 for no bound."""

    def namespaces(self) -> AsyncIterator[str]:
        """Give the names of the namespaces that the keys see."""

    def repositories(self, namespace: str) -> AsyncIterator[str]:
        """Give the names of the repositories in a namespace, without it."""

    async def namespace(self, name: str) -> Namespace | None:
        """Return a namespace, None when it isn't there."""

    async def has_repository(self, namespace: str, name: str) -> bool:
        """Tell whether a repository is there."""

    async def create_namespace(self, name: str, visibility: Visibility) -> None:
        """Make a namespace in which a push makes repositories, of this visibility."""

    async def create_repository(self, namespace: str, name: str, visibility: Visibility) -> None:
        """Make a repository."""

    async def login(self) -> Login:
        """Return a login to the registry, for an hour."""


HOST = r"(?P<instance>.+)-registry(-vpc)?\.(?P<region>[a-z0-9-]+)\.cr\.aliyuncs\.com"
_VERSION = "2018-12-01"


class _Instance(msgspec.Struct, rename="pascal"):
    instance_id: str
    instance_name: str = ""


class _Domain(msgspec.Struct, rename="pascal"):
    domain: str = ""


class _Endpoint(msgspec.Struct, rename="pascal"):
    domains: list[_Domain] = msgspec.field(default_factory=list)


class _Namespace(msgspec.Struct, rename="pascal"):
    namespace_name: str
    auto_create_repo: bool = False


class _Repository(msgspec.Struct, rename="pascal"):
    repo_name: str


class _Instances(msgspec.Struct, rename="pascal"):
    total_count: int
    instances: list[_Instance]


class _Namespaces(msgspec.Struct, rename="pascal"):
    total_count: int
    namespaces: list[_Namespace]


class _Repositories(msgspec.Struct, rename="pascal"):
    total_count: int
    repositories: list[_Repository]


class _Token(Confidential, rename="pascal"):
    temp_username: str
    authorization_token: str
    expire_time: int
    """In milliseconds since the epoch."""


class Enterprise:
    """The instance whose registry is at a host."""

    components = 0

    def __init__(self, host: str, ask: AskApi) -> None:
        self._name = host.partition(":")[0]
        self._ask = ask
        self._found = PreflightAnswers[str]()

    async def namespaces(self) -> AsyncIterator[str]:
        """Give the namespaces of the instance, page by page."""
        async for each in self._pages("ListNamespace", {}, _Namespaces, "namespaces"):
            yield each.namespace_name

    async def repositories(self, namespace: str) -> AsyncIterator[str]:
        """Give the repositories of a namespace, page by page."""
        query = {"RepoNamespaceName": namespace, "RepoStatus": "NORMAL"}
        async for each in self._pages("ListRepository", query, _Repositories, "repositories"):
            yield each.repo_name

    async def namespace(self, name: str) -> Namespace | None:
        """Return a namespace, None when it isn't there."""
        query = {"NamespaceName": name, **await self._instance()}
        try:
            answer = await asked(self._ask, _action("GetNamespace", query))
        except errors.RepositoryNotFound:
            return None
        found: _Namespace = answer.json(_Namespace)
        return Namespace(found.namespace_name, found.auto_create_repo)

    async def has_repository(self, namespace: str, name: str) -> bool:
        """Tell whether a repository is there."""
        query = {"RepoNamespaceName": namespace, "RepoName": name, **await self._instance()}
        try:
            await asked(self._ask, _action("GetRepository", query))
        except errors.RepositoryNotFound:
            return False
        return True

    async def create_namespace(self, name: str, visibility: Visibility) -> None:
        """Make a namespace in which a push makes repositories, of this visibility."""
        settings = {"AutoCreateRepo": "true", "DefaultRepoType": TYPES[visibility]}
        query = {"NamespaceName": name, **settings, **await self._instance()}
        await asked(self._ask, _action("CreateNamespace", query))

    async def create_repository(self, namespace: str, name: str, visibility: Visibility) -> None:
        """Make a repository, whose tags can be moved."""
        named = {"RepoNamespaceName": namespace, "RepoName": name, "Summary": name[:PAGE]}
        query = {**named, "RepoType": TYPES[visibility], **await self._instance()}
        await asked(self._ask, _action("CreateRepository", query))

    async def login(self) -> Login:
        """Return a login for as long as it is said to live, which is an hour."""
        action = _action("GetAuthorizationToken", await self._instance())
        token: _Token = (await asked(self._ask, action)).json(_Token)
        return login_until(token.temp_username, token.authorization_token, token.expire_time)

    async def check(self) -> None:
        """Prove that the keys are taken. Raises why they aren't."""
        await asked(self._ask, _action("ListInstance", {"PageNo": "1", "PageSize": "1"}))

    async def _instance(self) -> dict[str, str]:
        return {"InstanceId": await self._found.once("", self._find)}

    async def _find(self) -> str:
        """Return the number of the instance: the host has its name, or is one of its domains."""
        instances = [each async for each in _paged(self._ask, "ListInstance", {}, _Instances)]
        named = re.fullmatch(HOST, self._name)
        for instance in instances:
            if named and instance.instance_name == named["instance"]:
                return str(instance.instance_id)
        for instance in instances:
            query = {"EndpointType": "internet", "ModuleName": "Registry"}
            action = _action("GetInstanceEndpoint", {"InstanceId": instance.instance_id, **query})
            endpoint: _Endpoint = (await asked(self._ask, action)).json(_Endpoint)
            if any(each.domain == self._name for each in endpoint.domains):
                return str(instance.instance_id)
        keys = self._ask.keys()
        raise errors.NoInstance(f"{keys.host} shows none at {self._name}")

    async def _pages(
        self, name: str, query: dict[str, str], kind: type[Any], field: str
    ) -> AsyncIterator[Any]:
        async for each in _paged(self._ask, name, {**query, **await self._instance()}, kind, field):
            yield each


async def _paged(
    ask: AskApi, name: str, query: dict[str, str], kind: type[Any], field: str = "instances"
) -> AsyncIterator[Any]:
    """Give what an action lists, which is in a field of its answer."""

    async def page(number: int) -> Page[Any]:
        asking = {**query, "PageNo": str(number), "PageSize": str(PAGE)}
        found = (await asked(ask, _action(name, asking))).json(kind)
        return getattr(found, field), found.total_count

    async for each in paged(page, name):
        yield each


def _action(name: str, query: dict[str, str]) -> AlibabaAction:
    return AlibabaAction(name, _VERSION, query=query)


_PERSONAL_VERSION = "2016-06-07"


class _PersonalNamespace(msgspec.Struct):
    namespace: str
    autoCreate: bool = False  # noqa: N815 - the API's own name


class _PersonalNamespaces(msgspec.Struct):
    namespaces: list[_PersonalNamespace]


class _NamespaceList(msgspec.Struct):
    data: _PersonalNamespaces


class _One(msgspec.Struct):
    namespace: _PersonalNamespace


class _OneNamespace(msgspec.Struct):
    data: _One


class _PersonalRepository(msgspec.Struct):
    repoName: str  # noqa: N815


class _PersonalRepositories(msgspec.Struct):
    total: int
    repos: list[_PersonalRepository]


class _RepositoryPage(msgspec.Struct):
    data: _PersonalRepositories


class _PersonalToken(Confidential):
    tempUserName: str  # noqa: N815
    authorizationToken: str  # noqa: N815
    expireDate: int  # noqa: N815
    """In milliseconds since the epoch."""


class _Tokens(msgspec.Struct):
    data: _PersonalToken


class Personal:
    """The registry of a region, as the account sees it."""

    components = 2

    def __init__(self, ask: AskApi) -> None:
        self._ask = ask

    async def namespaces(self) -> AsyncIterator[str]:
        """Give the namespaces, which come all at once."""
        answer = await asked(self._ask, _read("GetNamespaceList", "/namespace"))
        found: _NamespaceList = answer.json(_NamespaceList)
        for each in found.data.namespaces:
            yield each.namespace

    async def repositories(self, namespace: str) -> AsyncIterator[str]:
        """Give the repositories of a namespace, page by page."""

        async def page(number: int) -> Page[_PersonalRepository]:
            query = {"Page": str(number), "PageSize": str(PAGE)}
            action = _read(
                "GetRepoListByNamespace", f"/repos/{_personal_escaped(namespace)}", query
            )
            found: _RepositoryPage = (await asked(self._ask, action)).json(_RepositoryPage)
            return found.data.repos, found.data.total

        async for each in paged(page, f"repositories in {namespace}"):
            yield each.repoName

    async def namespace(self, name: str) -> Namespace | None:
        """Return a namespace, None when it isn't there."""
        action = _read("GetNamespace", f"/namespace/{_personal_escaped(name)}")
        try:
            found: _OneNamespace = (await asked(self._ask, action)).json(_OneNamespace)
        except errors.RepositoryNotFound:
            return None
        return Namespace(found.data.namespace.namespace, found.data.namespace.autoCreate)

    async def has_repository(self, namespace: str, name: str) -> bool:
        """Tell whether a repository is there."""
        try:
            await asked(
                self._ask,
                _read(
                    "GetRepo", f"/repos/{_personal_escaped(namespace)}/{_personal_escaped(name)}"
                ),
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
        path = f"/namespace/{_personal_escaped(name)}"
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
        token: _PersonalToken = answer.json(_Tokens).data
        return login_until(token.tempUserName, token.authorizationToken, token.expireDate)


def _read(name: str, path: str, query: dict[str, str] | None = None) -> AlibabaAction:
    return AlibabaAction(name, _PERSONAL_VERSION, "GET", path, query or {})


def _write(name: str, method: str, path: str, body: object) -> AlibabaAction:
    return AlibabaAction(name, _PERSONAL_VERSION, method, path, content=msgspec.json.encode(body))


def _personal_escaped(name: str) -> str:
    return quote(name, safe="-_.~")


_PERSONAL = (
    r"registry(-intl)?(-vpc|-internal)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com",
    r"crpi-[a-z0-9]+(-vpc)?\.(?P<region>[a-z0-9-]+)\.personal\.cr\.aliyuncs\.com",
)
_API = r"cr(-vpc)?\.[a-z0-9-]+\.aliyuncs\.com"


class _Api:
    """Lists, foresees, makes and signs in, by the API of the edition that the registry is of."""

    def __init__(self, ask: AskApi, edition: AlibabaEdition) -> None:
        self._ask = ask
        self._edition = edition
        self._namespaces = PreflightAnswers[Namespace | None](gives_up=True)

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the repositories, namespace by namespace."""
        async for namespace in self._edition.namespaces():
            try:
                async for name in self._edition.repositories(namespace):
                    yield f"{namespace}/{name}"
            except errors.NoRight as error:
                yield Unlisted(namespace, error)
            except errors.RepositoryNotFound:
                continue  # It was deleted since the namespaces were listed.

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which repositories lack their namespace, or have to be made in it."""
        self._ask.keys()
        standings: dict[str, TargetStatus] = {}
        unknown: dict[str, UnknownTarget] = {}
        for repository in writes:
            most = self._edition.components
            if most and repository.count("/") >= most:
                why = f"names in the Personal Edition have {most} parts"
                standings[repository] = TargetStatus(read_only=why)
                continue
            try:
                missing = await self._missing(repository)
            except TransshipError as error:
                namespace = repository.partition("/")[0]
                unknown[namespace] = UnknownTarget("what is there", namespace, error)
                continue
            if missing is not None:
                standings[repository] = TargetStatus(missing=missing)
        return TargetOutlook(standings, tuple(unknown.values()))

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:  # noqa: ARG002 - both can
        """Return nothing: both can be made so."""
        return ""

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a namespace, or a repository in one that is there."""
        namespace, _, name = missing.name.partition("/")
        if missing.kind == "namespace":
            await self._edition.create_namespace(namespace, visibility)
        else:
            await self._edition.create_repository(namespace, name, visibility)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether it is there."""
        namespace, _, name = missing.name.partition("/")
        if missing.kind == "namespace":
            return await self._edition.namespace(namespace) is not None
        return await self._edition.has_repository(namespace, name)

    async def login(self) -> Login:
        """Return a login for an hour."""
        return await self._edition.login()

    async def _missing(self, repository: str) -> MissingTarget | None:
        name, _, rest = repository.partition("/")
        namespace = await self._namespaces.once(name, lambda: self._edition.namespace(name))
        if namespace is None:
            return MissingTarget("namespace", name)
        if namespace.makes_repositories or await self._edition.has_repository(name, rest):
            return None
        return MissingTarget("repository", repository)


class _KeysApi:
    """Tries an AccessKey."""

    def __init__(self, host: str, ask: AskApi) -> None:
        self._enterprise = Enterprise(host, ask)
        self._personal = Personal(ask)

    async def check(self) -> None:
        """Prove that the API takes the keys, which may be good for one edition only."""
        try:
            await self._enterprise.check()
        except errors.NoRight:
            async for _ in self._personal.namespaces():
                break


def _api(host: str, ask: AskApi) -> object:
    name = host.partition(":")[0]
    personal = any(re.fullmatch(pattern, name) for pattern in _PERSONAL)
    return _Api(ask, Personal(ask) if personal else Enterprise(host, ask))


ALIBABA = Service(
    kind="alibaba",
    title="Alibaba Cloud ACR",
    form=_REGISTRY_FORM,
    hosts=(*_PERSONAL, HOST),
    greeting=ServicePing(realm=r".*", service=r"registry\.aliyuncs\.com:.+"),
    username="account, or temporary user",
    secret="the registry's own password, or temporary token",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    api=_api,
    keys_at=("cr.{region}.aliyuncs.com",),
    hands_out=(*_PERSONAL, HOST),
    lists_own=True,
    facts=Facts(
        list=partly(
            "by the cloud's API, with an AccessKey",
            "Without one, name the repositories yourself, in the account or in the rules.",
        ),
        create=yes("namespace and repository, by its API with an AccessKey"),
        limits="about 15 requests per second; names in the Personal Edition have two components",
        credential="a fixed password lives until it is changed, a temporary login for 1 hour; "
        "with an AccessKey a new one is fetched where the account keeps none",
    ),
)

ALIBABA_API = Service(
    kind="alibaba-api",
    title="Alibaba Cloud's API",
    form=_API_FORM,
    hosts=(_API,),
    username="AccessKey ID",
    secret="AccessKey secret",
    role=Role.API,
    lists=False,
    api=_KeysApi,
    facts=of_keys(
        limits="about 15 requests per second",
        credential="an AccessKey lives until it is disabled",
    ),
)
