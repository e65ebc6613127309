"""The protocol that every engine fills in: makes one change, and reads what is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from transship.delegates.changes import Change, Settings
from transship.registry.credential import Credential

Gives = Callable[[str], Awaitable[Credential]]
"""Returns the login of the account at a host, to be handed to an engine as the operator agreed.

Raises SignInNeeded when there is none, and what the place where secrets live raises.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is at an engine.

    `settings` have the fields that a change of this kind may ask for. `id` is what the engine calls
    it by, `status` the engine's own word for how it is (`CREATING`); empty when it has none.
    """

    settings: Settings
    id: str = ""
    status: str = ""


class Engine(Protocol):
    """A server-side engine at one host."""

    @property
    def name(self) -> str:
        """Which engine and where, as in `Harbor at harbor.example.com`."""

    async def read(self, kind: str, name: str) -> Found | None:
        """Return what is there, asked anew; None when it isn't. Raises what stands in the way."""

    async def make(self, change: Change, gives: Gives) -> None:
        """Make one change. Raises why it can't be made.

        What takes a while at the engine is only begun; `read` tells how it is.
        """
