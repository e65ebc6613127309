"""`transship registries`: the accounts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from transship.accounts.registry_file import Accounts
from transship.paths import default_paths
from transship.registries.addresses import is_loopback
from transship.registries.credential import Tls
from transship.registries.services import service_named, service_of
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import say, show, show_json, table, width_of

if TYPE_CHECKING:
    from transship.accounts.account import Account

_SECRETS = {
    "": "nowhere: anonymous",
    "keyring": "keyring",
    "session": "asked for each time",
    "environment": "environment",
    "docker": "docker's config",
}


def registries(as_json: AsJson = False) -> int:
    """List the accounts, and where their secrets live."""
    accounts = Accounts(default_paths().registries).all()
    if as_json:
        show_json({"registries": [_entry(account) for account in accounts]})
    elif accounts:
        header = ("ALIAS", "HOST", "SERVICE", "USER", "SECRET", "TLS")
        for line in table(header, map(_row, accounts), width_of(sys.stdout)):
            show(line)
    else:
        say("no accounts yet; `transship login HOST` adds one")
    return 0


def protection(account: Account) -> str:
    """Return how the way to a registry is protected, in words that stand out when it isn't."""
    tls = account.tls
    if tls.plain_http:
        return "PLAIN HTTP"
    if tls.insecure:
        return "NOT VERIFIED"
    if tls == Tls() and is_loopback(account.host):
        return "this machine"
    own = "own CA" if tls.ca_file else "verified"
    return f"{own}, client certificate" if tls.client_cert else own


def _row(account: Account) -> tuple[str, ...]:
    return (
        account.alias,
        account.host,
        _title(account),
        account.username,
        _SECRETS[account.secret_source],
        protection(account),
    )


def _title(account: Account) -> str:
    return (service_named(account.service) or service_of(account.host)).title


def _entry(account: Account) -> dict[str, object]:
    tls = account.tls
    return {
        "host": account.host,
        "alias": account.alias,
        "service": (service_named(account.service) or service_of(account.host)).kind,
        "username": account.username,
        "secret": account.secret_source or "none",
        "repositories": list(account.repositories),
        "tls": {
            "plain_http": tls.plain_http,
            "insecure": tls.insecure,
            "ca_file": tls.ca_file,
            "client_cert": tls.client_cert,
            "client_key": tls.client_key,
        },
    }
