"""A name server: what it says of its zones (RFC 1034, 4.3.2), and the updates that it takes."""

from __future__ import annotations

from collections.abc import Sequence

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.rrset
import dns.tsig
import dns.update

from transship.clock import Clock
from transship.sandbox.names.zone import Held, Zone, exists, soa_of

PAYLOAD = 1232
"""The longest answer by UDP, in bytes."""

_LONGEST_CHAIN = 8
_NOT_ANSWERED = (dns.rdatatype.ANY, dns.rdatatype.AXFR, dns.rdatatype.IXFR)


class Authority:
    """A name server called `name`. `zones` may lie below one another.

    It is `lag` seconds behind, as a secondary is; updates it takes only without a lag, and only if
    they are signed with `key` (RFC 8945).
    """

    def __init__(
        self,
        name: str,
        zones: Sequence[Zone],
        clock: Clock,
        *,
        lag: float = 0.0,
        key: dns.tsig.Key | None = None,
    ) -> None:
        self._name = name
        self._zones = sorted(zones, key=lambda zone: len(zone.name.labels), reverse=True)
        self._clock = clock
        self._lag = lag
        self._key = key

    async def respond(self, wire: bytes) -> dns.message.Message | None:
        """Answer a message; None for what is no question."""
        keys = {self._key.name: self._key} if self._key else {}
        try:
            query = dns.message.from_wire(wire, keyring=keys)
        except (dns.message.UnknownTSIGKey, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            return self._unsigned(wire, dns.rcode.BADKEY)
        except dns.tsig.BadTime:
            return self._unsigned(wire, dns.rcode.BADTIME)
        except dns.tsig.BadSignature:
            return self._unsigned(wire, dns.rcode.BADSIG)
        except dns.exception.DNSException:
            return malformed(wire)
        if query.flags & dns.flags.QR:
            return None
        response = dns.message.make_response(query, our_payload=PAYLOAD)
        if query.edns > 0:
            response.set_rcode(dns.rcode.BADVERS)
        elif isinstance(query, dns.update.UpdateMessage):
            response.set_rcode(self._update(query))
        elif query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
        else:
            self._answer(query.question[0], response)
        self._name_itself(query, response)
        return response

    def _answer(self, question: dns.rrset.RRset, response: dns.message.Message) -> None:
        zone = self._zone_of(question.name, question.rdtype)
        if zone is None or question.rdtype in _NOT_ANSWERED:
            response.set_rcode(dns.rcode.REFUSED)
            return
        response.flags |= dns.flags.AA
        with zone.held(lag=self._lag) as held:
            name = question.name
            for _ in range(_LONGEST_CHAIN):
                if _say(held, name, question.rdtype, response):
                    return
                link = held.get(name, dns.rdatatype.CNAME)
                if link is None:
                    _say_nothing(held, zone.name, name, response)
                    return
                _say(held, name, dns.rdatatype.CNAME, response)
                name = link[0].target
                if not name.is_subdomain(zone.name):
                    return

    def _zone_of(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Zone | None:
        """Return the zone that knows of a name. DS is the parent's to tell (RFC 4035, 3.1.4.1)."""
        over = [zone for zone in self._zones if name.is_subdomain(zone.name)]
        if kind == dns.rdatatype.DS and len(over) > 1 and over[0].name == name:
            return over[1]
        return over[0] if over else None

    def _update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        if not message.zone:
            return dns.rcode.FORMERR
        zone = next((each for each in self._zones if each.name == message.zone[0].name), None)
        if zone is None or self._lag:
            return dns.rcode.NOTAUTH
        return zone.update(message) if message.had_tsig else dns.rcode.REFUSED

    def _unsigned(self, wire: bytes, error: dns.rcode.Rcode) -> dns.message.Message | None:
        """Say that a signature can't be accepted, and why (RFC 8945, 5.2). That isn't signed."""
        query = dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
        response = dns.message.make_response(query, our_payload=PAYLOAD)
        response.set_rcode(dns.rcode.NOTAUTH)
        asked = query.tsig
        assert asked is not None
        signed = asked[0]
        assert isinstance(signed, dns.rdtypes.ANY.TSIG.TSIG)
        said = signed.replace(mac=b"", error=error, time_signed=int(self._clock.now()), other=b"")
        response.tsig = dns.rrset.from_rdata(asked.name, 0, said)
        response.want_tsig_sign = False
        return response

    def _name_itself(self, query: dns.message.Message, response: dns.message.Message) -> None:
        """Say who answers, if that is asked (RFC 5001)."""
        if any(option.otype == dns.edns.OptionType.NSID for option in query.options):
            nsid = dns.edns.NSIDOption(self._name.encode())
            response.use_edns(0, 0, PAYLOAD, query.payload, options=[nsid])


def malformed(wire: bytes) -> dns.message.Message | None:
    """Return the answer to what can't be read, None where not even its number can be."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    response = dns.message.Message(id=int.from_bytes(wire[:2], "big"))
    response.flags = dns.flags.QR
    response.set_rcode(dns.rcode.FORMERR)
    return response


def _say(
    held: Held, name: dns.name.Name, kind: dns.rdatatype.RdataType, response: dns.message.Message
) -> bool:
    """Add the records of a type at a name, if there are any."""
    found = held.get(name, kind)
    if found is None:
        return False
    response.answer.append(dns.rrset.from_rdata_list(name, found.ttl, list(found)))
    return True


def _say_nothing(
    held: Held, top: dns.name.Name, name: dns.name.Name, response: dns.message.Message
) -> None:
    """Say that there is no such name, or no such record, and for how long (RFC 2308, 3)."""
    if not exists(held, name):
        response.set_rcode(dns.rcode.NXDOMAIN)
    soa, ttl = soa_of(held, top)
    response.authority.append(dns.rrset.from_rdata(top, min(ttl, soa.minimum), soa))
