"""Waiting for the next thing to happen on a connection, each time for so long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


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
