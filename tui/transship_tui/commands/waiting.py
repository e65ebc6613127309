"""A keyring whose silence is explained to who waits for it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from transship_tui.commands.output import is_screen, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.accounts.secrets import SecretStatus, SecretStore

_SILENCE_SECONDS = 1.0


class ExplainedStore:
    """A store of secrets that says on the terminal when it lets us wait."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""
        with _explained():
            return await self._store.get(host, username)

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret, in place of an earlier one."""
        with _explained():
            await self._store.set(host, username, secret)

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""
        with _explained():
            return await self._store.delete(host, username)

    async def probe(self) -> SecretStatus:
        """Return whether the store can be used now. Never raises."""
        with _explained():
            return await self._store.probe()


@contextmanager
def _explained() -> Iterator[None]:
    timer = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, _explain)
    try:
        yield
    finally:
        timer.cancel()


def _explain() -> None:
    if is_screen(sys.stderr):
        say("waiting for your keyring to unlock; it may be asking on another screen")
