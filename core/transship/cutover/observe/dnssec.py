"""Whether what each name server says is rightly signed (DNSSEC, RFC 4035).

It takes long to import: only who validates does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.node
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from transship.cutover.evidence import Signature, ZoneEvidence
from transship.cutover.observe.dns_queries import DnsClient, DnsQuestion, absolute_name
from transship.cutover.observe.zone import CHANGING_TYPES
from transship.text import safe

_Keys = dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset]


class _Untrusted(Exception):
    """Nothing leads from the parent's DS records to the zone's keys."""


async def validate_signatures(
    dns_client: DnsClient, zone: ZoneEvidence, name: str
) -> tuple[Signature, ...]:
    """Validate the domain's record as each server of the zone gives it.

    Trust starts at the DS records that the parent gave for the zone; those are taken as they are.
    Empty for a zone without any. Servers that don't answer for the zone are left out.
    """
    ds = zone.ds.of("DS") if zone.ds else None
    if ds is None:
        return ()
    trusted = [rdata for value in ds.values if (rdata := _ds(value)) is not None]
    asked = (
        _signature(dns_client, zone.name, name, server.name, server.address, trusted)
        for server in zone.servers
        if server.soa.authoritative or server.soa_tcp.authoritative
    )
    return tuple(await asyncio.gather(*asked))


async def _signature(
    dns_client: DnsClient, zone: str, name: str, server: str, address: str, trusted: Iterable[DS]
) -> Signature:
    questions = [DnsQuestion(zone, "DNSKEY", recurse=False, dnssec=True)]
    questions += [DnsQuestion(name, kind, recurse=False, dnssec=True) for kind in CHANGING_TYPES]
    keys, *replies = await asyncio.gather(
        *(dns_client.exchange_server(question, server, address) for question in questions)
    )
    if keys.message is None:
        return Signature(address, valid=False, error=keys.answer.error)
    for kind, reply in zip(CHANGING_TYPES, replies, strict=True):
        if reply.message is None:
            return Signature(address, valid=False, error=reply.answer.error)
        rrset = _find(reply.message, name, kind)
        if rrset is not None:
            signed = _find(reply.message, name, "RRSIG", kind)
            return _validated(
                address, zone, rrset, signed, keys.message, trusted, dns_client.clock.now()
            )
    return Signature(address, valid=False, error="no record")


def _validated(
    address: str,
    zone: str,
    rrset: dns.rrset.RRset,
    signed: dns.rrset.RRset | None,
    key_message: dns.message.Message,
    trusted: Iterable[DS],
    now: float,
) -> Signature:
    if signed is None:
        return Signature(address, valid=False, error="not signed")
    expires = _expires(signed)
    try:
        keys = _trusted_keys(zone, key_message, trusted, now)
        dns.dnssec.validate(rrset, signed, keys, now=now)
    except (_Untrusted, dns.exception.DNSException) as error:
        late = expires is not None and expires < now
        return Signature(
            address, valid=False, expires=expires, error="expired" if late else safe(str(error))
        )
    return Signature(address, valid=True, expires=expires)


def _trusted_keys(
    zone: str, message: dns.message.Message, trusted: Iterable[DS], now: float
) -> _Keys:
    """Return the zone's keys, signed by one that the parent knows. Raises _Untrusted."""
    top = absolute_name(zone)
    keys, signed = _find(message, zone, "DNSKEY"), _find(message, zone, "RRSIG", "DNSKEY")
    if keys is None or signed is None:
        raise _Untrusted("the zone gives no signed keys")
    entries = [key for key in keys if isinstance(key, DNSKEY) and _matches(top, key, trusted)]
    if not entries:
        raise _Untrusted("no key of the zone is the one that the parent names")
    entry: _Keys = {top: dns.rdataset.from_rdata_list(keys.ttl, entries)}
    dns.dnssec.validate(keys, signed, entry, now=now)
    return {top: keys}


def _matches(zone: dns.name.Name, key: DNSKEY, trusted: Iterable[DS]) -> bool:
    for ds in trusted:
        if (ds.key_tag, ds.algorithm) != (dns.dnssec.key_id(key), key.algorithm):
            continue
        try:
            if dns.dnssec.make_ds(zone, key, ds.digest_type, validating=True) == ds:
                return True
        except dns.exception.DNSException:
            continue
    return False


def _ds(value: str) -> DS | None:
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DS, value)
    return rdata if isinstance(rdata, DS) else None


def _find(
    message: dns.message.Message, name: str, kind: str, covers: str = "NONE"
) -> dns.rrset.RRset | None:
    return message.get_rrset(
        message.answer,
        absolute_name(name),
        dns.rdataclass.IN,
        dns.rdatatype.from_text(kind),
        dns.rdatatype.from_text(covers),
    )


def _expires(signed: dns.rrset.RRset) -> float | None:
    """Return when the last of the signatures ends, in seconds since the epoch."""
    return max((float(s.expiration) for s in signed if isinstance(s, RRSIG)), default=None)
