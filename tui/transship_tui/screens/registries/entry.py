"""What is filled into the registry form, the account it makes, and what is said of each field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from textual.content import Content

from transship import errors
from transship.accounts.registry_file import Account, SecretSource, faults_of, host_of
from transship.accounts.secrets import SecretStatus, variables_of
from transship.accounts.sign_in import handed_out_words, hands_out
from transship.errors import BadReference, TransshipError
from transship.oci.reference import is_repository
from transship.registry.capability_card import card_of
from transship.registry.credential import Tls
from transship.registry.examination import Examination
from transship.registry.http.address import is_loopback
from transship.registry.service import Service, all_services, service_named, service_of
from transship.registry.sign_in_form import SignInForm, SignInIdentity, sign_in_from
from transship.text import safe
from transship.views.registry import grouped
from transship_tui.lines import line, login_line
from transship_tui.marks import BAD, CARE, OK, QUIET

Place = Literal[
    "service",
    "part-1",
    "part-2",
    "host",
    "alias",
    "tls",
    "ca-file",
    "sign-in",
    "identity",
    "username",
    "secret",
    "key-file",
    "repositories",
    "client-cert",
    "client-key",
]
"""The fields of the form."""

KEYRING_ERRORS = (
    errors.KeyringLocked,
    errors.KeyringHung,
    errors.KeyringAbsent,
    errors.KeyringInsecure,
    errors.KeyringFailed,
)

_COLORS = {"✓": OK, "!": CARE, "✗": BAD, "…": QUIET, "": QUIET}

HANDED_OUT = "nothing is kept: its own API hands out a login at each use"
"""What no secret means where the service hands out logins."""

_CERTIFICATE = (
    "If your own authority signed it, choose “own CA file”. Before you choose “not verified”, "
    "compare the fingerprint with the server's own."
)
_PLAIN_HTTP = "If that is meant, choose “plain http”: passwords and images then travel unprotected."
_CLIENT_CERTIFICATE = "If it asks for a certificate of yours, name its file and that of its key."
_CLOSED = (
    "Name those that you need, with spaces between them; they are kept with the account. "
    "Without any you can still copy by name."
)


@dataclass(frozen=True, slots=True)
class FieldNote:
    """Something to say, and the field that it stands under."""

    place: Place
    sign: str
    text: str
    remedy: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether something is wrong, or has to be minded."""
        return self.sign in ("✗", "!")

    def content(self) -> Content:
        """Return it as it is shown, made harmless."""
        said = f"{self.sign} {_breakable(safe(self.text))}".lstrip()
        remedy = f"\n{safe(self.remedy)}" if self.remedy else ""
        return Content.assemble((said, _COLORS[self.sign]), (remedy, "$foreground-muted"))


def notes_of(
    found: Examination, account: Account, *, signing_in: bool = False
) -> Iterator[FieldNote]:
    """Give what is to be said of a registry that was tried as `account`.

    `signing_in` says that it was tried as nobody, and that the operator is about to sign in.
    """
    if found.problem is not None:
        if isinstance(found.problem, errors.SignInNeeded) and not account.secret_source:
            yield FieldNote("host", "✓", f"{_answers(found)}, and wants a sign-in")
            if signing_in:
                return
        if note := note_of(found.problem, account):
            yield note
        return
    said = _answers(found) + (", lists its repositories" * bool(found.lists))
    yield FieldNote("host", "✓", said, _impossible(found) if found.service.holds_images else "")
    if found.signed_in:
        yield FieldNote(
            "sign-in", "✓", f"signed in as {account.username}" if account.username else "signed in"
        )
    if found.lists is False and not signing_in:
        yield _closed_note(found)


def note_of(error: TransshipError, account: Account) -> FieldNote | None:
    """Return what to say of an error that came of trying, or keeping, `account`.

    None when it belongs to none of the fields.
    """
    place, remedy = _place_of(error, account)
    return FieldNote(place, "✗", str(error), remedy or error.remedy) if place else None


def keyring_note(status: SecretStatus) -> FieldNote:
    """Return what to say of a keyring that can't be used now."""
    detail = f": {status.detail}" if status.detail else ""
    return FieldNote("sign-in", "!", f"{status.title}{detail}", status.remedy)


def service_note(service: Service, *, told: bool) -> FieldNote:
    """Return which service the host's name tells of. Not `told`, there is nothing to say."""
    words = f"by its name it is {service.title}" if told and service.hosts else ""
    return FieldNote("service", "", words)


def protection_note(*, here: bool) -> FieldNote:
    """Return what there is to say of a protection; `here` says that the host is this machine."""
    words = "where it speaks no https: plain http, which doesn't leave this machine"
    return FieldNote("tls", "", words if here else "")


def source_note(source: SecretSource, host: str, *, handed_out: bool = False) -> FieldNote:
    """Return where the secret lives, when that has to be said.

    `handed_out` says that the service hands out a login to whoever keeps no secret.
    """
    match source:
        case "environment":
            words = f"read at each use from {' and '.join(variables_of(host))}"
        case "docker":
            words = "read at each use from where docker or podman keeps it"
        case "session":
            words = "forgotten when you quit; jobs that run go on"
        case "":
            words = HANDED_OUT if handed_out else "what everybody may read"
        case _:
            words = ""
    return FieldNote("sign-in", "", words)


def _closed_note(found: Examination) -> FieldNote:
    if not found.service.lists:
        words = f"{found.service.title} doesn't list its repositories"
    elif found.signed_in:
        words = "signed in, but may not list the repositories"
    else:
        words = "without a sign-in it doesn't list its repositories"
    return FieldNote("repositories", "!", words, _CLOSED)


def _impossible(found: Examination) -> str:
    """Return what else can't be done there; of the list there is a note of its own."""
    answers = dict(grouped(card_of(found.service, found)))
    names = [name for name in answers.get("no", ()) if name != "list"]
    return f"Its card says what it means that it can't {' or '.join(names)}." if names else ""


def state_of(found: Examination | None, error: TransshipError | None) -> str:
    """Return in a word how a registry was found: of an examination, or of why there is none."""
    problem = found.problem if found is not None else error
    if problem is None:
        if found is None:
            return "untested"
        return "ok" if found.lists or not found.service.holds_images else "unlisted"
    return next((word for kinds, word in _STATES if isinstance(problem, kinds)), "failed")


def _breakable(text: str) -> str:
    """Let a fingerprint begin on a line of its own, and be broken after every eighth byte."""
    text = re.sub(r" (?=(?:[0-9A-F]{2}:){31})", "\n", text)
    return re.sub(r"((?:[0-9A-F]{2}:){8})", r"\1 ", text)


def _answers(found: Examination) -> str:
    return f"answers: {found.service.title}, {found.protection}"


def _place_of(error: TransshipError, account: Account) -> tuple[Place | None, str]:
    """Return the field that an error belongs to, and the remedy in the words of the form."""
    if isinstance(error, _SIGN_IN_ERRORS):
        return _sign_in_place(error, account)
    if isinstance(error, errors.NotARegistry) and account.tls.plain_http:
        return "tls", "It may speak https: choose “certificate verified”."
    if isinstance(error, errors.BadFile):
        return _file_place(error, account)
    found = ((place, remedy) for kinds, place, remedy in _PLACES if isinstance(error, kinds))
    return next(found, ("host", ""))


def _file_place(error: errors.BadFile, account: Account) -> tuple[Place | None, str]:
    tls = account.tls
    files: tuple[tuple[Place, str, str], ...] = (
        ("ca-file", tls.ca_file, "Name a file with certificates in PEM."),
        ("client-cert", tls.client_cert, "Name a certificate in PEM, and its key if it is apart."),
        ("client-key", tls.client_key, "Name the key of the certificate, in PEM."),
    )
    named = (
        (place, remedy)
        for place, path, remedy in files
        if path and error.detail.startswith(f"{safe(path)}: ")
    )
    return next(named, (None, ""))


def _sign_in_place(error: TransshipError, account: Account) -> tuple[Place, str]:
    match account.secret_source:
        case "":
            return "sign-in", "Choose how to sign in."
        case "environment":
            both = " and ".join(variables_of(account.host))
            return "sign-in", f"Set {both}, then open Transship again."
        case "docker":
            return "sign-in", f"Sign in with `docker login {account.host}`, then test again."
    if isinstance(error, errors.SecretUnavailable):
        return "secret", "Type it."
    return "secret", "Check the user and type the secret again. A token may have expired."


_SIGN_IN_ERRORS = (
    errors.SignInNeeded,
    errors.WrongCredential,
    errors.TokenExpired,
    errors.SecretUnavailable,
)

_PLACES: tuple[tuple[tuple[type[TransshipError], ...], Place | None, str], ...] = (
    ((errors.CertificateNotTrusted,), "tls", _CERTIFICATE),
    ((errors.PlainHttp,), "tls", _PLAIN_HTTP),
    ((errors.ClientCertificateRefused,), "client-cert", _CLIENT_CERTIFICATE),
    ((*KEYRING_ERRORS, errors.NoRight, errors.HelperFailed), "sign-in", ""),
    (
        (errors.BadRequest, errors.DiskFull, errors.SystemRefused, errors.InternalFault),
        None,
        "",
    ),
)

_STATES: tuple[tuple[tuple[type[TransshipError], ...], str], ...] = (
    ((*_SIGN_IN_ERRORS, errors.HelperFailed, errors.RealmRefused), "sign-in"),
    (KEYRING_ERRORS, "keyring"),
    ((errors.CertificateNotTrusted, errors.ClientCertificateRefused), "untrusted"),
    (
        (
            errors.NameNotFound,
            errors.ConnectionRefused,
            errors.ConnectionLost,
            errors.TimedOut,
            errors.ProxyFailed,
        ),
        "unreachable",
    ),
)

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


def faults_in(entry: Entry, others: Sequence[Account], *, has_secret: bool) -> Iterator[FieldNote]:
    """Give what is wrong with an entry before any registry is asked."""
    if not entry.host and (wrong := list(_wrong_parts(entry))):
        yield from wrong
        return
    try:
        account = entry.account()
    except BadReference as error:
        yield FieldNote("host", "✗", error.detail or error.title, error.remedy)
        return
    for name, why in faults_of(account):
        if name in _FIELDS:
            place, subject = _FIELDS[name]
            yield FieldNote(place, "✗", f"{subject} {why}")
    for name in (name for name in account.repositories if not is_repository(name)):
        yield FieldNote("repositories", "✗", f"{name} is no repository name", "As in team/web.")
    for other in others:
        if entry.alias and other.alias == entry.alias and other.host != account.host:
            yield FieldNote("alias", "✗", f"The alias is taken by {other.host}")
    if entry.protection == "ca" and not entry.ca_file:
        yield FieldNote("ca-file", "✗", "The file is needed")
    if entry.is_typed:
        yield from _wrong_sign_in(entry, has_secret=has_secret)


def secret_fault(entry: Entry, secret: str) -> FieldNote | None:
    """Return what is wrong with a secret as it was typed, or read; it is never quoted."""
    question = entry.as_whom.secret
    why = question.fault_in(secret)
    place: Place = "key-file" if question.from_file else "secret"
    return (
        FieldNote(place, "✗", f"The {question.label.lower()} {why}", question.where)
        if why
        else None
    )


def _wrong_parts(entry: Entry) -> Iterator[FieldNote]:
    answers = entry.parts or ("",) * len(PARTS)
    asked = zip(PARTS, entry.asks.parts, answers, strict=False) if entry.service else ()
    for place, question, answer in asked:
        if why := question.fault(answer):
            yield FieldNote(place, "✗", f"{question.label} {why}", question.where)


def _wrong_sign_in(entry: Entry, *, has_secret: bool) -> Iterator[FieldNote]:
    identity = entry.as_whom
    kept = entry.before is not None and entry.user == entry.before.username
    if identity.user is not None and entry.username and not kept:
        why = identity.user.fault(entry.username)
        if why and ":" not in entry.username:
            yield FieldNote("username", "✗", f"{identity.user.label} {why}", identity.user.where)
    if not has_secret and not entry.keeps_secret:
        place: Place = "key-file" if identity.secret.from_file else "secret"
        words = "The file is needed" if identity.secret.from_file else "The secret is needed"
        yield FieldNote(place, "✗", words)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


def _protection_of(tls: Tls) -> Protection:
    if tls.plain_http:
        return "plain"
    if tls.insecure:
        return "insecure"
    return "ca" if tls.ca_file else "verified"
