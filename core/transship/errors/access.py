"""Who we are to a registry, and what we may do there."""

from __future__ import annotations

from transship.errors.base import TransshipError


class SignInNeeded(TransshipError):
    """The registry wants a credential and we have none for it."""

    title = "Sign-in needed"
    remedy = "Add the account with `transship login HOST`."


class WrongCredential(TransshipError):
    """The registry doesn't accept the credential that we have."""

    title = "User name or password not accepted"
    remedy = "Sign in again with `transship login HOST`; a token may have expired."
    sign_in_at: str = ""
    """The host of the account, where that is another than the registry's (`met_at`)."""


class ApiKeysNeeded(TransshipError):
    """The API of the registry's cloud needs an account of its own, and there is none."""

    title = "Keys of the cloud's API needed"
    remedy = "Add them with `transship login HOST-OF-THE-API`, or name the repositories yourself."


class NoLogin(WrongCredential):
    """There is no login for the registry any more where it is fetched from."""

    title = "No login for the registry"
    remedy = "Sign in again where the login comes from: the cloud's profile or role, or docker."


class KeysRefused(WrongCredential):
    """The API of a cloud doesn't take the keys that its own tools keep."""

    title = "Keys of the cloud's API not accepted"
    remedy = "Sign in again where the keys come from: the cloud's profile, role or environment."


class TokenExpired(TransshipError):
    """A token ended while it was in use."""

    title = "The sign-in ran out"
    remedy = "A new one is fetched by itself; if it stays so, check this machine's clock."
    retryable = True


class NoRight(TransshipError):
    """We are known, but may not do this."""

    title = "No right to do this"
    remedy = "Give the account the right, or use another one; some services hide what is missing."


class RealmRefused(TransshipError):
    """The token realm isn't a place to send a credential to."""

    title = "The token server was refused"
    remedy = "A registry on https names a token server on http; a password is not sent there."
