"""The registries that the operator has, in `registries.toml`."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tomllib
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import tomli_w

from transship.errors import (
    AccountNotFound,
    BadFile,
    BadHost,
    BadReference,
    BadRequest,
    CatalogueOnly,
    DiskFull,
)
from transship.oci.reference import is_repository, parse_reference
from transship.paths import private_folder
from transship.registry.credential import Tls
from transship.registry.service import service_named, service_of
from transship.replacing import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
