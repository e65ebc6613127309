"""What a registry is signed in to with."""

from __future__ import annotations

from dataclasses import dataclass, field


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
