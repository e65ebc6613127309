"""A proxy in front of a real registry, which does to chosen requests what networks do.

It passes the client's `Host` on, so the registry's absolute `Location` headers lead back through
the proxy. Bodies are passed on as they come and are never collected.
"""

from __future__ import annotations

import asyncio
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from servers.loopback import Cut, LoopbackServer, serving
from servers.process import LOOPBACK
from servers.wire import PIECE_BYTES, end_of_body, framed, read_head, response_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from servers.loopback import Exchange
    from servers.wire import Head

_POLL_SECONDS = 0.005
_STEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer in the registry's place, which never sees the request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class CutResponse:
    """Pass the head and `after` bytes of the body of the answer, then cut the connection."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class LoseResponse:
    """Let the registry do its work, and cut the connection in place of its answer."""


@dataclass(frozen=True, slots=True)
class CutRequest:
    """Pass the head and `after` bytes of the body of the request, then cut both connections."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class SwallowRequest:
    """Read the whole request, and cut the connection; the registry never sees anything of it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold the request until the test sets `release`; `held` is set once it is held.

    `answered`: False holds it before the registry sees it, True once the registry has answered.
    """

    answered: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before passing the request on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Throttle:
    """Pass bodies, in both directions, at no more than so many bytes per second."""

    bytes_per_second: float


Action = Answer | CutResponse | LoseResponse | CutRequest | SwallowRequest | Hold | Delay | Throttle


@dataclass
class Fault:
    """An action, and the requests that it strikes.

    `path`: a regular expression searched in path and query. `method`: None means any. `skip`: let
    so many matching requests pass first. `times`: strike so many, None means all. `struck`: how
    many were struck so far.
    """

    action: Action
    method: str | None = None
    path: str = ""
    times: int | None = 1
    skip: int = 0
    struck: int = 0

    def strikes(self, method: str, target: str) -> bool:
        """Tell whether this request is struck, and count it."""
        if self.method not in {None, method} or not re.search(self.path, target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.struck += 1
        return True


@dataclass
class ProxiedRequest:
    """A request that reached the proxy. `headers` have lower-case names and no Authorization.

    `status` is None until an answer begins. `sent` and `received` count the bytes of the bodies
    of the request and of the answer, as far as they were passed on.
    """

    method: str
    path: str
    headers: dict[str, str]
    authorization_scheme: str | None
    status: int | None = None
    sent: int = 0
    received: int = 0

    @property
    def has_authorization(self) -> bool:
        """Whether the request carried a login or a token."""
        return self.authorization_scheme is not None


class FaultProxy:
    """The proxy: its address, its rules, and every request that reached it."""

    def __init__(self, upstream_host: str) -> None:
        self.host = ""
        self.requests: list[ProxiedRequest] = []
        self.most_at_once = 0
        """How many requests were without an answer at the same time, at the most."""
        self._upstream = upstream_host.rsplit(":", 1)
        self._faults: list[Fault] = []
        self._listener: LoopbackServer | None = None

    @property
    def url(self) -> str:
        """The proxy's address as a URL."""
        return f"http://{self.host}"

    def add(self, fault: Fault) -> Fault:
        """Add a rule, and return it. Delays and throttles add up; of the others the first wins."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all rules and all requests."""
        self._faults.clear()
        self.requests.clear()

    def cut_connections(self) -> None:
        """Cut every connection that is open now."""
        assert self._listener is not None
        self._listener.cut_connections()

    def attach(self, listener: LoopbackServer) -> None:
        """Learn where the proxy listens."""
        self._listener = listener
        self.host = f"{LOOPBACK}:{listener.port}"

    async def handle(self, exchange: Exchange) -> None:
        """Do to one request what the rules say, and else pass it on."""
        request = _record(exchange.head)
        self.requests.append(request)
        unanswered = sum(request.status is None for request in self.requests)
        self.most_at_once = max(self.most_at_once, unanswered)
        treatment = self._treatment(request)
        await asyncio.sleep(treatment.delay)
        match treatment.action:
            case Answer(status, headers, body):
                request.status = status
                await exchange.answer(status, headers, body)
                return
            case SwallowRequest():
                await exchange.discard_body()
                raise Cut
            case Hold(answered=False) as hold:
                await _wait(hold)
        host, port = self._upstream
        reader, writer = await asyncio.open_connection(host, int(port), limit=4 * PIECE_BYTES)
        writer.transport.set_write_buffer_limits(0)
        try:
            await _Passage(self, exchange, request, treatment, reader, writer).run()
        finally:
            writer.transport.abort()

    def passed_on(self, head: Head) -> bytes:
        """Return the head of a request as it is passed on: for who stands in for a service."""
        return head.raw

    def answered(self, request: ProxiedRequest, head: Head) -> bytes:
        """Return the head of an answer as it is passed on: for who stands in for a service."""
        return head.raw

    def _treatment(self, request: ProxiedRequest) -> _Treatment:
        treatment = _Treatment()
        for fault in self._faults:
            slows = isinstance(fault.action, Delay | Throttle)
            if treatment.action is not None and not slows:
                continue
            if fault.strikes(request.method, request.path):
                treatment.take(fault.action)
        return treatment


@contextmanager
def fault_proxy(upstream_host: str) -> Iterator[FaultProxy]:
    """Run a proxy in front of the plain-http registry at `upstream_host` (`host:port`)."""
    proxy = FaultProxy(upstream_host)
    with serving(proxy.handle) as listener:
        proxy.attach(listener)
        yield proxy


@dataclass
class _Treatment:
    """What is to be done to one request."""

    action: Action | None = None
    delay: float = 0.0
    rate: float = float("inf")

    def take(self, action: Action) -> None:
        match action:
            case Delay(seconds):
                self.delay += seconds
            case Throttle(bytes_per_second):
                self.rate = min(self.rate, bytes_per_second)
            case _:
                self.action = action

    async def pieces(self, body: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
        """Yield `body`, or its first `limit` bytes, at no more than `rate` bytes per second."""
        left = float("inf") if limit is None else limit
        most = int(max(1, min(PIECE_BYTES, self.rate * _STEP_SECONDS)))
        if left <= 0:
            return
        async for whole in body:
            for start in range(0, len(whole), most):
                piece = whole[start : start + int(min(most, left))]
                left -= len(piece)
                await asyncio.sleep(len(piece) / self.rate)
                yield piece
                if left <= 0:
                    return


@dataclass
class _Passage:
    """One request on its way to the registry, and the answer on its way back."""

    proxy: FaultProxy
    exchange: Exchange
    request: ProxiedRequest
    treatment: _Treatment
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    hung_up: bool = False

    async def run(self) -> None:
        lost = False
        try:
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(self._pass_request())
                both_ways.create_task(self._pass_answer())
        except* ConnectionError:
            lost = True
        if lost:
            raise Cut

    async def _pass_request(self) -> None:
        head, action = self.exchange.head, self.treatment.action
        limit = action.after if isinstance(action, CutRequest) else None
        await self._send(self.proxy.passed_on(head))
        async for piece in self.treatment.pieces(self.exchange.body, limit):
            await self._send(framed(piece, head))
            self.request.sent += len(piece)
        if limit is not None:
            raise Cut
        await self._send(end_of_body(head))

    async def _send(self, data: bytes) -> None:
        """Send to the registry, until it hangs up: its early answer still has to be passed on."""
        if self.hung_up:
            return
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            self.hung_up = True

    async def _pass_answer(self) -> None:
        head, action = await self._answer_head(), self.treatment.action
        if isinstance(action, LoseResponse):
            raise Cut
        if isinstance(action, Hold) and action.answered:
            await _wait(action)
        self.request.status = int(head.start[1])
        self.exchange.last |= head.closes
        await self.exchange.send(self.proxy.answered(self.request, head))
        limit = action.after if isinstance(action, CutResponse) else None
        body = response_body(self.reader, head, self.request.method)
        async for piece in self.treatment.pieces(body, limit):
            self.request.received += len(piece)
            await self.exchange.send(framed(piece, head))
        if limit is not None:
            raise Cut
        if self.request.method != "HEAD":
            await self.exchange.send(end_of_body(head))

    async def _answer_head(self) -> Head:
        """Read the head of the answer; pass on what only announces it, such as 100 Continue."""
        while (head := await read_head(self.reader)) is not None:
            if not head.start[1].startswith("1"):
                return head
            await self.exchange.send(head.raw)
        raise Cut


def _record(head: Head) -> ProxiedRequest:
    method, path, _ = head.start
    headers = {name.lower(): value for name, value in head.headers}
    authorization = headers.pop("authorization", None)
    scheme = None if authorization is None else authorization.partition(" ")[0]
    return ProxiedRequest(method, path, headers, scheme)


async def _wait(hold: Hold) -> None:
    hold.held.set()
    while not hold.release.is_set():
        await asyncio.sleep(_POLL_SECONDS)
