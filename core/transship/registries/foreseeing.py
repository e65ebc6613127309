"""What a target says of itself before anything is written to it.

Only what can be read is asked for: nothing here needs, or asks for, a right to write. A registry
that is no known service says nothing, and isn't asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, runtime_checkable

from transship.errors import TransshipError

_T = TypeVar("_T")

Writes = Mapping[str, bool]
"""The repositories that are to be written to, each with whether a tag that it has is to move."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What must be there before a repository can be written to, and isn't.

    `kind` is the service's own word for it (`project`, `repository`); `hidden` says that the
    service shows what the account may not see in the same way, `perhaps` that a push may make it
    after all: that refuses nothing.
    """

    kind: str
    name: str
    hidden: bool = False
    perhaps: bool = False

    def __str__(self) -> str:
        hidden = ", or is hidden from this account" if self.hidden else ""
        return f"the {self.kind} {self.name} isn't there{hidden}"


@dataclass(frozen=True, slots=True)
class Immutable:
    """Tags that can't be made to point at something else. `rule` says in words what makes them."""

    rule: str
    covers: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one repository that is to be written to.

    `read_only` says in words why nothing can be written to it, `immutable` which of its tags can't
    be moved.
    """

    missing: Missing | None = None
    read_only: str = ""
    immutable: tuple[Immutable, ...] = ()

    def pinned_by(self, tag: str) -> str:
        """Return, in words, what keeps a tag as it is; nothing if nothing does."""
        return next((each.rule for each in self.immutable if each.covers(tag)), "")


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a target didn't say: `what` in words, of whom (empty: of all of it), and why not."""

    what: str
    of: str
    why: TransshipError


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one target says of some repositories, by their names, and what it didn't say."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    unknown: tuple[Unknown, ...] = ()


@runtime_checkable
class Foreseer(Protocol):
    """Asks one target what it says of itself. Lives for one look at a plan."""

    async def look(self, writes: Writes) -> Outlook:
        """Return what is known of the repositories that are to be written to.

        Nothing is asked twice, in later looks neither. What can't be asked is named as unknown, or
        raised.
        """


@runtime_checkable
class Foreseeable(Protocol):
    """A place that may say something of itself before it is written to."""

    def foreseer(self) -> Foreseer | None:
        """Return who asks it, None when it has nothing to say."""


class Asked(Generic[_T]):
    """Answers by what was asked: each question goes out once, also where it fails.

    With `gives_up` a failure is the answer to every question after it.
    """

    def __init__(self, *, gives_up: bool = False) -> None:
        self._gives_up = gives_up
        self._failed: TransshipError | None = None
        self._known: dict[str, _T | TransshipError] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def once(self, question: str, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Return the answer to a question. Raises what asking for it came to."""
        async with self._asking.setdefault(question, asyncio.Lock()):
            if question not in self._known:
                self._known[question] = self._failed or await self._answer(ask)
        found = self._known[question]
        if isinstance(found, TransshipError):
            raise found
        return found

    async def _answer(self, ask: Callable[[], Awaitable[_T]]) -> _T | TransshipError:
        try:
            return await ask()
        except TransshipError as error:
            if self._gives_up:
                self._failed = error
            return error
