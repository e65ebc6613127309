"""What resolvers say of a domain, where a name leads, and what this machine itself makes of it."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from transship import errors
from transship.cutover.domain import Resolver, Subject, address_and_port, host_name, is_address
from transship.cutover.evidence import Chain, DnsAnswer, RecordSet, ResolverView
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.zone import first_answer

LONGEST_CHAIN = 8
"""So many links are followed: resolvers give up at different lengths, none below this."""


async def follow_chain(dns_client: DnsClient, start: str, through: Sequence[Resolver]) -> Chain:
    """Follow the CNAMEs from `start` to the addresses at the end, one question for each link.

    An address leads to itself. TTLs are what the resolver says is left. Signatures aren't checked.
    """
    if is_address(start):
        return Chain(start, (), (start,))
    links: list[RecordSet] = []
    name, seen = start, {start}
    while True:
        answer = await first_answer(dns_client, name, "CNAME", through)
        link = answer.of("CNAME")
        if link is None:
            break
        links.append(link)
        name = link.values[0].rstrip(".")
        if name in seen:
            return Chain(start, tuple(links), (), error="loop")
        if len(links) > LONGEST_CHAIN:
            return Chain(start, tuple(links), (), error="too long")
        seen.add(name)
    ends = await asyncio.gather(
        *(first_answer(dns_client, name, kind, through) for kind in ("A", "AAAA"))
    )
    found = tuple(value for end in ends for value in end.addresses)
    return Chain(start, tuple(links), found, _rcode(ends), "" if found else _why(ends))


def _rcode(ends: Sequence[DnsAnswer]) -> str:
    return next((end.rcode for end in ends if end.rcode not in ("", "NOERROR")), ends[0].rcode)


def _why(ends: Sequence[DnsAnswer]) -> str:
    said = next((end for end in ends if end.error or end.rcode != "NOERROR"), None)
    return (said.error or said.rcode) if said else "no address"


RESOLV_CONF = Path("/etc/resolv.conf")

HOSTS_FILE = Path("/etc/hosts")

RESOLVER_SAMPLES = 3

_STUB = "127.0.0.53"  # systemd-resolved; whom it asks stands in a file of its own.

_BEHIND_STUB = Path("/run/systemd/resolve/resolv.conf")

_PORTS = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}

_LOCAL_SECONDS = 5.0

PUBLIC_RESOLVERS = (
    Resolver("Cloudflare", "1.1.1.1", origin="public"),
    Resolver("Google", "8.8.8.8", origin="public"),
    Resolver("Quad9", "9.9.9.9", origin="public"),
    Resolver("AliDNS", "223.5.5.5", origin="public"),
    Resolver("DNSPod", "119.29.29.29", origin="public"),
    Resolver("114DNS", "114.114.114.114", origin="public"),
    Resolver("Google DoT", "8.8.8.8", 853, "tls", "dns.google", "public"),
    Resolver("Cloudflare DoH", "1.1.1.1", 443, "https", "cloudflare-dns.com", "public"),
)
"""Resolvers that anybody may ask; the last two by ways that nobody between can rewrite."""


def system_resolvers(
    path: Path = RESOLV_CONF, behind_stub: Path = _BEHIND_STUB
) -> tuple[Resolver, ...]:
    """Return the resolvers of this machine (resolv.conf(5)), empty where there are none.

    Behind the stub of systemd-resolved, those that it asks follow.
    """
    found = _name_servers(path)
    if _STUB in found:
        found += [each for each in _name_servers(behind_stub) if each not in found]
    return tuple(Resolver(address, address, origin="system") for address in found)


def parse_resolver(text: str) -> Resolver:
    """Return the resolver that an operator wrote.

    `IP[:PORT]`, `tcp://IP[:PORT]`, `tls://NAME@IP[:PORT]` (DoT) or `https://NAME@IP[:PORT]` (DoH).
    Raises BadResolver.
    """
    scheme, separator, rest = text.strip().partition("://")
    transport = scheme if separator else "udp"
    hostname, at, place = (rest if separator else scheme).rpartition("@")
    if transport not in _PORTS or bool(at) != (transport in ("tls", "https")):
        raise errors.BadResolver(text)
    try:
        address, port = address_and_port(place, _PORTS[transport])
        hostname = host_name(hostname) if hostname else ""
    except (ValueError, errors.BadDomain) as error:
        raise errors.BadResolver(text) from error
    return Resolver(hostname or place, address, port, transport, hostname)


async def observe_resolver(
    dns_client: DnsClient,
    resolver: Resolver,
    name: str,
    *,
    samples: int = RESOLVER_SAMPLES,
    peek: bool = False,
    thorough: bool = True,
) -> ResolverView:
    """Ask a resolver for the domain's addresses, IPv4 `samples` times in a row.

    `peek` only looks at what it has cached, and fills nothing; a resolver that forbids it is
    asked as usual. `thorough` asks for a name that can't exist too. Where an answer failed, it is
    asked again without checking signatures.
    """
    first = await dns_client.ask(name, "A", resolver, recurse=not peek)
    if peek and first.rcode == "REFUSED":
        peek = False
        first = await dns_client.ask(name, "A", resolver)
    seen = [first]
    if not first.error:
        for _ in range(samples - 1):
            seen.append(await dns_client.ask(name, "A", resolver, recurse=not peek))  # noqa: PERF401
    ipv6 = unchecked = canary = None
    if not first.error:
        ipv6 = await dns_client.ask(name, "AAAA", resolver, recurse=not peek)
        if any(sample.rcode == "SERVFAIL" for sample in seen):
            unchecked = await dns_client.ask(name, "A", resolver, check=False)
        if thorough:
            canary = await dns_client.ask(f"{secrets.token_hex(8)}.invalid", "A", resolver)
    return ResolverView(
        resolver.name,
        resolver.address,
        resolver.transport,
        resolver.origin,
        tuple(seen),
        ipv6,
        unchecked,
        canary,
    )


async def observe_resolvers(
    dns_client: DnsClient,
    resolvers: Iterable[Resolver],
    name: str,
    *,
    samples: int = RESOLVER_SAMPLES,
    peek: bool = False,
    thorough: bool = True,
) -> tuple[ResolverView, ...]:
    """Ask several resolvers at once; see `view`."""
    looks = (
        observe_resolver(dns_client, each, name, samples=samples, peek=peek, thorough=thorough)
        for each in resolvers
    )
    return tuple(await asyncio.gather(*looks))


async def local_addresses(
    name: str, port: int, *, seconds: float = _LOCAL_SECONDS
) -> tuple[tuple[str, ...], str]:
    """Return the addresses that this machine's own resolution gives, and why there are none.

    Search domains, /etc/hosts and every service of nsswitch.conf take part, as in a pull.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return (), "timeout"
    except OSError as error:
        return (), error.strerror or str(error)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found)), ""


async def own_addresses(subject: Subject) -> tuple[tuple[str, ...], str]:
    """Return what this machine makes of the domain, nothing where it isn't to be asked."""
    if not subject.system:
        return (), ""
    return await local_addresses(subject.domain.name, subject.domain.port)


def hosts_lines(name: str, path: Path = HOSTS_FILE) -> tuple[str, ...]:
    """Return the lines of /etc/hosts that name the domain (hosts(5)), without comments."""
    found = []
    for line in _lines(path):
        text = line.partition("#")[0].strip()
        if name in (word.lower().rstrip(".") for word in text.split()[1:]):
            found.append(" ".join(text.split()))
    return tuple(found)


def _name_servers(path: Path) -> list[str]:
    found = []
    for line in _lines(path):
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            address = words[1].partition("%")[0]
            try:
                ipaddress.ip_address(address)
            except ValueError:
                continue
            found.append(words[1])
    return list(dict.fromkeys(found))


def _lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
