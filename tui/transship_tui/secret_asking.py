"""Asks the operator for secrets that aren't kept: one dialog at a time, one for each registry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from transship.errors import SecretMissing

if TYPE_CHECKING:
    from textual.app import App

    from transship.app.application import Application


class SecretAsking:
    """Asks in front of whatever screen is there. `engine` signs in.

    The question comes by itself. `pause` waits until nobody types, so that no key is taken from
    what is in front.
    """

    def __init__(
        self, app: App[None], engine: Application, pause: Callable[[], Awaitable[None]]
    ) -> None:
        self._app = app
        self._engine = engine
        self._pause = pause
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, error: SecretMissing) -> bool:
        """Ask for a secret; tell whether there is one now. Who asks meanwhile gets the answer."""
        known = self._asked.get(error.host)
        if known is not None:
            return await asyncio.shield(known)
        answer = self._asked[error.host] = asyncio.get_running_loop().create_future()
        try:
            async with self._one_at_a_time:
                await self._pause()
                self._show(error, answer)
                return await asyncio.shield(answer)
        finally:
            self._asked.pop(error.host, None)
            if not answer.done():
                answer.set_result(False)

    def _show(self, error: SecretMissing, answer: asyncio.Future[bool]) -> None:
        from transship_tui.dialogs.secret import SecretDialog

        account = next((a for a in self._engine.registries.all() if a.host == error.host), None)
        if account is None:
            answer.set_result(False)
            return

        def answered(signed_in: bool | None) -> None:
            if not answer.done():
                answer.set_result(bool(signed_in))

        self._app.push_screen(SecretDialog(self._engine, account, error.detail), answered)
