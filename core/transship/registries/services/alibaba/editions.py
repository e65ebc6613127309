"""The two editions of Alibaba Cloud's registry, which have an API each.

The Personal Edition is one registry for a region; an instance of the Enterprise Edition is one of
its own. What both can be asked is the same: `Edition`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from transship.registries.credential import Credential, Login
from transship.registries.services.api import Visibility

PAGE = 100
"""The most that both APIs give at once."""

_LIFE_SECONDS = 3600.0

TYPES = {Visibility.PRIVATE: "PRIVATE", Visibility.PUBLIC: "PUBLIC"}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace. With `makes_repositories` a push makes the repository that it goes to."""

    name: str
    makes_repositories: bool


def login_until(username: str, token: str, milliseconds: int) -> Login:
    """Return a login that ends so many milliseconds after the epoch.

    One that has ended already by this machine's clock is new, and lives for an hour.
    """
    left = milliseconds / 1000 - time.time()
    return Login(Credential(username, token), left if left > 0 else _LIFE_SECONDS)


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
