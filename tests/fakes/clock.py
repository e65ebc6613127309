"""A clock that moves only when somebody waits for it, or when it is told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class FakeClock:
    """Time for tests. Waiting takes no time and moves the clock on; `slept` lists the waits."""

    wall: float = 1_790_000_000.0
    ticks: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.wall + self.ticks

    def monotonic(self) -> float:
        return self.ticks

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self.ticks += seconds
