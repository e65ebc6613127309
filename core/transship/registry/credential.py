"""What a registry is signed in to with: given once, or fetched anew when it ends."""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name and its secret.

    `identity` says that the secret is no password but an OAuth2 refresh token that goes to the
    token realm only (docker's `identitytoken`).
    """

    username: str
    secret: str = field(repr=False)
    identity: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """A credential that a service hands out for a while: `seconds` from when it was."""

    credential: Credential
    seconds: float


def seconds_until(end: float, usual: float) -> float:
    """Return how long what was just handed out lives, which ends at `end`: at most the `usual`.

    `end` is in seconds since the epoch. Where that is over by this machine's clock, or far away,
    the clock is wrong.
    """
    left = end - time.time()
    return left if 0 < left <= usual else usual


@dataclass(frozen=True, slots=True)
class Tls:
    """How the way to a registry is protected.

    `plain_http` and `insecure` (no verification) hold only where the operator asked for them.
    `ca_file` is trusted beside the system's authorities. Paths are the operator's own.
    """

    plain_http: bool = False
    insecure: bool = False
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""


class Confidential(msgspec.Struct):
    """The base of what is decoded that holds a secret: nothing of it is in its repr."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


_Wrong = TypeVar("_Wrong", bound=errors.WrongCredential)

USABLE_SHARE = 0.8
"""Of its life: what ends is renewed before it does, so that a long request doesn't outlive it."""

HandingOut = Callable[[], Awaitable[Login]]
"""Fetches a login anew: from the service that hands it out, or from where a secret is kept."""

_NO_LOGIN = (errors.NoRight, errors.SignInNeeded, errors.SecretUnavailable, errors.WrongCredential)
"""Why there is no login to be had. What may pass, and what is wrong here, is raised as it is."""


class CurrentLogin:
    """The login for one registry, which is `credential` until another is fetched.

    `handing_out` fetches one when there is none, when its life is nearly over, and once when it
    isn't taken any more. `name` is what the registry is called: an error that is about the whole
    account says so (`met_at`), so that whoever meets it knows which account that is.
    """

    def __init__(
        self,
        credential: Credential | None,
        clock: Clock,
        handing_out: HandingOut | None = None,
        name: str = "",
    ) -> None:
        self.credential = credential
        self._clock = clock
        self._handing_out = handing_out
        self._name = name
        self._fetching = SharedCall()
        self._usable_until = math.inf

    @property
    def there(self) -> bool:
        """Whether there is something to sign in with, or somebody to fetch it from."""
        return self.credential is not None or self._handing_out is not None

    @property
    def identity(self) -> str:
        """The identity token, empty where the secret is a password."""
        credential = self.credential
        return credential.secret if credential and credential.identity else ""

    def basic(self) -> str | None:
        """Return the Authorization field with the password, None without a credential.

        Raises WrongCredential for an identity token, which is no password.
        """
        if self.credential is None:
            return None
        if self.identity:
            raise self.wrong("the registry wants a password; an identity token is kept for it")
        pair = f"{self.credential.username}:{self.credential.secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    async def fetch(self) -> None:
        """Fetch a login if one is to be fetched. Raises NoLogin, and what may pass."""
        handing_out = self._handing_out
        if handing_out is None:
            return

        async def fetched() -> None:
            now = self._clock.monotonic()
            if self.credential is not None and now < self._usable_until:
                return
            try:
                login = await handing_out()
            except _NO_LOGIN as error:
                raise self._met(_no_login(error)) from error
            if login.credential != self.credential:
                self.credential = login.credential
            self._usable_until = now + login.seconds * USABLE_SHARE

        await self._fetching.do(fetched)

    async def another_than(self, refused: Credential | None) -> bool:
        """Fetch a login in place of one that isn't taken; tell whether it is another one."""
        if self._handing_out is None:
            return False
        if self.credential is refused:
            self._usable_until = 0.0
            await self.fetch()
        return self.credential != refused

    def reject(self, authorization: str | None) -> None:
        """Forget a password that the registry didn't take, where it can be fetched anew."""
        fetched = self._handing_out is not None and self.credential is not None
        if fetched and not self.identity and authorization == self.basic():
            self.credential = None

    def wrong(self, detail: str) -> errors.WrongCredential:
        """Return the error for a login that isn't taken."""
        return self._met(errors.WrongCredential(detail))

    def _met(self, error: _Wrong) -> _Wrong:
        error.met_at = self._name or None
        return error


def _no_login(error: errors.TransshipError) -> errors.NoLogin:
    """Return the error for a login that can't be fetched; it knows whose keys weren't taken."""
    keys_at = error.sign_in_at if isinstance(error, errors.WrongCredential) else ""
    if not keys_at:
        return errors.NoLogin(str(error))
    no_login = errors.NoLogin(str(error), remedy=f"Sign in again with `transship login {keys_at}`.")
    no_login.sign_in_at = keys_at
    return no_login


class _Claims(msgspec.Struct):
    exp: float
    iat: float


def life_of(token: str) -> float:
    """Return for how many seconds a token holds from when it was issued, 0 if it doesn't say.

    The difference of what it says itself: whose clock is right doesn't matter.
    """
    parts = token.split(".")
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "==") if len(parts) == 3 else b""
        said = msgspec.json.decode(claims, type=_Claims)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return 0.0
    return max(0.0, said.exp - said.iat)


_T = TypeVar("_T")


class SharedCall:
    """One piece of work, of which no more than one is under way.

    Whoever asks while it is under way waits, then does it in turn: the work itself begins with a
    look at whether it is still needed. A failure, though, is the answer to all who waited for it,
    so that a wrong password is shown to a server once and not by each of fifty.
    """

    def __init__(self) -> None:
        self._under_way: _Round | None = None

    async def do(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Do the work, or wait for who does. Raises what it raised."""
        while (other := self._under_way) is not None:
            await other.ended.wait()
            if other.failure is not None:
                raise other.failure
        own = self._under_way = _Round()
        try:
            return await work()
        except TransshipError as failure:
            own.failure = failure
            raise
        finally:
            self._under_way = None
            own.ended.set()


class _Round:
    """The work, once; `failure` is what it ended with, unless it was a success."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.failure: TransshipError | None = None
