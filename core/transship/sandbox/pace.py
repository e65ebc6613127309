"""Slow motion: what makes a transfer on loopback long enough to be watched."""

from __future__ import annotations

from transship.clock import Clock


class Pace:
    """Lets bytes pass at a steady rate, which all who spend share.

    `bytes_per_second` of None lets everything pass at once.
    """

    def __init__(self, bytes_per_second: float | None, clock: Clock) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = 0.0

    async def spend(self, count: int) -> None:
        """Wait until `count` more bytes may have passed."""
        if self._rate is None:
            return
        now = self._clock.monotonic()
        self._free_at = max(self._free_at, now) + count / self._rate
        await self._clock.sleep(self._free_at - now)
