"""A host that is asked in small requests and is no registry: the API of a cloud, a catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.registry.credential import Tls
from transship.registry.http.address import is_loopback
from transship.registry.http.answer import JSON_LIMIT, Answer
from transship.registry.http.client import Transport
from transship.registry.http.exchange_log import Recorder
from transship.registry.http.rate_limiter import INTERACTIVE, RetryState
from transship.registry.service import ApiKeys, ApiRequest, JudgeAnswer, MakeRequest


class Endpoint:
    """What is at `host[:port]`. Redirects aren't followed: nothing goes to another host.

    As everywhere, only this machine's own hosts are spoken to by plain http without being told.
    """

    def __init__(self, host: str, tls: Tls, clock: Clock, recorder: Recorder | None = None) -> None:
        self.host = host
        self._clock = clock
        self._transport = Transport(host, tls, recorder=recorder)
        self._scheme = "http" if tls.plain_http else "https"
        self._turns: dict[str, asyncio.Lock] = {}
        self._next_at: dict[str, float] = {}
        self._reached = False

    async def ask(
        self,
        make: Callable[[float], ApiRequest],
        judge: JudgeAnswer,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
        limit: int = JSON_LIMIT,
    ) -> Answer:
        """Send what `make` makes, at most so often; return the answer that `judge` is fine with.

        All that is `counted` under one name counts there. It is made anew, at a time in seconds
        since the epoch, and sent again while what it came to may pass; what never `repeats` only
        where that is RateLimited. Raises what it came to, which `judge` says of an answer.
        """
        retrying = RetryState(INTERACTIVE, self._clock, reached=self._reached)
        while True:
            await self._wait(per_second, counted)
            try:
                answer = await self._sent(make(self._clock.now()), limit)
                failure = judge(answer)
                if failure is None:
                    return answer
            except TransshipError as error:
                failure = error
            again = repeats or isinstance(failure, errors.RateLimited)
            pause = retrying.pause_after(failure) if again else None
            if pause is None:
                raise failure
            await self._clock.sleep(pause)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _sent(self, request: ApiRequest, limit: int) -> Answer:
        try:
            answer = await self._once(request, limit)
        except (errors.PlainHttp, errors.ConnectionLost):
            if self._reached or self._scheme == "http" or not is_loopback(self.host):
                raise
            self._scheme = "http"
            answer = await self._once(request, limit)
        self._reached = True
        return answer

    async def _once(self, request: ApiRequest, limit: int) -> Answer:
        return await self._transport.request(
            request.method,
            f"{self._scheme}://{self.host}{request.path}",
            headers=request.headers,
            content=request.content,
            limit=limit,
        )

    async def _wait(self, per_second: float, counted: str) -> None:
        """Wait for the next time at which such a request may go out."""
        if not per_second:
            return
        async with self._turns.setdefault(counted, asyncio.Lock()):
            pause = self._next_at.get(counted, 0.0) - self._clock.monotonic()
            if pause > 0:
                await self._clock.sleep(pause)
            self._next_at[counted] = self._clock.monotonic() + 1 / per_second


class CloudApi:
    """The API at `keys.host`, where there are keys."""

    def __init__(
        self, keys: ApiKeys | None, clock: Clock, recorder: Recorder | None = None
    ) -> None:
        self.keys = keys
        self._endpoint = Endpoint(keys.host, keys.tls, clock, recorder) if keys else None

    async def ask(
        self,
        make: MakeRequest,
        judge: JudgeAnswer,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Send what `make` makes of the keys, as `Endpoint.ask` does. Raises ApiKeysNeeded."""
        if self.keys is None or self._endpoint is None:
            raise errors.ApiKeysNeeded("the API of the cloud")
        try:
            return await self._endpoint.ask(
                partial(make, self.keys),
                judge,
                per_second=per_second,
                counted=counted,
                repeats=repeats,
            )
        except errors.WrongCredential as error:
            error.sign_in_at = self.keys.host
            raise

    async def aclose(self) -> None:
        """Close all connections."""
        if self._endpoint is not None:
            await self._endpoint.aclose()
