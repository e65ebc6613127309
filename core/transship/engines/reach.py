"""How engines, and what lies behind the ends of a plan, are reached: accounts aren't known here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol

from transship import errors
from transship.clock import Clock
from transship.engines.tcr.api import InstanceApi
from transship.registry.access import Access, open_distribution
from transship.registry.credential import Credential
from transship.registry.distribution import DistributionRegistry
from transship.registry.http.endpoint import CloudApi
from transship.registry.http.rate_limiter import RetryPolicy
from transship.registry.service import ApiKeys, service_named, service_of
from transship.services.tencent_cloud import SSL, TencentCloud, host_for, instance_at

AccessTo = Callable[[str], Awaitable[Access]]
"""Returns what it takes to open the registry, or the API, at a host (`host[:port]`)."""

_OF_TCR = ("tcr", "ccr")
"""The kinds of service that TCR's API is for: instances, and the personal edition."""


class EngineReach(Protocol):
    """Whoever knows the operator's accounts, and closes at the end what was opened."""

    @property
    def clock(self) -> Clock:
        """What tells the time."""

    async def access(self, host: str) -> Access:
        """Return what it takes to open what is at a host. Raises what keeps it from being read."""

    async def registry(self, host: str) -> DistributionRegistry:
        """Return what is at a host, opened; nothing is sent by that."""

    async def cloud(self, keys: ApiKeys) -> CloudApi:
        """Return the API of a cloud, opened; nothing is sent by that."""


class AccountReach:
    """A `Reach` over the accesses of an operator. Each registry is opened once; `async with` it."""

    def __init__(
        self, access: AccessTo, clock: Clock, *, patience: RetryPolicy | None = None
    ) -> None:
        self.clock = clock
        self._access_to = access
        self._patience = patience
        self._accesses: dict[str, Access] = {}
        self._registries: dict[str, DistributionRegistry] = {}
        self._stack = AsyncExitStack()

    async def access(self, host: str) -> Access:
        """Return what it takes to open what is at a host."""
        if host not in self._accesses:
            self._accesses[host] = await self._access_to(host)
        return self._accesses[host]

    async def registry(self, host: str) -> DistributionRegistry:
        """Return what is at a host, opened."""
        if host not in self._registries:
            opened = open_distribution(
                await self.access(host), patience=self._patience, clock=self.clock
            )
            self._stack.push_async_callback(opened.aclose)
            self._registries[host] = opened
        return self._registries[host]

    async def cloud(self, keys: ApiKeys) -> CloudApi:
        """Return the API of a cloud, opened."""
        opened = CloudApi(keys, self.clock)
        self._stack.push_async_callback(opened.aclose)
        return opened

    async def aclose(self) -> None:
        """Close all that was opened."""
        await self._stack.aclose()

    async def __aenter__(self) -> AccountReach:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


async def login_at(reach: EngineReach, host: str) -> Credential:
    """Return the login of the account at a host, to be handed to an engine: `engine.Gives`.

    Raises SignInNeeded.
    """
    credential = (await reach.access(host)).credential
    if credential is None:
        raise errors.SignInNeeded(
            f"{host}: the engine is to be handed a login, and no account has one",
            remedy=f"Add the account with `transship login {host}`.",
        )
    return credential


async def service_at(reach: EngineReach, host: str) -> str:
    """Return the kind of service behind a registry, as its account or its host says."""
    access = await reach.access(host)
    return (service_named(access.service) or service_of(host)).kind


async def tcr_cloud_at(reach: EngineReach, host: str) -> TencentCloud:
    """Return TCR's API, with the keys that belong to the registry at a host.

    Raises ApiKeysNeeded, and CantBeDelegated for a registry of another service.
    """
    kind = await service_at(reach, host)
    if kind not in _OF_TCR and (await reach.access(host)).api is None:
        raise errors.CantBeDelegated(
            f"{host} isn't known to be a registry of Tencent TCR",
            remedy=f"Where it is one, say so: `transship login {host} --service tcr`.",
        )
    asks = (await reach.registry(host)).asks()
    try:
        keys = asks.keys()
    except errors.ApiKeysNeeded as error:
        raise errors.ApiKeysNeeded(
            f"{host}: {error.detail}", remedy="Add them with `transship login HOST-OF-THE-API`."
        ) from None
    return TencentCloud(asks.cloud, keys.host)


async def ssl_cloud_at(reach: EngineReach, host: str) -> TencentCloud:
    """Return the API of the SSL service, with the keys that belong to the registry at a host.

    Raises ApiKeysNeeded.
    """
    keys = (await reach.registry(host)).asks().keys()
    there = host_for(SSL, keys.host)
    cloud = await reach.cloud(ApiKeys(there, keys.credential, keys.tls))
    return TencentCloud(cloud.ask, there, SSL)


async def tcr_instance_at(reach: EngineReach, host: str) -> InstanceApi:
    """Return the instance of TCR that a host is a domain of, and how it is asked about.

    Raises ApiKeysNeeded, NoInstance and SeveralInstances, and what stands in the way of asking.
    """
    cloud = await tcr_cloud_at(reach, host)
    return InstanceApi(cloud, await instance_at(cloud, host))
