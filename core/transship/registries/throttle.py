"""So many bytes per second at one registry, over all that reads and writes there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from transship.clock import Clock

_SAVED_SECONDS = 0.25
"""How much of what wasn't used may be used later: what a busy machine is late by."""

_LOOK_SECONDS = 0.25
"""How soon whoever waits takes notice of another rate."""

_NOTHING = 0.5
"""What of a byte isn't worth waiting for; it is missing the next time."""

_PARTS_PER_SECOND = 20
_SMALLEST_PART = 1024
_LARGEST_PART = 256 * 1024


class Throttle:
    """A token bucket that fills at `rate` bytes per second; without a rate everything passes.

    Those that wait take turns, a small part of what they have at a time, so that all get on alike.
    """

    def __init__(self, clock: Clock, rate: int | None = None) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = 0.0
        self._filled_at = clock.monotonic()
        self._turn = asyncio.Lock()
        self._stop: Exception | None = None

    @property
    def part(self) -> int:
        """How many bytes pass at a time."""
        rate = self.rate or 0
        return max(_SMALLEST_PART, min(rate // _PARTS_PER_SECOND, _LARGEST_PART))

    @property
    def read_ahead(self) -> int | None:
        """How many bytes may be read before they can pass; None where that doesn't matter."""
        return None if self.rate is None else self.part

    def stop(self, error: Exception) -> None:
        """Raise `error` where somebody waits, now and later."""
        self._stop = error

    async def passed(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the pieces as fast as they may pass, in parts."""
        paid = 0
        try:
            async for piece in pieces:
                begins = 0
                while self.rate is not None and begins < len(piece):
                    if paid == 0:
                        paid = self.part  # Always as much, so that small pieces lose nothing.
                        await self.take(paid)
                    part = piece[begins : begins + paid]
                    paid -= len(part)
                    begins += len(part)
                    yield part
                if begins < len(piece):
                    yield piece[begins:] if begins else piece
        finally:
            self._tokens += paid

    async def spend(self, count: int) -> None:
        """Wait until `count` bytes that have come already may pass, in parts like all others."""
        while self.rate is not None and count > 0:
            part = min(count, self.part)
            await self.take(part)
            count -= part

    async def take(self, count: int) -> None:
        """Wait until `count` bytes may pass. Raises what `stop` was given."""
        async with self._turn:
            while (rate := self.rate) is not None:
                missing = count - self._fill(rate, count)
                if missing < _NOTHING:
                    self._tokens -= count
                    return
                if self._stop is not None:
                    raise self._stop
                await self._clock.sleep(min(missing / rate, _LOOK_SECONDS))

    def _fill(self, rate: int, count: int) -> float:
        now = self._clock.monotonic()
        most = max(rate * _SAVED_SECONDS, float(count))
        self._tokens = min(most, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        return self._tokens
