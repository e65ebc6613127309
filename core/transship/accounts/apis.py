"""Which accounts hold images, and which only open the API of a cloud for others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transship.accounts.account import Account, api_hosts_of
from transship.registries.services import service_named, service_of
from transship.registries.services.service import Service


def service_at(account: Account) -> Service:
    """Return the service behind an account: the one that was said, or that the host tells of."""
    return service_named(account.service) or service_of(account.host)


def holding_images(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """Return those that images can be read from and written to."""
    return tuple(account for account in accounts if service_at(account).holds_images)


def api_account_of(account: Account, accounts: Iterable[Account]) -> Account | None:
    """Return the account that opens the API of an account's cloud, None where none was added."""
    added = {each.host: each for each in accounts}
    found = (added.get(host) for host in api_hosts_of(account.host, account))
    return next((each for each in found if each is not None), None)


def hands_out(account: Account, accounts: Iterable[Account]) -> str:
    """Return in a few words by what logins to an account's registry are handed out.

    That is to who keeps no secret; empty where none are: they take the keys of the cloud's API.
    """
    service = service_at(account)
    with_keys = api_account_of(account, accounts) is not None
    if not service.hands_out_at(account.host, with_keys=with_keys):
        return ""
    return handed_out_words(service)


def handed_out_words(service: Service) -> str:
    """Return in a few words by what a service hands out logins, where it does."""
    # The app opens without the words of every service.
    from transship.registries.services.sign_in_words import asks_of

    by_keys = "by the keys of its cloud's API" if service.keys_at else "by its API"
    return asks_of(service).handed_out or by_keys


def used_by(api: Account, accounts: Sequence[Account]) -> tuple[Account, ...]:
    """Return the accounts for which `api` opens the API of their cloud."""
    return tuple(
        account
        for account in holding_images(accounts)
        if (found := api_account_of(account, accounts)) is not None and found.host == api.host
    )
