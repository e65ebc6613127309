"""One plain question, for the servers' own use: are you there, what do you have?"""

from __future__ import annotations

import socket

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

_SECONDS = 1.0


def asked(name: str, kind: str, address: str, port: int) -> dns.message.Message | None:
    """Return the answer, None when there is none."""
    query = dns.message.make_query(name, kind)
    try:
        # Connected, so that a port that isn't open yet is known at once.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connected:
            connected.connect((address, port))
            connected.setblocking(False)
            return dns.query.udp(query, address, _SECONDS, port, sock=connected)
    except (dns.exception.DNSException, OSError):
        return None


def values(name: str, kind: str, address: str, port: int) -> tuple[str, ...]:
    """Return the values of the records of this type in the answer, in order."""
    answer = asked(name, kind, address, port)
    wanted = dns.rdatatype.from_text(kind)
    return tuple(
        sorted(
            rdata.to_text()
            for rrset in (answer.answer if answer else ())
            if rrset.rdtype == wanted
            for rdata in rrset
        )
    )


def serves(zone: str, address: str, port: int) -> bool:
    """Tell whether the server answers for the zone."""
    return bool(values(zone, "SOA", address, port))


def responds(address: str, port: int) -> bool:
    """Tell whether the server says anything."""
    return asked("test.", "SOA", address, port) is not None
