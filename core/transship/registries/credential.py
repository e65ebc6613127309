"""What a registry is signed in to with."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec


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
