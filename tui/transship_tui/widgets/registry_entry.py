"""What is filled into the registry form, as the account that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transship.accounts.account import Account, SecretSource, faults_of, host_of
from transship.errors import BadReference
from transship.oci.reference import is_repository
from transship.registries.addresses import is_loopback
from transship.registries.credential import Tls
from transship.registries.services import SERVICES, Service, service_named, service_of
from transship_tui.widgets.registry_notes import Note, Place

Protection = Literal["verified", "ca", "insecure", "plain"]

PROTECTIONS: tuple[tuple[str, Protection], ...] = (
    ("certificate verified", "verified"),
    ("own CA file", "ca"),
    ("not verified: anybody may answer", "insecure"),
    ("plain http: nothing is encrypted", "plain"),
)
SOURCES: tuple[tuple[str, SecretSource], ...] = (
    ("user and secret, kept in the keyring", "keyring"),
    ("user and secret, for this run only", "session"),
    ("from the environment", "environment"),
    ("from docker's or podman's files", "docker"),
    ("anonymous", ""),
)
SERVICE_KINDS = (("found by the host's name", ""), *((each.title, each.kind) for each in SERVICES))
"""What can be chosen, in words, and what each is called here."""

_FIELDS: dict[str, tuple[Place, str]] = {
    "host": ("host", "The host"),
    "alias": ("alias", "The alias"),
    "username": ("username", "The user"),
    "ca-file": ("ca-file", "The file"),
    "client-key": ("client-key", "The key"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields as they are filled in, the secret left out.

    `before` is the account that is changed, `is_secret_gone` says that its secret isn't kept.
    """

    host: str = ""
    alias: str = ""
    protection: Protection = "verified"
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    service: str = ""
    source: SecretSource = "keyring"
    username: str = ""
    repositories: str = ""
    before: Account | None = None
    is_secret_gone: bool = False

    @classmethod
    def of(cls, account: Account, *, is_secret_gone: bool = False) -> Entry:
        """Return what the form is filled with to change an account."""
        return cls(
            host=account.host,
            alias=account.alias,
            protection=_protection_of(account.tls),
            ca_file=account.tls.ca_file,
            client_cert=account.tls.client_cert,
            client_key=account.tls.client_key,
            service=account.service,
            source=account.secret_source,
            username=account.username,
            repositories=" ".join(account.repositories),
            before=account,
            is_secret_gone=is_secret_gone,
        )

    @property
    def is_reachable(self) -> bool:
        """Whether all is filled in that it takes to knock at the registry."""
        has_ca = self.protection != "ca" or bool(self.ca_file)
        return bool(self.host) and has_ca and bool(self.client_cert or not self.client_key)

    @property
    def is_here(self) -> bool:
        """Whether the host is this machine."""
        try:
            return is_loopback(host_of(self.host))
        except BadReference:
            return False

    @property
    def is_handed_out(self) -> bool:
        """Whether the service hands out logins at this host."""
        try:
            return self.kind.hands_out_at(host_of(self.host))
        except BadReference:
            return False

    @property
    def is_typed(self) -> bool:
        """Whether the user and the secret are typed here, and not read from elsewhere."""
        return self.source in ("keyring", "session")

    @property
    def keeps_secret(self) -> bool:
        """Whether the secret that is kept already will do."""
        return (
            self.before is not None
            and not self.is_secret_gone
            and ((self.source, self.username) == (self.before.secret_source, self.before.username))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The repositories, each once."""
        return tuple(dict.fromkeys(self.repositories.replace(",", " ").split()))

    @property
    def kind(self) -> Service:
        """The service that was chosen, or that the host's name tells of."""
        try:
            host = host_of(self.host)
        except BadReference:
            host = ""
        return service_named(self.service) or service_of(host)

    def account(self) -> Account:
        """Return the account. Raises BadReference when the host can't be read as one."""
        return Account(
            host=host_of(self.host),
            alias=self.alias,
            username=self.username if self.is_typed else "",
            service=self.service,
            tls=self._tls(),
            repositories=self.names,
            secret_source=self.source,
        )

    def _tls(self) -> Tls:
        if self.protection == "plain":
            return Tls(plain_http=True)
        return Tls(
            insecure=self.protection == "insecure",
            ca_file=_absolute(self.ca_file) if self.protection == "ca" else "",
            client_cert=_absolute(self.client_cert),
            client_key=_absolute(self.client_key),
        )


def faults_in(entry: Entry, others: Sequence[Account], *, has_secret: bool) -> Iterator[Note]:
    """Give what is wrong with an entry before any registry is asked."""
    try:
        account = entry.account()
    except BadReference as error:
        yield Note("host", "✗", error.detail or error.title, error.remedy)
        return
    for name, why in faults_of(account):
        if name in _FIELDS:
            place, subject = _FIELDS[name]
            yield Note(place, "✗", f"{subject} {why}")
    for name in account.repositories:
        if not is_repository(name):
            yield Note("repositories", "✗", f"{name} is no repository name", "As in team/web.")
    for other in others:
        if entry.alias and other.alias == entry.alias and other.host != account.host:
            yield Note("alias", "✗", f"The alias is taken by {other.host}")
    if entry.protection == "ca" and not entry.ca_file:
        yield Note("ca-file", "✗", "The file is needed")
    if entry.is_typed and not has_secret and not entry.keeps_secret:
        yield Note("secret", "✗", "The secret is needed")


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


def _protection_of(tls: Tls) -> Protection:
    if tls.plain_http:
        return "plain"
    if tls.insecure:
        return "insecure"
    return "ca" if tls.ca_file else "verified"
