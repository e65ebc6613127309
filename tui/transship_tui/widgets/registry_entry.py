"""What is filled into the registry form, as the account that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from transship.accounts.registry_file import Account, SecretSource, faults_of, host_of
from transship.accounts.sign_in import handed_out_words, hands_out
from transship.errors import BadReference
from transship.oci.reference import is_repository
from transship.registry.credential import Tls
from transship.registry.http.address import is_loopback
from transship.registry.service import Service, all_services, service_named, service_of
from transship.registry.sign_in_form import SignInForm, SignInIdentity, sign_in_from
from transship_tui.lines import line, login_line
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
PARTS: tuple[Place, ...] = ("part-1", "part-2")
"""The fields for what a host's name is made of."""

_FIELDS: dict[str, tuple[Place, str]] = {
    "host": ("host", "The host"),
    "alias": ("alias", "The alias"),
    "username": ("username", "The user"),
    "ca-file": ("ca-file", "The file"),
    "client-key": ("client-key", "The key"),
}


def service_kinds() -> Sequence[tuple[str, str]]:
    """Return what can be chosen, in words, and what each is called here."""
    kinds = [(each.title, each.kind) for each in all_services() if not each.catalogue]
    return [("found by the host's name", ""), *kinds]


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields as they are filled in, the secret left out.

    `parts` are what the host's name is made of, `identity` is as whom to sign in (empty: the first
    that the service has), `username` what is typed for it, and `key_file` the file with the secret.
    `before` is the account that is changed, `is_secret_gone` says that its secret isn't kept,
    `others` are all accounts that there are.
    """

    host: str = ""
    alias: str = ""
    protection: Protection = "verified"
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    service: str = ""
    source: SecretSource = "keyring"
    identity: str = ""
    username: str = ""
    key_file: str = ""
    repositories: str = ""
    before: Account | None = None
    is_secret_gone: bool = False
    parts: tuple[str, ...] = ()
    others: tuple[Account, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def of(cls, account: Account, *, is_secret_gone: bool = False) -> Entry:
        """Return what the form is filled with to change an account."""
        asks = (service_named(account.service) or service_of(account.host)).sign_in_form
        identity = asks.identity_of(account.username)
        return cls(
            host=account.host,
            alias=account.alias,
            protection=_protection_of(account.tls),
            ca_file=account.tls.ca_file,
            client_cert=account.tls.client_cert,
            client_key=account.tls.client_key,
            service=account.service,
            source=account.secret_source,
            identity=identity.id if identity is not asks.identities[0] else "",
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
        return is_loopback(self.real_host)

    @property
    def handed_out(self) -> str:
        """By what the service hands out logins at this host, in words; nothing where it doesn't."""
        try:
            account = Account(host_of(self.host), service=self.service)
        except BadReference:
            # While the name isn't whole it is taken for one of the service's own.
            by_itself = not self.host and bool(self.kind.hands_out) and not self.kind.keys_at
            return handed_out_words(self.kind) if by_itself else ""
        if self.before is not None:
            account = replace(account, api=self.before.api)
        return hands_out(account, self.others)

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
            and ((self.source, self.user) == (self.before.secret_source, self.before.username))
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The repositories, each once."""
        return tuple(dict.fromkeys(self.repositories.replace(",", " ").split()))

    @property
    def kind(self) -> Service:
        """The service that was chosen, or that the host's name tells of."""
        return service_named(self.service) or service_of(self.real_host)

    @property
    def asks(self) -> SignInForm:
        """What the service asks for."""
        return self.kind.sign_in_form

    @property
    def as_whom(self) -> SignInIdentity:
        """As whom to sign in."""
        return self.asks.identity(self.identity) or self.asks.identities[0]

    @property
    def user(self) -> str:
        """The user name that the registry is told."""
        identity = self.as_whom
        answers = {"host": self.host, "user": self.username}
        return sign_in_from(self.asks, identity, answers).username

    def secret(self, typed: str) -> str:
        """Return the secret that the registry is told, of the one that was typed, or in a file."""
        identity = self.as_whom
        answers = {"host": self.host, "user": self.username, identity.secret.id: typed}
        return sign_in_from(self.asks, identity, answers).secret

    @property
    def real_host(self) -> str:
        """The host as references write it, nothing while it can't be read."""
        try:
            return host_of(self.host)
        except BadReference:
            return ""

    @property
    def line(self) -> str:
        """The line that adds the account."""
        if self.real_host:
            return login_line(self.account())
        return line("login", *(["--service", self.service] if self.service else ["HOST"]))

    def account(self) -> Account:
        """Return the account. Raises BadReference when the host can't be read as one."""
        host = host_of(self.host)
        told = self.before is None and service_of(host).kind == self.service
        return Account(
            host=host,
            alias=self.alias,
            username=self.user if self.is_typed else "",
            service="" if told else self.service,
            api=self.before.api if self.before else "",
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
    if not entry.host and (wrong := list(_wrong_parts(entry))):
        yield from wrong
        return
    try:
        account = entry.account()
    except BadReference as error:
        yield Note("host", "✗", error.detail or error.title, error.remedy)
        return
    for name, why in faults_of(account):
        if name in _FIELDS:
            place, subject = _FIELDS[name]
            yield Note(place, "✗", f"{subject} {why}")
    for name in (name for name in account.repositories if not is_repository(name)):
        yield Note("repositories", "✗", f"{name} is no repository name", "As in team/web.")
    for other in others:
        if entry.alias and other.alias == entry.alias and other.host != account.host:
            yield Note("alias", "✗", f"The alias is taken by {other.host}")
    if entry.protection == "ca" and not entry.ca_file:
        yield Note("ca-file", "✗", "The file is needed")
    if entry.is_typed:
        yield from _wrong_sign_in(entry, has_secret=has_secret)


def secret_fault(entry: Entry, secret: str) -> Note | None:
    """Return what is wrong with a secret as it was typed, or read; it is never quoted."""
    question = entry.as_whom.secret
    why = question.fault_in(secret)
    place: Place = "key-file" if question.from_file else "secret"
    return Note(place, "✗", f"The {question.label.lower()} {why}", question.where) if why else None


def _wrong_parts(entry: Entry) -> Iterator[Note]:
    answers = entry.parts or ("",) * len(PARTS)
    asked = zip(PARTS, entry.asks.parts, answers, strict=False) if entry.service else ()
    for place, question, answer in asked:
        if why := question.fault(answer):
            yield Note(place, "✗", f"{question.label} {why}", question.where)


def _wrong_sign_in(entry: Entry, *, has_secret: bool) -> Iterator[Note]:
    identity = entry.as_whom
    kept = entry.before is not None and entry.user == entry.before.username
    if identity.user is not None and entry.username and not kept:
        why = identity.user.fault(entry.username)
        if why and ":" not in entry.username:
            yield Note("username", "✗", f"{identity.user.label} {why}", identity.user.where)
    if not has_secret and not entry.keeps_secret:
        place: Place = "key-file" if identity.secret.from_file else "secret"
        words = "The file is needed" if identity.secret.from_file else "The secret is needed"
        yield Note(place, "✗", words)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


def _protection_of(tls: Tls) -> Protection:
    if tls.plain_http:
        return "plain"
    if tls.insecure:
        return "insecure"
    return "ca" if tls.ca_file else "verified"
