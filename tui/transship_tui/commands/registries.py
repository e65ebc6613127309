"""`transship registries`: the accounts, and what can be done at the registry of one."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.registry_file import Accounts, api_hosts_of
from transship.accounts.sign_in import api_account_of, hands_out, service_at, used_by
from transship.oci.reference import Reference
from transship.paths import default_paths
from transship.registry.capability_card import card_of
from transship.registry.credential import Tls
from transship.registry.http.address import is_loopback
from transship.text import safe
from transship_tui.commands.capabilities import card_entry, show_card
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transship.accounts.registry_file import Account
    from transship.registry.examination import Examination

_SECRETS = {
    "": "nowhere: anonymous",
    "keyring": "keyring",
    "session": "asked for each time",
    "environment": "environment",
    "docker": "docker's config",
}


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
        show_json({"registries": [_entry(account, accounts) for account in accounts]})
    elif accounts:
        header = ("ALIAS", "HOST", "SERVICE", "USER", "SECRET", "TLS")
        rows = [_row(account, accounts) for account in accounts]
        for line in table(header, rows, width_of(sys.stdout)):
            show(line)
    else:
        say("no accounts yet; `transship login HOST` adds one")
    return 0


async def _one(name: str, *, as_json: bool) -> int:
    """Show one account and its card. Raises what stands in the way, after all that is known."""
    from transship.registry.examination import examine
    from transship_tui.commands.session import open_session

    session = open_session()
    account = session.accounts.get(name)
    found = await examine(await session.access(Reference(account.host)))
    if as_json and found.problem is None:
        show_json({"registries": [_entry(account, session.accounts.all(), found)]})
    elif not as_json:
        title = f"{account.host}: {found.service.title}, {found.protection}"
        show(painted(safe(title), Ink.QUIET, sys.stdout))
        _show_api(account, session.accounts.all())
        if found.service.holds_images:
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


def _show_api(account: Account, accounts: Sequence[Account]) -> None:
    """Say which account opens the API of a registry's cloud, or for whom this one does."""
    if not service_at(account).holds_images:
        users = ", ".join(map(_called, used_by(account, accounts))) or "none yet"
        show(safe(f"used by: {users}"))
    elif (api := api_account_of(account, accounts)) is not None:
        show(safe(f"its cloud's API: keys of {_called(api)}"))
    elif hosts := api_hosts_of(account.host, account):
        say(f"its cloud's API needs keys: `transship login {hosts[0]}` adds them")


def _called(account: Account) -> str:
    return account.alias or account.host


def _row(account: Account, accounts: Sequence[Account]) -> tuple[str, ...]:
    handed_out = "" if account.secret_source else hands_out(account, accounts)
    return (
        account.alias,
        account.host,
        service_at(account).title,
        account.username,
        handed_out or _SECRETS[account.secret_source],
        protection(account),
    )


def _entry(
    account: Account, accounts: Sequence[Account], found: Examination | None = None
) -> dict[str, object]:
    service = found.service if found is not None else service_at(account)
    api = api_account_of(account, accounts)
    holds_images = service.holds_images
    tls = account.tls
    return {
        "host": account.host,
        "alias": account.alias,
        "service": service.kind,
        "username": account.username,
        "secret": account.secret_source or "none",
        "holds_images": holds_images,
        "api": api.host if api is not None else None,
        "used_by": [] if holds_images else [each.host for each in used_by(account, accounts)],
        "repositories": list(account.repositories),
        "tls": {
            "plain_http": tls.plain_http,
            "insecure": tls.insecure,
            "ca_file": tls.ca_file,
            "client_cert": tls.client_cert,
            "client_key": tls.client_key,
        },
        "card": card_entry(card_of(service, found)) if holds_images else None,
    }
