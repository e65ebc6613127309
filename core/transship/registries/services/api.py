"""What a service's own API can do for an account: the one protocol that a service's file fills in.

`Service.api` opens the API of one registry. What it returns is a `Foreseer`, a `Lister`, a
`Creator`, a `SignsIn`, or several of them: exactly those that the service has something for, and
who uses it asks with `isinstance`. All of them ask through `Ask`, which knows the credential and
sends it nowhere but to the registry, its token server and the hosts in `Service.api_hosts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from transship.errors import TransshipError, UnexpectedAnswer
from transship.registries.answers import Answer
from transship.registries.credential import Credential, Login, Tls
from transship.registries.foreseeing import Missing


class Visibility(StrEnum):
    """Who may pull what is in something that is created."""

    PRIVATE = "private"
    """Who is given the right."""
    PUBLIC = "public"
    """Everyone."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a credential makes of one request: its Authorization field, or its JSON body."""

    authorization: str = field(default="", repr=False)
    body: object = field(default=None, repr=False)


Sign = Callable[[Credential], Signed]
"""How an API is signed in to, where that isn't Basic."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """All below a path, which is there and can't be listed, and why."""

    path: str
    why: TransshipError


@dataclass(frozen=True, slots=True)
class Keys:
    """The account of a cloud's API, which is another than the registry's own.

    `host` is `host[:port]` of the API. They go to that host and nowhere else.
    """

    host: str
    credential: Credential
    tls: Tls


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API of a cloud, as it goes out. `path` has its query."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


Make = Callable[[Keys, float], Request]
"""Makes a request with the keys, at a time in seconds since the epoch."""

Judge = Callable[[Answer], TransshipError | None]
"""Says what an answer stands for, None when it is a success."""


class Ask(Protocol):
    """Asks the service's own API as the account.

    A path is meant at the registry; a whole address may be at its token server, or at one of the
    service's `api_hosts`. Anywhere else nothing is sent.
    """

    async def __call__(
        self,
        path: str,
        *,
        missing: type[TransshipError] = UnexpectedAnswer,
        post: object = None,
        put: object = None,
        form: Mapping[str, str] | None = None,
        bearer: str = "",
        sign: Sign | None = None,
    ) -> Answer:
        """Return the answer, which is a success. Raises `missing` for 404, or another error.

        With `post` that is sent as JSON, with POST, with `put` likewise; else it is a GET, unless
        `sign` makes a body.
        The password goes as Basic, unless there is a token (`bearer`) or `sign` says how. A `form`
        is posted with no password: all that it needs is in it.
        """

    async def realm(self) -> str:
        """Return the address of the registry's token server, empty when it has none."""

    def credential(self) -> Credential:
        """Return what the registry is signed in to with. Raises SignInNeeded without one."""

    def keys(self) -> Keys:
        """Return the account of the cloud's API. Raises ApiKeysNeeded when there is none."""

    async def cloud(
        self,
        make: Make,
        judge: Judge,
        *,
        per_second: float = 0,
        counted: str = "",
        repeats: bool = True,
    ) -> Answer:
        """Ask the API of the cloud what `make` makes; return the answer `judge` is fine with.

        At most so often, where all that is `counted` under one name counts, and again while what
        it came to may pass. What never `repeats` goes out again only where the API says that it
        was asked too much. Raises what it came to, and ApiKeysNeeded.
        """


@runtime_checkable
class Lister(Protocol):
    """Lists what the registry's own catalog doesn't."""

    def repositories(self) -> AsyncIterator[str | Unlisted]:
        """Give the names of the repositories that the account sees, as they come.

        As they are in references. Where it may not look, it says so. Raises what stands in the way
        of asking.
        """


@runtime_checkable
class Creator(Protocol):
    """Makes what has to be there before a repository can be written to.

    Only ever called where the operator's plan allows it.
    """

    def refusal(self, missing: Missing, visibility: Visibility) -> str:
        """Return in words why this can't be made so, or an empty string. Asks nobody."""

    async def create(self, missing: Missing, visibility: Visibility) -> None:
        """Make it. Raises why it can't be, also when it is there already."""

    async def has(self, missing: Missing) -> bool:
        """Tell whether it is there, without believing anything that was asked before."""


@runtime_checkable
class SignsIn(Protocol):
    """Hands out a login to the registry that lives a while, to who has none for the registry."""

    async def login(self) -> Login:
        """Return a new login. Raises what stands in the way of asking."""


@runtime_checkable
class ChecksKeys(Protocol):
    """An API that can tell whether it takes its account."""

    async def check(self) -> None:
        """Prove that it is there and takes the account. Raises what stands in the way."""


@runtime_checkable
class Creating(Protocol):
    """A place in which something may have to be created before it is written to."""

    def creator(self) -> Creator | None:
        """Return who creates it, None when nobody can."""
