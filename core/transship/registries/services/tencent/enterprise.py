"""TCR, the Enterprise Edition: what one instance lists, would refuse, makes and hands out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.credential import Confidential, Credential, Login, seconds_until
from transship.registries.foreseeing import (
    Asked,
    Immutable,
    Missing,
    Outlook,
    Standing,
    Unknown,
    Writes,
)
from transship.registries.services.api import Ask, Unlisted
from transship.registries.services.tencent.cloud import TencentCloud
from transship.registries.services.tencent.instances import Instance, instance_at
from transship.registries.services.tencent.paging import listed
from transship.registries.visibility import Visibility
from transship.registries.wildcards import selects

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

    def __init__(self, host: str, ask: Ask) -> None:
        self._host = host
        self._ask = ask
        self._instances = Asked[Instance]()
        self._namespaces = Asked[frozenset[str]]()
        self._rules = Asked[Sequence[_Rule]]()
        self._room = Asked[int]()

    async def instance(self) -> Instance:
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

    async def look(self, writes: Writes) -> Outlook:
        """Return what is known of repositories: of namespaces, and of rules where tags move."""
        instance = await self.instance()
        state = f"the instance {instance.name} is {instance.status or 'in no known state'}"
        if instance.shut:
            return Outlook({name: Standing(read_only=state) for name in writes})
        unknown: list[Unknown] = []
        if not instance.runs:
            unknown.append(
                Unknown("whether anything can be pushed", "", errors.ServerFailed(state))
            )
        standings: dict[str, Standing] = {}
        try:
            namespaces = await self._all_namespaces()
        except TransshipError as error:
            unknown.append(Unknown("whether namespaces are there", "", error))
            return Outlook(unknown=tuple(unknown))
        for repository, moves in writes.items():
            namespace, _, rest = repository.partition("/")
            if namespace not in namespaces:
                standings[repository] = Standing(missing=Missing(NAMESPACE, namespace))
                continue
            immutable: tuple[Immutable, ...] = ()
            try:
                if moves:
                    immutable = await self._immutable(namespace, rest)
            except TransshipError as error:
                unknown.append(Unknown("which tags are immutable", namespace, error))
            standings[repository] = Standing(immutable=immutable)
        unknown += await self._short_of_room(instance, namespaces, writes)
        return Outlook(standings, tuple(unknown))

    def refusal(self, missing: Missing, visibility: Visibility) -> str:  # noqa: ARG002
        """Return why a namespace can't have this name, or an empty string."""
        return name_refusal(missing.name)

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a namespace; nothing of what is pushed to it is scanned, or kept back, by that."""
        instance = await self.instance()
        fields = {
            "RegistryId": instance.id,
            "NamespaceName": missing.name,
            "IsPublic": visibility is Visibility.PUBLIC,
        }
        await self._cloud().document("CreateNamespace", fields, region=instance.region)

    async def has(self, missing: Missing) -> bool:
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
        self, instance: Instance, namespaces: frozenset[str], writes: Writes
    ) -> list[Unknown]:
        """Return what an edition has no room for by its usual limits, which can be raised."""
        limits = instance.limits
        if limits is None:
            return []
        new = {name.partition("/")[0] for name in writes} - namespaces
        wanted = len(namespaces) + len(new)
        found: list[Unknown] = []
        if new and wanted > limits.namespaces:
            why = _over(instance, f"{wanted:,} namespaces", f"{limits.namespaces:,}")
            found.append(Unknown(ROOM, "namespaces", why))
        try:
            has = await self._room.once("", lambda: self._count_repositories(instance))
            if has + len(writes) > limits.repositories:
                has += len(writes.keys() - await self._known_repositories(writes))
            else:
                has = 0
        except TransshipError as error:
            return [*found, Unknown(ROOM, "repositories", error)]
        if has > limits.repositories:
            why = _over(instance, f"{has:,} repositories", f"{limits.repositories:,}")
            found.append(Unknown(ROOM, "repositories", why))
        return found

    async def _count_repositories(self, instance: Instance) -> int:
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


def _over(instance: Instance, wanted: str, limit: str) -> errors.QuotaExceeded:
    return errors.QuotaExceeded(
        f"{instance.name} would have {wanted}; its edition ({instance.edition}) has {limit}, "
        "unless the cloud has raised that"
    )


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(names), size):
        yield names[begin : begin + size]
