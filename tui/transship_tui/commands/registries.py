"""`transship registries`: the accounts, and what can be done at the registry of one."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.account import is_handed_out
from transship.accounts.registry_file import Accounts
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.registries.addresses import is_loopback
from transship.registries.card import card_of
from transship.registries.credential import Tls
from transship.registries.services import Service, service_named, service_of
from transship.text import safe
from transship_tui.commands.capabilities import card_entry, show_card
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of

if TYPE_CHECKING:
    from transship.accounts.account import Account
    from transship.registries.examine import Examination

_SECRETS = {
    "": "nowhere: anonymous",
    "keyring": "keyring",
    "session": "asked for each time",
    "environment": "environment",
    "docker": "docker's config",
}
_HANDED_OUT = "handed out by its API"


def registries(
    host: Annotated[
        str | None,
        typer.Argument(metavar="HOST", help="Show what can be done there; an alias will do."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List the accounts, or show what can be done at one.

    Of one it says whether it can list, create, mount, resume and delete, which limits it has, and
    what each no means for a migration. It is knocked at for that, and only read.
    """
    if host is not None:
        return asyncio.run(_one(host, as_json=as_json))
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


async def _one(name: str, *, as_json: bool) -> int:
    """Show one account and its card. Raises what stands in the way, after all that is known."""
    from transship.registries.examine import examine
    from transship_tui.commands.session import open_session

    session = open_session()
    account = session.accounts.get(name)
    found = await examine(await session.access(Reference(account.host)))
    if as_json and found.problem is None:
        show_json({"registries": [_entry(account, found)]})
    elif not as_json:
        title = f"{account.host}: {found.service.title}, {found.protection}"
        show(painted(safe(title), Ink.QUIET, sys.stdout))
        show_card(card_of(found.service, found))
    if found.problem is not None:
        raise found.problem
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
        _HANDED_OUT if is_handed_out(account) else _SECRETS[account.secret_source],
        protection(account),
    )


def _title(account: Account) -> str:
    return _service(account).title


def _service(account: Account) -> Service:
    return service_named(account.service) or service_of(account.host)


def _entry(account: Account, found: Examination | None = None) -> dict[str, object]:
    service = found.service if found is not None else _service(account)
    tls = account.tls
    return {
        "host": account.host,
        "alias": account.alias,
        "service": service.kind,
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
        "card": card_entry(card_of(service, found)),
    }
