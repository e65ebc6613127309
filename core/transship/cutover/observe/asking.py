"""One question to one server, and what came back as evidence."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from transship.clock import Clock
from transship.cutover.evidence import Answer, RecordSet
from transship.cutover.observe.names import address_and_port
from transship.cutover.observe.wire import Failure, Wire, cause, was_cut
from transship.cutover.subject import Resolver
from transship.text import safe

DNS_PORT = 53
PAYLOAD = 1232
"""The largest answer that is taken by UDP, in bytes: what passes everywhere uncut."""

_WITHOUT_EDNS = ("FORMERR", "NOTIMP", "BADVERS")
_LEADING = ("CNAME", "DNAME", "NS", "PTR")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, as evidence and as the message itself where there was one."""

    answer: Answer
    message: dns.message.Message | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `recurse`, `check` and `dnssec` are RD, the opposite of CD, and DO."""

    name: str
    type: str
    recurse: bool = True
    check: bool = True
    dnssec: bool = False


class Asker:
    """Asks servers. Whatever goes wrong is evidence; nothing of it is raised.

    `seconds` is how long an answer may take, by UDP `tries` times; `served` is that of a Subject,
    and `ca_file` has authorities to be trusted beside the system's for DoT and DoH (BadFile if it
    can't be used). A server that said nothing is asked once only, by UDP alone, until it says
    something again. No more than `at_once` questions are open at a time, and `at_once_each` at one
    address, because name servers limit how much they answer.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        served: Iterable[tuple[str, str]] = (),
        seconds: float = 2.0,
        tries: int = 2,
        ca_file: str = "",
        at_once: int = 32,
        at_once_each: int = 6,
    ) -> None:
        self.clock = clock
        self._served = {of: address_and_port(at, DNS_PORT) for of, at in served}
        self._seconds = seconds
        self._tries = tries
        self._wire = Wire(ca_file)
        self._silent: set[Resolver] = set()
        self._all = asyncio.Semaphore(at_once)
        self._each: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(at_once_each)
        )

    async def ask(
        self, name: str, kind: str, at: Resolver, *, recurse: bool = True, check: bool = True
    ) -> Answer:
        """Ask a resolver. `recurse=False` only looks at what it has cached (RFC 8499, "RD")."""
        return (await self.exchange(Question(name, kind, recurse, check), at)).answer

    async def ask_server(
        self, name: str, kind: str, server: str, address: str, *, transport: str = ""
    ) -> Answer:
        """Ask a name server of its own authority. `transport` allows `udp` or `tcp` alone."""
        question = Question(name, kind, recurse=False)
        return (await self.exchange_server(question, server, address, transport=transport)).answer

    def is_silent(self, at: Resolver) -> bool:
        """Tell whether it said nothing when it was last asked."""
        return at in self._silent

    async def exchange_server(
        self, question: Question, server: str, address: str, *, transport: str = ""
    ) -> Reply:
        """Ask a name server at the place where this network has it."""
        place, port = self._served.get(address, (address, DNS_PORT))
        at = Resolver(server, place, port, transport or "udp")
        reply = await self.exchange(question, at, fall_back=not transport)
        return replace(reply, answer=replace(reply.answer, address=address))

    async def exchange(self, question: Question, at: Resolver, *, fall_back: bool = True) -> Reply:
        """Ask, by TCP too where UDP's answer is cut or doesn't come, unless `fall_back` is off."""
        async with self._each[at.address], self._all:
            started = self.clock.monotonic()
            reply = await self._exchange(question, at, fall_back=fall_back)
            took = self.clock.monotonic() - started
        if reply.answer.error == "timeout" and fall_back:
            self._silent.add(at)
        else:
            self._silent.discard(at)
        return replace(reply, answer=replace(reply.answer, at=self.clock.now(), took=took))

    async def _exchange(self, question: Question, at: Resolver, *, fall_back: bool) -> Reply:
        first = await self._once(question, at)
        if at.transport != "udp" or not fall_back or (first.answer.error and at in self._silent):
            return first
        tries = 1
        while first.answer.error == "timeout" and tries < self._tries:
            first = await self._once(question, at)
            tries += 1
        if not (first.answer.cut or first.answer.error):
            return first
        second = await self._once(question, replace(at, transport="tcp"))
        if second.answer.error and not first.answer.cut:
            return first
        return replace(second, answer=replace(second.answer, cut=first.answer.cut))

    async def _once(self, question: Question, at: Resolver) -> Reply:
        reply = await self._sent(question, at, edns=True)
        if reply.answer.rcode in _WITHOUT_EDNS:
            return await self._sent(question, at, edns=False)
        return reply

    async def _sent(self, question: Question, at: Resolver, *, edns: bool) -> Reply:
        blank = Answer(question.name, question.type, at.name, at.address, 0.0, at.transport)
        try:
            query = _query(question, edns=edns)
        except dns.exception.DNSException:
            return Reply(replace(blank, error="no name that can be asked"))
        try:
            message = await self._wire.send(query, at, self._seconds)
        except Failure as error:
            return Reply(replace(blank, error=cause(error)))
        return Reply(_answer(blank, message), message)


def absolute(name: str) -> dns.name.Name:
    """Return the name as dnspython has it. Raises dns.exception.DNSException for none."""
    return dns.name.from_text(name or ".", idna_codec=dns.name.IDNA_2008_UTS_46)


def plain_name(name: dns.name.Name) -> str:
    """Return the name as evidence has it: in lower case, without the dot at its end."""
    return name.canonicalize().to_text().rstrip(".")


def record_set(rrset: dns.rrset.RRset) -> RecordSet:
    """Return the records as evidence has them, in an order that doesn't turn."""
    return RecordSet(
        name=plain_name(rrset.name),
        type=dns.rdatatype.to_text(rrset.rdtype),
        ttl=rrset.ttl,
        values=tuple(sorted(_value(rdata) for rdata in rrset)),
    )


def _value(rdata: dns.rdata.Rdata) -> str:
    if dns.rdatatype.to_text(rdata.rdtype) in _LEADING:
        target: dns.name.Name = rdata.target  # type: ignore[attr-defined]
        return target.canonicalize().to_text()
    return rdata.to_text()


def _query(question: Question, *, edns: bool) -> dns.message.Message:
    query = dns.message.make_query(absolute(question.name), question.type)
    if edns:
        nsid = dns.edns.NSIDOption(b"")
        query.use_edns(0, 0, PAYLOAD, options=[nsid])
        query.want_dnssec(question.dnssec)
    if question.recurse:
        query.flags |= dns.flags.RD | dns.flags.AD
    else:
        query.flags &= ~dns.flags.RD
    if not question.check:
        query.flags |= dns.flags.CD
    return query


def _answer(blank: Answer, message: dns.message.Message) -> Answer:
    return replace(
        blank,
        rcode=dns.rcode.to_text(message.rcode()),
        authoritative=bool(message.flags & dns.flags.AA),
        authentic=bool(message.flags & dns.flags.AD),
        cut=was_cut(message),
        records=tuple(record_set(rrset) for rrset in message.answer),
        authority=tuple(record_set(rrset) for rrset in message.authority),
        extended=tuple(_extended(option) for option in message.extended_errors()),
        nsid=_nsid(message),
    )


def _extended(option: dns.edns.EDEOption) -> str:
    code = int(option.code)
    try:
        word = dns.edns.EDECode(code).name.replace("_", " ").lower()
    except ValueError:
        word = "unknown"
    return f"{code} {safe(option.text or '') or word}"


def _nsid(message: dns.message.Message) -> str:
    for option in message.options:
        if isinstance(option, dns.edns.NSIDOption):
            try:
                return safe(option.nsid.decode())
            except UnicodeDecodeError:
                return option.nsid.hex()
    return ""
