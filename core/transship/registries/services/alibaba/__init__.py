"""Alibaba Cloud Container Registry.

Its registries list and make nothing themselves: that is done by the API of the cloud, with the
AccessKey of an account of its own (`alibaba-api`), at the host of the registry's region.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from transship import errors
from transship.errors import TransshipError
from transship.registries.credential import Login
from transship.registries.foreseeing import Asked, Missing, Outlook, Standing, Unknown, Writes
from transship.registries.place import Capabilities
from transship.registries.services.alibaba.editions import Edition, Namespace
from transship.registries.services.alibaba.enterprise import HOST as ENTERPRISE
from transship.registries.services.alibaba.enterprise import Enterprise
from transship.registries.services.alibaba.personal import Personal
from transship.registries.services.api import Ask, Unlisted
from transship.registries.services.facts import Facts, of_keys, partly, yes
from transship.registries.services.service import Greeting, Role, Service
from transship.registries.visibility import Visibility

_PERSONAL = (
    r"registry(-intl)?(-vpc|-internal)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com",
    r"crpi-[a-z0-9]+(-vpc)?\.(?P<region>[a-z0-9-]+)\.personal\.cr\.aliyuncs\.com",
)
_API = r"cr(-vpc)?\.[a-z0-9-]+\.aliyuncs\.com"


class _Api:
    """Lists, foresees, makes and signs in, by the API of the edition that the registry is of."""

    def __init__(self, ask: Ask, edition: Edition) -> None:
        self._ask = ask
        self._edition = edition
        self._namespaces = Asked[Namespace | None](gives_up=True)

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

    async def look(self, writes: Writes) -> Outlook:
        """Return which repositories lack their namespace, or have to be made in it."""
        self._ask.keys()
        standings: dict[str, Standing] = {}
        unknown: dict[str, Unknown] = {}
        for repository in writes:
            most = self._edition.components
            if most and repository.count("/") >= most:
                why = f"names in the Personal Edition have {most} parts"
                standings[repository] = Standing(read_only=why)
                continue
            try:
                missing = await self._missing(repository)
            except TransshipError as error:
                namespace = repository.partition("/")[0]
                unknown[namespace] = Unknown("what is there", namespace, error)
                continue
            if missing is not None:
                standings[repository] = Standing(missing=missing)
        return Outlook(standings, tuple(unknown.values()))

    def refusal(self, missing: Missing, visibility: Visibility) -> str:  # noqa: ARG002 - both can
        """Return nothing: both can be made so."""
        return ""

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make a namespace, or a repository in one that is there."""
        namespace, _, name = missing.name.partition("/")
        if missing.kind == "namespace":
            await self._edition.create_namespace(namespace, visibility)
        else:
            await self._edition.create_repository(namespace, name, visibility)

    async def has(self, missing: Missing) -> bool:
        """Tell whether it is there."""
        namespace, _, name = missing.name.partition("/")
        if missing.kind == "namespace":
            return await self._edition.namespace(namespace) is not None
        return await self._edition.has_repository(namespace, name)

    async def login(self) -> Login:
        """Return a login for an hour."""
        return await self._edition.login()

    async def _missing(self, repository: str) -> Missing | None:
        name, _, rest = repository.partition("/")
        namespace = await self._namespaces.once(name, lambda: self._edition.namespace(name))
        if namespace is None:
            return Missing("namespace", name)
        if namespace.makes_repositories or await self._edition.has_repository(name, rest):
            return None
        return Missing("repository", repository)


class _KeysApi:
    """Tries an AccessKey."""

    def __init__(self, host: str, ask: Ask) -> None:
        self._enterprise = Enterprise(host, ask)
        self._personal = Personal(ask)

    async def check(self) -> None:
        """Prove that the API takes the keys, which may be good for one edition only."""
        try:
            await self._enterprise.check()
        except errors.NoRight:
            async for _ in self._personal.namespaces():
                break


def _api(host: str, ask: Ask) -> object:
    name = host.partition(":")[0]
    personal = any(re.fullmatch(pattern, name) for pattern in _PERSONAL)
    return _Api(ask, Personal(ask) if personal else Enterprise(host, ask))


ALIBABA = Service(
    kind="alibaba",
    title="Alibaba Cloud ACR",
    hosts=(*_PERSONAL, ENTERPRISE),
    greeting=Greeting(realm=r".*", service=r"registry\.aliyuncs\.com:.+"),
    username="account, or temporary user",
    secret="the registry's own password, or temporary token",
    lists=False,
    capabilities=Capabilities(parts=(2, 0)),
    api=_api,
    keys_at=("cr.{region}.aliyuncs.com",),
    hands_out=(*_PERSONAL, ENTERPRISE),
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
