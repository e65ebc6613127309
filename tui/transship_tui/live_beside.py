"""The part of the engine at work that does beside the app what would hold it up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from transship.registry.access import Access
from transship.registry.registry import Registry
from transship_tui.beside import beside, streamed

_T = TypeVar("_T")
Places = dict[str, tuple[Access, Registry]]
"""Open places by their hosts, each with what it was opened with."""


@dataclass(frozen=True, slots=True)
class OwnPlaces:
    """What work beside the app has opened; all of it is open until the work ends.

    `stack` closes also those that `places` has others in the stead of.
    """

    stack: AsyncExitStack
    places: Places = field(default_factory=dict)


class LiveBeside:
    """Connections belong to one loop, so work beside the app opens, and closes, its own."""

    _own_places: ContextVar[OwnPlaces | None] = ContextVar("own places", default=None)

    async def _giving(self, work: Callable[[], AsyncGenerator[_T]]) -> AsyncGenerator[_T]:
        """Give what `work` gives, beside the app."""

        async def opened() -> AsyncGenerator[_T]:
            async with self._with_own_places(), aclosing(work()) as items:
                async for each in items:
                    yield each

        async with aclosing(streamed(opened)) as items:
            async for each in items:
                yield each

    async def _doing(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Return what comes of `work`, done beside the app."""

        async def opened() -> _T:
            async with self._with_own_places():
                return await work()

        return await beside(opened)

    @asynccontextmanager
    async def _with_own_places(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            self._own_places.set(OwnPlaces(stack))
            yield
