"""From what the operator writes to a place that can be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.accounts.account import api_hosts_of, is_handed_out
from transship.accounts.credentials import credential_for
from transship.errors import CatalogueOnly
from transship.oci.reference import parse_reference
from transship.registries.access import Access
from transship.registries.credential import Tls
from transship.registries.services import service_named, service_of

if TYPE_CHECKING:
    from transship.accounts.account import Account
    from transship.accounts.credentials import Sources
    from transship.accounts.registry_file import Accounts
    from transship.oci.reference import Reference


_READ_AGAIN = ("keyring", "docker")
"""The sources of secrets that another process finds as well, later, and maybe with another one."""


def resolve(text: str, accounts: Accounts) -> Reference:
    """Return the reference that `text` writes down, where an alias may stand for the host.

    With the alias `old` for `registry.example.com:5000`, `old/team/web:1.4` is
    `registry.example.com:5000/team/web:1.4`. Raises BadReference.
    """
    name, slash, rest = text.strip().partition("/")
    account = accounts.find(name)
    return parse_reference(f"{account.host}{slash}{rest}" if account else text)


async def access_for(
    reference: Reference, accounts: Accounts, sources: Sources, *, adhoc: Tls | None = None
) -> Access:
    """Return all that is needed to open the place of `reference`, its credential included.

    `adhoc` is how a host that is no account is reached; an account says that itself. Raises what
    `credential_for` raises, BadFile, and CatalogueOnly where nothing can be opened.
    """
    host = reference.registry
    if reference.layout is not None:
        return Access(host)
    account = accounts.find(host)
    service = service_named(account.service if account else "") or service_of(host)
    if service.catalogue:
        raise CatalogueOnly(f"{host} is {service.title}")
    if account is None:
        found = await credential_for(host, sources, repository=reference.repository)
        api = await api_access(host, None, accounts, sources)
        return Access(
            host,
            tls=adhoc or Tls(),
            credential=found.credential,
            api=api,
            kept=found.source in _READ_AGAIN,
        )
    found = await credential_for(account, sources, repository=reference.repository)
    return Access(
        host,
        tls=account.tls,
        credential=found.credential,
        service=account.service,
        repositories=account.repositories,
        handed_out=is_handed_out(account),
        api=await api_access(host, account, accounts, sources),
        kept=found.source in _READ_AGAIN,
    )


async def api_access(
    host: str, account: Account | None, accounts: Accounts, sources: Sources
) -> Access | None:
    """Return how the API of the registry's cloud is reached, None when nobody added an account.

    Raises what `credential_for` raises.
    """
    added = map(accounts.find, api_hosts_of(host, account))
    found = next((each for each in added if each is not None), None)
    if found is None:
        return None
    secret = await credential_for(found, sources)
    return Access(found.host, tls=found.tls, credential=secret.credential, service=found.service)
