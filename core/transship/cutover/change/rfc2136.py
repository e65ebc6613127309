"""Dynamic update (RFC 2136) with a TSIG key (RFC 8945).

The prerequisites name all that is expected, so that the server itself compares and swaps. A CNAME
takes the place of another by being added alone (RFC 2136, 3.4.2.2): taken away and added in one
message, it is lost with some servers that sign, and they say NOERROR.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from transship import errors
from transship.clock import Clock, SystemClock
from transship.concurrency import heed_cancellation
from transship.cutover.change.provider import TsigKey
from transship.cutover.change.records import (
    HELD_TYPES,
    LEADING_TYPES,
    PlannedChange,
    RecordSets,
    Snapshot,
    ordered_records,
    plan_change,
)
from transship.cutover.evidence import RecordSet
from transship.cutover.observe.dns_queries import absolute_name, record_set
from transship.text import safe

_CHANGED = ("NXRRSET", "YXRRSET", "NXDOMAIN", "YXDOMAIN")
_KEYS = ("NOTAUTH", "BADSIG", "BADKEY", "BADTIME", "BADTRUNC")
_RESTORES = 3


@dataclass(frozen=True, slots=True)
class UpdateServer:
    """The server that takes updates of a zone: its primary. `address` is an IP address."""

    zone: str
    address: str
    port: int = 53


class Rfc2136Provider:
    """Changes a zone at its primary. `seconds` is how long one answer may take."""

    writes = True

    def __init__(
        self,
        server: UpdateServer,
        key: TsigKey,
        *,
        seconds: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self._server = server
        self._seconds = seconds
        self._clock = clock or SystemClock()
        self._key = _key(key)

    @property
    def place(self) -> str:
        """The server and the zone."""
        return f"{self._server.address}:{self._server.port} (zone {self._server.zone})"

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds at the server, asked with the key, as views may want it."""
        answers = await asyncio.gather(*(self._ask(name, kind) for kind in HELD_TYPES))
        return tuple(found for found in answers if found is not None)

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`."""
        return plan_change(old, new)

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Send the change, with what is expected as its prerequisites. TTLs aren't compared."""
        update = update_message(
            self._server.zone, PlannedChange(planned.name, expect, planned.after)
        )
        rcode = await self._send(update)
        if rcode in _CHANGED:
            raise errors.RecordChanged(f"{planned.name} at {self.place} ({rcode})")
        if rcode != "NOERROR":
            raise self._refused(rcode)

    async def restore(self, snapshot: Snapshot) -> None:
        """Put back what was there; when somebody else writes meanwhile, try again."""
        for left in reversed(range(_RESTORES)):
            now = await self.read(snapshot.name)
            try:
                await self.apply(PlannedChange(snapshot.name, now, snapshot.sets), now)
                return
            except errors.RecordChanged:
                if not left:
                    raise
                await self._clock.sleep(0.2)

    async def _ask(self, name: str, kind: str) -> RecordSet | None:
        query = dns.message.make_query(absolute_name(name), kind)
        query.flags &= ~dns.flags.RD
        query.use_tsig(self._key)
        try:
            answer = await self._exchange(query)
        except errors.ChangeUncertain as error:
            if isinstance(error.__cause__, dns.exception.FormError):
                raise errors.ProviderRefused(error.detail) from error
            raise errors.ProviderUnreachable(error.detail) from error
        rcode = dns.rcode.to_text(answer.rcode())
        if rcode not in ("NOERROR", "NXDOMAIN"):
            raise self._refused(rcode)
        wanted = (absolute_name(name), dns.rdatatype.from_text(kind))
        found = (rrset for rrset in answer.answer if (rrset.name, rrset.rdtype) == wanted)
        return next((record_set(rrset) for rrset in found), None)

    async def _send(self, update: dns.update.UpdateMessage) -> str:
        update.use_tsig(self._key)
        return dns.rcode.to_text((await self._exchange(update)).rcode())

    async def _exchange(self, query: dns.message.Message) -> dns.message.Message:
        """Return the signed answer. By TCP: a datagram that is sent again is a second change."""
        at = self._server
        try:
            answer = await dns.asyncquery.tcp(query, at.address, self._seconds, at.port)
        except dns.tsig.PeerError as error:
            raise errors.KeyRefused(f"{at.address}: {_peer(error)}") from None
        except (ConnectionRefusedError, PermissionError) as error:
            raise errors.ProviderUnreachable(f"{self.place}: refused") from error
        except (OSError, EOFError, dns.exception.DNSException) as error:
            raise errors.ChangeUncertain(f"{self.place}: {_why(error)}") from error
        finally:
            heed_cancellation()
        rcode = dns.rcode.to_text(answer.rcode())
        if rcode in _KEYS:
            raise errors.KeyRefused(f"{at.address} answers {rcode} for the zone {at.zone}")
        return answer

    def _refused(self, rcode: str) -> errors.ProviderRefused:
        return errors.ProviderRefused(f"{self.place} answers {rcode}")


def update_message(zone: str, planned: PlannedChange) -> dns.update.UpdateMessage:
    """Return the update that makes a change where the name holds what it held before.

    Additions come first, so that a name whose records are exchanged is never without any. Only
    where a CNAME comes or goes does everything at the name have to go first: beside each other
    the server would pass over what is added (RFC 2136, 3.4.2.2).
    """
    update = dns.update.UpdateMessage(absolute_name(zone))
    name = absolute_name(planned.name)
    for each in planned.before:
        update.present(name, each.type, *each.values)
    for kind in set(LEADING_TYPES) - {each.type for each in planned.before}:
        update.absent(name, kind)
    if planned.turns and planned.before:
        update.delete(name)
        for each in planned.after:
            update.add(name, _rrset(each))
        return update
    for each in planned.added:
        if _only_ttl(each, planned.before):
            update.delete(name, each.type)  # What is there already isn't added by some servers.
        update.add(name, _rrset(each))
    for each in planned.removed:
        update.delete(name, each.type)
    for kind, value in _left_over(planned):
        update.delete(name, kind, value)
    return update


def _only_ttl(records: RecordSet, before: RecordSets) -> bool:
    """Tell whether these are addresses, and the like, that only get another TTL."""
    values = {each.type: set(each.values) for each in before if each.type != "CNAME"}
    return values.get(records.type) == set(records.values)


def _left_over(planned: PlannedChange) -> list[tuple[str, str]]:
    """Return the single records that go from sets that stay. A CNAME is never more than one."""
    after = {each.type: each.values for each in planned.after if each.type != "CNAME"}
    return [
        (each.type, value)
        for each in planned.before
        if each.type in after
        for value in ordered_records(each).values
        if value not in after[each.type]
    ]


def _rrset(records: RecordSet) -> dns.rrset.RRset:
    name = absolute_name(records.name)
    return dns.rrset.from_text(name, records.ttl, "IN", records.type, *records.values)


def _peer(error: dns.tsig.PeerError) -> str:
    match error:
        case dns.tsig.PeerBadKey():
            return "it doesn't know this key (BADKEY)"
        case dns.tsig.PeerBadSignature():
            return "the secret isn't the one that it has (BADSIG)"
        case dns.tsig.PeerBadTime():
            return "the clocks are too far apart (BADTIME)"
        case _:
            return safe(str(error))


def _key(key: TsigKey) -> dns.tsig.Key:
    """Return the key as dnspython has it. Raises KeyRefused for one that can't be used."""
    try:
        secret = base64.b64decode(key.secret, validate=True)
        made = dns.tsig.Key(absolute_name(key.name), secret, absolute_name(key.algorithm.lower()))
        dns.tsig.get_context(made)  # type: ignore[no-untyped-call]
    except NotImplementedError:
        raise errors.KeyRefused(f"{key.name}: no algorithm {safe(key.algorithm)}") from None
    except (ValueError, dns.exception.DNSException):
        raise errors.KeyRefused(f"{key.name}: not a name and a secret in base64") from None
    return made


def _why(error: Exception) -> str:
    if isinstance(error, dns.exception.FormError):
        return "an answer that isn't signed; it may not have this zone, or not know the key"
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, EOFError):
        return "the connection ended before an answer"
    return safe(str(error)) or type(error).__name__
