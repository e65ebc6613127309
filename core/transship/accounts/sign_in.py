"""Signing in and out: adding an account with its secret, and removing both."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from transship.accounts.account import is_handed_out
from transship.accounts.connect import api_access
from transship.accounts.credentials import credential_for
from transship.accounts.secrets import credential_of
from transship.errors import BadRequest, TransshipError
from transship.registries.access import Access, open_registry
from transship.registries.services import service_of
from transship.registries.services.generic import GENERIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from transship.accounts.account import Account
    from transship.accounts.credentials import Sources
    from transship.accounts.registry_file import Accounts
    from transship.registries.credential import Credential
    from transship.registries.services.service import Service


class SignInCheck(Protocol):
    """The part of a registry that signing in uses."""

    async def check_sign_in(self) -> None:
        """Sign in, and raise SignInNeeded, WrongCredential or what else is in the way."""

    async def aclose(self) -> None:
        """Close the connections."""


@runtime_checkable
class Recognising(Protocol):
    """A registry that may tell by its answers which service it is."""

    @property
    def recognised(self) -> Service | None:
        """The service that its answers are typical of, or None."""


@dataclass(frozen=True, slots=True)
class SignedOut:
    """What signing out removed: the account, and its secret if one was kept by Transship."""

    account: Account
    secret_removed: bool


async def sign_in(
    account: Account,
    secret: str | None,
    *,
    accounts: Accounts,
    sources: Sources,
    connect: Callable[[Access], SignInCheck] = open_registry,
) -> Account:
    """Try the account at its registry, keep its secret, then keep the account; return it.

    `account.secret_source` says where the secret is to live. For `keyring` and `session` it is
    `secret`; for the others `secret` is None, and what that source has is tried. Where nobody said
    which service it is and the host name doesn't tell, the account keeps what the answers tell.

    Raises BadRequest, and what the registry, the source and the file raise; after each of these
    no account and no secret is there that wasn't there before. Of an account that this one
    replaces, the secret is forgotten too, where its store can be reached.
    """
    accounts.check(account)
    before = accounts.find(account.host)
    api = await api_access(account.host, account, accounts, sources)
    store = sources.store(account.secret_source)
    if store is None:
        credential = (await credential_for(account, sources)).credential
        account = replace(account, username=credential.username if credential else "")
        account = await _tried(account, credential, connect, api)
        accounts.save(account)
    else:
        if not secret:
            raise BadRequest("The password is empty")
        account = await _tried(account, credential_of(account.username, secret), connect, api)
        await store.set(account.host, account.username, secret)
        try:
            accounts.save(account)
        except TransshipError:
            if before is None or _keeping_place(before) != _keeping_place(account):
                await _forget(account, sources)
            raise
    if before is not None and _keeping_place(before) != _keeping_place(account):
        await _forget(before, sources)
    return account


async def sign_out(
    name: str, *, accounts: Accounts, sources: Sources, leave_secret: bool = False
) -> SignedOut:
    """Remove the account with this host or alias, and its secret; return what was removed.

    The secret goes first: while the keyring can't be used, its error is raised and the account
    stays. `leave_secret` removes the account without asking the keyring. Secrets that docker or
    the environment have are theirs, and stay.

    Raises AccountNotFound, BadFile and the errors of the keyring.
    """
    account = accounts.get(name)
    removed = False
    if sources.store(account.secret_source) is sources.keyring and not leave_secret:
        removed = await sources.keyring.delete(account.host, account.username)
    removed = await sources.session.delete(account.host, account.username) or removed
    accounts.remove(account.host)
    return SignedOut(account, removed)


async def _tried(
    account: Account,
    credential: Credential | None,
    connect: Callable[[Access], SignInCheck],
    api: Access | None,
) -> Account:
    """Try the account; return it with the service that it was found to be at."""
    access = Access(
        account.host,
        tls=account.tls,
        credential=credential,
        service=account.service,
        handed_out=is_handed_out(account),
        api=api,
    )
    registry = connect(access)
    try:
        await registry.check_sign_in()
        recognised = registry.recognised if isinstance(registry, Recognising) else None
    finally:
        await registry.aclose()
    if recognised is None or account.service or service_of(account.host) is not GENERIC:
        return account
    return replace(account, service=recognised.kind)


def _keeping_place(account: Account) -> tuple[str, str]:
    return account.secret_source, account.username


async def _forget(account: Account, sources: Sources) -> None:
    store = sources.store(account.secret_source)
    if store is not None:
        with suppress(TransshipError):
            await store.delete(account.host, account.username)
