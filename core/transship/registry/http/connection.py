"""HTTP/1.1 on asyncio (RFC 9112): one connection, how it is opened, and the pool of them.

As lean as moving images wants it: many small requests, and much to stream.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import re
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import aiohappyeyeballs
import httptools

from transship import errors
from transship.errors import TransshipError
from transship.registry.http.tls import tls_cause

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MOST_HEAD = 256 * 1024
"""How many bytes the head of an answer may have, and what is between the parts of its body."""

_NO_BODY = frozenset({204, 304})


class NotHttp(Exception):
    """What came isn't HTTP."""


class SourceFailed(Exception):
    """What was to be sent couldn't be read, for a `reason` of its own."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(reason)
        self.reason = reason


class Connection(asyncio.Protocol):
    """A connection to a server or a proxy, of which one thing at a time is asked.

    Raises NotHttp, TimeoutError, and OSError (of TLS, too) where it was lost. After any of these,
    and when an answer wasn't taken to its end, it isn't `reusable`, and is to be closed.
    """

    def __init__(self) -> None:
        self.lost = False
        """Whether it has ended, by whomever."""
        self.idle_since: float | None = None
        """Since when it is kept for the next request, by the loop's clock; None if it is new."""
        self._answered = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._raw: list[tuple[bytes, bytes]] = []
        self._head: Head | None = None
        self._head_bytes = 0
        self._method = ""
        self._keeps = False
        self._sent = True
        self._until_lost = False
        self._left: int | None = None
        self._parts: list[bytes] = []
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._most = 0
        self._whole = False
        self._ended = True
        self._holding = False
        self._failure: Exception | None = None
        self._waiting = Waiting(lambda: self._fail(TimeoutError()))
        self._room: asyncio.Future[None] | None = None
        self._full = False

    # What is asked

    async def ask(self, method: str, request: bytes, seconds: float, most: int) -> Head:
        """Send a request and wait for the whole answer; what came of its body is in `body`.

        Each next part of it may take `seconds`. A body of more than `most` bytes isn't taken to
        its end.
        """
        self._begin(method, most, whole=True)
        self._write(request)
        while not self._ended and self._buffered <= most:
            await self._wait(seconds)
        assert self._head is not None
        return self._head

    async def open(self, method: str, request: bytes, seconds: float, ahead: int) -> Head:
        """Send a request and wait for the head of its answer.

        Of the body about `ahead` bytes come in before they are wanted.
        """
        self._begin(method, ahead, whole=False)
        self._write(request)
        return await self._answer(seconds)

    async def send(
        self,
        method: str,
        head: bytes,
        body: AsyncIterator[bytes] | bytes,
        size: int,
        taking: float,
        answering: float,
        ahead: int,
    ) -> Head:
        """Send a request with its body of `size` bytes and wait for the head of the answer.

        That is as `open` does. The other side may take `taking` seconds for a piece, and
        `answering` seconds to answer once it has all. An answer that comes before counts. On
        return `body` is no longer read.

        Raises SourceFailed with what that raised, or with ValueError for one of another size.
        """
        self._begin(method, ahead, whole=False)
        if isinstance(body, bytes):
            self._write(head + body)
            while self._full and self._head is None:
                await self._wait(taking)
            return await self._answer(answering)
        self._write(head)
        pouring = self._loop.create_task(self._pour(body, size, taking))
        pouring.add_done_callback(self._poured)
        self._sent = False
        try:
            while self._head is None and not pouring.done():
                await self._wait(None)
            if self._head is None and (failure := pouring.exception()) is not None:
                raise SourceFailed(failure)
            return await self._answer(answering)
        finally:
            pouring.cancel()
            try:
                await asyncio.wait([pouring])
            except asyncio.CancelledError:
                await asyncio.wait([pouring])
                raise

    async def piece(self, seconds: float) -> bytes:
        """Return the next bytes of the answer's body, nothing at its end."""
        while not self._pieces:
            if self._ended:
                return b""
            await self._wait(seconds)
        piece = self._pieces.popleft()
        self._buffered -= len(piece)
        if self._buffered < self._most:
            self._read_on()
        return piece

    @property
    def body(self) -> bytes:
        """All that has come of the answer's body and wasn't taken yet."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    @property
    def reusable(self) -> bool:
        """Whether the next request may go this way."""
        sent = self._sent and self._writable and not self.transport.get_write_buffer_size()
        return self._ended and self._keeps and sent

    @property
    def was_stale(self) -> bool:
        """Whether it was used before, and ended this time before anything was answered."""
        return self.idle_since is not None and self.lost and not self._answered

    @property
    def transport(self) -> asyncio.Transport:
        """What carries it."""
        assert self._transport is not None
        return self._transport

    def rest(self) -> None:
        """Wait for the next request, with nothing kept of the last one and its answer."""
        self.idle_since = self._loop.time()
        self._head = None
        self._raw = []
        self._pieces.clear()

    def close(self) -> None:
        """End it at once, whatever is under way."""
        self._keeps = self._until_lost = False
        self._waiting.close()
        if self._transport is not None and not self.lost:
            self._transport.abort()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in what has come."""
        self._answered = True
        if self._left is not None:
            self._take(data)
        elif self._parser is not None:
            self._feed(data)
        elif self._ended:
            self.close()  # Nobody has asked.

    def connection_lost(self, exc: Exception | None) -> None:
        """End: to a body without a length that is its end."""
        self.lost = True
        self._full = False
        if not self._ended:
            if exc is None and self._until_lost:
                self._end()
            else:
                self._fail(exc or ConnectionError())
        self._make_room()

    def pause_writing(self) -> None:
        """Wait: the other side takes nothing at present."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._make_room()
        self._waiting.wake()

    # What the parser calls

    def on_message_begin(self) -> None:
        """Take in the beginning of an answer: only one is asked for."""
        if self._head is not None:
            self._keeps = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a field of the head; those after a body tell nothing that is asked for."""
        if self._head is None:
            self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        """Take in the end of the head: what follows depends on it."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        self._head_bytes = 0
        if status < 200:  # There is another answer to come.
            self._raw = []
            return
        head = self._head = answer_head(status, self._raw)
        coded = head.fields.get("transfer-encoding", "").lower()
        chunked = coded.endswith("chunked")
        length = None if coded else head.fields.get("content-length")
        bodiless = self._method == "HEAD" or status in _NO_BODY
        tunnel = self._method == "CONNECT" and status < 300
        options = head.fields.get("connection", "").lower()
        lasting = self._parser.get_http_version() != "1.0" or "keep-alive" in options
        sized = bodiless or chunked or length is not None
        self._keeps = lasting and "close" not in options and sized
        self._until_lost = not sized
        if bodiless or tunnel or length == "0":
            self._end()
        elif length is not None:
            self._left = int(length)
        if not self._whole:
            self._waiting.wake()

    def on_body(self, body: bytes) -> None:
        """Take in a part of a body that came with its head, or in chunks."""
        if self._ended:
            self._keeps = False
        elif self._head is not None:
            self._head_bytes = 0
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """Take in the end of a body in chunks."""
        if self._head is not None and not self._ended:
            self._join()
            self._end()

    # Within

    def _begin(self, method: str, most: int, *, whole: bool) -> None:
        self._answered = False
        self._method = method
        self._most = most
        self._whole = whole
        self._parser = httptools.HttpResponseParser(self)
        self._raw = []
        self._head = None
        self._head_bytes = 0
        self._keeps = self._until_lost = False
        self._sent = True
        self._left = None
        self._parts.clear()
        self._pieces.clear()
        self._buffered = 0
        self._ended = False
        self._failure = ConnectionError() if self.lost else None

    def _write(self, data: bytes) -> None:
        if self._writable and self._transport is not None:
            self._transport.write(data)

    @property
    def _writable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def _answer(self, seconds: float) -> Head:
        while self._head is None:
            await self._wait(seconds)
        return self._head

    async def _pour(self, body: AsyncIterator[bytes], size: int, seconds: float) -> bool:
        """Send a body piece by piece, until it is answered; tell whether all of it was sent."""
        async for piece in body:
            if self._head is not None or not self._writable:
                return False
            size -= len(piece)
            if size < 0:  # The server would take what is too much for the next request.
                raise ValueError("a body that is longer than was said")
            self._write(piece)
            if self._full and self._head is None:
                self._room = self._loop.create_future()
                try:
                    async with asyncio.timeout(seconds):
                        await self._room
                except TimeoutError as error:
                    self._fail(error)
                    return False
        if size:
            raise ValueError("a body that is shorter than was said")
        return True

    def _poured(self, pouring: asyncio.Task[bool]) -> None:
        self._sent = not pouring.cancelled() and not pouring.exception() and pouring.result()
        self._waiting.wake()

    def _feed(self, data: bytes) -> None:
        assert self._parser is not None
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # What comes after the end of an answer is nobody's: it isn't asked for.
            self._keeps = False
            if not self._ended:
                self._fail(NotHttp())
        if self._head_bytes > MOST_HEAD and not self._ended:
            self._fail(NotHttp())
        self._join()

    def _join(self) -> None:
        """Make one piece of what has come at once: a piece for each chunk would be dear."""
        if self._parts:
            self._take(b"".join(self._parts))
            self._parts.clear()

    def _take(self, piece: bytes) -> None:
        if self._left is not None:
            if len(piece) > self._left:
                piece = piece[: self._left]
                self._keeps = False
            self._left -= len(piece)
        if piece:
            self._pieces.append(piece)
            self._buffered += len(piece)
        if self._left == 0:
            self._end()
        elif not self._whole:
            if self._buffered >= self._most and not self._holding and self._transport is not None:
                self._holding = True
                with suppress(RuntimeError):  # It is closing.
                    self._transport.pause_reading()
            self._waiting.wake()
        else:
            self._waiting.prolong()
            if self._buffered > self._most:
                self._waiting.wake()

    def _end(self) -> None:
        self._ended = True
        self._parser = None
        self._left = None
        self._read_on()
        self._waiting.wake()

    def _read_on(self) -> None:
        if self._holding and self._transport is not None:
            self._holding = False
            self._transport.resume_reading()

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._keeps = False
        self._waiting.wake()

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def _wait(self, seconds: float | None) -> None:
        """Wait until something has happened. Raises what has gone wrong, once nothing is left."""
        if self._failure is not None:
            raise self._failure
        await self._waiting.wait(seconds)


_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What would end a line of a head, or hide in it."""

_LONG_NAME = 64
"""From how many bytes on the name of a field isn't remembered: nobody knows how long it is."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer. Names of `fields` are in lower case; those of one name are one list.

    `challenges` are the WWW-Authenticate fields, each as it came. Any of it may hold a secret.
    """

    status: int
    fields: Mapping[str, str] = field(repr=False)
    challenges: tuple[str, ...] = field(repr=False)


def request_head(line: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """Return a request's head, from its first line without the version, and its fields.

    Raises ValueError for what can't be in one, as a token with a line break.
    """
    named = [f"{name}: {value}" for name, value in fields]
    if _UNSENDABLE.search("".join((line, *named))):
        raise ValueError("a line of a request's head with a control character")
    return "\r\n".join((f"{line} HTTP/1.1", *named, "", "")).encode()


def answer_head(status: int, fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """Return an answer's head from its status and its fields in their order."""
    told: dict[str, str] = {}
    challenges: list[str] = []
    for raw_name, raw_value in fields:
        name = _name(raw_name) if len(raw_name) < _LONG_NAME else _read(raw_name)
        value = raw_value.rstrip(b" \t").decode("utf-8", "surrogateescape")
        if name == "www-authenticate":
            challenges.append(value)
        told[name] = f"{told[name]}, {value}" if name in told else value
    return Head(status, told, tuple(challenges))


@lru_cache(maxsize=512)
def _name(raw: bytes) -> str:
    """Return the name of a field: servers have the same few, in each of their answers."""
    return _read(raw)


def _read(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


class Waiting:
    """Lets one at a time wait until it is woken. `late` is called when that took too long.

    To set and cancel an alarm for each request would be dear: one stays set over many.
    """

    def __init__(self, late: Callable[[], None]) -> None:
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._seconds = 0.0
        self._deadline: float | None = None
        self._alarm: asyncio.TimerHandle | None = None

    async def wait(self, seconds: float | None) -> None:
        """Wait until woken, for `seconds` if there are any."""
        self._waiter = self._loop.create_future()
        if seconds is not None:
            self._set_alarm(seconds)
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._deadline = None

    def wake(self) -> None:
        """Let the one who waits go on. An alarm that rings in the same turn is late itself."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
            self._deadline = None

    def prolong(self) -> None:
        """Let the one who waits wait as long again from now on."""
        if self._deadline is not None:
            self._deadline = self._loop.time() + self._seconds

    def close(self) -> None:
        """Let go of the alarm."""
        if self._alarm is not None:
            self._alarm.cancel()

    def _set_alarm(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = self._loop.time() + seconds
        if self._alarm is None or self._alarm.when() > self._deadline:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._deadline is None:
            return
        if self._loop.time() >= self._deadline:
            self._late()
        else:
            self._alarm = self._loop.call_at(self._deadline, self._ring)


class PatientSocket(socket.socket):
    """A socket on which the answer of a peer that has stopped listening can still be read.

    A server may answer before it has read all of a request, and then reset the connection. asyncio
    gives a connection up at the first write that fails, with the answer unread. Here that write
    has to wait, once: before it is tried again, the loop reads what has come.
    """

    _stopped_listening = False

    def send(self, data: ReadableBuffer, *flags: int) -> int:
        """Send bytes."""
        try:
            return super().send(data, *flags)
        except (BrokenPipeError, ConnectionResetError):
            self._wait_once()
            raise BlockingIOError from None

    def sendmsg(self, buffers: Iterable[ReadableBuffer], *more: Any) -> int:
        """Send the bytes of several buffers."""
        try:
            return super().sendmsg(buffers, *more)
        except (BrokenPipeError, ConnectionResetError):
            self._wait_once()
            raise BlockingIOError from None

    def _wait_once(self) -> None:
        """Raise again what is being handled, but for the first time."""
        if self._stopped_listening:
            raise
        self._stopped_listening = True


def patient_socket(address: tuple[Any, ...]) -> socket.socket:
    """Return a new socket for one of the results of `getaddrinfo`."""
    family, kind, protocol, *_ = address
    own = PatientSocket(family, kind, protocol)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return own


Pins = Mapping[str, str]
"""The IP address to connect to, by host name (in lower case, A-labels, without a port)."""

_ADDRESS_SECONDS = 10.0
"""How long what DNS said of a name is good for: many connections are opened together."""

_SECOND_TRY = 0.25
"""After how many seconds without a connection the next address is tried beside it (RFC 8305)."""

_PORTS = {"http": 80, "https": 443}
_MOST = 64 * 1024

_Address = tuple[Any, ...]
"""One of the results of `getaddrinfo`."""


class AddressBook:
    """Knows where hosts are: some are pinned, the system is asked for the others."""

    def __init__(self, pins: Pins | None = None) -> None:
        self._pins = pins or {}
        self._found: dict[tuple[str, int], tuple[float, asyncio.Future[list[_Address]]]] = {}

    async def of(self, host: str, port: int) -> list[_Address]:
        """Return the addresses of a host as `getaddrinfo` does.

        Raises socket.gaierror, and UnicodeError for what can't be a name in DNS.
        """
        host = self._pins.get(host.lower(), host)
        if numeric := _numeric(host, port):
            return list(numeric)
        loop = asyncio.get_running_loop()
        known = self._found.get((host, port))
        if known is None or loop.time() > known[0]:
            asked: asyncio.Future[list[_Address]] = asyncio.ensure_future(
                loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            known = self._found[host, port] = loop.time() + _ADDRESS_SECONDS, asked
        try:
            await asyncio.wait([known[1]])  # Who gives up leaves it to the others.
            return known[1].result()
        except (OSError, UnicodeError):
            self._found.pop((host, port), None)
            raise


@dataclass(frozen=True)
class Route:
    """How the origin `scheme://host[:port]` is reached: over TLS by `tls`, through `proxy` if any.

    `proxy` may hold a password. TLS to the proxy itself is by `proxy_tls`.
    """

    origin: str
    tls: ssl.SSLContext | None
    addresses: AddressBook = field(repr=False)
    proxy: str = field(default="", repr=False)
    proxy_tls: ssl.SSLContext | None = None

    @property
    def netloc(self) -> str:
        """The host, with its port where that was said."""
        return urlsplit(self.origin).netloc

    @cached_property
    def host(self) -> str:
        """What the Host field says: a port only where it isn't the usual one (RFC 9110, 7.2)."""
        parts = urlsplit(self.origin)
        usual = parts.port in (None, _PORTS[parts.scheme])
        return parts.netloc.rpartition(":")[0] if usual and parts.port else parts.netloc

    @property
    def relays(self) -> bool:
        """Whether a proxy is told the whole address of each thing, as it is without TLS."""
        return bool(self.proxy) and self.tls is None

    @property
    def proxy_login(self) -> tuple[tuple[str, str], ...]:
        """The field that a proxy is shown, if it wants a login."""
        parts = urlsplit(self.proxy)
        if parts.username is None:
            return ()
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return (("proxy-authorization", f"Basic {base64.b64encode(login.encode()).decode()}"),)


async def opened(way: Route, seconds: float) -> Connection:
    """Return a new connection, all handshakes done. Raises why there is none."""
    try:
        async with asyncio.timeout(seconds):
            return await (_through_proxy(way) if way.proxy else _straight(way))
    except TimeoutError:
        raise errors.TimedOut(way.netloc) from None


async def _straight(way: Route) -> Connection:
    with _told_of(way):
        return await _connected(urlsplit(way.origin), way.tls, way.addresses)


@contextmanager
def _told_of(way: Route) -> Iterator[None]:
    """Turn what keeps us from the origin itself into its cause; `opened` tells what was late."""
    try:
        yield
    except (socket.gaierror, UnicodeError):
        raise errors.NameNotFound(way.netloc) from None
    except ssl.SSLError as error:
        raise tls_cause(error, way.netloc) from None
    except TimeoutError:
        raise
    except OSError as error:
        raise errors.ConnectionRefused(f"{way.netloc}: {reason(error)}") from None


async def _through_proxy(way: Route) -> Connection:
    parts = urlsplit(way.proxy)
    on_the_way = f"on the way to {way.netloc}"
    try:
        connection = await _connected(parts, way.proxy_tls, way.addresses)
    except (socket.gaierror, UnicodeError):
        raise errors.ProxyFailed(f"{parts.hostname}, {on_the_way}, is not found") from None
    except TimeoutError:
        raise
    except OSError as error:
        where = f"{parts.hostname}:{_port(parts)}"
        raise errors.ProxyFailed(f"{where}, {on_the_way}: {reason(error)}") from None
    if way.relays:
        return connection
    try:
        return await _tunnelled(way, connection)
    except BaseException:
        connection.close()
        raise


async def _tunnelled(way: Route, connection: Connection) -> Connection:
    """Let a proxy connect us to the origin, and shake hands with that."""
    parts = urlsplit(way.origin)
    target = f"{_bracketed(parts.hostname or '')}:{_port(parts)}"
    request = request_head(f"CONNECT {target}", (("host", target), *way.proxy_login))
    try:
        head = await connection.open("CONNECT", request, 3600.0, _MOST)
    except NotHttp:
        raise errors.ProxyFailed(f"on the way to {way.netloc}: it doesn't answer in HTTP") from None
    except TimeoutError:
        raise
    except OSError as error:
        raise errors.ProxyFailed(f"on the way to {way.netloc}: {reason(error)}") from None
    if not 200 <= head.status < 300:
        raise refusal(way, head.status)
    assert way.tls is not None
    secured = Connection()
    with _told_of(way):
        transport = await asyncio.get_running_loop().start_tls(
            connection.transport, secured, way.tls, server_hostname=_certified(parts)
        )
    if transport is None:
        raise errors.ConnectionLost(way.netloc)
    secured.connection_made(transport)
    return secured


def refusal(way: Route, status: int) -> TransshipError:
    """Return the error that a proxy's own answer stands for."""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return errors.ProxyFailed(f"on the way to {way.netloc}: it wants a login")
    return errors.ProxyFailed(f"on the way to {way.netloc}: it answers with {status}")


def reason(error: OSError) -> str:
    """Return in words why a connection failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS failed"
    if error.errno:
        return os.strerror(error.errno)
    if isinstance(error, ConnectionError):
        return "the connection was closed"
    return "none of its addresses can be reached"


async def _connected(
    parts: SplitResult, tls: ssl.SSLContext | None, addresses: AddressBook
) -> Connection:
    found = await addresses.of(parts.hostname or "", _port(parts))
    own = await aiohappyeyeballs.start_connection(
        found,
        happy_eyeballs_delay=_SECOND_TRY,
        interleave=1,
        socket_factory=patient_socket,
    )
    connection = Connection()
    try:
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            sock=own,
            ssl=tls,
            server_hostname=_certified(parts) if tls else None,
        )
    except BaseException:
        # Where the handshake has just ended, asyncio would still say goodbye over the socket.
        connection.close()
        own.close()
        raise
    return connection


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _certified(parts: SplitResult) -> str:
    """Return a host as certificates have it: without the dot that may end a name in DNS."""
    return (parts.hostname or "").removesuffix(".")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@lru_cache(maxsize=64)
def _numeric(host: str, port: int) -> tuple[_Address, ...]:
    """Return where a host is that is called by its address, nothing for one that has a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return ()
    numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    # Of text, Python would look for other than ASCII, with tables that take long to import.
    return tuple(socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM, flags=numeric))


_KEPT_SECONDS = 15.0
"""How long an idle connection is believed to be open still, if its server hasn't closed it."""


class Pool:
    """The connections by one way. How many there are at once is decided elsewhere."""

    def __init__(self, way: Route) -> None:
        self.way = way
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()

    async def take(self, seconds: float, *, fresh: bool = False) -> Connection:
        """Return a connection: the one that was used last, or a new one. Raises why there is none.

        A `fresh` one has never been used, and so wasn't closed meanwhile.
        """
        now = asyncio.get_running_loop().time()
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.reusable and now - (connection.idle_since or now) < _KEPT_SECONDS:
                return connection
            self.drop(connection)
        connection = await opened(self.way, seconds)
        self._all.add(connection)
        return connection

    def give(self, connection: Connection) -> None:
        """Take a connection back, for the next request or to end it."""
        if connection.reusable:
            connection.rest()
            self._idle.append(connection)
        else:
            self.drop(connection)

    def drop(self, connection: Connection) -> None:
        """End a connection: an answer that wasn't taken to its end can't be followed by another."""
        connection.close()
        self._all.discard(connection)

    async def aclose(self) -> None:
        """End them all."""
        self._idle.clear()
        while self._all:
            self._all.pop().close()
        await asyncio.sleep(0)  # What is ended is let go of by the loop.
