"""Registries that answer the form as a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fakes.engine import FakeEngine
from transship.accounts.registry_file import Account
from transship.errors import SignInNeeded, TransshipError
from transship.registry.examination import Examination
from transship.registry.service import service_named, service_of


def found(
    account: Account,
    *,
    signed_in: bool = False,
    lists: bool | None = True,
    problem: TransshipError | None = None,
) -> Examination:
    """Return what trying an account has shown."""
    service = service_named(account.service) or service_of(account.host)
    listing = lists if problem is None else None
    return Examination(service, "verified", signed_in and problem is None, listing, problem)


def open_to_all(account: Account, secret: str | None) -> Examination:
    """Let everybody in."""
    return found(account, signed_in=bool(account.secret_source))


def wants_sign_in(account: Account, secret: str | None) -> Examination:
    """Let in whoever has a secret, or lets it be read from elsewhere."""
    if not account.secret_source:
        return found(account, problem=SignInNeeded("GET /v2/ was answered with 401"))
    return found(account, signed_in=True)


@dataclass
class FormEngine(FakeEngine):
    """An engine whose registries answer as `answer` says.

    `tried` and `kept` list the accounts that were examined and signed in, each with its secret.
    """

    answer: Callable[[Account, str | None], Examination] = open_to_all
    tried: list[tuple[Account, str | None]] = field(default_factory=list)
    kept: list[tuple[Account, str | None]] = field(default_factory=list)

    async def examine(self, account: Account, secret: str | None = None) -> Examination:
        self.tried.append((account, secret))
        await self._reach("examine", account.host)
        return self.answer(account, secret)

    async def sign_in(self, account: Account, secret: str | None) -> Account:
        account = await super().sign_in(account, secret)
        self.kept.append((account, secret))
        return account
