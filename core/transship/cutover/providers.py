"""Whose name servers these are: DNS providers as their servers' names show them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """A DNS provider. `flattens`: may show addresses where a name is kept (ALIAS, proxy)."""

    id: str
    title: str
    servers: str = ""
    flattens: bool = False


_KNOWN = (
    Provider("route53", "Amazon Route 53", r"\.awsdns-\d+\.(com|net|org|co\.uk)$", flattens=True),
    Provider("cloudflare", "Cloudflare", r"\.ns\.cloudflare\.com$", flattens=True),
    Provider("dnspod", "Tencent Cloud DNSPod", r"\.(dnspod\.(net|com)|dnsv\d\.com|dnspod\.cn)$"),
    Provider("alidns", "Alibaba Cloud DNS", r"\.(hichina|alidns|aliyun)\.com$"),
    Provider("azure", "Azure DNS", r"\.azure-dns\.(com|net|org|info)$", flattens=True),
    Provider("google", "Google Cloud DNS", r"\.(googledomains|google)\.com$", flattens=True),
    Provider("gandi", "Gandi", r"\.gandi\.net$", flattens=True),
    Provider("ovh", "OVHcloud", r"\.(ovh\.(net|ca|com)|anycast\.me)$"),
)

GENERIC = Provider("generic", "a DNS server of your own")


def provider_of(servers: Iterable[str]) -> Provider:
    """Return whose name servers these are: the provider of most of them, else the generic one."""
    names = [name.rstrip(".").lower() for name in servers]
    counts = {each: sum(bool(re.search(each.servers, n)) for n in names) for each in _KNOWN}
    best = max(counts, key=lambda each: counts[each])
    return best if counts[best] * 2 > len(names) else GENERIC
