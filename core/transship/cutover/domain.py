"""The domain that moves: its name as an operator writes it, and as DNS wants it. Pure.

With it the resolvers to ask, and the subject of a cutover: which registry the domain leads to, and
which one it is to lead to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from transship import errors

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


_LABEL = re.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?")

_PORT = re.compile("[0-9]{1,5}")


def parse_domain(text: str) -> Domain:
    """Return the domain that `NAME[:PORT]` stands for, with its A-labels (RFC 5890; UTS #46).

    Raises BadDomain for what no image can be pulled by, or what no DNS record can move: a web
    address, a path, an IP address, a name of one label, a wildcard.
    """
    text = text.strip()
    for sign, what in (("://", "a web address"), ("/", "with a path"), ("@", "with a user")):
        if sign in text:
            raise errors.BadDomain(f"{text}: {what}; only the name is wanted")
    if is_address(text.removeprefix("[").partition("]")[0]) or is_address(text.partition(":")[0]):
        raise errors.BadDomain(f"{text}: an IP address, which no DNS record can move")
    host, port = host_and_port(text)
    name = host_name(host)
    if "." not in name:
        raise errors.BadDomain(f"{text}: one label alone is no name in DNS")
    return Domain(name, HTTPS if port is None else port, unicode_name(name))


def host_and_port(text: str) -> tuple[str, int | None]:
    """Return both of `HOST[:PORT]`, as they are written. Raises BadDomain for what is no port."""
    host, colon, port = text.strip().partition(":")
    if not colon:
        return host, None
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise errors.BadDomain(f"{text}: {port or 'nothing'} is no port")
    return host, int(port)


def host_name(text: str) -> str:
    """Return a host name in A-labels, in lower case and without the dot at its end.

    Raises BadDomain for what is no host name (RFC 1123, 2.1).
    """
    import dns.exception  # The app opens without it.
    import dns.name

    try:
        absolute = dns.name.from_text(text.strip(), idna_codec=dns.name.IDNA_2008_UTS_46)
        name = absolute.to_text(True).lower()
    except dns.exception.DNSException as error:
        raise errors.BadDomain(f"{text}: {error}") from error
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            raise errors.BadDomain(f"{text}: {label!r} can't be part of a host name")
    return name


def unicode_name(name: str) -> str:
    """Return a name as a person reads it; the name itself where it has no such form."""
    import dns.exception
    import dns.name

    codec = dns.name.IDNA_2008_UTS_46
    try:
        shown = dns.name.from_text(name).to_unicode(True, codec)
        same = dns.name.from_text(shown, idna_codec=codec) == dns.name.from_text(name)
    except dns.exception.DNSException:
        return name
    return shown if same else name


def is_address(text: str) -> bool:
    """Tell whether `text` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def address_and_port(text: str, port: int) -> tuple[str, int]:
    """Return address and port of `ADDRESS[:PORT]`, IPv6 in brackets if a port follows.

    `port` is the one that holds where none is named. Raises ValueError for anything else.
    """
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(text)
        named = rest[1:] if rest else None
    elif text.count(":") == 1:
        address, _, named = text.partition(":")
    else:
        address, named = text, None
    if named is not None:
        if not _PORT.fullmatch(named) or not 0 < int(named) < 65536:
            raise ValueError(text)
        port = int(named)
    return str(ipaddress.ip_address(address)), port


def ancestors(name: str) -> list[str]:
    """Return the name and all names above it, the root (an empty name) last."""
    labels = name.split(".") if name else []
    return [".".join(labels[i:]) for i in range(len(labels) + 1)]


def parent_of(name: str) -> str:
    """Return the name above; that of the root's children is empty."""
    return name.partition(".")[2]


def under(label: str, name: str) -> str:
    """Return a name one label, or several, below another."""
    return f"{label}.{name}" if name else label
