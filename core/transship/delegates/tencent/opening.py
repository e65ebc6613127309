"""Opens what is asked about one instance of TCR: the cloud's API, and that of its SSL service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from transship.clock import Clock
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.certificates import Certificates
from transship.delegates.tencent.domains_engine import Domains
from transship.delegates.tencent.network_engine import Network
from transship.delegates.tencent.quick.spaces import Spaces
from transship.registries.cloud import Cloud
from transship.registries.exchanges import Recorder
from transship.registries.services.api import Keys
from transship.registries.services.tencent.cloud import (
    SSL,
    TCR,
    Product,
    TencentCloud,
    host_for,
)
from transship.registries.services.tencent.instances import instance_at


@dataclass(frozen=True, slots=True)
class Opened:
    """One instance, asked about with one pair of keys, and its engines.

    `cloud` is the API as such: a personal account of the same keys is listed by it.
    """

    cloud: TencentCloud
    at: AtInstance
    network: Network
    domains: Domains
    spaces: Spaces


@asynccontextmanager
async def opened(
    keys: Keys, host: str, clock: Clock, recorder: Recorder | None = None
) -> AsyncIterator[Opened]:
    """Open what is asked about the instance that `host` is a domain of; closed at the end.

    `keys.host` is the API of TCR: the SSL service has a host of its own, at the same site, which
    the same keys open. Raises NoInstance, SeveralInstances, and what stands in the way of asking.
    """
    async with AsyncExitStack() as stack:

        def asking(product: Product) -> TencentCloud:
            there = replace(keys, host=host_for(product, keys.host))
            cloud = Cloud(there, clock, recorder)
            stack.push_async_callback(cloud.aclose)
            return TencentCloud(cloud.ask, there.host, product)

        cloud = asking(TCR)
        at = AtInstance(cloud, await instance_at(cloud, host))
        domains = Domains(at, Certificates(asking(SSL)), clock)
        yield Opened(cloud, at, Network(at, clock), domains, Spaces(at))
