"""Requests and answers over the wire: here is known what carries the bytes, and nowhere else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Tls
from transship.registry.http.address import AS_WRITTEN, authority, beginning_of, path_of
from transship.registry.http.answer import JSON_LIMIT, Answer
from transship.registry.http.connection import (
    AddressBook,
    Connection,
    Head,
    NotHttp,
    Pool,
    Route,
    SourceFailed,
    reason,
    refusal,
    request_head,
)
from transship.registry.http.exchange_log import Recorder, unrecorded
from transship.registry.http.proxy import proxy_for
from transship.registry.http.tls import tls_cause, tls_context

if TYPE_CHECKING:
    from transship.registry.http.connection import Pins

PIECE = 1024 * 1024
"""How much is read and written at a time, in bytes."""

_LEAST_RECEIVED = 64 * 1024
_ERROR_BODY_LIMIT = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_ALWAYS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "transship"}
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""What may be sent again where nobody knows whether it arrived (RFC 9110, 9.2.2)."""

_Ask = Callable[[Connection, bytes], Awaitable[Head]]
"""Sends the head of a request, and what belongs to it, and returns the head of the answer."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    `connect`: until a connection stands, with all its handshakes. `read`: for an answer, and for
    each next part of it. `write`: until the other side has taken a piece of 1 MiB or less.
    `commit`: for the answer to a blob, which a registry may hash and move first.
    """

    connect: float = 15.0
    read: float = 60.0
    write: float = 120.0
    commit: float = 600.0


class Stream:
    """The body of an answer, while it comes in."""

    def __init__(self, url: str, connection: Connection, head: Head, seconds: float) -> None:
        self.status = head.status
        self.url = url
        self.headers = head.fields
        self._connection = connection
        self._head = head
        self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while piece := await self._connection.piece(self._seconds):
                yield piece
        except (NotHttp, OSError) as error:
            raise cause(error, self.url) from None

    async def whole(self, method: str) -> Answer:
        """Read what is left, up to a sensible length for an error, and return it as an answer.

        The status counts even if the connection is lost right after it.
        """
        body = bytearray()
        with suppress(NotHttp, OSError):
            while piece := await self._connection.piece(self._seconds):
                body += piece
                if len(body) >= _ERROR_BODY_LIMIT:
                    break
        return _answer(method, self.url, self._head, bytes(body[:_ERROR_BODY_LIMIT]))


class Transport:
    """Carries requests to one registry, and to the places that it points to.

    `host` is the registry's `host[:port]`. What the operator allowed for it (`tls`) holds for it
    alone: other hosts are always verified and never see the client certificate. A host in `pins` is
    connected to at the address there, directly; its name stays what is asked for and verified.
    """

    def __init__(
        self,
        host: str,
        tls: Tls,
        timeouts: Timeouts | None = None,
        recorder: Recorder | None = None,
        pins: Pins | None = None,
    ) -> None:
        self._host = host
        self._pins = pins or {}
        self._recorder = recorder
        self._tls = tls
        self._timeouts = timeouts or Timeouts()
        self._addresses = AddressBook(pins)
        self._pools: dict[str, Pool] = {}

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        form: Mapping[str, str] | None = None,
        limit: int = JSON_LIMIT,
    ) -> Answer:
        """Send a small request and return the whole answer.

        Raises the errors of the way (not found, refused, lost, not trusted, timed out), and
        UnexpectedAnswer when the body is longer than `limit` bytes.
        """
        fields = dict(headers or ())
        if form is not None:
            fields["content-type"] = _FORM
            content = urlencode(form).encode()
        if content is not None or method in ("POST", "PUT", "PATCH"):
            fields["content-length"] = str(len(content or b""))
        url = quote(url, safe=AS_WRITTEN)
        seconds = self._timeouts.read

        async def ask(connection: Connection, head: bytes) -> Head:
            return await connection.ask(method, head + content if content else head, seconds, limit)

        pool, connection, head = await self._exchanged(method, url, fields, ask)
        body = connection.body
        pool.give(connection)
        if len(body) > limit:
            raise errors.UnexpectedAnswer(
                f"{method} {url.partition('?')[0]}: more than {limit:,} bytes"
            )
        return _answer(method, url, head, body)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        read_ahead: int | None = None,
    ) -> AsyncIterator[Stream]:
        """Send a request without a body and give the answer's body as it comes.

        About `read_ahead` bytes come in before they are wanted.
        """
        seconds = self._timeouts.read

        async def ask(connection: Connection, head: bytes) -> Head:
            if read_ahead is not None:
                _receive_less(connection, read_ahead)
            return await connection.open(method, head, seconds, read_ahead or PIECE)

        pool, connection, head = await self._exchanged(method, url, headers or {}, ask)
        try:
            yield Stream(url, connection, head, seconds)
        finally:
            pool.give(connection)

    async def send(
        self,
        method: str,
        url: str,
        body: AsyncIterator[bytes] | bytes,
        size: int,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send `size` bytes of `body` and return the answer. `url` is sent exactly as it is.

        An answer that comes before all is sent counts. On return, `body` is no longer read; what
        it raised is raised, and ValueError where it isn't of that size.
        """
        fields = {
            "content-type": "application/octet-stream",
            "content-length": str(size),
            **(headers or {}),
        }
        times = self._timeouts

        async def ask(connection: Connection, head: bytes) -> Head:
            return await connection.send(
                method, head, body, size, times.write, times.commit, _ERROR_BODY_LIMIT
            )

        repeats = isinstance(body, bytes)
        pool, connection, head = await self._exchanged(method, url, fields, ask, repeats=repeats)
        try:
            return await Stream(url, connection, head, times.commit).whole(method)
        finally:
            pool.give(connection)

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def _exchanged(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        ask: _Ask,
        *,
        repeats: bool = True,
    ) -> tuple[Pool, Connection, Head]:
        """Send a request by `ask`; return the head of its answer, and what to give back to whom."""
        recorder = self._recorder
        recorded = recorder.recording(method, url, headers) if recorder else unrecorded()
        with recorded as answered:
            pool = self._pool(url)
            request = _request_head(pool.way, method, url, headers)
            repeats = repeats and method in _REPEATABLE
            connection, head = await self._asked(pool, url, request, ask, repeats=repeats)
            answered(head.status, head.fields.items())
        if head.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            pool.drop(connection)
            raise refusal(pool.way, head.status)
        return pool, connection, head

    async def _asked(
        self, pool: Pool, url: str, request: bytes, ask: _Ask, *, repeats: bool
    ) -> tuple[Connection, Head]:
        """Send a request over a connection of the pool, which the caller gives back.

        A server may close a connection at the very moment at which it is used again: what
        `repeats` is then sent once more over a fresh one.
        """
        fresh = False
        while True:
            connection = await pool.take(self._timeouts.connect, fresh=fresh)
            try:
                return connection, await ask(connection, request)
            except SourceFailed as failed:
                pool.drop(connection)
                raise failed.reason from None
            except (NotHttp, OSError) as error:
                pool.drop(connection)
                if not (repeats and connection.was_stale) or fresh:
                    raise cause(error, url) from None
                fresh = True
            except BaseException:
                pool.drop(connection)
                raise

    def _pool(self, url: str) -> Pool:
        origin = beginning_of(url)
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(self._way(origin))
        return pool

    def _way(self, origin: str) -> Route:
        parts = urlsplit(origin)
        others = Tls(ca_file=self._tls.ca_file)
        own = authority(origin) == authority(f"{parts.scheme}://{self._host}")
        proxy = "" if parts.hostname in self._pins else proxy_for(origin) or ""
        return Route(
            origin,
            tls_context(self._tls if own else others) if parts.scheme == "https" else None,
            self._addresses,
            proxy,
            tls_context(others) if proxy.startswith("https:") else None,
        )


def _request_head(way: Route, method: str, url: str, headers: Mapping[str, str]) -> bytes:
    """Return the head of a request. `headers` have their names in lower case."""
    path = url[len(way.origin) :]
    target = url if way.relays else path if path.startswith("/") else path_of(url)
    fields = {"host": way.host, **_ALWAYS, **headers}
    if way.relays:
        fields.update(way.proxy_login)
    try:
        return request_head(f"{method} {target}", fields.items())
    except ValueError as error:
        raise errors.UnexpectedAnswer(f"{way.netloc}: {error}") from None


def _receive_less(connection: Connection, size: int) -> None:
    """Let the system, too, take in little before it is wanted: it would take megabytes."""
    if (own := connection.transport.get_extra_info("socket")) is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(size, _LEAST_RECEIVED))


def _answer(method: str, url: str, head: Head, body: bytes) -> Answer:
    return Answer(
        method=method,
        url=url,
        status=head.status,
        headers=head.fields,
        challenges=head.challenges,
        body=body,
    )


def cause(error: Exception, address: str) -> TransshipError:
    """Return the error that a failure on the way to or from `address` stands for."""
    host = urlsplit(address).netloc
    match error:
        case NotHttp():
            return errors.NotARegistry(f"{host} doesn't answer in HTTP")
        case ssl.SSLError():
            return tls_cause(error, host)
        case TimeoutError():
            return errors.TimedOut(host)
        case OSError() if error.errno:
            return errors.ConnectionLost(f"{host}: {reason(error)}")
        case _:
            return errors.ConnectionLost(host)
