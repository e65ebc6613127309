"""The keyring, and the other places where secrets live."""

from __future__ import annotations

from transship.errors.base import TransshipError


class KeyringLocked(TransshipError):
    """The keyring is there but locked."""

    title = "The keyring is locked"
    remedy = "Unlock it (`gnome-keyring-daemon --unlock`), or keep the secret for this run only."


class KeyringHung(TransshipError):
    """The keyring doesn't answer; it may be asking on another screen."""

    title = "The keyring doesn't answer"
    remedy = "It may be asking on another screen. Answer there, or keep the secret for this run."


class KeyringAbsent(TransshipError):
    """There is no keyring here."""

    title = "There is no keyring here"
    remedy = (
        "Start one (`dbus-run-session -- sh`, then gnome-keyring-daemon), or use this run only."
    )


class KeyringInsecure(TransshipError):
    """The keyring backend would write the secret in a form that anyone can read."""

    title = "The keyring isn't safe"
    remedy = "Remove keyrings.alt, or name a safe backend for `keyring`; `keyring diagnose` helps."


class KeyringFailed(TransshipError):
    """The keyring is there and answers, but with an error of its own."""

    title = "The keyring failed"
    remedy = "`keyring diagnose` shows which keyring is used; or keep the secret for this run only."


class SecretUnavailable(TransshipError):
    """An account needs a secret that no source gives."""

    title = "No password for the account"
    remedy = "Sign in again with `transship login HOST`."


class SecretMissing(SecretUnavailable):
    """An account's secret isn't kept where it is to be, but whoever is there can type it.

    `host` is the account's.
    """

    title = "The password isn't kept"
    remedy = "Type it when you are asked for it."

    def __init__(self, detail: str = "", host: str = "") -> None:
        remedy = f"Type it when you are asked, or sign in with `transship login {host}`."
        super().__init__(detail, remedy=remedy if host else None)
        self.host = host


class HelperFailed(TransshipError):
    """A docker credential helper failed."""

    title = "The credential helper failed"
    remedy = "Run the helper by hand to see why; it is named in docker's config.json."
