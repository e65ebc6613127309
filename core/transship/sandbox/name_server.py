"""A name server on loopback: a zone that can be changed, its authority, a resolver that caches."""

from __future__ import annotations

import asyncio
import base64
import math
import secrets
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TSIG
import dns.rrset
import dns.transaction
import dns.tsig
import dns.update
import dns.versioned
import dns.zone

from transship.clock import Clock, SystemClock
from transship.concurrency import Runs, end, heed_cancellation
from transship.cutover.change.provider import TsigKey
from transship.cutover.change.settings import Rfc2136Settings
from transship.cutover.domain import Resolver

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


LOOPBACK = "127.0.0.1"

Respond = Callable[[bytes], Awaitable[dns.message.Message | None]]
"""What answers one message; None answers nothing."""

_PLAIN_PAYLOAD = 512
_LONGEST_PAYLOAD = 1232
_IDLE_SECONDS = 10.0
_TRIES = 20


class Listener(Runs):
    """Answers what comes while it is entered, at `port`, which the system chooses."""

    def __init__(self, respond: Respond) -> None:
        self.port = 0
        self._respond = respond
        self._work: set[asyncio.Task[None]] = set()

    async def _start(self, stack: AsyncExitStack) -> None:
        datagrams, stream = _sockets()
        self.port = stream.getsockname()[1]
        server = await asyncio.start_server(self._serve_stream, sock=stream)
        stack.push_async_callback(lambda: end(*self._work))
        stack.callback(server.close)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._serve_datagram), sock=datagrams
        )
        stack.callback(transport.close)

    def _serve_datagram(
        self, wire: bytes, client: tuple[str, int], transport: asyncio.DatagramTransport
    ) -> None:
        async def answer() -> None:
            response = await self._respond(wire)
            if response is not None and not transport.is_closing():
                transport.sendto(_fitted(response), client)

        task = asyncio.create_task(answer())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _serve_stream(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)
        try:
            with suppress(OSError, EOFError, TimeoutError):
                await self._talk(reader, writer)
        finally:
            self._work.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one message after the other, each behind its length (RFC 7766, 8)."""
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(length)
            response = await self._respond(wire)
            if response is None:
                return
            sent = response.to_wire()
            writer.write(len(sent).to_bytes(2, "big") + sent)
            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(
        self, serve: Callable[[bytes, tuple[str, int], asyncio.DatagramTransport], None]
    ) -> None:
        self._serve = serve
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._serve(data, addr, self._transport)


def _sockets() -> tuple[socket.socket, socket.socket]:
    """Return a socket for datagrams and one that listens, both at one free port of loopback."""
    for attempt in range(_TRIES):
        stream = socket.create_server((LOOPBACK, 0))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(stream.getsockname())
        except OSError:
            stream.close()
            datagrams.close()
            if attempt == _TRIES - 1:
                raise
            continue
        datagrams.setblocking(False)
        return datagrams, stream
    raise AssertionError


def _fitted(response: dns.message.Message) -> bytes:
    """Return the answer as it goes by UDP: cut where it is longer than what was asked for."""
    asked = response.request_payload if response.edns >= 0 else 0
    payload = min(max(asked, _PLAIN_PAYLOAD), _LONGEST_PAYLOAD)
    try:
        return response.to_wire(max_size=payload)
    except dns.exception.TooBig:
        response.answer, response.authority, response.additional = [], [], []
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=payload)


ZONE = "example.test"
DOMAIN, OLD, NEW = (f"{name}.{ZONE}" for name in ("images", "old", "new"))
TTL = 2
"""How long the domain's record may be cached, in seconds: so short that a newcomer can wait."""

_HELD_SECONDS = 6
_LAG_SECONDS = 1.0
_ASKED_SECONDS = 1.0
_KEY_NAME, _ALGORITHM = "transship", "hmac-sha256"
_SERVERS = {f"ns1.{ZONE}": "127.0.0.11", f"ns2.{ZONE}": "127.0.0.12"}
_SOA = "@ SOA {server}. admin.{server}. 1 3600 600 86400 2"


@dataclass(frozen=True, slots=True)
class _Listening:
    primary: Listener
    secondary: Listener
    normal: Listener
    slow: Listener


@dataclass(slots=True)
class SandboxNames(Runs):
    """Runs while it is entered, on ports that the system chooses; `old` and `new` are addresses.

    `DOMAIN` is a CNAME of `OLD`. Two name servers serve it, the second one a second behind the
    first; a resolver does what TTLs say, another holds records for longer. Both are asked for the
    domain every second, as they are where something is pulled all the time.
    """

    old: str
    new: str
    clock: Clock = field(default_factory=SystemClock)
    key: TsigKey = field(init=False)
    """The key that changes the zone."""
    _listening: _Listening | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.key = TsigKey(_KEY_NAME, secret, _ALGORITHM)

    async def _start(self, stack: AsyncExitStack) -> None:
        zones = self._zones()
        key = dns.tsig.Key(dns.name.from_text(self.key.name), self.key.secret, self.key.algorithm)
        first, second = _SERVERS

        async def listen(on: Authority | CachingResolver) -> Listener:
            return await stack.enter_async_context(Listener(on.respond))

        primary = await listen(Authority(first, zones, self.clock, key=key))
        secondary = await listen(Authority(second, zones, self.clock, lag=_LAG_SECONDS))
        normal = CachingResolver(primary.port, self.clock)
        slow = CachingResolver(secondary.port, self.clock, holds=_HELD_SECONDS)
        self._listening = _Listening(primary, secondary, await listen(normal), await listen(slow))
        asking = asyncio.create_task(self._ask(normal, slow))
        stack.push_async_callback(end, asking)

    async def _ask(self, *resolvers: CachingResolver) -> None:
        query = dns.message.make_query(DOMAIN, "A").to_wire()
        while True:
            for each in resolvers:
                await each.respond(query)
            await self.clock.sleep(_ASKED_SECONDS)

    @property
    def resolvers(self) -> tuple[Resolver, ...]:
        """The resolvers; the second one is late."""
        at = self._at
        return (
            Resolver("office", LOOPBACK, at.normal.port),
            Resolver("cluster (slow)", LOOPBACK, at.slow.port),
        )

    @property
    def served(self) -> tuple[tuple[str, str], ...]:
        """Where the name servers are, as a Subject has it."""
        ports = (self._at.primary.port, self._at.secondary.port)
        return tuple(
            (address, f"{LOOPBACK}:{port}")
            for address, port in zip(_SERVERS.values(), ports, strict=True)
        )

    @property
    def way(self) -> Rfc2136Settings:
        """How the domain's record is changed."""
        return Rfc2136Settings(
            ZONE, LOOPBACK, self.key.name, self._at.primary.port, self.key.algorithm
        )

    @property
    def _at(self) -> _Listening:
        if self._listening is None:
            raise RuntimeError("it doesn't run")
        return self._listening

    def _zones(self) -> Sequence[Zone]:
        """Return the zone and all above it, so that nobody outside is asked for anything."""
        first, second = _SERVERS
        servers = [f"@ NS {server}." for server in _SERVERS]
        addresses = [f"{server}. A {address}" for server, address in _SERVERS.items()]
        records = [
            *servers,
            *addresses,
            f"{OLD}. A {self.old}",
            f"{NEW}. A {self.new}",
            f"{DOMAIN}. {TTL} CNAME {OLD}.",
        ]
        delegated = [f"{ZONE}. NS {server}." for server in _SERVERS]
        return (
            Zone(".", _file([*servers, f"test. NS {first}.", f"test. NS {second}."]), self.clock),
            Zone("test.", _file([*servers, *delegated, *addresses]), self.clock),
            Zone(f"{ZONE}.", _file(records), self.clock),
        )


def _file(records: Sequence[str]) -> str:
    return "\n".join(["$TTL 60", _SOA.format(server=next(iter(_SERVERS))), *records, ""])


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
