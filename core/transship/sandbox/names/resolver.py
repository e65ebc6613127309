"""A caching resolver of one name server: what is left of a TTL counts down (RFC 1034, 5.3.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from transship.clock import Clock
from transship.concurrency import heed_cancellation
from transship.sandbox.names.authority import PAYLOAD, malformed
from transship.sandbox.names.listener import LOOPBACK

_LONGEST_CHAIN = 8
_UPSTREAM_SECONDS = 2.0
_ANSWERED = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)


class _Unanswered(Exception):
    """The name server doesn't answer for this."""


@dataclass(frozen=True, slots=True)
class _Cached:
    """Records of a type at a name, or that there are none: `rcode`, and the SOA that says so."""

    until: float
    records: dns.rrset.RRset | None = None
    soa: dns.rrset.RRset | None = None
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR


@dataclass(slots=True)
class CachingResolver:
    """Asks the name server at a port of loopback, and remembers what it says.

    Records are held for their TTL, or for `holds` seconds where that is longer, as resolvers with
    `cache-min-ttl` do. A question without RD is answered from what is cached.
    """

    port: int
    clock: Clock
    holds: int = 0
    _cache: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], _Cached] = field(
        default_factory=dict
    )

    async def respond(self, wire: bytes) -> dns.message.Message | None:
        """Answer a message; None for what is no question."""
        try:
            query = dns.message.from_wire(wire, keyring=False)
        except dns.exception.DNSException:
            return malformed(wire)
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query, recursion_available=True, our_payload=PAYLOAD)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
            return response
        recurse = bool(query.flags & dns.flags.RD)
        try:
            await self._answer(query.question[0], response, recurse=recurse)
        except (OSError, EOFError, dns.exception.DNSException, _Unanswered):
            response.set_rcode(dns.rcode.SERVFAIL)
        return response

    async def _answer(
        self, question: dns.rrset.RRset, response: dns.message.Message, *, recurse: bool
    ) -> None:
        name, kind = question.name, question.rdtype
        for _ in range(_LONGEST_CHAIN):
            known = self._known(name, kind)
            if known is None and recurse:
                await self._ask(name, kind)
                known = self._known(name, kind)
            if known is None:
                return
            if known.records is None:
                response.set_rcode(known.rcode)
                if known.soa is not None:
                    response.authority.append(self._left(known.soa, known.until))
                return
            response.answer.append(self._left(known.records, known.until))
            if known.records.rdtype == kind:
                return
            name = known.records[0].target

    def _known(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> _Cached | None:
        """Return what is cached of a type at a name, or the CNAME that is there."""
        now = self.clock.monotonic()
        known = self._cache.get((name, kind))
        if known is not None and known.until > now:
            return known
        link = self._cache.get((name, dns.rdatatype.CNAME))
        return link if link and link.records is not None and link.until > now else None

    async def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> None:
        """Ask the name server, and remember what it says."""
        query = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD)
        query.flags &= ~dns.flags.RD
        try:
            said, _ = await dns.asyncquery.udp_with_fallback(
                query, LOOPBACK, _UPSTREAM_SECONDS, self.port
            )
        finally:
            heed_cancellation()
        if said.rcode() not in _ANSWERED:
            raise _Unanswered
        now, end = self.clock.monotonic(), name
        for records in said.answer:
            until = now + max(records.ttl, self.holds)
            self._cache[records.name, records.rdtype] = _Cached(until, records)
            if records.rdtype == kind:
                return
            end = records[0].target
        soa = next((each for each in said.authority if each.rdtype == dns.rdatatype.SOA), None)
        if soa is not None:  # There is nothing at the end of the chain (RFC 2308, 5).
            self._cache[end, kind] = _Cached(now + soa.ttl, soa=soa, rcode=said.rcode())

    def _left(self, records: dns.rrset.RRset, until: float) -> dns.rrset.RRset:
        left = math.ceil(until - self.clock.monotonic())
        return dns.rrset.from_rdata_list(records.name, left, list(records))
