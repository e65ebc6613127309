"""How other tools keep a way to sign in, and what of it is for the keyring."""

from __future__ import annotations

import re
from collections.abc import Iterable

from transship.errors import BadReference
from transship.plans.importers.document import Value
from transship.plans.importers.draft import Draft, Login
from transship.plans.importers.names import place_of
from transship.registry.credential import Tls

_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*)")
_KEYS = ("username", "password", "insecure")


def has_variable(text: str) -> bool:
    """Tell whether a text names a variable of the environment, `$VAR` or `${VAR}`."""
    return bool(_VARIABLE.search(text))


def is_secrets(value: Value) -> bool:
    """Tell whether a value is a map from registries to `username`, `password` and `insecure`.

    A key beside them is a slip, which `read_secrets` names.
    """
    entries = value.entries or {}
    return bool(entries) and all(
        entry.entries is not None and not entry.entries.keys().isdisjoint(_KEYS)
        for entry in entries.values()
    )


def read_secrets(draft: Draft, value: Value, *, expands: bool = False) -> None:
    """Take the ways to sign in from such a map, whose keys are `host` or `host/namespace`.

    `expands` says that the tool puts variables of the environment into them.
    """
    for key, entry in value.mapping().items():
        draft.unknown(entry, _KEYS)
        try:
            place = place_of(key)
        except BadReference as error:
            draft.left_out(entry, f"not a registry: {error.detail}", entry=key)
            continue
        username, secret = entry.get("username").words(), entry.get("password").words()
        insecure = entry.get("insecure").flag()
        if insecure:
            draft.to_do(
                entry,
                "the tool verified no certificate here, and fell back to plain http; "
                f"`transship login {place.registry} --insecure` (or --plain-http) says it again",
                entry=key,
            )
        if expands and (has_variable(username) or has_variable(secret)):
            draft.left_out(
                entry,
                "the sign-in names a variable of the environment, which isn't read here; "
                f"needs `transship login {place.registry}`",
                entry=key,
            )
            continue
        keep_login(
            draft,
            entry,
            Login(place.registry, username, secret, place.repository, Tls(insecure=insecure)),
        )


def keep_login(draft: Draft, value: Value, login: Login) -> None:
    """Keep a way to sign in, if it is one that a registry takes."""
    if not login.username and not login.secret:
        return
    if not login.username or not login.secret:
        draft.left_out(value, f"half of a sign-in is missing; needs `transship login {login.host}`")
    elif login.username == "_oauth2_":
        draft.left_out(
            value,
            "a service account's key that the tool exchanged for a token; "
            f"sign in as _json_key with `transship login {login.host}`",
        )
    else:
        draft.login(value, login)


def one_for_each(logins: Iterable[Login]) -> dict[str, Login | None]:
    """Return the sign-in that an account would have for each registry; None where several compete.

    That for a whole registry goes before those for parts of it.
    """
    by_host: dict[str, list[Login]] = {}
    for login in logins:
        by_host.setdefault(login.host, []).append(login)
    return {host: _only(found) for host, found in by_host.items()}


def _only(logins: list[Login]) -> Login | None:
    whole = [login for login in logins if not login.namespace] or logins
    alike = {(login.username, login.secret) for login in whole}
    return whole[0] if len(alike) == 1 else None
