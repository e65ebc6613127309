"""CCR, the personal edition of TCR: what an account has in one region, and what it may make.

The names of namespaces are one for all accounts of a region. Who may pull is set for each
repository. A push makes one too, and nothing says for whom: so where a plan allows to create, that
is done before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.foreseeing import Asked, Missing, Outlook, Standing, Unknown, Writes
from transship.registries.services.api import Ask
from transship.registries.services.tencent.cloud import TencentCloud
from transship.registries.services.tencent.enterprise import ROOM, name_refusal
from transship.registries.services.tencent.paging import listed
from transship.registries.visibility import Visibility
from transship.text import safe

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


class _Namespace(msgspec.Struct, rename="pascal"):
    namespace: str


class _Repository(msgspec.Struct, rename="pascal"):
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

    def __init__(self, host: str, ask: Ask) -> None:
        self._host = host
        self._ask = ask
        self._servers = Asked[str]()
        self._names = Asked[_Validity]()
        self._own = Asked[frozenset[str]]()
        self._repositories = Asked[Sequence[str]]()
        self._quotas = Asked[Mapping[str, int]]()

    async def repositories(self) -> AsyncIterator[str]:
        """Give the account's own repositories."""
        for name in await self._own_repositories():
            yield name

    async def look(self, writes: Writes) -> Outlook:
        """Return which namespaces aren't there, or aren't the account's."""
        await self._check_place()
        standings: dict[str, Standing] = {}
        unknown: list[Unknown] = []
        for repository in writes:
            namespace = repository.partition("/")[0]
            try:
                standings[repository] = await self._standing(repository)
            except TransshipError as error:
                unknown.append(Unknown("whether namespaces are there", namespace, error))
        try:
            unknown += await self._short_of_room(writes)
        except TransshipError as error:
            unknown.append(Unknown(ROOM, "", error))
        return Outlook(standings, tuple(unknown))

    def refusal(self, missing: Missing, visibility: Visibility) -> str:  # noqa: ARG002
        """Return why a repository can't be made so, or an empty string."""
        if missing.kind == REPOSITORY:
            return ""
        return name_refusal(missing.name.partition("/")[0])

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a repository, and its namespace where the account has none of that name.

        Raises CloudHasIt when somebody, maybe another account, has the name.
        """
        await self._check_place()
        namespace = missing.name.partition("/")[0]
        if namespace not in await self._own_namespaces():
            await self._create_namespace(namespace)
        wanted = {"RepoName": missing.name, "Public": int(visibility is Visibility.PUBLIC)}
        await self._cloud().document("CreateRepositoryPersonal", wanted, region=self._region)

    async def has(self, missing: Missing) -> bool:
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
                _Repository,
                region=self._region,
            )
            return [each.repo_name for each in found]

        return await self._repositories.once("", asked)

    async def _own_namespaces(self) -> frozenset[str]:
        found = await listed(
            self._cloud(),
            "DescribeNamespacePersonal",
            _Namespace,
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

    async def _standing(self, repository: str) -> Standing:
        namespace = repository.partition("/")[0]
        if namespace in await self._own.once("", self._own_namespaces):
            if repository in await self._own_repositories():
                return Standing()
            return Standing(missing=Missing(REPOSITORY, repository, perhaps=True))
        validity = await self._names.once(namespace, lambda: self._validity(namespace))
        if why := _refusal(namespace, validity):
            return Standing(read_only=why)
        return Standing(missing=Missing(WITH_NAMESPACE, repository))

    async def _short_of_room(self, writes: Writes) -> list[Unknown]:
        """Return what the account's own quota has no room for."""
        quota = await self._quotas.once("", self._quota)
        namespaces = await self._own.once("", self._own_namespaces)
        repositories = await self._own_repositories()
        rooms = (
            ("namespace", "namespaces", namespaces, {name.partition("/")[0] for name in writes}),
            ("repo", "repositories", frozenset(repositories), set(writes)),
        )
        found: list[Unknown] = []
        for kind, words, has, wanted in rooms:
            count = len(has | wanted)
            if wanted - has and kind in quota and count > quota[kind]:
                why = f"the account would have {count:,} {words}; its quota is {quota[kind]:,}"
                found.append(Unknown(ROOM, words, errors.QuotaExceeded(why)))
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
