"""Reads a login again where its secret is kept, when a registry doesn't take it any more.

A job may run longer than a secret lives: docker's credential helpers give out some that end after
hours, and operators change theirs. Who keeps secrets is asked in a process of its own, because a
transfer knows no accounts; what it says comes through a pipe.
"""

from __future__ import annotations

import asyncio
import math
import os
import sys

import msgspec

from transship.clock import Clock
from transship.registries.access import without_secrets
from transship.registries.credential import Credential, Login

_SECONDS = 60.0
"""How long it may take: a keyring may have to be woken, a helper may ask its cloud."""

_BELIEVED_SECONDS = 10.0
"""For so long what was read is the answer to all who ask: fifty may meet the same refusal."""


class Renewal:
    """Reads the login of a place again. `place` is `HOST[/REPOSITORY]`, `before` what it was."""

    def __init__(self, place: str, before: Credential, clock: Clock) -> None:
        self._place = place
        self._known = before
        self._clock = clock
        self._read_at = -math.inf

    async def __call__(self) -> Login:
        """Return the login that is kept now: the one before, where none can be read."""
        now = self._clock.monotonic()
        if now - self._read_at >= _BELIEVED_SECONDS:
            self._read_at = now
            self._known = await _kept(self._place) or self._known
        return Login(self._known, math.inf)


async def _kept(place: str) -> Credential | None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "transship.accounts",
        place,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=without_secrets(os.environ),
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
        return msgspec.json.decode(said, type=Credential | None)
    except (TimeoutError, msgspec.MsgspecError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
