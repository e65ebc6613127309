"""What is said of a registry that was tried: under the fields of the form, and in the list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from textual.content import Content

from transship import errors
from transship.accounts.registry_file import Account, SecretSource
from transship.accounts.secrets import SecretStatus, variables_of
from transship.errors import TransshipError
from transship.registry.capability_card import card_of
from transship.registry.examination import Examination
from transship.registry.service import Service
from transship.text import safe
from transship_tui.capabilities import grouped
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
class Note:
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


def notes_of(found: Examination, account: Account, *, signing_in: bool = False) -> Iterator[Note]:
    """Give what is to be said of a registry that was tried as `account`.

    `signing_in` says that it was tried as nobody, and that the operator is about to sign in.
    """
    if found.problem is not None:
        if isinstance(found.problem, errors.SignInNeeded) and not account.secret_source:
            yield Note("host", "✓", f"{_answers(found)}, and wants a sign-in")
            if signing_in:
                return
        if note := note_of(found.problem, account):
            yield note
        return
    said = _answers(found) + (", lists its repositories" * bool(found.lists))
    yield Note("host", "✓", said, _impossible(found) if found.service.holds_images else "")
    if found.signed_in:
        yield Note(
            "sign-in", "✓", f"signed in as {account.username}" if account.username else "signed in"
        )
    if found.lists is False and not signing_in:
        yield _closed_note(found)


def note_of(error: TransshipError, account: Account) -> Note | None:
    """Return what to say of an error that came of trying, or keeping, `account`.

    None when it belongs to none of the fields.
    """
    place, remedy = _place_of(error, account)
    return Note(place, "✗", str(error), remedy or error.remedy) if place else None


def keyring_note(status: SecretStatus) -> Note:
    """Return what to say of a keyring that can't be used now."""
    detail = f": {status.detail}" if status.detail else ""
    return Note("sign-in", "!", f"{status.title}{detail}", status.remedy)


def service_note(service: Service, *, told: bool) -> Note:
    """Return which service the host's name tells of. Not `told`, there is nothing to say."""
    words = f"by its name it is {service.title}" if told and service.hosts else ""
    return Note("service", "", words)


def protection_note(*, here: bool) -> Note:
    """Return what there is to say of a protection; `here` says that the host is this machine."""
    words = "where it speaks no https: plain http, which doesn't leave this machine"
    return Note("tls", "", words if here else "")


def source_note(source: SecretSource, host: str, *, handed_out: bool = False) -> Note:
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
    return Note("sign-in", "", words)


def _closed_note(found: Examination) -> Note:
    if not found.service.lists:
        words = f"{found.service.title} doesn't list its repositories"
    elif found.signed_in:
        words = "signed in, but may not list the repositories"
    else:
        words = "without a sign-in it doesn't list its repositories"
    return Note("repositories", "!", words, _CLOSED)


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
