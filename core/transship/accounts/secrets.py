"""Secrets: what a store of them does, and what is found in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from transship.errors import (
    KeyringAbsent,
    KeyringHung,
    KeyringInsecure,
    KeyringLocked,
    TransshipError,
)
from transship.registries.credential import Credential

IDENTITY_USERNAME = "<token>"
"""The user name that says that the secret is an identity token, as docker's helpers write it."""

SecretState = Literal["ok", "locked", "hung", "absent", "insecure", "failed", "unused"]


_STATES: dict[type[TransshipError], SecretState] = {
    KeyringLocked: "locked",
    KeyringHung: "hung",
    KeyringAbsent: "absent",
    KeyringInsecure: "insecure",
}


@dataclass(frozen=True, slots=True)
class SecretStatus:
    """Whether a store can be used now; what happened and what to do when it can't."""

    state: SecretState
    title: str = ""
    detail: str = ""
    remedy: str = ""


def status_of(error: TransshipError) -> SecretStatus:
    """Return the status that `error` says a store is in."""
    state = _STATES.get(type(error), "failed")
    return SecretStatus(state, error.title, error.detail, error.remedy)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for a registry.

    `source` says where (a `SecretSource`; empty when nothing was found), `note` what the operator
    should know of it.
    """

    credential: Credential | None = None
    source: str = ""
    note: str = ""


def credential_of(username: str, secret: str) -> Credential:
    """Return the credential that a stored secret is: a password, or docker's identity token."""
    return Credential(username, secret, identity=username == IDENTITY_USERNAME)


class SecretStore(Protocol):
    """A place that keeps secrets by host and user name.

    All methods raise the `Keyring...` errors while the store can't be used.
    """

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret, in place of an earlier one."""

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""

    async def probe(self) -> SecretStatus:
        """Return whether the store can be used now. Never raises."""


class SessionStore:
    """Secrets in memory, for as long as this process lives."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, str], str] = {}

    def has(self, host: str, username: str) -> bool:
        """Tell whether there is a secret."""
        return (host, username) in self._secrets

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""
        return self._secrets.get((host, username))

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret until the process ends."""
        self._secrets[host, username] = secret

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""
        return self._secrets.pop((host, username), None) is not None

    async def probe(self) -> SecretStatus:
        """Return that it can be used; it always can."""
        return SecretStatus("ok")


class InsteadOfKeyring(SessionStore):
    """Secrets in memory where the operator's keyring isn't to be touched."""

    async def probe(self) -> SecretStatus:
        """Return that the keyring isn't used."""
        return SecretStatus(
            "unused", "The keyring isn't used here", "", "What you type is forgotten at the end."
        )
