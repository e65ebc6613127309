"""Listens for notifications, and lets in who knows the secret."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from transship.clock import Clock, SystemClock
from transship.errors import SystemRefused
from transship.lifetimes import Runs
from transship.webhooks.address import Address
from transship.webhooks.bucket import Bucket
from transship.webhooks.event import Event
from transship.webhooks.reading import NotUnderstood, events_in
from transship.webhooks.secret import SharedSecret

PATH = "/webhook"
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
class Counts:
    """What has come in so far."""

    taken: int = 0
    """Notifications that were understood."""
    refused: int = 0
    """Requests without the secret, or with another one."""
    turned_away: int = 0
    """Too many at once, too large, too slow, or no notification at all."""


@dataclass(slots=True)
class Receiver(Runs):
    """Takes notifications while it is entered: `async with Receiver(...) as receiver`.

    What they say goes to `take`, which returns at once. Nothing of a request is ever sent back,
    and none of it is logged. Entering raises SystemRefused when the address can't be had; after
    it, `address` has the port.
    """

    address: Address
    secret: SharedSecret
    take: Callable[[tuple[Event, ...]], None]
    clock: Clock = field(default_factory=SystemClock)
    counts: Counts = field(default_factory=Counts)
    body_seconds: float = _BODY_SECONDS
    connection_seconds: float = _CONNECTION_SECONDS
    _bucket: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self._bucket = Bucket(self.clock, most=_BURST, per_second=_PER_SECOND)

    async def _start(self, stack: AsyncExitStack) -> None:
        listener = stack.enter_context(_listener(self.address))
        self.address = Address(self.address.host, listener.getsockname()[1])
        server = _Server(
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
        if path != PATH and (path.count("/") != 2 or not path.startswith(f"{PATH}/")):
            return 404
        if request.method != hdrs.METH_POST:
            return 405
        last = path.removeprefix(PATH).removeprefix("/")
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


class _Server(web.Server):
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


def _listener(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise SystemRefused(
            f"listening on {address}: {error.strerror}", remedy="Listen on another port."
        ) from error
