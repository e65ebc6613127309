from __future__ import annotations

from typing import Any

from transship.sandbox.registry_server import SandboxPace


async def test_bytes_pass_at_the_rate(clock: Any) -> None:
    pace = SandboxPace(1000, clock)

    for _ in range(4):
        await pace.spend(500)

    assert sum(clock.waited) == 2


async def test_an_idle_time_is_not_made_up_for(clock: Any) -> None:
    pace = SandboxPace(1000, clock)
    await pace.spend(500)
    clock.time += 60

    await pace.spend(500)

    assert clock.waited == [0.5, 0.5]


async def test_without_a_rate_nobody_waits(clock: Any) -> None:
    await SandboxPace(None, clock).spend(10**12)

    assert clock.waited == []
