"""The two editions of Alibaba Cloud's registry, which have an API each.

The Personal Edition is one registry for a region; an instance of the Enterprise Edition is one of
its own. What both can be asked is the same: `Edition`.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from transship import errors
from transship.registries.credential import Credential, Login, seconds_until
from transship.registries.visibility import Visibility

PAGE = 100
"""The most that both APIs give at once."""

_LIFE_SECONDS = 3600.0

_T = TypeVar("_T")

Page = tuple[Sequence[_T], int]
"""The entries of a page, and how many there are in all."""

TYPES = {Visibility.PRIVATE: "PRIVATE", Visibility.PUBLIC: "PUBLIC"}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace. With `makes_repositories` a push makes the repository that it goes to."""

    name: str
    makes_repositories: bool


def login_until(username: str, token: str, milliseconds: int) -> Login:
    """Return a login that ends so many milliseconds after the epoch."""
    seconds = seconds_until(milliseconds / 1000, _LIFE_SECONDS)
    return Login(Credential(username, token), seconds)


async def paged(page: Callable[[int], Awaitable[Page[_T]]], what: str) -> AsyncIterator[_T]:
    """Give what is listed, page by page from 1, until as many have come as there are said to be.

    Raises ListIncomplete, which says `what` is listed, when there is an empty page before that.
    """
    came = 0
    for number in itertools.count(1):
        entries, total = await page(number)
        for each in entries:
            yield each
        came += len(entries)
        if came >= total:
            return
        if not entries:
            raise errors.ListIncomplete(f"{what}: {came:,} of {total:,} came")


class Edition(Protocol):
    """What an edition's API is asked. All may raise the errors of `asking.asked`."""

    components: int
    """How many components the name of a repository may have; 0 for no bound."""

    def namespaces(self) -> AsyncIterator[str]:
        """Give the names of the namespaces that the keys see."""

    def repositories(self, namespace: str) -> AsyncIterator[str]:
        """Give the names of the repositories in a namespace, without it."""

    async def namespace(self, name: str) -> Namespace | None:
        """Return a namespace, None when it isn't there."""

    async def has_repository(self, namespace: str, name: str) -> bool:
        """Tell whether a repository is there."""

    async def create_namespace(self, name: str, visibility: Visibility) -> None:
        """Make a namespace in which a push makes repositories, of this visibility."""

    async def create_repository(self, namespace: str, name: str, visibility: Visibility) -> None:
        """Make a repository."""

    async def login(self) -> Login:
        """Return a login to the registry, for an hour."""
