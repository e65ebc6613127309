"""Keys that are typed faster than the app follows reach what they were typed for.

Textual hands every key to what has the focus at that moment, though the key before may still be on
its way to what will move the focus. Over SSH a whole burst comes at once: of `/web` all but the
first letter would be taken for commands. Here each key waits until the one before has been acted
upon.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App, ScreenStackError
from textual.events import Event

PAUSE = 0.4
"""Seconds without a key after which what is typed next is meant for what is in front then."""

_SECONDS_BETWEEN_LOOKS = 0.002
_MOST_LOOKS = 1500
"""An app that is never at rest still gets its keys, after some seconds."""


class TypeAhead:
    """Gives an app one key, or one paste, after the other; `give` is what takes it."""

    def __init__(self, app: App[Any], give: Callable[[Event], Awaitable[None]]) -> None:
        self._app = app
        self._give = give
        self._held: deque[Event] = deque()
        self._under_way = False
        self._looks = 0
        self._last = -PAUSE

    async def pause(self) -> None:
        """Wait until nobody types: what comes by itself then takes no key from what is in front."""
        loop = asyncio.get_running_loop()
        while self._under_way or loop.time() - self._last < PAUSE:  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(PAUSE / 8)

    @property
    def is_empty(self) -> bool:
        """Whether all that was typed has been acted upon."""
        return not self._under_way

    async def take(self, event: Event) -> None:
        """Give the event now, or when those before it have been acted upon."""
        self._last = asyncio.get_running_loop().time()
        if self._under_way:
            self._held.append(event)
        else:
            await self._begin(event)

    async def _begin(self, event: Event) -> None:
        self._under_way = True
        self._looks = 0
        await self._give(event)
        self._wait()

    def _wait(self) -> None:
        # Not with a timer of the app's: while the app deals with one message it holds the next
        # in its hands, where nobody sees it.
        asyncio.get_running_loop().call_later(_SECONDS_BETWEEN_LOOKS, self._look)

    def _look(self) -> None:
        if not self._app.is_running:
            return
        self._looks += 1
        if self._looks < _MOST_LOOKS and not at_rest(self._app):
            self._wait()
        elif self._held:
            self._app.call_later(self._begin, self._held.popleft())
        else:
            self._under_way = False


def at_rest(app: App[Any]) -> bool:
    """Tell whether the screen in front is there, and nothing on it has a message to deal with."""
    try:
        screen = app.screen
    except ScreenStackError:
        return False
    widgets = (screen, *screen.walk_children())
    return screen.is_mounted and not any(node.message_queue_size for node in (app, *widgets))
