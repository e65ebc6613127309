"""Work that would hold the app up for seconds, done beside it: in a thread, with its own loop."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Generic, ParamSpec, TypeVar, cast

_T = TypeVar("_T")
_P = ParamSpec("_P")

_TURN_SECONDS = 0.0005
"""How long a thread that only computes keeps the app from its turn; Python's own is ten times."""

_END_SECONDS = 5.0
"""How long what was given up may take to put its things away, before nobody waits any more."""

_NORMAL_SECONDS = sys.getswitchinterval()
_busy = 0
_home: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("home", default=None)
"""The app's loop, for what runs beside it."""


async def compute_in_thread(function: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
    """Call `function` in a thread, and return its result. The app goes on meanwhile."""
    with _quick_turns():
        return await asyncio.to_thread(function, *args, **options)


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Let threads take turns so often that nobody who types notices what else is done."""
    global _busy
    if not _busy:
        sys.setswitchinterval(_TURN_SECONDS)
    _busy += 1
    try:
        yield
    finally:
        _busy -= 1
        if not _busy:
            sys.setswitchinterval(_NORMAL_SECONDS)


async def run_in_thread(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run what `work` gives in a loop and a thread of its own, and return its result.

    Whoever stops waiting ends the work too. The thread is a daemon: it never holds up the end.
    """
    making = _ThreadLoop(work)
    making.start()
    return await making.result()


async def stream_from_thread(work: Callable[[], AsyncGenerator[_T]]) -> AsyncGenerator[_T]:
    """Give what `work` gives, which runs in a loop and a thread of its own.

    Whoever stops looking ends the work too, and goes on once that has put its things away.
    """
    here, given = asyncio.get_running_loop(), asyncio.Queue[object]()
    end = object()

    async def there() -> None:
        async with aclosing(work()) as items:
            async for each in items:
                # A loop that is closed waits for nothing.
                with suppress(RuntimeError):
                    here.call_soon_threadsafe(given.put_nowait, each)

    making = _ThreadLoop(there)
    making.start()
    running = asyncio.create_task(making.result())
    running.add_done_callback(lambda _: given.put_nowait(end))
    try:
        while (each := await given.get()) is not end:
            yield cast("_T", each)
        running.result()
    finally:
        making.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.wait([making.ended], timeout=_END_SECONDS)


async def run_in_home_loop(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run what `work` gives in the app's own loop, from beside it too."""
    home = _home.get()
    if home is None:
        return await work()
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), home))


class _ThreadLoop(Generic[_T]):
    def __init__(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> None:
        self._work = work
        self._here = asyncio.get_running_loop()
        self._done: asyncio.Future[_T] = self._here.create_future()
        self.ended: asyncio.Future[None] = self._here.create_future()
        self._there: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[_T] | None = None

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="beside").start()

    async def result(self) -> _T:
        try:
            with _quick_turns():
                return await self._done
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> None:
        self._done.cancel()
        if self._there is not None and self._task is not None:
            # A loop that is closed has nothing left to end.
            with suppress(RuntimeError):
                self._there.call_soon_threadsafe(self._task.cancel)

    async def _main(self) -> _T:
        _home.set(self._here)
        self._task = asyncio.ensure_future(self._work())
        self._there = asyncio.get_running_loop()
        if self._done.cancelled():
            self._task.cancel()
        try:
            return await self._task
        finally:
            self._tell(self.ended, self.ended.set_result, None)

    def _run(self) -> None:
        try:
            result = asyncio.run(self._main())
        except asyncio.CancelledError:
            self._tell(self._done, self._done.cancel, None)
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
            self._tell(self._done, self._done.set_exception, error)
        else:
            self._tell(self._done, self._done.set_result, result)

    def _tell(
        self, waiting: asyncio.Future[Any], give: Callable[[Any], object], value: object
    ) -> None:
        def deliver() -> None:
            if not waiting.done():
                give(value)

        # A loop that is closed waits for nothing.
        with suppress(RuntimeError):
            self._here.call_soon_threadsafe(deliver)
