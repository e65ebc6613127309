"""Trying what an operator fills in for a cutover: where names lead, who answers there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from transship.accounts.sign_in import service_at
from transship.app.cutovers import TrialResult
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.evidence import Chain, ResolverView
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.resolvers import follow_chain
from transship.cutover.observe.target import DomainService
from transship.cutover.observe.tls import Handshaker
from transship.cutover.rules.case import remaining_ttl, view_values
from transship.errors import ApiKeysNeeded
from transship.registry.access import open_distribution
from transship.registry.service import service_of
from transship.text import counted

if TYPE_CHECKING:
    from transship.accounts.registry_file import Accounts
    from transship.clock import Clock
    from transship.registry.access import Access
    from transship.registry.attachment import Attachment, TellsAttachment
    from transship.registry.service import Service as RegistryService

AccessTo = Callable[[str], Awaitable["Access"]]
"""Returns what it takes to open the registry at a host (`host[:port]`)."""


def domain_service(
    host: str, accounts: Accounts, access: AccessTo, clock: Clock
) -> DomainService | None:
    """Return the service behind a registry, where its API can tell of domains; asks nobody."""
    account = accounts.find(host)
    service = service_at(account) if account else service_of(host)
    teller = _TELLERS.get(service.kind)
    if teller is None:
        return None
    return DomainService(service.title, teller(service, host, access, clock))


class _Tencent:
    """Asks the API of TCR of the instance that a host is a domain of."""

    def __init__(self, service: RegistryService, host: str, access: AccessTo, clock: Clock) -> None:
        self._service = service
        self._host = host
        self._access = access
        self._clock = clock

    async def attachment(self, domain: str) -> Attachment:
        """Return what is said of a domain. Raises ApiKeysNeeded, and what `opened` raises."""
        access = await self._access(self._host)
        # Who has no keys needs none of what speaks to the cloud.
        await self._check_keys(access)
        from transship.engines.reach import AccountReach
        from transship.engines.tcr.attachment import InstanceAttachments, open_instance

        async def known(_: str) -> Access:
            return access

        async with AccountReach(known, self._clock) as reach:
            instance = await open_instance(reach, self._host)
            return await InstanceAttachments(instance, self._clock).attachment(domain)

    async def _check_keys(self, access: Access) -> None:
        registry = open_distribution(access, clock=self._clock)
        try:
            registry.asks().keys()
        except ApiKeysNeeded as error:
            apis = self._service.keys_for(self._host)
            lines = " or ".join(f"`transship login {each}`" for each in apis)
            raise ApiKeysNeeded(
                error.detail, remedy=f"Add its keys with {lines}, and check again."
            ) from None
        finally:
            await registry.aclose()


_TELLERS: Mapping[str, Callable[..., TellsAttachment]] = {"tcr": _Tencent}
"""By the kind of service."""

_SECONDS = 3.0
_MOST = 4


async def try_domain(
    dns_client: DnsClient, domain: Domain, through: Sequence[Resolver]
) -> TrialResult:
    """Tell where a domain leads today; the proposal is the host that its CNAME names."""
    chain = await follow_chain(dns_client, domain.name, through)
    if chain.links:
        first = chain.links[0]
        target = first.values[0].rstrip(".")
        ends = ", ".join(chain.addresses[:_MOST]) or f"nowhere ({chain.error or chain.rcode})"
        words = f"leads to {target} (CNAME, TTL left {first.ttl} s), {ends}"
        return TrialResult(bool(chain.addresses), words, target)
    if chain.addresses:
        return TrialResult(good=True, words=f"leads to {', '.join(chain.addresses[:_MOST])}")
    return TrialResult(good=False, words=_nowhere(chain))


async def try_new(
    dns_client: DnsClient, subject: Subject, through: Sequence[Resolver]
) -> TrialResult:
    """Tell whether every address of the target has a trusted certificate for the domain."""
    chain = await follow_chain(dns_client, subject.points_at, through)
    if not chain.addresses:
        return TrialResult(good=False, words=f"{subject.points_at}: {_nowhere(chain)}")
    shaker = Handshaker(dns_client.clock, node_ca=subject.node_ca, seconds=_SECONDS)
    domain = subject.domain
    shaken = await asyncio.gather(
        *(shaker.shake(domain.name, each, domain.port) for each in chain.addresses)
    )
    for address, shakes in zip(chain.addresses, shaken, strict=True):
        if all(each.error for each in shakes):
            return TrialResult(good=False, words=f"{address}: no TLS ({shakes[0].error})")
        if all(each.verify_code for each in shakes):
            why = shakes[0].verify_message or f"verify code {shakes[0].verify_code}"
            return TrialResult(
                None, f"{address} has no trusted certificate for {domain.name}: {why}"
            )
    words = f"{counted(len(chain.addresses), 'address', 'addresses')}, a certificate for the name"
    return TrialResult(good=True, words=words)


def try_resolver(seen: ResolverView) -> TrialResult:
    """Tell what a resolver says of the domain."""
    answer = seen.newest
    if answer.error:
        return TrialResult(good=False, words=f"no answer: {answer.error}")
    values = view_values(answer)
    if not values:
        return TrialResult(None, f"answers {answer.rcode}, and has no record of the domain")
    return TrialResult(
        good=True, words=f"{', '.join(values[:_MOST])}, TTL left {remaining_ttl(answer)} s"
    )


def _nowhere(chain: Chain) -> str:
    if chain.rcode == "NXDOMAIN":
        return "there is no such name"
    return f"leads nowhere: {chain.error or chain.rcode}"
