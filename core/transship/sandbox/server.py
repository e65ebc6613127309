"""A small registry on loopback (OCI distribution spec 1.1).

It is honest rather than complete: what it answers, it answers as the specification says, and it
checks what it is given as a registry does, so that what works here works elsewhere.
"""

from __future__ import annotations

import logging
import socket
import sqlite3
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

from transship.clock import Clock, SystemClock
from transship.concurrency import Runs
from transship.oci.reference import is_repository
from transship.sandbox.answers import Code, Refusal
from transship.sandbox.contents import BlobAnswer, Contents
from transship.sandbox.pace import Pace
from transship.sandbox.realm import REALM, Realm
from transship.sandbox.sessions import Sessions
from transship.sandbox.store import Store
from transship.sandbox.tokens import Tokens
from transship.sandbox.uploads import Uploads

LOOPBACK = "127.0.0.1"

_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class LoggedRequest:
    """One request: what was asked and how it went.

    `path` and `query` are decoded. `status` is 0 while it is being answered. `received` and
    `sent` count bytes of bodies.
    """

    method: str
    path: str
    query: str = ""
    status: int = 0
    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a registry listens: `port` 0 takes a free one. With `tls` it speaks https.

    A `listener` listens there already; it is whose who has made it.
    """

    address: str = LOOPBACK
    port: int = 0
    tls: ssl.SSLContext | None = None
    listener: socket.socket | None = None


class SandboxRegistry(Runs):
    """A registry that runs while it is entered: `async with SandboxRegistry(folder) as registry`.

    All it holds is in `folder` and is there again when it is entered the next time. It listens at
    `door`, which may be another one each time. `users` are passwords by user name and make it ask
    for Bearer tokens, which hold for `token_lifetime` seconds; without users everything is open to
    everybody. `bytes_per_second` slows blobs down, both ways together. `chunk_minimum` and
    `page_limit` are what it takes of chunks (bytes) and gives of lists (entries).
    """

    def __init__(
        self,
        folder: Path,
        *,
        door: Door | None = None,
        users: Mapping[str, str] | None = None,
        token_lifetime: float = 300,
        bytes_per_second: float | None = None,
        chunk_minimum: int = 0,
        page_limit: int = 100,
        clock: Clock | None = None,
    ) -> None:
        self.host = ""
        self.requests: deque[LoggedRequest] = deque(maxlen=100_000)
        self.folder = folder
        self.door = door or Door()
        clock = clock or SystemClock()
        self._tokens = Tokens(users, token_lifetime, clock) if users else None
        self._pace = Pace(bytes_per_second, clock)
        self._chunk_minimum = chunk_minimum
        self._page_limit = page_limit
        self._realm: Realm | None = None

    async def _start(self, stack: AsyncExitStack) -> None:
        self.store = Store(self.folder)
        stack.callback(self.store.close)
        listener = self.door.listener
        if listener is None:
            listener = socket.create_server((self.door.address, self.door.port))
            stack.callback(listener.close)
        self.host = f"{self.door.address}:{listener.getsockname()[1]}"
        runner = web.AppRunner(
            self._application(),
            logger=_LOG,
            access_log=None,
            auto_decompress=False,
            shutdown_timeout=1,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener, ssl_context=self.door.tls).start()

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._log_request])
        app.on_response_prepare.append(_name_api)
        app.add_routes(Contents(self.store, self._pace, self._page_limit).routes())
        sessions = Sessions(self.folder / "uploads")
        app.add_routes(Uploads(self.store, sessions, self._pace, self._chunk_minimum).routes())
        if self._tokens:
            self._realm = Realm(self._tokens)
            app.add_routes(self._realm.routes())
        return app

    @web.middleware
    async def _log_request(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        entry = LoggedRequest(request.method, request.path, request.query_string)
        self.requests.append(entry)
        answer = await self._answer(request, handler)
        entry.status = answer.status
        entry.received = request.content.total_bytes
        if isinstance(answer, BlobAnswer):
            entry.sent = answer.sent
        elif isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            entry.sent = len(answer.body) if request.method != hdrs.METH_HEAD else 0
        return answer

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer a request, whatever it is and however it ends."""
        try:
            self._admit(request)
            return await handler(request)
        except Refusal as refusal:
            return refusal.answer()
        except web.HTTPException as error:
            answer = Refusal(Code.UNSUPPORTED, status=error.status).answer()
            if hdrs.ALLOW in error.headers:
                answer.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
            return answer
        except (ConnectionError, web.RequestPayloadError):
            return Refusal(Code.SIZE_INVALID, "the body ended early").answer()
        except (OSError, sqlite3.Error):
            _LOG.exception("%s %s", request.method, request.path)
            return web.Response(status=500, text="the registry's storage failed")

    def _admit(self, request: web.Request) -> None:
        name = request.match_info.get("name")
        if name is not None and not is_repository(name):
            raise Refusal(Code.NAME_INVALID, {"name": name})
        if self._realm and request.path != REALM:
            self._realm.admit(request)


async def _name_api(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
