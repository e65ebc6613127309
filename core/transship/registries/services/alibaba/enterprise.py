"""The API of the Enterprise Edition (2018-12-01, RPC style)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from transship import errors
from transship.registries.credential import Confidential, Login
from transship.registries.foreseeing import Asked
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

    def __init__(self, host: str, ask: Ask) -> None:
        self._name = host.partition(":")[0]
        self._ask = ask
        self._found = Asked[str]()

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
    ask: Ask, name: str, query: dict[str, str], kind: type[Any], field: str = "instances"
) -> AsyncIterator[Any]:
    """Give what an action lists, which is in a field of its answer."""

    async def page(number: int) -> Page[Any]:
        asking = {**query, "PageNo": str(number), "PageSize": str(PAGE)}
        found = (await asked(ask, _action(name, asking))).json(kind)
        return getattr(found, field), found.total_count

    async for each in paged(page, name):
        yield each


def _action(name: str, query: dict[str, str]) -> Action:
    return Action(name, _VERSION, query=query)
