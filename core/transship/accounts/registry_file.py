"""`registries.toml`: the operator's accounts on disk, without their secrets.

Every call reads the file afresh, and every change is made under a lock, so that two Transships
at once see and keep each other's accounts.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tomllib
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import tomli_w

from transship.accounts.account import Account, SecretSource, faults_of, host_of
from transship.errors import (
    AccountNotFound,
    BadFile,
    BadReference,
    BadRequest,
    CatalogueOnly,
    DiskFull,
)
from transship.paths import private_folder
from transship.registries.credential import Tls
from transship.registries.services import service_named, service_of
from transship.replacing import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEADER = """\
# Transship writes this file: `transship login` and `transship logout` change it.
# It holds no secrets; those live where `secret-source` says.

"""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: Literal[1]
    registry: dict[str, dict[str, Any]] = {}


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename="kebab"):
    alias: str = ""
    username: str = ""
    secret_source: SecretSource = ""
    service: str = ""
    api: str = ""
    repositories: tuple[str, ...] = ()
    plain_http: bool = False
    insecure: bool = False
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""


class Accounts:
    """The accounts in one `registries.toml`.

    All methods raise BadFile when the file can't be read, written or understood.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> tuple[Account, ...]:
        """Return the accounts, in the order in which they were added."""
        return _read(self.path)

    def find(self, name: str) -> Account | None:
        """Return the account with this host or alias, or None."""
        try:
            host = host_of(name)
        except BadReference:
            host = ""
        return next((a for a in self.all() if host == a.host or (name and name == a.alias)), None)

    def get(self, name: str) -> Account:
        """Return the account with this host or alias. Raises AccountNotFound."""
        account = self.find(name)
        if account is None:
            raise AccountNotFound(repr(name))
        return account

    def check(self, account: Account) -> None:
        """Raise BadRequest when `account` breaks a rule or has another account's alias."""
        _check(account, self.all())

    def save(self, account: Account) -> None:
        """Add `account`, or put it in the place of the one with its host. Raises BadRequest."""
        with _locked(self.path):
            accounts = _read(self.path)
            _check(account, accounts)
            kept = {a.host: a for a in accounts} | {account.host: account}
            _write(self.path, kept.values())

    def remove(self, host: str) -> Account:
        """Remove the account with this host, and return what it was. Raises AccountNotFound."""
        with _locked(self.path):
            accounts = {a.host: a for a in _read(self.path)}
            if host not in accounts:
                raise AccountNotFound(repr(host))
            removed = accounts.pop(host)
            _write(self.path, accounts.values())
        return removed


def _check(account: Account, others: Iterable[Account]) -> None:
    service = service_named(account.service) or service_of(account.host)
    if service.catalogue:
        raise CatalogueOnly(f"{account.host} is {service.title}, and nobody signs in there")
    for place, why in faults_of(account):
        raise BadRequest(f"The account's {place} {why}")
    for other in others:
        if account.alias and account.alias == other.alias and account.host != other.host:
            raise BadRequest(
                f"The alias {account.alias!r} is taken by {other.host}",
                remedy="Choose another alias.",
            )


def _read(path: Path) -> tuple[Account, ...]:
    try:
        data = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: {error}") from None
    try:
        file = msgspec.convert(data, _File)
    except msgspec.ValidationError as error:
        raise BadFile(f"{path}: {error}") from None
    accounts: list[Account] = []
    for host, entry in file.registry.items():
        place = f'{path}: registry."{host}"'
        try:
            account = _account_of(host, msgspec.convert(entry, _Entry))
            _check(account, accounts)
        except msgspec.ValidationError as error:
            raise BadFile(f"{place}: {error}") from None
        except BadRequest as error:
            raise BadFile(f"{place}: {error.detail}") from None
        accounts.append(account)
    return tuple(accounts)


def _write(path: Path, accounts: Iterable[Account]) -> None:
    registry = {account.host: msgspec.to_builtins(_entry_of(account)) for account in accounts}
    text = _HEADER + tomli_w.dumps({"version": 1, "registry": registry})
    replace_file(path, text.encode())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other Transships from changing the file; what can't be written is said as an error."""
    try:
        private_folder(path.parent)
        # The lock is a file of its own, because the file itself is replaced by each change.
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(str(path)) from error
        raise BadFile(
            f"{path}: {error.strerror}", remedy="Make the file and its folder writable."
        ) from error


def _account_of(host: str, entry: _Entry) -> Account:
    return Account(
        host=host,
        alias=entry.alias,
        username=entry.username,
        service=entry.service,
        tls=Tls(
            plain_http=entry.plain_http,
            insecure=entry.insecure,
            ca_file=entry.ca_file,
            client_cert=entry.client_cert,
            client_key=entry.client_key,
        ),
        repositories=entry.repositories,
        secret_source=entry.secret_source,
        api=entry.api,
    )


def _entry_of(account: Account) -> _Entry:
    return _Entry(
        alias=account.alias,
        username=account.username,
        secret_source=account.secret_source,
        service=account.service,
        api=account.api,
        repositories=account.repositories,
        **asdict(account.tls),
    )
