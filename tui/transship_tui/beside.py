"""Work that would hold the app up for seconds, done beside it: in a thread, with its own loop."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, ParamSpec, TypeVar

_T = TypeVar("_T")
_P = ParamSpec("_P")

_TURN_SECONDS = 0.0005
"""How long a thread that only computes keeps the app from its turn; Python's own is ten times."""

_NORMAL_SECONDS = sys.getswitchinterval()
_busy = 0


async def computed(function: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
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


async def beside(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run what `work` gives in a loop and a thread of its own, and return its result.

    Whoever stops waiting ends the work too. The thread is a daemon: it never holds up the end.
    """
    return await _Beside(work).result()


class _Beside(Generic[_T]):
    def __init__(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> None:
        self._work = work
        self._here = asyncio.get_running_loop()
        self._done: asyncio.Future[_T] = self._here.create_future()
        self._there: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[_T] | None = None

    async def result(self) -> _T:
        threading.Thread(target=self._run, daemon=True, name="beside").start()
        try:
            with _quick_turns():
                return await self._done
        except asyncio.CancelledError:
            self._cancel()
            raise

    def _cancel(self) -> None:
        if self._there is not None and self._task is not None:
            # A loop that is closed has nothing left to end.
            with suppress(RuntimeError):
                self._there.call_soon_threadsafe(self._task.cancel)

    async def _main(self) -> _T:
        self._task = asyncio.ensure_future(self._work())
        self._there = asyncio.get_running_loop()
        if self._done.cancelled():
            self._task.cancel()
        return await self._task

    def _run(self) -> None:
        try:
            result = asyncio.run(self._main())
        except asyncio.CancelledError:
            return
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
            self._tell(self._done.set_exception, error)
        else:
            self._tell(self._done.set_result, result)

    def _tell(self, give: Callable[[Any], None], value: object) -> None:
        # A loop that is closed waits for nothing.
        with suppress(RuntimeError):
            self._here.call_soon_threadsafe(self._deliver, give, value)

    def _deliver(self, give: Callable[[Any], None], value: object) -> None:
        if not self._done.done():
            give(value)
