"""The wire: here is known which engine carries the bytes, and nowhere else.

It is aiohttp: of a job of many small images most of the time of this process goes into requests,
and a layer above it costs as much again for each. One pool, one TLS context and one choice of proxy
serve small requests and the bytes of blobs. What the engine raises is turned into our own errors in
`causes`.

Nothing here knows of registries. Redirects are not followed here: who follows one decides what
may go along.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import yarl

from transship import errors
from transship.errors import TransshipError
from transship.registries import engine
from transship.registries.addresses import AS_WRITTEN, authority, beginning_of
from transship.registries.answers import JSON_LIMIT, Answer
from transship.registries.causes import translated
from transship.registries.credential import Tls
from transship.registries.exchanges import Recorder, unrecorded
from transship.registries.outgoing import Outgoing, patient_socket
from transship.registries.proxies import proxy_for
from transship.registries.tls import tls_context

if TYPE_CHECKING:
    from transship.registries.engine import aiohttp
    from transship.registries.pinning import Pins

PIECE = 1024 * 1024
"""How much is read and written at a time, in bytes."""

_LEAST_RECEIVED = 64 * 1024
_ERROR_BODY_LIMIT = 64 * 1024
_HEAD_LIMIT = 64 * 1024  # Signed addresses of storage are long.
_FORM = "application/x-www-form-urlencoded"
_HEADERS = {"accept-encoding": "identity", "user-agent": "transship"}


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

    def __init__(self, url: str, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.url = url
        self.headers = _fields(response.headers.items())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with translated(self.url):
            async for piece in self._response.content.iter_any():
                yield piece

    async def whole(self, method: str) -> Answer:
        """Read what is left, up to a sensible length for an error, and return it as an answer."""
        return await _answer(method, self.url, self._response)


@dataclass(frozen=True, slots=True)
class _Way:
    """How all that is at one origin is asked for."""

    session: aiohttp.ClientSession
    proxy: str | None


@lru_cache(maxsize=64)
def _limits(connect: float, read: float) -> aiohttp.ClientTimeout:
    return engine.aiohttp.ClientTimeout(total=None, connect=connect, sock_read=read)


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
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._ways: dict[str, _Way] = {}

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
        url = quote(url, safe=AS_WRITTEN)
        response = await self._open(method, url, fields, content or None, self._timeouts.read)
        try:
            body = bytearray()
            with translated(url):
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > limit:
                        raise errors.UnexpectedAnswer(
                            f"{method} {url.partition('?')[0]}: more than {limit:,} bytes"
                        )
        finally:
            response.close()
        return _answered(method, url, response, bytes(body))

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
        response = await self._open(
            method, url, headers, None, self._timeouts.read, read_ahead or PIECE
        )
        if read_ahead is not None:
            _receive_less(response, read_ahead)
        try:
            yield Stream(url, response)
        finally:
            # An answer that was not read to its end can't be followed by another on its
            # connection; `close` is a no-op for one that was.
            response.close()

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
        it raised is raised.
        """
        fields = {
            "content-type": "application/octet-stream",
            "content-length": str(size),
            **(headers or {}),
        }
        outgoing = Outgoing(body, self._timeouts.write)
        try:
            with translated(url):
                async with (
                    outgoing.deadline,
                    await self._open(
                        method, url, fields, outgoing.data, self._timeouts.commit
                    ) as response,
                ):
                    return await _answer(method, url, response)
        except TransshipError:
            if outgoing.failure is not None:
                raise outgoing.failure from None
            raise
        finally:
            await outgoing.settled()

    async def _open(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        data: AsyncIterator[bytes] | bytes | None,
        seconds: float,
        read_ahead: int = PIECE,
    ) -> aiohttp.ClientResponse:
        """Send a request and return its answer once its head is there. The caller closes it."""
        recorder = self._recorder
        recorded = recorder.recording(method, url, headers or {}) if recorder else unrecorded()
        with recorded as answered, translated(url):
            way = self._way(url)
            response = await way.session.request(
                method,
                yarl.URL(url, encoded=True),
                data=data,
                headers=headers,
                allow_redirects=False,
                read_bufsize=read_ahead,
                proxy=way.proxy,
                timeout=_limits(self._timeouts.connect, seconds),
            )
            answered(response.status, response.headers.items())
        if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            response.close()
            raise errors.ProxyFailed(f"on the way to {urlsplit(url).netloc}: it wants a login")
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    def _way(self, url: str) -> _Way:
        origin = beginning_of(url)
        way = self._ways.get(origin)
        if way is None:
            proxy = None if urlsplit(url).hostname in self._pins else proxy_for(url)
            way = self._ways[origin] = _Way(self._session(url), proxy)
        return way

    def _session(self, url: str) -> aiohttp.ClientSession:
        own = authority(url) == authority(f"{urlsplit(url).scheme}://{self._host}")
        session = self._sessions.get(own)
        if session is None:
            tls = self._tls if own else Tls(ca_file=self._tls.ca_file)
            session = self._sessions[own] = engine.aiohttp.ClientSession(
                # How much goes on at once is decided elsewhere.
                connector=engine.aiohttp.TCPConnector(
                    ssl=tls_context(tls),
                    limit=0,
                    socket_factory=patient_socket,
                    resolver=self._resolver(),
                ),
                auto_decompress=False,
                read_bufsize=PIECE,
                cookie_jar=engine.aiohttp.DummyCookieJar(),
                trust_env=False,
                headers=_HEADERS,
                max_line_size=_HEAD_LIMIT,
                max_field_size=_HEAD_LIMIT,
            )
        return session

    def _resolver(self) -> aiohttp.abc.AbstractResolver | None:
        if not self._pins:
            return None
        from transship.registries.pinning import PinnedResolver

        return PinnedResolver(self._pins)


def _receive_less(response: aiohttp.ClientResponse, size: int) -> None:
    """Let the system, too, take in little before it is wanted: it would take megabytes."""
    transport = response.connection.transport if response.connection else None
    if transport is not None and (own := transport.get_extra_info("socket")) is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(size, _LEAST_RECEIVED))


async def _answer(method: str, url: str, response: aiohttp.ClientResponse) -> Answer:
    """Return what came back, with as much of the body as there is, up to a sensible length.

    The status counts even if the connection is lost right after it.
    """
    body = bytearray()
    with suppress(engine.aiohttp.ClientError, OSError):
        async for piece in response.content.iter_any():
            body += piece
            if len(body) >= _ERROR_BODY_LIMIT:
                break
    return _answered(method, url, response, bytes(body[:_ERROR_BODY_LIMIT]))


def _answered(method: str, url: str, response: aiohttp.ClientResponse, body: bytes) -> Answer:
    return Answer(
        method=method,
        url=url,
        status=response.status,
        headers=_fields(response.headers.items()),
        challenges=tuple(response.headers.getall("www-authenticate", ())),
        body=body,
    )


def _fields(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return header fields by their names in lower case; those of one name are one list."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
