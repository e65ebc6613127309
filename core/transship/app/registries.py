"""The registries that the operator has added: tried, signed in to, listed, looked into."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial

from transship.accounts.registry_file import Account, is_handed_out
from transship.accounts.secrets import SecretStatus, credential_of
from transship.accounts.sign_in import (
    api_access,
    credential_for,
    is_gone,
    resolve,
    sign_in_to,
    sign_out,
)
from transship.app.connections import Connections
from transship.oci.reference import Reference
from transship.registry.access import Access, open_distribution
from transship.registry.examination import Examination, examine
from transship.registry.inspection import Inspection, inspect
from transship.registry.registry import left_out_of


class Registries:
    """The registries that the operator has added, and what is in them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def all(self) -> tuple[Account, ...]:
        """Return the registries that the operator has added."""
        return self._connections.accounts.all()

    def resolve(self, text: str) -> Reference:
        """Return the reference that `text` writes down; an alias may stand for a host."""
        return resolve(text, self._connections.accounts)

    def is_secret_gone(self, account: Account) -> bool:
        """Tell whether an account's secret was for one run only, and this is another one."""
        return is_gone(account, self._connections.sources)

    async def keyring(self) -> SecretStatus:
        """Return whether the keyring can be used now."""
        return await self._connections.sources.keyring.probe()

    async def examine(self, account: Account, secret: str | None = None) -> Examination:
        """Try a registry with a secret that isn't kept yet, or with what its source has."""
        if secret is None:
            credential = (await credential_for(account, self._connections.sources)).credential
        else:
            credential = credential_of(account.username, secret)
        access = Access(
            account.host,
            tls=account.tls,
            credential=credential,
            service=account.service,
            handed_out=is_handed_out(account),
            api=await api_access(
                account.host, account, self._connections.accounts, self._connections.sources
            ),
        )
        return await examine(access, recorder=self._connections.recorder)

    async def sign_in(self, account: Account, secret: str | None) -> Account:
        """Try an account, keep its secret where it says, then keep the account."""
        store = self._connections.sources.store(account.secret_source)
        if secret is None and store is not None:
            secret = await store.get(account.host, account.username)
        kept = await sign_in_to(
            account,
            secret,
            accounts=self._connections.accounts,
            sources=self._connections.sources,
            connect=partial(open_distribution, recorder=self._connections.recorder),
        )
        await self._connections.close(account.host)
        return kept

    async def sign_out(self, host: str) -> None:
        """Remove an account and its secret."""
        await sign_out(host, accounts=self._connections.accounts, sources=self._connections.sources)
        await self._connections.close(host)

    async def keep_repositories(self, host: str, names: Sequence[str]) -> None:
        """Keep the repositories that the operator named for a registry that doesn't list them."""
        self._connections.accounts.save(
            replace(self._connections.accounts.get(host), repositories=tuple(names))
        )

    async def repositories(self, host: str) -> AsyncGenerator[str]:
        """Give the names of repositories as they come, and those that the operator named."""
        place = await self._connections.registry(Reference(host))
        async for name in place.repositories():
            yield name

    async def tags(self, host: str, repository: str) -> AsyncGenerator[str]:
        """Give the tags of a repository as they come."""
        place = await self._connections.registry(Reference(host, repository))
        async for tag in place.tags(repository):
            yield tag

    def left_out(self, host: str, repository: str = "") -> Sequence[str]:
        """Return what was listed last and breaks the rules for names."""
        place = self._connections.opened(host)
        return left_out_of(place).get(repository, ()) if place is not None else ()

    async def inspect(self, reference: Reference) -> Inspection:
        """Return what there is to know of one image."""
        return await inspect(await self._connections.registry(reference), reference)
