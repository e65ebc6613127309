"""The instances of TCR, and which of them a registry's host belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from transship import errors
from transship.registries.services.tencent.cloud import TencentCloud
from transship.registries.services.tencent.paging import listed
from transship.text import counted, safe

RUNNING = "Running"
_SHUT = frozenset(
    {
        "Pending",
        "Deploying",
        "FailedCreated",
        "Isolate",
        "Deleting",
        "DeleteFailed",
        "DeleteBucketFailed",
    }
)
"""How an instance is called that isn't made yet, or is on its way out."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Edition:
    """What an edition lets an instance have. `syncs` is by rules, `replicates` to replicas."""

    namespaces: int
    repositories: int
    vpcs: int
    service_accounts: int
    syncs: bool
    replicates: bool


EDITIONS: Mapping[str, Edition] = {
    "basic": Edition(50, 1000, 5, 10, syncs=False, replicates=False),
    "standard": Edition(100, 3000, 10, 20, syncs=True, replicates=False),
    "premium": Edition(500, 5000, 20, 100, syncs=True, replicates=True),
}
"""By the service's own word for it. The cloud raises the counts for who asks it to."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance, as the API tells of it.

    `edition` is `basic`, `standard`, `premium` or a word that isn't known here, `status` the API's
    own. `region` is a name (`ap-guangzhou`), `region_id` its number. `expires` is when what was
    paid for ends, as the API writes it, empty where it is paid by use.
    """

    id: str
    name: str
    edition: str
    status: str
    region: str
    region_id: int
    public_domain: str
    internal_endpoint: str = ""
    expires: str = ""

    @property
    def runs(self) -> bool:
        """Whether all is well with it."""
        return self.status == RUNNING

    @property
    def shut(self) -> bool:
        """Whether nothing can be pushed to it. One that isn't well may take it all the same."""
        return self.status in _SHUT

    @property
    def limits(self) -> Edition | None:
        """What its edition lets it have, None for one that isn't known."""
        return EDITIONS.get(self.edition)

    def answers_at(self, host: str) -> bool:
        """Tell whether `host` (`host[:port]`) is a domain that it has of itself.

        In a VPC that is its public one, or one that is called after it.
        """
        name, dot, rest = self.public_domain.partition(".")
        return bool(host) and host in (
            self.public_domain,
            f"{name}-vpc{dot}{rest}",
            self.internal_endpoint,
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.id}, {self.region})"


class _Registry(msgspec.Struct, rename="pascal"):
    registry_id: str
    registry_name: str = ""
    registry_type: str = ""
    status: str = ""
    region_name: str = ""
    region_id: int = 0
    public_domain: str = ""
    internal_endpoint: str = ""
    expired_at: str = ""


class _Domain(msgspec.Struct, rename="pascal"):
    domain_name: str = ""


async def instances(cloud: TencentCloud) -> list[Instance]:
    """Return all instances that the keys see, in every region."""
    found = await listed(cloud, "DescribeInstances", _Registry, {"AllRegion": True})
    return [_instance(each) for each in found]


async def instance_at(cloud: TencentCloud, host: str) -> Instance:
    """Return the instance that `host` (`host[:port]`) is a domain of.

    Custom domains are looked at where it isn't one that an instance has of itself. Raises
    NoInstance and SeveralInstances, and what `TencentCloud.call` raises.
    """
    every = await instances(cloud)
    found = [each for each in every if each.answers_at(host)]
    hidden: list[Instance] = []
    if not found:
        for each in every:
            try:
                if host in await custom_domains(cloud, each):
                    found.append(each)
            except (errors.NoRight, errors.CloudRefused):
                hidden.append(each)
    if not found:
        raise errors.NoInstance(f"{safe(host)}: {_seen(every)}{_unseen(hidden)}")
    if len(found) > 1:
        raise errors.SeveralInstances(f"{safe(host)}: {_names(found)}")
    return found[0]


async def custom_domains(cloud: TencentCloud, instance: Instance) -> set[str]:
    """Return the custom domains of an instance, in whatever state they are."""
    found = await listed(
        cloud,
        "DescribeInstanceCustomizedDomain",
        _Domain,
        {"RegistryId": instance.id},
        region=instance.region,
    )
    return {each.domain_name.lower() for each in found}


def _instance(found: _Registry) -> Instance:
    return Instance(
        id=found.registry_id,
        name=safe(found.registry_name),
        edition=safe(found.registry_type).lower(),
        status=safe(found.status),
        region=safe(found.region_name),
        region_id=found.region_id,
        public_domain=found.public_domain.lower(),
        internal_endpoint=found.internal_endpoint.lower(),
        expires=safe(found.expired_at),
    )


def _seen(every: list[Instance]) -> str:
    if not every:
        return "the keys see no instance"
    return f"the keys see {counted(len(every), 'instance')}: {_names(every)}"


def _unseen(hidden: list[Instance]) -> str:
    return f"; not the custom domains of {_names(hidden)}" if hidden else ""


def _names(some: Iterable[Instance]) -> str:
    names = [str(each) for each in some]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
