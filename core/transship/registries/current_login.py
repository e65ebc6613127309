"""The login that a registry is signed in to with: given once, or fetched anew when it ends."""

from __future__ import annotations

import base64
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from transship import errors
from transship.clock import Clock
from transship.registries.credential import Credential, Login
from transship.registries.sharing import Shared

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
        self._fetching = Shared()
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
