"""Opens connections: finds addresses, goes through proxies, and shakes hands."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import aiohappyeyeballs

from transship import errors
from transship.errors import TransshipError
from transship.registries.tls import tls_cause
from transship.registries.wire.connection import Connection, NotHttp
from transship.registries.wire.heads import request_head
from transship.registries.wire.patience import patient_socket

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


class Addresses:
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
class Way:
    """How the origin `scheme://host[:port]` is reached: over TLS by `tls`, through `proxy` if any.

    `proxy` may hold a password. TLS to the proxy itself is by `proxy_tls`.
    """

    origin: str
    tls: ssl.SSLContext | None
    addresses: Addresses = field(repr=False)
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


async def opened(way: Way, seconds: float) -> Connection:
    """Return a new connection, all handshakes done. Raises why there is none."""
    try:
        async with asyncio.timeout(seconds):
            return await (_through_proxy(way) if way.proxy else _straight(way))
    except TimeoutError:
        raise errors.TimedOut(way.netloc) from None


async def _straight(way: Way) -> Connection:
    with _told_of(way):
        return await _connected(urlsplit(way.origin), way.tls, way.addresses)


@contextmanager
def _told_of(way: Way) -> Iterator[None]:
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


async def _through_proxy(way: Way) -> Connection:
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


async def _tunnelled(way: Way, connection: Connection) -> Connection:
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


def refusal(way: Way, status: int) -> TransshipError:
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
    parts: SplitResult, tls: ssl.SSLContext | None, addresses: Addresses
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
