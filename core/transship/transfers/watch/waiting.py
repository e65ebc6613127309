"""Waiting for a time by the clock on the wall, or until somebody calls."""

from __future__ import annotations

import asyncio

from transship.clock import Clock
from transship.lifetimes import end

_SLICE_SECONDS = 60.0
"""How long to sleep before the clock is read again: it may have been set, or the machine slept."""


async def until(clock: Clock, due: float | None, woken: asyncio.Event | None = None) -> None:
    """Wait for a time, in seconds since the epoch, or until somebody is `woken`.

    None is a time that never comes.
    """
    woken = woken or asyncio.Event()
    if due is None:
        await woken.wait()
        return
    while not woken.is_set() and (left := due - clock.now()) > 0:
        sleep = asyncio.ensure_future(clock.sleep(min(_SLICE_SECONDS, left)))
        waits = {sleep, asyncio.ensure_future(woken.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(*waits)
