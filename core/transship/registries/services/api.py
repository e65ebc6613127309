"""What a service's own API can do for an account: the one protocol that a service's file fills in.

`Service.api` opens the API of one registry. What it returns is a `Foreseer`, a `Lister`, a
`Creator`, a `SignsIn`, or several of them: exactly those that the service has something for, and
who uses it asks with `isinstance`. All of them ask through `Ask`, which knows the credential and
sends it nowhere but to the registry, its token server and the hosts in `Service.api_hosts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from transship.errors import TransshipError, UnexpectedAnswer
from transship.registries.answers import Answer
from transship.registries.creation_options import CreationOptions
from transship.registries.credential import Credential, Login, Tls
from transship.registries.foreseeing import Missing
from transship.registries.visibility import Visibility as Visibility


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
        method: str = "GET",
        body: object = None,
        form: Mapping[str, str] | None = None,
        authorization: str | None = None,
        missing: type[TransshipError] = UnexpectedAnswer,
    ) -> Answer:
        """Return the answer, which is a success. Raises `missing` for 404, or another error.

        A `body` goes as JSON, a `form` as it is. The password goes along as Basic, unless there is
        an `authorization` field to go in its place; nothing does where that is empty.
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


def bearer(token: str) -> str:
    """Return the Authorization field that shows a token (RFC 6750)."""
    return f"Bearer {token}"


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
class TakesOptions(Creator, Protocol):
    """A creator that can be asked for more than who may pull."""

    def options_refusal(self, missing: Missing, options: CreationOptions) -> str:
        """Return in words why it can't have these, or an empty string. Asks nobody."""

    async def create_with(
        self, missing: Missing, visibility: Visibility, options: CreationOptions
    ) -> None:
        """Make it, as `create` does, with these options."""


def creation_refusal(
    creator: Creator, missing: Missing, visibility: Visibility, options: CreationOptions
) -> str:
    """Return in words why this can't be made so, or an empty string. Asks nobody."""
    why = creator.refusal(missing, visibility)
    if why or not options:
        return why
    if isinstance(creator, TakesOptions):
        return creator.options_refusal(missing, options)
    return no_option(missing, "immutable tags" if options.immutable_tags else "resource tags")


def no_option(missing: Missing, what: str) -> str:
    """Return in words that something can't be asked for what is made here."""
    return f"a {missing.kind} can't be made with {what} here; take them out of [create]"


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
