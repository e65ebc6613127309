"""Listens for webhooks, and lets in who knows the secret, as often as is right."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import os
import re
import socket
import stat
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from transship.clock import Clock, SystemClock
from transship.concurrency import Runs
from transship.errors import BadFile, BadRequest, SystemRefused
from transship.watch.webhooks import NotUnderstood, RegistryEvent, events_in

LOOPBACK = "127.0.0.1"
_HIGHEST_PORT = 65535
_WRITTEN = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address of this machine, and a port; port 0 takes a free one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> ListenAddress:
    """Return the address that `text` writes down. Raises BadRequest.

    A port alone is on loopback. Any other address has to be written out, and as a number: a name
    could come to mean another one.
    """
    alone = text.isascii() and text.isdecimal()
    match = _WRITTEN.fullmatch(f"{LOOPBACK}:{text}" if alone else text)
    if match is None:
        raise _refused(text, "" if ":" in text else ": it has no port")
    host, port = match[1].strip("[]"), int(match[2])
    if port > _HIGHEST_PORT:
        raise _refused(text, f": ports end at {_HIGHEST_PORT}")
    try:
        return ListenAddress(
            LOOPBACK if host == "localhost" else str(ipaddress.ip_address(host)), port
        )
    except ValueError:
        raise _refused(text, ": the address has to be a number") from None


def _refused(text: str, why: str) -> BadRequest:
    return BadRequest(
        f"{text!r} is no address to listen on{why}",
        remedy=f"Write a port alone (8090: this machine only), or ADDRESS:PORT, for example "
        f"{LOOPBACK}:8090, 0.0.0.0:8090 or [::1]:8090.",
    )


class TokenBucket:
    """Lets `most` things happen at once, and `per_second` in the long run."""

    def __init__(self, clock: Clock, *, most: int, per_second: float) -> None:
        self._clock = clock
        self._most = float(most)
        self._per_second = per_second
        self._left = float(most)
        self._at = clock.monotonic()

    def take(self) -> bool:
        """Tell whether one more may happen now; it is counted then."""
        now = self._clock.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


SHORTEST = 16
_LONGEST = 512
_SECRET_WRITTEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
_HOW = "`openssl rand -hex 32` makes a good one."


class SharedSecret:
    """A secret, compared in a time that says nothing of it. It never shows itself."""

    def __init__(self, text: str) -> None:
        """Take the secret. Raises BadRequest when it is too short, or can't stand in a header."""
        if not SHORTEST <= len(text) <= _LONGEST:
            raise BadRequest(
                f"the shared secret has to have {SHORTEST} to {_LONGEST} characters", remedy=_HOW
            )
        if not _SECRET_WRITTEN.fullmatch(text):
            raise BadRequest(
                "the shared secret may have letters, digits and . _ ~ + / = - in it", remedy=_HOW
            )
        self._digest = _digest(text)

    def __repr__(self) -> str:
        return "SharedSecret(...)"

    def is_shown_by(self, authorization: str, last_of_path: str) -> bool:
        """Tell whether a request knows the secret.

        It stands in the Authorization header, after `Bearer` or alone, or it is the last component
        of the path, for senders that can't set headers.
        """
        scheme, _, token = authorization.partition(" ")
        offered = token.strip() if scheme.lower() == "bearer" else authorization
        in_header = hmac.compare_digest(_digest(offered), self._digest)
        in_path = hmac.compare_digest(_digest(last_of_path), self._digest)
        return in_header or in_path


def secret_in_file(path: Path) -> SharedSecret:
    """Return the secret in the first line of a file. Raises BadFile and BadRequest.

    A file that everybody may read keeps no secret, and is refused.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & stat.S_IROTH:
                raise BadFile(
                    f"{path}: everybody can read it", remedy=f"chmod 600 {path}, then try again."
                )
            return _first_line(file.read(_LONGEST + 2))
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from error


def secret_from_descriptor(number: int) -> SharedSecret:
    """Return the secret in the first line that a file descriptor gives, and close it.

    Raises BadRequest.
    """
    try:
        with os.fdopen(number, "rb") as file:
            return _first_line(file.read(_LONGEST + 2))
    except OSError as error:
        raise BadRequest(
            f"file descriptor {number} can't be read: {error.strerror}",
            remedy="Open it for the command, for example 3<FILE.",
        ) from error


def _first_line(content: bytes) -> SharedSecret:
    return SharedSecret(content.partition(b"\n")[0].decode("latin-1").rstrip("\r"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


WEBHOOK_PATH = "/webhook"
"""Where notifications go: here, or here with the secret as one more component."""

MOST_BYTES = 1024 * 1024
"""The largest body that is read."""

_BODY_SECONDS = 10.0
_CONNECTION_SECONDS = 20.0
"""How long a connection may live: a slow one is a sender that is lost, or one that means ill."""

_MOST_CONNECTIONS = 64
_BURST, _PER_SECOND = 200, 50.0

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


@dataclass(slots=True)
class ReceiverCounts:
    """What has come in so far."""

    taken: int = 0
    """Notifications that were understood."""
    refused: int = 0
    """Requests without the secret, or with another one."""
    turned_away: int = 0
    """Too many at once, too large, too slow, or no notification at all."""


@dataclass(slots=True)
class WebhookReceiver(Runs):
    """Takes notifications while it is entered: `async with Receiver(...) as receiver`.

    What they say goes to `take`, which returns at once. Nothing of a request is ever sent back,
    and none of it is logged. Entering raises SystemRefused when the address can't be had; after
    it, `address` has the port.
    """

    address: ListenAddress
    secret: SharedSecret
    take: Callable[[tuple[RegistryEvent, ...]], None]
    clock: Clock = field(default_factory=SystemClock)
    counts: ReceiverCounts = field(default_factory=ReceiverCounts)
    body_seconds: float = _BODY_SECONDS
    connection_seconds: float = _CONNECTION_SECONDS
    _bucket: TokenBucket = field(init=False)

    def __post_init__(self) -> None:
        self._bucket = TokenBucket(self.clock, most=_BURST, per_second=_PER_SECOND)

    async def _start(self, stack: AsyncExitStack) -> None:
        listener = stack.enter_context(_listener(self.address))
        self.address = ListenAddress(self.address.host, listener.getsockname()[1])
        server = _WebhookServer(
            self._answer,
            self.connection_seconds,
            access_log=None,
            logger=_LOG,
            auto_decompress=False,
            keepalive_timeout=0,
            lingering_time=0,
        )
        runner = web.ServerRunner(server, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = web.Response(status=await self._status(request))
        if answer.status == 405:
            answer.headers[hdrs.ALLOW] = hdrs.METH_POST
        if answer.status == 429:
            answer.headers[hdrs.RETRY_AFTER] = "1"
        answer.force_close()
        return answer

    async def _status(self, request: web.BaseRequest) -> int:
        """Take what a request says, and return the status of the answer."""
        path = request.path
        if path != WEBHOOK_PATH and (
            path.count("/") != 2 or not path.startswith(f"{WEBHOOK_PATH}/")
        ):
            return 404
        if request.method != hdrs.METH_POST:
            return 405
        last = path.removeprefix(WEBHOOK_PATH).removeprefix("/")
        if not self.secret.is_shown_by(request.headers.get(hdrs.AUTHORIZATION, ""), last):
            self.counts.refused += 1
            return 401
        status = 429 if not self._bucket.take() else await self._read(request)
        if status == 202:
            self.counts.taken += 1
        else:
            self.counts.turned_away += 1
        return status

    async def _read(self, request: web.BaseRequest) -> int:
        if (request.content_length or 0) > MOST_BYTES:
            return 413
        try:
            async with asyncio.timeout(self.body_seconds):
                events = events_in(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return 413
        except TimeoutError:
            return 408
        except (NotUnderstood, ConnectionError, web.RequestPayloadError):
            return 400
        if events:
            self.take(events)
        return 202


class _WebhookServer(web.Server):
    """A web server that bounds how many connections there are, and how long each may live."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], object],
        seconds: float,
        **options: object,
    ) -> None:
        super().__init__(handler, **options)  # type: ignore[arg-type]
        self._seconds = seconds
        self._ends: dict[RequestHandler, asyncio.TimerHandle] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        loop = asyncio.get_running_loop()
        over = len(self._ends) >= _MOST_CONNECTIONS
        self._ends[handler] = loop.call_later(0 if over else self._seconds, transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        end = self._ends.pop(handler, None)
        if end is not None:
            end.cancel()


def _listener(address: ListenAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise SystemRefused(
            f"listening on {address}: {error.strerror}", remedy="Listen on another port."
        ) from error
