"""Secrets from the environment, for automation: read, never written.

For the registry `registry.example.com:5000` they are
`TRANSSHIP_REGISTRY_EXAMPLE_COM_5000_USERNAME` and `TRANSSHIP_REGISTRY_EXAMPLE_COM_5000_PASSWORD`.
The user name `<token>` says that the password is an identity token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from transship.accounts.secrets import credential_of
from transship.errors import SecretUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transship.registries.credential import Credential


def variables_of(host: str) -> tuple[str, str]:
    """Return the names of the variables for a host's user name and password.

    The host in upper case, with `_` for each character that is no letter or digit. Hosts that
    differ in such characters only (`a-b.example`, `a.b.example`) share their variables.
    """
    stem = re.sub(r"[^A-Z0-9]", "_", host.upper())
    return f"TRANSSHIP_{stem}_USERNAME", f"TRANSSHIP_{stem}_PASSWORD"


def environment_credential(
    host: str, environ: Mapping[str, str], *, username: str = ""
) -> Credential | None:
    """Return what the environment has for `host`, or None when it says nothing.

    `username` is the account's, and is used where the variable for it isn't set. An empty
    variable counts as not set. Raises SecretUnavailable when one half is missing.
    """
    username_variable, password_variable = variables_of(host)
    named, password = environ.get(username_variable), environ.get(password_variable)
    if not named and not password:
        return None
    if not password:
        raise SecretUnavailable(
            f"{username_variable} is set but {password_variable} is not",
            remedy="Set both variables, or neither.",
        )
    if not (named or username):
        raise SecretUnavailable(
            f"{password_variable} is set but {username_variable} is not",
            remedy="Set both variables, or neither.",
        )
    return credential_of(named or username, password)
