"""One question to one server, by UDP, TCP, TLS or HTTPS, and what came back as evidence."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import certifi
import dns.asyncbackend
import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from transship.clock import Clock
from transship.concurrency import heed_cancellation
from transship.cutover.domain import Resolver, address_and_port
from transship.cutover.evidence import DnsAnswer, RecordSet
from transship.registry.credential import Tls
from transship.registry.http.tls import tls_context
from transship.text import safe

_MEDIA_TYPE = "application/dns-message"

_LARGEST = 65535

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class DohFailed(Exception):
    """A message couldn't be sent by DoH; the cause says why."""


DnsFailure = (dns.exception.DNSException, OSError, EOFError, TimeoutError, DohFailed)
"""What sending a message may raise."""


class DnsTransport:
    """Sends messages. `ca_file` has authorities that are trusted beside the system's."""

    def __init__(self, ca_file: str = "") -> None:
        self._ca_file = ca_file

    async def send(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        """Return what `to` answers by its own transport; an answer that is cut is returned so.

        Raises what is in `Failure`, and BadFile for a `ca_file` that can't be used.
        """
        try:
            return await self._sent(query, to, seconds)
        finally:
            heed_cancellation()

    async def _sent(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        if to.transport == "tls":
            return await dns.asyncquery.tls(
                query,
                to.address,
                seconds,
                to.port,
                ssl_context=self._tls_context,
                server_hostname=to.hostname or to.address,
            )
        if to.transport == "https":
            return await self._https(query, to, seconds)
        if to.transport == "tcp":
            return await dns.asyncquery.tcp(query, to.address, seconds, to.port)
        return await _udp(query, to, seconds)

    async def _https(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        """Ask by DoH (RFC 8484), at the address and under the server's name."""
        # Most resolvers are asked in another way, and httpx is slow to import.
        import httpx

        try:
            return await self._posted(query, to, seconds)
        except httpx.HTTPError as error:
            raise DohFailed(str(error)) from error

    async def _posted(
        self, query: dns.message.Message, to: Resolver, seconds: float
    ) -> dns.message.Message:
        import httpx

        query.id = 0
        name = to.hostname or to.address
        headers = {"host": name, "content-type": _MEDIA_TYPE, "accept": _MEDIA_TYPE}
        body = bytearray()
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(
                http2=True, verify=self._https_context, trust_env=False, timeout=seconds
            ) as client,
            client.stream(
                "POST",
                httpx.URL(scheme="https", host=to.address, port=to.port, path="/dns-query"),
                content=query.to_wire(),
                headers=headers,
                extensions={"sni_hostname": name},
            ) as response,
        ):
            response.raise_for_status()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > _LARGEST:
                    raise dns.exception.FormError
        answer = dns.message.from_wire(bytes(body))
        if not query.is_response(answer):
            raise dns.exception.FormError
        return answer

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        return self._own_context()

    @cached_property
    def _https_context(self) -> ssl.SSLContext:
        return self._own_context()

    def _own_context(self) -> ssl.SSLContext:
        # The engines write into it which protocols they speak, so it is shared with nobody.
        return tls_context(Tls(ca_file=self._ca_file or certifi.where()))


async def _udp(query: dns.message.Message, to: Resolver, seconds: float) -> dns.message.Message:
    """Ask by UDP. The socket is connected, so that a closed port is told from silence."""
    family = dns.inet.af_for_address(to.address)
    backend = dns.asyncbackend.get_backend("asyncio")
    async with await backend.make_socket(  # type: ignore[no-untyped-call]
        family, socket.SOCK_DGRAM, 0, None, (to.address, to.port)
    ) as connected:
        return await dns.asyncquery.udp(
            query,
            to.address,
            seconds,
            to.port,
            sock=connected,
            ignore_unexpected=True,
            ignore_errors=True,
        )


def is_truncated(answer: dns.message.Message) -> bool:
    """Tell whether more would have come by TCP (RFC 2181, 9)."""
    return bool(answer.flags & dns.flags.TC)


def failure_text(error: BaseException) -> str:
    """Return the words for why no answer came, as `Answer.error` has them."""
    import httpx

    for found in _chain(error):
        match found:
            case ssl.SSLCertVerificationError():
                return f"certificate: {safe(found.verify_message)}"
            case ssl.SSLError():
                return f"tls: {safe(found.reason or 'failed').lower().replace('_', ' ')}"
            case ConnectionRefusedError():
                return "refused"
            case dns.exception.Timeout() | TimeoutError() | httpx.TimeoutException():
                return "timeout"
            case httpx.HTTPStatusError():
                return f"http {found.response.status_code}"
            case OSError() if found.errno in _UNREACHABLE:
                return "unreachable"
            case EOFError() | ConnectionError() | httpx.RemoteProtocolError():
                return "closed"
            case dns.exception.DNSException():
                return "malformed"
    return safe(str(error)).lower() or "failed"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give what lies behind an error, the innermost last."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


DNS_PORT = 53

PAYLOAD = 1232
"""The largest answer that is taken by UDP, in bytes: what passes everywhere uncut."""

_WITHOUT_EDNS = ("FORMERR", "NOTIMP", "BADVERS")

_LEADING = ("CNAME", "DNAME", "NS", "PTR")


@dataclass(frozen=True, slots=True)
class DnsReply:
    """What came back, as evidence and as the message itself where there was one."""

    answer: DnsAnswer
    message: dns.message.Message | None = None


@dataclass(frozen=True, slots=True)
class DnsQuestion:
    """What is asked. `recurse`, `check` and `dnssec` are RD, the opposite of CD, and DO."""

    name: str
    type: str
    recurse: bool = True
    check: bool = True
    dnssec: bool = False


class DnsClient:
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
        self._wire = DnsTransport(ca_file)
        self._silent: set[Resolver] = set()
        self._all = asyncio.Semaphore(at_once)
        self._each: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(at_once_each)
        )

    async def ask(
        self, name: str, kind: str, at: Resolver, *, recurse: bool = True, check: bool = True
    ) -> DnsAnswer:
        """Ask a resolver. `recurse=False` only looks at what it has cached (RFC 8499, "RD")."""
        return (await self.exchange(DnsQuestion(name, kind, recurse, check), at)).answer

    async def ask_server(
        self, name: str, kind: str, server: str, address: str, *, transport: str = ""
    ) -> DnsAnswer:
        """Ask a name server of its own authority. `transport` allows `udp` or `tcp` alone."""
        question = DnsQuestion(name, kind, recurse=False)
        return (await self.exchange_server(question, server, address, transport=transport)).answer

    def is_silent(self, at: Resolver) -> bool:
        """Tell whether it said nothing when it was last asked."""
        return at in self._silent

    async def exchange_server(
        self, question: DnsQuestion, server: str, address: str, *, transport: str = ""
    ) -> DnsReply:
        """Ask a name server at the place where this network has it."""
        place, port = self._served.get(address, (address, DNS_PORT))
        at = Resolver(server, place, port, transport or "udp")
        reply = await self.exchange(question, at, fall_back=not transport)
        return replace(reply, answer=replace(reply.answer, address=address))

    async def exchange(
        self, question: DnsQuestion, at: Resolver, *, fall_back: bool = True
    ) -> DnsReply:
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

    async def _exchange(self, question: DnsQuestion, at: Resolver, *, fall_back: bool) -> DnsReply:
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

    async def _once(self, question: DnsQuestion, at: Resolver) -> DnsReply:
        reply = await self._sent(question, at, edns=True)
        if reply.answer.rcode in _WITHOUT_EDNS:
            return await self._sent(question, at, edns=False)
        return reply

    async def _sent(self, question: DnsQuestion, at: Resolver, *, edns: bool) -> DnsReply:
        blank = DnsAnswer(question.name, question.type, at.name, at.address, 0.0, at.transport)
        try:
            query = _query(question, edns=edns)
        except dns.exception.DNSException:
            return DnsReply(replace(blank, error="no name that can be asked"))
        try:
            message = await self._wire.send(query, at, self._seconds)
        except DnsFailure as error:
            return DnsReply(replace(blank, error=failure_text(error)))
        return DnsReply(_answer(blank, message), message)


def absolute_name(name: str) -> dns.name.Name:
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


def _query(question: DnsQuestion, *, edns: bool) -> dns.message.Message:
    query = dns.message.make_query(absolute_name(question.name), question.type)
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


def _answer(blank: DnsAnswer, message: dns.message.Message) -> DnsAnswer:
    return replace(
        blank,
        rcode=dns.rcode.to_text(message.rcode()),
        authoritative=bool(message.flags & dns.flags.AA),
        authentic=bool(message.flags & dns.flags.AD),
        cut=is_truncated(message),
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
