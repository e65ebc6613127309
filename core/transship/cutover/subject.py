"""What a cutover is about: a domain, where it points, where it is to point. Data only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HTTPS = 443


@dataclass(frozen=True, slots=True)
class Domain:
    """The name that clusters pull by.

    `name` is the absolute A-label form without the dot at its end (`images.example.com`), `shown`
    the form that a person reads. `port` is the one in image references.
    """

    name: str
    port: int = HTTPS
    shown: str = ""

    @property
    def host(self) -> str:
        """`host[:port]`, as it stands in image references."""
        return self.name if self.port == HTTPS else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Resolver:
    """A resolver to ask. `address` is an IP address.

    `transport` is `udp` (with TCP where an answer is cut), `tcp`, `tls` (DoT) or `https` (DoH);
    the latter two need the server's `hostname`. `origin` says where it comes from: `system`,
    `operator` or `public`.
    """

    name: str
    address: str
    port: int = 53
    transport: str = "udp"
    hostname: str = ""
    origin: str = "operator"


@dataclass(frozen=True, slots=True)
class Subject:
    """One domain's cutover. `old` and `new` are registries as `host[:port]`, by their own names.

    `record` is what the domain is to point at: the new registry's host unless the operator says
    something else (an address, the name of a load balancer). `repositories` are some that clusters
    pull, to be tried, which doesn't keep others from being compared; `node_ca` is a file with the
    authorities that nodes trust for this name. `served` overrides where a name server is asked,
    `address[:port]` by address: for networks where port 53 isn't the way.
    """

    domain: Domain
    new: str
    old: str = ""
    record: str = ""
    resolvers: tuple[Resolver, ...] = ()
    repositories: tuple[str, ...] = ()
    node_ca: str = ""
    served: tuple[tuple[str, str], ...] = ()
    window: float = 72 * 3600.0
    """How long the way back is to stay open, in seconds."""
    public: bool = True
    """Whether public resolvers are asked too: an inner network's names are none of theirs."""
    system: bool = True
    """Whether this machine's own resolvers, and its own way of finding names, are asked too."""
    ttl: int = 60
    """The new record's TTL, in seconds, until the way back isn't needed any more; at most."""
    job: str = ""
    """The id of the job that has copied what the domain serves, if tags are compared by it."""
    plan: str = ""
    """The file of the plan that copies it, if tags are compared by that."""

    @property
    def points_at(self) -> str:
        """What the domain's record is to hold."""
        return self.record or self.new.partition(":")[0]

    def new_ttl(self, served: Iterable[int]) -> int:
        """Return the new record's TTL: never more than what is served today."""
        return min([self.ttl, *served])
