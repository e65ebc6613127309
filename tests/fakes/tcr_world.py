"""An instance of TCR in the world of every screen: who gets through to it, and its domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.accounts.registry_file import Account
from transship.app.engines import DomainRequest, InstanceDomains, NetworkRequest, PlannedRequest
from transship.engines.changes import ChangeSet, change_between
from transship.engines.tcr.certificates import ServerCertificate
from transship.engines.tcr.domains import CustomDomain, DomainProgress, domain_status_text
from transship.engines.tcr.network_access import (
    AllowedBlock,
    EndpointStatus,
    LinkStatus,
    NetworkAccess,
    PrivateDnsRecord,
    VpcLink,
    explain_access,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakes.engine import FakeEngine
    from fakes.world import Walk

NOW = 1_790_000_000.0
TCR = "shop.tencentcloudcr.com"
PERSONAL = "ccr.ccs.tencentyun.com"
_ENGINE = "TCR instance shop (tcr-abcdefgh, ap-guangzhou)"


def access(words: str = "") -> NetworkAccess:
    """Return an instance that is open to an office, with a VPC that is linked."""
    domain = words or TCR
    record = PrivateDnsRecord(domain, LinkStatus.WORKS, "ENABLE")
    link = VpcLink(words or "vpc-1a2b3c4d", words or "subnet-5e6f7a8b", LinkStatus.WORKS, "Running",
                words or "10.0.0.9", (record,))  # fmt: skip
    entries = (
        AllowedBlock(words or "203.0.113.0/24", words or "office"),
        AllowedBlock("198.51.100.7/32", "runner"),
    )
    unseen = (words,) if words else ()
    return NetworkAccess(
        words or "shop", domain, EndpointStatus.OPEN, "Opened", words, entries, (link,), unseen
    )


def domains_there(words: str = "") -> InstanceDomains:
    """Return a domain that works until its certificate ends soon, one that comes, one that can't.

    Of two certificates more one is for another name, and one isn't issued yet.
    """
    wild = ("*.shop.example", "shop.example")
    certificates = (
        ServerCertificate("cert-wild", words, (words,) if words else wild, NOW + 20 * 86_400, 1),
        ServerCertificate("cert-next", words, wild, NOW + 300 * 86_400, 1),
        ServerCertificate("cert-review", words, wild, None, 0),
    )
    domains = (
        CustomDomain(words or "images.shop.example", "cert-wild", words or "SUCCESS"),
        CustomDomain("next.shop.example", "cert-next", "CREATING"),
        CustomDomain("broken.shop.example", words or "cert-gone", "FAILURE"),
    )
    return InstanceDomains(domains, certificates, NOW, words)


def _network_changes(words: str) -> PlannedRequest:
    warns = (words or "10.0.0.0/8 are no addresses of the internet.",)
    allowed = change_between(
        "allowed address", words or "192.0.2.0/24", None, {"Description": "transship"}, warns=warns
    )
    return PlannedRequest(
        ChangeSet(
            _ENGINE,
            words or "network access of shop",
            (allowed,),
            explain_access(access(words)),
        )
    )


def _domain_changes(words: str) -> PlannedRequest:
    attach = change_between(
        "custom domain", words or "new.shop.example", None, {"Certificate": words or "cert-next"}
    )
    return PlannedRequest(
        ChangeSet(
            _ENGINE,
            words or "attach new.shop.example",
            (attach,),
            (words or "The certificate ends 2027-07-18. TCR doesn't renew it.",),
        )
    )


def fill(engine: FakeEngine, words: str = "") -> None:
    """Put in who gets through and the domains, and what changing them changes."""
    engine.draws |= {NetworkRequest: _network_changes(words), DomainRequest: _domain_changes(words)}
    engine.access_at, engine.domains_there = access(words), domains_there(words)
    engine.gets_in = (words,) if words else ()
    coming = CustomDomain("next.shop.example", "cert-next", "CREATING")
    engine.waits = (DomainProgress(coming, 0.0, words or domain_status_text(coming)),)


def add_tencent(engine: FakeEngine) -> None:
    """Add a personal account of TCR, one of an instance, and the keys of their cloud's API."""
    keys = Account("tcr.tencentcloudapi.com", username="AKIDexample", secret_source="keyring")
    engine.known = [*engine.known, Account(PERSONAL), Account(TCR), keys]


async def _at_tcr(walk: Walk) -> None:
    add_tencent(walk.engine)
    await walk.press("2", "1", "G", "k")


async def _network(walk: Walk) -> None:
    await _at_tcr(walk)
    await walk.press("w")
    await walk.is_at("NetworkScreen")
    await walk.press("j")


async def _allow(walk: Walk) -> None:
    await _network(walk)
    await walk.press("a")
    await walk.is_at("NameDialog")
    await walk.press(*"192.0.2.0/24", "enter")
    await walk.is_at("NetworkChangesScreen")


async def _domains(walk: Walk) -> None:
    await _at_tcr(walk)
    await walk.press("d")
    await walk.is_at("DomainsScreen")


async def _domain_form(walk: Walk) -> None:
    await _domains(walk)
    await walk.press("a")
    await walk.is_at("DomainFormScreen")
    await walk.press(*"new.shop.example")


async def _attach(walk: Walk) -> None:
    await _domain_form(walk)
    await walk.press("ctrl+s")
    await walk.is_at("DomainChangesScreen")


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "network": _network,
    "network-changes": _allow,
    "domains": _domains,
    "domain-form": _domain_form,
    "domain-changes": _attach,
}
"""How to get to each of these screens from the first screen."""
