"""A zone that can be changed by dynamic update (RFC 2136), and remembers what it held before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset
import dns.transaction
import dns.update
import dns.versioned
import dns.zone

from transship.clock import Clock

Held: TypeAlias = dns.transaction.Transaction
"""What a zone holds at one moment."""

_ANY = dns.rdatatype.ANY
_CNAME = dns.rdatatype.CNAME
_TOP = (dns.rdatatype.SOA, dns.rdatatype.NS)
_VERSIONS = 100


@dataclass(frozen=True, slots=True)
class _Refused(Exception):
    rcode: dns.rcode.Rcode


class Zone:
    """A zone, from the lines of its file (RFC 1035, 5.1). Names in it are absolute.

    Each update makes a new version with a serial of its own; the newest 100 are kept.
    """

    def __init__(self, name: str, text: str, clock: Clock) -> None:
        self.name = dns.name.from_text(name)
        self._clock = clock
        zone = dns.zone.from_text(
            text, self.name, relativize=False, zone_factory=dns.versioned.Zone
        )
        assert isinstance(zone, dns.versioned.Zone)
        self._zone: dns.versioned.Zone = zone
        self._zone.set_max_versions(_VERSIONS)
        with self._zone.reader() as held:
            self._serials = [(float("-inf"), serial_of(held, self.name))]

    def held(self, *, lag: float = 0.0) -> Held:
        """Return what the zone held `lag` seconds ago, to be entered before it is read."""
        moment = self._clock.monotonic() - lag
        serial = next(serial for since, serial in reversed(self._serials) if since <= moment)
        return self._zone.reader(serial=serial)

    def update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        """Make the changes of an update if its prerequisites hold: all of them, or none.

        Returns what is to be answered (RFC 2136, 3.2 and 3.4).
        """
        if any(not each.name.is_subdomain(self.name) for each in _named(message)):
            return dns.rcode.NOTZONE
        with self._zone.writer() as held:
            try:
                _check(held, message.prerequisite)
            except _Refused as error:
                held.rollback()
                return error.rcode
            before = _contents(held)
            for each in message.update:
                self._make(held, each)
            if _contents(held) == before:
                held.rollback()
                return dns.rcode.NOERROR
            held.update_serial(1, name=self.name)
            serial = serial_of(held, self.name)
        self._serials = [*self._serials[1 - _VERSIONS :], (self._clock.monotonic(), serial)]
        return dns.rcode.NOERROR

    def _make(self, held: Held, change: dns.rrset.RRset) -> None:
        """Make one change (RFC 2136, 3.4.2)."""
        top = change.name == self.name
        if change.deleting is None:
            _add(held, change)
        elif change.deleting == dns.rdataclass.NONE:
            if not (top and change.rdtype in _TOP):
                held.delete(change.name, dns.rdataset.from_rdata_list(0, list(change)))
        elif change.rdtype != _ANY:
            if not (top and change.rdtype in _TOP):
                held.delete(change.name, change.rdtype)
        else:
            for kind in _kinds(held, change.name):
                if not (top and kind in _TOP):
                    held.delete(change.name, kind)


def serial_of(held: Held, top: dns.name.Name) -> int:
    """Return the serial of what a zone holds."""
    return soa_of(held, top)[0].serial


def soa_of(held: Held, top: dns.name.Name) -> tuple[dns.rdtypes.ANY.SOA.SOA, int]:
    """Return the zone's SOA record and its TTL."""
    found = held.get(top, dns.rdatatype.SOA)
    assert found is not None
    soa = found[0]
    assert isinstance(soa, dns.rdtypes.ANY.SOA.SOA)
    return soa, found.ttl


def exists(held: Held, name: dns.name.Name) -> bool:
    """Tell whether there is anything at a name, or below it (RFC 8020)."""
    return any(each.is_subdomain(name) for each in held.iterate_names())


def _named(message: dns.update.UpdateMessage) -> Iterable[dns.rrset.RRset]:
    return (*message.prerequisite, *message.update)


def _kinds(held: Held, name: dns.name.Name) -> list[dns.rdatatype.RdataType]:
    node = held.get_node(name)
    return [each.rdtype for each in node.rdatasets] if node else []


def _check(held: Held, prerequisites: Iterable[dns.rrset.RRset]) -> None:
    """Raise _Refused for the first prerequisite that doesn't hold (RFC 2136, 3.2)."""
    wanted: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], set[object]] = defaultdict(set)
    for each in prerequisites:
        kinds = _kinds(held, each.name)
        found = bool(kinds) if each.rdtype == _ANY else each.rdtype in kinds
        if each.deleting is None:
            wanted[each.name, each.rdtype].update(each)
        elif each.deleting == dns.rdataclass.ANY and not found:
            raise _Refused(dns.rcode.NXDOMAIN if each.rdtype == _ANY else dns.rcode.NXRRSET)
        elif each.deleting == dns.rdataclass.NONE and found:
            raise _Refused(dns.rcode.YXDOMAIN if each.rdtype == _ANY else dns.rcode.YXRRSET)
    for (name, kind), values in wanted.items():
        if set(held.get(name, kind) or ()) != values:
            raise _Refused(dns.rcode.NXRRSET)


def _add(held: Held, change: dns.rrset.RRset) -> None:
    """Add a record, unless a CNAME is beside it or would come beside others (3.4.2.2)."""
    others = [kind for kind in _kinds(held, change.name) if (kind == _CNAME) != _is_cname(change)]
    if others or change.rdtype == dns.rdatatype.SOA:
        return
    known = held.get(change.name, change.rdtype)
    kept = list(known) if known is not None and not _is_cname(change) else []
    rdatas = [*(each for each in kept if each not in change), *change]
    held.replace(change.name, dns.rdataset.from_rdata_list(change.ttl, rdatas))


def _is_cname(change: dns.rrset.RRset) -> bool:
    return change.rdtype == _CNAME


def _contents(held: Held) -> set[tuple[dns.name.Name, int, str]]:
    return {(name, found.ttl, found.to_text()) for name, found in held.iterate_rdatasets()}
