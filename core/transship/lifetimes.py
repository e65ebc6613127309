"""What runs while it is entered, and how tasks end with whoever began them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self


class Runs(ABC):
    """Something that runs while it is entered: `async with it`. It may be entered again later."""

    __slots__ = ("_running",)
    _running: AsyncExitStack

    @abstractmethod
    async def _start(self, stack: AsyncExitStack) -> None:
        """Start all of it, and put on the stack what ends it; that is done if starting fails."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._running = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._running.aclose()


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and return once all of them have ended, however they did."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def heed_cancellation() -> None:
    """Raise CancelledError if the task was cancelled and what it has just awaited kept that back.

    `asyncio.wait_for`, by which dnspython waits, does so before Python 3.12 when what it waits for
    ends at the same moment. A loop that asks again and again would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
