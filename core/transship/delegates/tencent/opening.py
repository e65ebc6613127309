"""Opens what is asked about one instance of TCR: the cloud's API, and that of its SSL service."""

from __future__ import annotations

from dataclasses import dataclass

from transship.delegates.reach import Reach, certificates_at, instance_of
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.certificates import Certificates
from transship.delegates.tencent.domains_engine import Domains
from transship.delegates.tencent.network_engine import Network


@dataclass(frozen=True, slots=True)
class Opened:
    """One instance, asked about with one pair of keys, and its engines."""

    at: AtInstance
    network: Network
    domains: Domains


async def opened(reach: Reach, host: str) -> Opened:
    """Open what is asked about the instance that `host` is a domain of.

    The SSL service has a host of its own, at the same site of the cloud, which the same keys open.
    Raises ApiKeysNeeded, NoInstance, SeveralInstances, and what stands in the way of asking.
    """
    at = await instance_of(reach, host)
    certificates = Certificates(await certificates_at(reach, host))
    return Opened(at, Network(at, reach.clock), Domains(at, certificates, reach.clock))
