"""Tencent Container Registry: Enterprise (TCR), Personal (CCR), and their cloud's accounts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Confidential, Credential, Login, seconds_until
from transship.registry.registry import (
    Capabilities,
    Immutable,
    MissingTarget,
    PreflightAnswers,
    TargetOutlook,
    TargetStatus,
    UnknownTarget,
    Visibility,
    Writes,
)
from transship.registry.service import AskApi, Facts, Role, Service, Unlisted, of_keys, partly, yes
from transship.registry.sign_in_form import Answers, SignInForm, SignInIdentity, SignInQuestion
from transship.registry.wildcards import selects
from transship.services.tencent_cloud import TcrInstance, TencentCloud, instance_at, listed
from transship.text import safe


def _joined(answers: Answers) -> str:
    return f"{answers['name']}.tencentcloudcr.com"


_UIN = SignInQuestion(
    "user",
    "Account ID",
    "account ID (UIN)",
    "In the console: your account at the top right, Account Information. A sub-account has an ID "
    "of its own.",
    example="100000000001",
    shape=r"\d+",
    is_what="an account ID (digits)",
)

_TCR_FORM = SignInForm(
    parts=(
        SignInQuestion(
            "name",
            "Instance name",
            "the name of the instance",
            "In the console of TCR: Instances. The host is that name and .tencentcloudcr.com; type "
            "one of your own as the host.",
            example="example",
            shape=r"[a-z0-9][a-z0-9-]*",
            is_what="the name of an instance (small letters, digits and -)",
        ),
    ),
    joined=_joined,
    name=r"(?P<name>[a-z0-9-]+)\.tencentcloudcr\.com",
    identities=(
        SignInIdentity(
            "service-account",
            "service account",
            SignInQuestion(
                "secret",
                "Password",
                "password of the service account",
                "Shown once, when the service account is made, or when its password is made anew.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "Service acct.",
                "its whole name, tcr$ included",
                "In the console of TCR: the instance, Access credentials, Service accounts. It "
                "lives as set: best for a long run. In a shell use single quotes.",
                example="tcr$ci",
                shape=r"tcr\$.+",
                is_what="the name of a service account (it begins with tcr$)",
            ),
            known_by=r"tcr\$.+",
        ),
        SignInIdentity(
            "token",
            "access token of a user",
            SignInQuestion(
                "secret",
                "Access token",
                "temporary or long-term access token",
                "In the console of TCR: the instance, Access credentials, User credentials. A "
                "temporary one lives one hour.",
                secret=True,
            ),
            _UIN,
        ),
    ),
)

_CCR_FORM = SignInForm(
    host=SignInQuestion(
        "host",
        "Host",
        "ccr.ccs.tencentyun.com, or a region's own",
        "In the console of TCR, personal edition: an image's pull command names the host.",
        example="hkccr.ccs.tencentyun.com",
        default="ccr.ccs.tencentyun.com",
    ),
    identities=(
        SignInIdentity(
            "password",
            "registry password",
            SignInQuestion(
                "secret",
                "Password",
                "the registry's own password, not that of the console",
                "It was set when the personal edition was switched on; in its console: Reset "
                "password.",
                secret=True,
            ),
            _UIN,
        ),
    ),
)

_API_FORM = SignInForm(
    host=SignInQuestion(
        "host",
        "Host",
        "host of the API",
        "tcr.tencentcloudapi.com for an account of the site of China, "
        "tcr.intl.tencentcloudapi.com for one of the international site.",
        example="tcr.intl.tencentcloudapi.com",
        default="tcr.tencentcloudapi.com",
    ),
    identities=(
        SignInIdentity(
            "api-key",
            "API key",
            SignInQuestion(
                "secret",
                "SecretKey",
                "the key's SecretKey",
                "Shown once, when the key is made.",
                secret=True,
            ),
            SignInQuestion(
                "user",
                "SecretId",
                "the key's SecretId",
                "In the console: Cloud Access Management, Access Key, API keys. Best that of a "
                "sub-user that may only read TCR, and create there if a run shall.",
                example="AKID…",
                shape=r"[A-Za-z0-9]{10,}",
                is_what="a SecretId (letters and digits)",
            ),
        ),
    ),
)

NAMESPACE = "namespace"
RESERVED = ("library", "public", "tke")
ROOM = "whether there is room for what is new"

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_NAME_LENGTHS = range(2, 31)
_AT_ONCE = 8
_LIFE_SECONDS = 3600.0
_REFUSED = (errors.CloudRefused, errors.ListIncomplete, errors.NoRight)
"""What keeps one namespace from being listed, and no other."""


class _Namespace(msgspec.Struct, rename="pascal"):
    name: str


class _Repository(msgspec.Struct, rename="pascal"):
    name: str
    """With its namespace."""
    namespace: str = ""


class _Count(msgspec.Struct, rename="pascal"):
    total_count: int = 0


class _Token(Confidential, rename="pascal"):
    username: str | int
    token: str
    exp_time: int = 0


class _Rule(msgspec.Struct, rename="pascal"):
    """A rule for immutable tags, of the same making as Harbor's."""

    ns_name: str = ""
    repository_pattern: str = ""
    tag_pattern: str = ""
    repository_decoration: str = "repoMatches"
    tag_decoration: str = "matches"
    disabled: bool = False

    def holds_in(self, namespace: str, rest: str) -> bool:
        """Tell whether it holds in a repository, by its name within the namespace."""
        if self.disabled or self.ns_name != namespace:
            return False
        return selects(
            self.repository_pattern, rest, excludes=self.repository_decoration == "repoExcludes"
        )

    def immutable(self) -> Immutable:
        """Return the tags that it is about."""
        excludes = self.tag_decoration == "excludes"
        but = "all but " if excludes else ""
        return Immutable(
            f"the namespace {self.ns_name} keeps {but}{self.tag_pattern or '**'} immutable",
            lambda tag: selects(self.tag_pattern, tag, excludes=excludes),
        )


class EnterpriseApi:
    """The instance that a registry's host is a domain of. Lists, foresees, makes, hands out."""

    def __init__(self, host: str, ask: AskApi) -> None:
        self._host = host
        self._ask = ask
        self._instances = PreflightAnswers[TcrInstance]()
        self._namespaces = PreflightAnswers[frozenset[str]]()
        self._rules = PreflightAnswers[Sequence[_Rule]]()
        self._room = PreflightAnswers[int]()

    async def instance(self) -> TcrInstance:
        """Return the instance. Raises NoInstance, SeveralInstances, and what asking raises."""
        return await self._instances.once("", lambda: instance_at(self._cloud(), self._host))

    async def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give what is in the namespaces of the instance, some of them at a time, in order."""
        names = sorted(await self._all_namespaces())
        for some in _parts(names, _AT_ONCE):
            found = await asyncio.gather(*map(self._in_namespace, some))
            for name, inside in zip(some, found, strict=True):
                if isinstance(inside, _REFUSED):
                    yield Unlisted(name, inside)
                elif isinstance(inside, TransshipError):
                    raise inside
                else:
                    for repository in inside:
                        yield repository

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return what is known of repositories: of namespaces, and of rules where tags move."""
        instance = await self.instance()
        state = f"the instance {instance.name} is {instance.status or 'in no known state'}"
        if instance.shut:
            return TargetOutlook({name: TargetStatus(read_only=state) for name in writes})
        unknown: list[UnknownTarget] = []
        if not instance.runs:
            unknown.append(
                UnknownTarget("whether anything can be pushed", "", errors.ServerFailed(state))
            )
        standings: dict[str, TargetStatus] = {}
        try:
            namespaces = await self._all_namespaces()
        except TransshipError as error:
            unknown.append(UnknownTarget("whether namespaces are there", "", error))
            return TargetOutlook(unknown=tuple(unknown))
        for repository, moves in writes.items():
            namespace, _, rest = repository.partition("/")
            if namespace not in namespaces:
                standings[repository] = TargetStatus(missing=MissingTarget(NAMESPACE, namespace))
                continue
            immutable: tuple[Immutable, ...] = ()
            try:
                if moves:
                    immutable = await self._immutable(namespace, rest)
            except TransshipError as error:
                unknown.append(UnknownTarget("which tags are immutable", namespace, error))
            standings[repository] = TargetStatus(immutable=immutable)
        unknown += await self._short_of_room(instance, namespaces, writes)
        return TargetOutlook(standings, tuple(unknown))

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:  # noqa: ARG002
        """Return why a namespace can't have this name, or an empty string."""
        return name_refusal(missing.name)

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a namespace; nothing of what is pushed to it is scanned, or kept back, by that."""
        instance = await self.instance()
        fields = {
            "RegistryId": instance.id,
            "NamespaceName": missing.name,
            "IsPublic": visibility is Visibility.PUBLIC,
        }
        await self._cloud().document("CreateNamespace", fields, region=instance.region)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether a namespace is there."""
        # A name that is asked for finds all that it is a part of.
        return missing.name in await self._listed_namespaces({"NamespaceName": missing.name})

    async def login(self) -> Login:
        """Return a temporary login, for as long as the cloud gives it, which is an hour."""
        instance = await self.instance()
        token = await self._cloud().call(
            "CreateInstanceToken",
            _Token,
            {"RegistryId": instance.id, "TokenType": "temp"},
            region=instance.region,
        )
        # The API says milliseconds, or nothing.
        seconds = seconds_until(token.exp_time / 1000, _LIFE_SECONDS)
        return Login(Credential(str(token.username), token.token), seconds)

    def _cloud(self) -> TencentCloud:
        return TencentCloud(self._ask.cloud, self._ask.keys().host)

    async def _all_namespaces(self) -> frozenset[str]:
        return await self._namespaces.once("", lambda: self._listed_namespaces({}))

    async def _listed_namespaces(self, fields: Mapping[str, object]) -> frozenset[str]:
        instance = await self.instance()
        wanted = {"RegistryId": instance.id, **fields}
        found = await listed(
            self._cloud(), "DescribeNamespaces", _Namespace, wanted, region=instance.region
        )
        return frozenset(each.name for each in found)

    async def _in_namespace(self, namespace: str) -> Sequence[str] | TransshipError:
        """Return the repositories of a namespace, or why they can't be listed."""
        instance = await self.instance()
        # In the order of their names, which no push changes between two pages.
        wanted = {"RegistryId": instance.id, "NamespaceName": namespace, "SortBy": "-name"}
        try:
            found = await listed(
                self._cloud(), "DescribeRepositories", _Repository, wanted, region=instance.region
            )
        except TransshipError as error:
            return error
        own = (each.name for each in found if each.namespace in ("", namespace))
        return sorted(name for name in own if name.startswith(f"{namespace}/"))

    async def _immutable(self, namespace: str, rest: str) -> tuple[Immutable, ...]:
        rules = await self._rules.once("", self._all_rules)
        return tuple(rule.immutable() for rule in rules if rule.holds_in(namespace, rest))

    async def _all_rules(self) -> Sequence[_Rule]:
        instance = await self.instance()
        return await listed(
            self._cloud(),
            "DescribeImmutableTagRules",
            _Rule,
            {"RegistryId": instance.id},
            region=instance.region,
        )

    async def _short_of_room(
        self, instance: TcrInstance, namespaces: frozenset[str], writes: Writes
    ) -> list[UnknownTarget]:
        """Return what an edition has no room for by its usual limits, which can be raised."""
        limits = instance.limits
        if limits is None:
            return []
        new = {name.partition("/")[0] for name in writes} - namespaces
        wanted = len(namespaces) + len(new)
        found: list[UnknownTarget] = []
        if new and wanted > limits.namespaces:
            why = _over(instance, f"{wanted:,} namespaces", f"{limits.namespaces:,}")
            found.append(UnknownTarget(ROOM, "namespaces", why))
        try:
            has = await self._room.once("", lambda: self._count_repositories(instance))
            if has + len(writes) > limits.repositories:
                has += len(writes.keys() - await self._known_repositories(writes))
            else:
                has = 0
        except TransshipError as error:
            return [*found, UnknownTarget(ROOM, "repositories", error)]
        if has > limits.repositories:
            why = _over(instance, f"{has:,} repositories", f"{limits.repositories:,}")
            found.append(UnknownTarget(ROOM, "repositories", why))
        return found

    async def _count_repositories(self, instance: TcrInstance) -> int:
        wanted = {"RegistryId": instance.id, "Offset": 1, "Limit": 1}
        answer = await self._cloud().call(
            "DescribeRepositories", _Count, wanted, region=instance.region
        )
        return answer.total_count

    async def _known_repositories(self, writes: Writes) -> set[str]:
        """Return those that are there of the namespaces that are written to."""
        known: set[str] = set()
        namespaces = {name.partition("/")[0] for name in writes} & await self._all_namespaces()
        for namespace in sorted(namespaces):
            found = await self._in_namespace(namespace)
            if isinstance(found, TransshipError):
                raise found
            known.update(found)
        return known


def name_refusal(name: str) -> str:
    """Return why a new namespace can't be called so, or an empty string."""
    if name in RESERVED:
        return f"the service keeps the name {name} for itself"
    if len(name) not in _NAME_LENGTHS or not _NAME.fullmatch(name):
        return (
            "a namespace has 2 to 30 small letters and digits at this service, with single . _ or "
            "- between them"
        )
    return ""


def _over(instance: TcrInstance, wanted: str, limit: str) -> errors.QuotaExceeded:
    return errors.QuotaExceeded(
        f"{instance.name} would have {wanted}; its edition ({instance.edition}) has {limit}, "
        "unless the cloud has raised that"
    )


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), size):
        yield names[begin : begin + size]


_SUFFIX = "ccr.ccs.tencentyun.com"
_REGIONS: Mapping[str, str] = {
    "hk": "ap-hongkong",
    "sg": "ap-singapore",
    "jp": "ap-tokyo",
    "kr": "ap-seoul",
    "in": "ap-mumbai",
    "th": "ap-bangkok",
    "ca": "na-toronto",
    "usw": "na-siliconvalley",
    "use": "na-ashburn",
    "de": "eu-frankfurt",
    "ru": "eu-moscow",
    "szjr": "ap-shenzhen-fsi",
    "shjr": "ap-shanghai-fsi",
    "bjjr": "ap-beijing-fsi",
}
"""By what stands before the name of the mainland's host."""

REPOSITORY = "repository"
WITH_NAMESPACE = "repository and namespace"


class _PersonalNamespace(msgspec.Struct, rename="pascal"):
    namespace: str


class _PersonalRepository(msgspec.Struct, rename="pascal"):
    repo_name: str
    """With its namespace."""


class _Server(msgspec.Struct, rename="pascal"):
    server: str = ""


class _Repositories(msgspec.Struct, rename="pascal"):
    data: _Server = msgspec.field(default_factory=_Server)


class _Validity(msgspec.Struct, rename="pascal"):
    is_exist: bool = False
    is_preserved: bool = False


class _Validated(msgspec.Struct, rename="pascal"):
    data: _Validity = msgspec.field(default_factory=_Validity)


class _Limit(msgspec.Struct, rename="pascal"):
    type: str = ""
    value: int = 0


class _Limits(msgspec.Struct, rename="pascal"):
    limit_info: list[_Limit] = []


class _Quota(msgspec.Struct, rename="pascal"):
    data: _Limits = msgspec.field(default_factory=_Limits)


class PersonalApi:
    """What the account has at one host. Lists, foresees, and makes repositories."""

    def __init__(self, host: str, ask: AskApi) -> None:
        self._host = host
        self._ask = ask
        self._servers = PreflightAnswers[str]()
        self._names = PreflightAnswers[_Validity]()
        self._own = PreflightAnswers[frozenset[str]]()
        self._repositories = PreflightAnswers[Sequence[str]]()
        self._quotas = PreflightAnswers[Mapping[str, int]]()

    async def repositories(self) -> AsyncIterator[str]:
        """Give the account's own repositories."""
        for name in await self._own_repositories():
            yield name

    async def look(self, writes: Writes) -> TargetOutlook:
        """Return which namespaces aren't there, or aren't the account's."""
        await self._check_place()
        standings: dict[str, TargetStatus] = {}
        unknown: list[UnknownTarget] = []
        for repository in writes:
            namespace = repository.partition("/")[0]
            try:
                standings[repository] = await self._standing(repository)
            except TransshipError as error:
                unknown.append(UnknownTarget("whether namespaces are there", namespace, error))
        try:
            unknown += await self._short_of_room(writes)
        except TransshipError as error:
            unknown.append(UnknownTarget(ROOM, "", error))
        return TargetOutlook(standings, tuple(unknown))

    def refusal(self, missing: MissingTarget, visibility: Visibility) -> str:  # noqa: ARG002
        """Return why a repository can't be made so, or an empty string."""
        if missing.kind == REPOSITORY:
            return ""
        return name_refusal(missing.name.partition("/")[0])

    async def create(self, missing: MissingTarget, visibility: Visibility) -> None:
        """Make a repository, and its namespace where the account has none of that name.

        Raises CloudHasIt when somebody, maybe another account, has the name.
        """
        await self._check_place()
        namespace = missing.name.partition("/")[0]
        if namespace not in await self._own_namespaces():
            await self._create_namespace(namespace)
        wanted = {"RepoName": missing.name, "Public": int(visibility is Visibility.PUBLIC)}
        await self._cloud().document("CreateRepositoryPersonal", wanted, region=self._region)

    async def has(self, missing: MissingTarget) -> bool:
        """Tell whether a repository is there, in a namespace of the account's own."""
        await self._check_place()
        if missing.name.partition("/")[0] not in await self._own_namespaces():
            return False
        answer = await self._cloud().call(
            "ValidateRepositoryExistPersonal",
            _Validated,
            {"RepoName": missing.name},
            region=self._region,
        )
        return answer.data.is_exist

    @property
    def _region(self) -> str:
        return region_at(self._host)

    def _cloud(self) -> TencentCloud:
        return TencentCloud(self._ask.cloud, self._ask.keys().host)

    async def _check_place(self) -> None:
        """Raise NoInstance when what is asked isn't the place that the host is of."""
        server = await self._servers.once("", self._server)
        if server and server != self._host:
            region = self._region or self._cloud().region
            raise errors.NoInstance(
                f"{self._host}: the API answers for {safe(server)} in {region}",
                remedy="Use the host that the console names for the region that is meant.",
            )

    async def _server(self) -> str:
        wanted = {"Offset": 0, "Limit": 1}
        answer = await self._cloud().call(
            "DescribeRepositoryOwnerPersonal", _Repositories, wanted, region=self._region
        )
        return answer.data.server.lower()

    async def _own_repositories(self) -> Sequence[str]:
        async def asked() -> Sequence[str]:
            await self._check_place()
            found = await listed(
                self._cloud(),
                "DescribeRepositoryOwnerPersonal",
                _PersonalRepository,
                region=self._region,
            )
            return [each.repo_name for each in found]

        return await self._repositories.once("", asked)

    async def _own_namespaces(self) -> frozenset[str]:
        found = await listed(
            self._cloud(),
            "DescribeNamespacePersonal",
            _PersonalNamespace,
            {"Namespace": ""},
            region=self._region,
        )
        return frozenset(each.namespace for each in found)

    async def _validity(self, namespace: str) -> _Validity:
        answer = await self._cloud().call(
            "ValidateNamespaceExistPersonal",
            _Validated,
            {"Namespace": namespace},
            region=self._region,
        )
        return answer.data

    async def _create_namespace(self, namespace: str) -> None:
        validity = await self._validity(namespace)
        if why := _refusal(namespace, validity):
            raise errors.CloudHasIt(why)
        try:
            await self._cloud().document(
                "CreateNamespacePersonal", {"Namespace": namespace}, region=self._region
            )
        except errors.CloudHasIt:
            # It may be for another repository that it has just been made.
            if namespace not in await self._own_namespaces():
                raise

    async def _standing(self, repository: str) -> TargetStatus:
        namespace = repository.partition("/")[0]
        if namespace in await self._own.once("", self._own_namespaces):
            if repository in await self._own_repositories():
                return TargetStatus()
            return TargetStatus(missing=MissingTarget(REPOSITORY, repository, perhaps=True))
        validity = await self._names.once(namespace, lambda: self._validity(namespace))
        if why := _refusal(namespace, validity):
            return TargetStatus(read_only=why)
        return TargetStatus(missing=MissingTarget(WITH_NAMESPACE, repository))

    async def _short_of_room(self, writes: Writes) -> list[UnknownTarget]:
        """Return what the account's own quota has no room for."""
        quota = await self._quotas.once("", self._quota)
        namespaces = await self._own.once("", self._own_namespaces)
        repositories = await self._own_repositories()
        rooms = (
            ("namespace", "namespaces", namespaces, {name.partition("/")[0] for name in writes}),
            ("repo", "repositories", frozenset(repositories), set(writes)),
        )
        found: list[UnknownTarget] = []
        for kind, words, has, wanted in rooms:
            count = len(has | wanted)
            if wanted - has and kind in quota and count > quota[kind]:
                why = f"the account would have {count:,} {words}; its quota is {quota[kind]:,}"
                found.append(UnknownTarget(ROOM, words, errors.QuotaExceeded(why)))
        return found

    async def _quota(self) -> Mapping[str, int]:
        answer = await self._cloud().call("DescribeUserQuotaPersonal", _Quota, region=self._region)
        return {each.type: each.value for each in answer.data.limit_info}


def region_at(host: str) -> str:
    """Return the region that a host of CCR is of; empty for the mainland's, and any other."""
    prefix = host.removesuffix(_SUFFIX)
    return _REGIONS.get(prefix, "") if prefix != host else ""


def _refusal(namespace: str, validity: _Validity) -> str:
    """Return why a namespace that isn't the account's own can't be, or an empty string."""
    if validity.is_preserved:
        return f"the service keeps the name {namespace} for itself"
    if validity.is_exist:
        return f"the namespace {namespace} belongs to another account; names are one for all here"
    return ""


_APIS = ("tcr.tencentcloudapi.com", "tcr.intl.tencentcloudapi.com")
_API = r"tcr(\.[a-z0-9-]+){0,2}\.tencentcloudapi\.com"
_BY_KEYS = partly(
    "by the cloud's API, with its keys",
    "Without them, name the repositories yourself, in the account or in the rules.",
)


class _Regions(msgspec.Struct, rename="pascal"):
    total_count: int = 0


class _KeysApi:
    """Tries the keys."""

    def __init__(self, host: str, ask: AskApi) -> None:  # noqa: ARG002 - the keys have it
        self._ask = ask

    async def check(self) -> None:
        """Prove that the API takes the keys, also where they have no right to what is asked."""
        cloud = TencentCloud(self._ask.cloud, self._ask.keys().host)
        try:
            await cloud.call("DescribeRegions", _Regions)
        except errors.NoRight:
            return


def _fault(keys: Credential) -> str:
    if not keys.username.startswith(("AKID", "IKID")):
        return "a SecretId begins with AKID or IKID"
    return ""


TCR = Service(
    kind="tcr",
    title="Tencent TCR",
    form=_TCR_FORM,
    hosts=(r"[a-z0-9-]+\.tencentcloudcr\.com",),
    username="account UIN, or name of the service account (tcr$name)",
    secret="access token or service account's password",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    api=EnterpriseApi,
    keys_at=_APIS,
    # A login is handed out only where the API says that the host is a domain of an instance.
    hands_out=(r".+",),
    facts=Facts(
        list=_BY_KEYS,
        create=yes("namespace, by the cloud's API with its keys"),
        limits=(
            "50, 100 or 500 namespaces and 1,000, 3,000 or 5,000 repositories in the basic, "
            "standard or premium edition"
        ),
        credential=(
            "a service account lives as set, a temporary token 1 hour; with the keys of the "
            "cloud's API a new one is fetched where the account keeps none"
        ),
    ),
)

CCR = Service(
    kind="ccr",
    title="Tencent CCR (personal)",
    form=_CCR_FORM,
    hosts=(r"([a-z]+)?ccr\.ccs\.tencentyun\.com",),
    username="account UIN",
    secret="the registry's own password",
    lists=False,
    capabilities=Capabilities(parts=(2, 2)),
    api=PersonalApi,
    keys_at=_APIS,
    facts=Facts(
        list=_BY_KEYS,
        create=yes("repository and namespace, by the cloud's API with its keys"),
        limits="about 10 namespaces in a region, and 100 tags in a repository",
        credential="the registry's own password lives until it is changed",
    ),
)

TENCENT_API = Service(
    kind="tencent-api",
    title="Tencent Cloud's API",
    form=_API_FORM,
    hosts=(_API,),
    username="SecretId",
    secret="SecretKey",
    role=Role.API,
    lists=False,
    api=_KeysApi,
    fault=_fault,
    facts=of_keys(
        limits="20 calls of an action per second; 100, 10 or 1 of some",
        credential="a SecretKey lives until it is disabled",
    ),
)
