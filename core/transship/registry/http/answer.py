"""What an answer means: the error type behind a status and an error body.

Distribution spec, "Error Codes"; where services differ, their own codes and words are known too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registry.http.rate_limiter import retry_after

JSON_LIMIT = 64 * 1024 * 1024
"""The largest list or token answer that is read, in bytes."""

_WORDS = ("message", "error_description", "error", "detail", "details")
_WORDS_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are in lower case; `url` is where it came from.

    Its body may hold a token, and its address a signature, so neither is in the repr.
    """

    method: str
    url: str = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    challenges: tuple[str, ...]
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the request succeeded (2xx)."""
        return 200 <= self.status < 300

    def json(self, kind: type[Any]) -> Any:
        """Return the body decoded as `kind`; a number may be a string. Raises UnexpectedAnswer."""
        try:
            return msgspec.json.decode(self.body, type=kind, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise errors.UnexpectedAnswer(f"{described(self)}: {error}") from error


_BY_CODE: Mapping[str, type[TransshipError]] = {
    "NAME_UNKNOWN": errors.RepositoryNotFound,
    "NAME_INVALID": errors.RepositoryNotFound,
    "MANIFEST_UNKNOWN": errors.ManifestNotFound,
    "MANIFEST_INVALID": errors.ManifestRejected,
    "MANIFEST_UNVERIFIED": errors.ManifestRejected,
    "TAG_INVALID": errors.ManifestRejected,
    "MANIFEST_BLOB_UNKNOWN": errors.ManifestBlobUnknown,
    "BLOB_UNKNOWN": errors.BlobNotFound,
    "BLOB_UPLOAD_UNKNOWN": errors.UploadLost,
    "BLOB_UPLOAD_INVALID": errors.UploadLost,
    "DIGEST_INVALID": errors.DigestMismatch,
    "SIZE_INVALID": errors.UploadLost,
    "DENIED": errors.NoRight,
    "UNSUPPORTED": errors.ReadOnly,
}

_BY_STATUS: Mapping[int, type[TransshipError]] = {
    HTTPStatus.UNAUTHORIZED: errors.SignInNeeded,
    HTTPStatus.PAYMENT_REQUIRED: errors.QuotaExceeded,
    HTTPStatus.FORBIDDEN: errors.NoRight,
    HTTPStatus.METHOD_NOT_ALLOWED: errors.ReadOnly,
    HTTPStatus.REQUEST_TIMEOUT: errors.TimedOut,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: errors.TooLarge,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: errors.UploadLost,
    HTTPStatus.INSUFFICIENT_STORAGE: errors.QuotaExceeded,
}

# What a server can't do now, it can't do later either.
_FINAL_FAILURES = frozenset(
    {
        HTTPStatus.NOT_IMPLEMENTED,
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        HTTPStatus.INSUFFICIENT_STORAGE,
        HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED,
    }
)

_IMMUTABLE = ("immutab", "tag_already_exists", "does not allow updating")
_QUOTA = ("quota", "exceed the configured upper limit", "limitexceeded")


def error_of(
    answer: Answer, now: float, *, missing: type[TransshipError] = errors.RepositoryNotFound
) -> TransshipError:
    """Return the error that a failed answer stands for.

    `missing` is what a plain 404 means for the request; `now` is the time in seconds since the
    epoch, for a Retry-After that is a date.
    """
    codes, words = _said(answer)
    detail = described(answer)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or "TOOMANYREQUESTS" in codes:
        return errors.RateLimited(detail, retry_after=retry_after(answer.headers, now))
    if answer.status >= 500 and answer.status not in _FINAL_FAILURES:
        pause = retry_after(answer.headers, now)
        if pause is None and answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            pause = 0.0  # It says "later" without saying when.
        return errors.ServerFailed(detail, retry_after=pause)
    if special := _by_words(answer, codes, f"{' '.join(codes)} {words}".lower()):
        return special(detail)
    # Where a registry has several reasons, that something isn't there yet explains the others: it
    # reads what is just being written.
    for code in sorted(codes, key=lambda code: code != "MANIFEST_BLOB_UNKNOWN"):
        if kind := _BY_CODE.get(code):
            return kind(detail)
    if answer.status == HTTPStatus.NOT_FOUND:
        return missing(detail)
    return _BY_STATUS.get(answer.status, errors.UnexpectedAnswer)(detail)


def described(answer: Answer) -> str:
    """Return one line that names the request, without its query, and what the registry said."""
    line = f"{answer.method} {answer.url.partition('?')[0]}: {answer.status}"
    _, words = ((), "") if answer.ok else _said(answer)
    return f"{line} {words}" if words else line


def number(text: str) -> int:
    """Return the number that a header field holds, or 0, also where it is longer than any size."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def is_transient(status: int) -> bool:
    """Tell whether the same request may succeed later."""
    return status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or (
        status >= 500 and status not in _FINAL_FAILURES
    )


def _said(answer: Answer) -> tuple[tuple[str, ...], str]:
    """Return the error codes, in upper case, and the words for people in an answer's body.

    Most follow the specification; token servers and services have fields of their own, and some
    servers write plain text.
    """
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        plain = answer.headers.get("content-type", "").startswith("text/plain")
        return (), _line(answer.body.decode(errors="replace") if plain else "")
    nested = document.get("error")
    if isinstance(nested, dict) and _first_text(nested, _WORDS):
        document = nested  # As Google's APIs have it.
    listed = document.get("errors")
    if not isinstance(listed, list):
        return (), _line(_first_text(document, _WORDS))
    entries = [entry for entry in listed if isinstance(entry, dict)]
    codes = tuple(str(entry.get("code", "")).upper() for entry in entries)
    return codes, _line(" ".join(_first_text(entry, ("message", "code")) for entry in entries))


def _first_text(document: dict[str, Any], names: tuple[str, ...]) -> str:
    texts = (document.get(name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _line(text: str) -> str:
    return " ".join(text.split())[:_WORDS_LIMIT]


def _by_words(answer: Answer, codes: tuple[str, ...], words: str) -> type[TransshipError] | None:
    """Return the error where a service has only words, or a code of another cause, for it."""
    if answer.method not in ("PUT", "POST", "PATCH"):
        return errors.UnexpectedAnswer if "UNSUPPORTED" in codes else None
    if any(sign in words for sign in _IMMUTABLE):
        return errors.ImmutableTag
    if any(sign in words for sign in _QUOTA):
        return errors.QuotaExceeded
    if answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE or (
        "UNSUPPORTED" in codes and "manifest" in words
    ):
        return errors.ManifestRejected
    return None
