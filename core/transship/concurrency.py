"""Several things at once, in order and without leftovers, that end with whoever began them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

_T = TypeVar("_T")
_U = TypeVar("_U")


async def each(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Await all at once and return the results in order.

    The first failure ends the others before it is raised, so that nothing goes on unseen.
    """
    items = list(work)
    if len(items) < 2:  # As most often, and then a task for it would cost more than it does.
        return [await item for item in items]
    async with _one_error(), asyncio.TaskGroup() as group:
        tasks = [group.create_task(item) for item in items]
    return [task.result() for task in tasks]


async def each_of(
    items: Iterable[_U], act: Callable[[_U], Awaitable[_T]], *, at_once: int
) -> list[_T]:
    """Do the same with every item, so many at once, and return the results in order.

    What waits for its turn costs nothing. The first failure ends the others before it is raised.
    """
    waiting = enumerate(items)
    results: dict[int, _T] = {}

    async def worker() -> None:
        for number, item in waiting:
            results[number] = await act(item)

    await each(worker() for _ in range(at_once))
    return [results[number] for number in range(len(results))]


async def in_order(
    items: Iterable[_U],
    act: Callable[[_U], Awaitable[_T]],
    take: Callable[[_T], object],
    *,
    at_once: int,
    ahead: int,
) -> None:
    """Do the same with every item, so many at once, and `take` each result as soon as it's due.

    Results are taken in the order of the items. At most `ahead` of them are under way or wait for
    one before them, so that it doesn't matter how many there are in all. The first failure ends
    the others before it is raised.
    """
    waiting = enumerate(items)
    results: dict[int, _T] = {}
    room = asyncio.Semaphore(ahead)
    due = 0

    async def worker() -> None:
        nonlocal due
        while True:
            await room.acquire()
            following = next(waiting, None)
            if following is None:
                room.release()
                return
            number, item = following
            results[number] = await act(item)
            while due in results:
                take(results.pop(due))
                due += 1
                room.release()

    await each(worker() for _ in range(at_once))


async def all_settled(work: Iterable[Awaitable[object]]) -> None:
    """Await all at once, let each come to its own end, then raise the first failure.

    For work that would be lost if it were ended because of something else.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def both(one: Coroutine[Any, Any, _T], other: Coroutine[Any, Any, _U]) -> tuple[_T, _U]:
    """Await two things at once. A failure of one ends the other before it is raised."""
    async with _one_error(), asyncio.TaskGroup() as group:
        first = group.create_task(one)
        second = await other
    return first.result(), second


class _one_error:  # noqa: N801 - reads as a word where it is used
    """Raise the first error of a group instead of the group."""

    async def __aenter__(self) -> None:
        """Begin."""

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
            if not isinstance(error, BaseExceptionGroup):
                raise error from None


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
