"""What a quick look at one field of a cutover says, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.evidence import Chain, ResolverView
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.resolvers import follow_chain
from transship.cutover.observe.tls import Handshaker
from transship.cutover.rules.case import remaining_ttl, view_values
from transship.text import counted
from transship_tui.engine_cutover import Tried

_SECONDS = 3.0
_MOST = 4


async def tried_domain(dns_client: DnsClient, domain: Domain, through: Sequence[Resolver]) -> Tried:
    """Tell where a domain leads today; the proposal is the host that its CNAME names."""
    chain = await follow_chain(dns_client, domain.name, through)
    if chain.links:
        first = chain.links[0]
        target = first.values[0].rstrip(".")
        ends = ", ".join(chain.addresses[:_MOST]) or f"nowhere ({chain.error or chain.rcode})"
        words = f"leads to {target} (CNAME, TTL left {first.ttl} s), {ends}"
        return Tried(bool(chain.addresses), words, target)
    if chain.addresses:
        return Tried(good=True, words=f"leads to {', '.join(chain.addresses[:_MOST])}")
    return Tried(good=False, words=_nowhere(chain))


async def tried_new(dns_client: DnsClient, subject: Subject, through: Sequence[Resolver]) -> Tried:
    """Tell whether every address of the target has a trusted certificate for the domain."""
    chain = await follow_chain(dns_client, subject.points_at, through)
    if not chain.addresses:
        return Tried(good=False, words=f"{subject.points_at}: {_nowhere(chain)}")
    shaker = Handshaker(dns_client.clock, node_ca=subject.node_ca, seconds=_SECONDS)
    domain = subject.domain
    shaken = await asyncio.gather(
        *(shaker.shake(domain.name, each, domain.port) for each in chain.addresses)
    )
    for address, shakes in zip(chain.addresses, shaken, strict=True):
        if all(each.error for each in shakes):
            return Tried(good=False, words=f"{address}: no TLS ({shakes[0].error})")
        if all(each.verify_code for each in shakes):
            why = shakes[0].verify_message or f"verify code {shakes[0].verify_code}"
            return Tried(None, f"{address} has no trusted certificate for {domain.name}: {why}")
    words = f"{counted(len(chain.addresses), 'address', 'addresses')}, a certificate for the name"
    return Tried(good=True, words=words)


def tried_resolver(seen: ResolverView) -> Tried:
    """Tell what a resolver says of the domain."""
    answer = seen.newest
    if answer.error:
        return Tried(good=False, words=f"no answer: {answer.error}")
    values = view_values(answer)
    if not values:
        return Tried(None, f"answers {answer.rcode}, and has no record of the domain")
    return Tried(
        good=True, words=f"{', '.join(values[:_MOST])}, TTL left {remaining_ttl(answer)} s"
    )


def _nowhere(chain: Chain) -> str:
    if chain.rcode == "NXDOMAIN":
        return "there is no such name"
    return f"leads nowhere: {chain.error or chain.rcode}"
