"""A zone of a test's own, as a list of lines: for what no real server would serve."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servers.dns.crooked import Reply

STAGED, FLAT, SIGNED = "staged.test.", "flat.test.", "signed.test."

_KEY, _OTHER_KEY = 20_260_101, 7
_DAY = 86400.0


class Signer:
    """Signs `signed.test.` as its parent expects it, by the one key that `ds` is of.

    `lasts`: for so long, in seconds from now, signatures are good. `forged`: sign the records by
    another key, which the zone doesn't name.
    """

    def __init__(self, lasts: float = 10 * _DAY, *, forged: bool = False) -> None:
        self._zone = dns.name.from_text(SIGNED)
        self._key = ec.derive_private_key(_KEY, ec.SECP256R1())
        self._other = ec.derive_private_key(_OTHER_KEY, ec.SECP256R1())
        self._public = dns.dnssec.make_dnskey(
            self._key.public_key(), Algorithm.ECDSAP256SHA256, flags=257
        )
        self._lasts = lasts
        self._forged = forged

    @property
    def ds(self) -> str:
        """What the parent says of the key."""
        return dns.dnssec.make_ds(self._zone, self._public, "SHA256").to_text()

    @property
    def keys(self) -> dns.rrset.RRset:
        """The zone's keys."""
        return dns.rrset.from_rdata(self._zone, 300, self._public)

    def sign(self, records: dns.rrset.RRset) -> dns.rrset.RRset:
        """Return the signature of these records."""
        mine = records.rdtype == dns.rdatatype.DNSKEY or not self._forged
        now = time.time()
        signature = dns.dnssec.sign(
            records,
            self._key if mine else self._other,
            self._zone,
            self._public,
            inception=now - _DAY,
            expiration=now + self._lasts,
        )
        return dns.rrset.from_rdata(records.name, records.ttl, signature)


def zone(
    name: str, *lines: str, servers: Iterable[str] = (), soa: str = "", signer: Signer | None = None
) -> Reply:
    """Answer as a name server with this zone does.

    `lines` are `NAME TTL TYPE VALUE`, the first of these below the zone or absolute; a CNAME may
    stand beside anything. `servers` are those of the NS records, `ns1` and `ns2` if none are
    given. `soa` is `PRIMARY SERIAL NEGATIVE-TTL`, and has that TTL itself.
    """
    origin = dns.name.from_text(name)
    records: dict[tuple[dns.name.Name, int], dns.rrset.RRset] = {}
    primary, serial, negative = (soa or f"ns1.{name} 1 3").split()
    top = [f"@ {negative} SOA {primary} admin.{name} {serial} 3600 600 86400 {negative}"]
    top += [f"@ 4 NS {server}" for server in servers or (f"ns1.{name}", f"ns2.{name}")]
    texts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for line in (*top, *lines):
        owner, ttl, kind, value = line.split(" ", 3)
        texts[owner, ttl, kind].append(value)
    for (owner, ttl, kind), values in texts.items():
        own = dns.name.from_text(owner, origin) if owner != "@" else origin
        rrset = dns.rrset.from_text(own, int(ttl), "IN", kind, *values)
        records[own, rrset.rdtype] = rrset
    if signer is not None:
        records[origin, dns.rdatatype.DNSKEY] = signer.keys

    def reply(query: dns.message.Message) -> bytes:
        (question,) = query.question
        answer = dns.message.make_response(query)
        if not question.name.is_subdomain(origin):
            answer.set_rcode(dns.rcode.REFUSED)
            return answer.to_wire()
        answer.flags |= dns.flags.AA
        kinds = (question.rdtype, dns.rdatatype.CNAME)
        found = next((r for kind in kinds if (r := records.get((question.name, kind)))), None)
        if found is not None:
            answer.answer.append(found)
            if signer is not None and query.ednsflags & dns.flags.DO:
                answer.answer.append(signer.sign(found))
            return answer.to_wire()
        answer.authority.append(records[origin, dns.rdatatype.SOA])
        if not any(owner.is_subdomain(question.name) for owner, _ in records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    return reply


def deaf_to(reply: Reply, *kinds: str) -> Reply:
    """Answer as `reply`, but say nothing to questions for records of these types."""

    def choosy(query: dns.message.Message) -> bytes | None:
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        return None if kind in kinds else reply(query)

    return choosy
