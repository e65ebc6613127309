"""What an account is: a registry that the operator has added, and the rules it keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from transship.errors import BadHost, BadReference
from transship.oci.reference import is_repository, parse_reference
from transship.registries.credential import Tls
from transship.registries.services import service_named, service_of

SecretSource = Literal["", "keyring", "session", "environment", "docker"]
"""Where an account's secret lives. Nowhere (`""`) means that the registry is used anonymously."""

_ALIAS = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NOT_ALIASES = frozenset({"localhost", "layout"})
_NOT_IN_USERNAMES = re.compile(r"[:\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Account:
    """A registry that the operator has added. It never holds the secret itself.

    `host` is `host[:port]` as references write it. `alias` is a short name that may stand in its
    place. `service` is the kind of service behind it (`harbor`, `ecr`, ...); empty means that the
    host name tells. `repositories` are those that the operator named, for a registry that doesn't
    list its own. `api` is the host of the account that opens the API of its cloud, where that is
    another; empty means one that its service knows, if it was added.
    """

    host: str
    alias: str = ""
    username: str = ""
    service: str = ""
    tls: Tls = field(default_factory=Tls)
    repositories: tuple[str, ...] = ()
    secret_source: SecretSource = ""
    api: str = ""


def is_alias(text: str) -> bool:
    """Tell whether `text` can be an alias: a word like `old` that can't be taken for a host."""
    return bool(_ALIAS.fullmatch(text)) and text not in _NOT_ALIASES


def host_of(text: str) -> str:
    """Return the `host[:port]` that `text` names, as references write it. Raises BadHost."""
    try:
        reference = parse_reference(text)
    except BadReference as error:
        raise BadHost(error.detail) from error
    if reference.layout is not None or reference.repository:
        raise BadHost(f"{text!r} is more than a host")
    return reference.registry


def is_handed_out(account: Account) -> bool:
    """Tell whether the service hands out the login of an account that keeps no secret."""
    service = service_named(account.service) or service_of(account.host)
    return service.hands_out_at(account.host) and not account.secret_source


def api_hosts_of(host: str, account: Account | None) -> tuple[str, ...]:
    """Return at which hosts the account of the cloud's API of the registry at `host` may be."""
    if account is not None and account.api:
        return (account.api,)
    service = service_named(account.service) if account is not None else None
    return (service or service_of(host)).keys_for(host)


def faults_of(account: Account) -> tuple[tuple[str, str], ...]:
    """Return what breaks the rules, as pairs of the field in `registries.toml` and why."""
    tls = account.tls
    files = {"ca-file": tls.ca_file, "client-cert": tls.client_cert, "client-key": tls.client_key}
    rules = (
        ("host", _is_host(account.host), "is not HOST[:PORT] in lower case"),
        (
            "alias",
            not account.alias or is_alias(account.alias),
            "is not a short name of lower-case letters, digits, - and _",
        ),
        ("username", not _NOT_IN_USERNAMES.search(account.username), "has a colon or a control"),
        (
            "username",
            bool(account.username) or account.secret_source not in ("keyring", "session"),
            "is needed with a secret",
        ),
        (
            "service",
            not account.service or service_named(account.service) is not None,
            "is not a kind of service that is known",
        ),
        ("repositories", all(map(is_repository, account.repositories)), "is no repository name"),
        ("api", not account.api or _is_host(account.api), "is not HOST[:PORT] in lower case"),
        ("client-key", bool(tls.client_cert) or not tls.client_key, "needs client-cert too"),
        *(
            (name, not path or Path(path).is_absolute(), "is no absolute path")
            for name, path in files.items()
        ),
    )
    return tuple((place, why) for place, kept, why in rules if not kept)


def _is_host(text: str) -> bool:
    try:
        return host_of(text) == text
    except BadReference:
        return False
