"""How often something may happen."""

from __future__ import annotations

from transship.clock import Clock


class Bucket:
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
