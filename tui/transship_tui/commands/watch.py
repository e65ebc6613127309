"""`transship run --watch`: a plan that is carried out again and again, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from transship.text import safe
from transship_tui.commands.options import carried_out
from transship_tui.commands.output import INTERRUPTED, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transship.app import Application, PlanWatch, WatchOptions


def watch(app: Application, plan: str, options: WatchOptions) -> int:
    """Watch a plan until SIGTERM (exit status 0) or Ctrl-C (130)."""
    return carried_out(app, _watch(app, plan, options))


async def _watch(app: Application, plan: str, options: WatchOptions) -> int:
    async with app.watches.watching(plan, options, _tell) as watching:
        _introduce(watching)
        return await _until_told(watching)


async def _until_told(watching: PlanWatch) -> int:
    task = asyncio.ensure_future(watching.run())
    statuses: list[int] = []

    def end(status: int) -> None:
        statuses.append(status)
        task.cancel()

    with (
        _on(signal.SIGTERM, lambda: end(0)),
        _on(signal.SIGINT, lambda: end(INTERRUPTED)),
        suppress(asyncio.CancelledError),
    ):
        await task
    if watching.jobs:
        say(f"jobs that go on by themselves: {', '.join(watching.jobs)}")
    say("the watch has ended")
    return statuses[0] if statuses else 0


def _introduce(watching: PlanWatch) -> None:
    say(f"watching {safe(str(watching.path))}: {watching.schedule}")
    if watching.address is None:
        return
    say(f"notifications go to {watching.url}, with the shared secret as the")
    say(f"Authorization header (Bearer or plain), or as {watching.url}/SECRET")
    if not watching.address.is_loopback:
        say("others can reach that address, and it is plain http: put a proxy with TLS before it")


def _tell(line: str) -> None:
    say(f"{datetime.now().astimezone():%m-%d %H:%M:%S}  {safe(line)}")


@contextmanager
def _on(number: signal.Signals, act: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
