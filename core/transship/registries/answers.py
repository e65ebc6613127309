"""What an answer means: the error type behind a status and an error body.

Distribution spec, "Error Codes"; where services differ, their own codes and words are known too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.pacing import retry_after

JSON_LIMIT = 64 * 1024 * 1024
"""The largest list or token answer that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Header names are in lower case; `url` is where it came from."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    challenges: tuple[str, ...]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the request succeeded (2xx)."""
        return 200 <= self.status < 300

    def json(self, kind: type[Any]) -> Any:
        """Return the body decoded as `kind`. Raises UnexpectedAnswer."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.MsgspecError as error:
            raise errors.UnexpectedAnswer(f"{described(self)}: {error}") from error


class _Error(msgspec.Struct):
    code: str | int = ""
    message: str | None = None
    detail: Any = None


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


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
    "SIZE_INVALID": errors.TooLarge,
    "DENIED": errors.NoRight,
    "UNSUPPORTED": errors.ReadOnly,
    "TOOMANYREQUESTS": errors.RateLimited,
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


def error_of(
    answer: Answer, now: float, *, missing: type[TransshipError] = errors.RepositoryNotFound
) -> TransshipError:
    """Return the error that a failed answer stands for.

    `missing` is what a plain 404 means for the request; `now` is the time in seconds since the
    epoch, for a Retry-After that is a date.
    """
    listed = _listed(answer.body)
    codes = [str(error.code).upper() for error in listed]
    words = " ".join(str(error.message or error.code) for error in listed)
    detail = described(answer, words)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or "TOOMANYREQUESTS" in codes:
        return errors.RateLimited(detail, retry_after=retry_after(answer.headers, now))
    if answer.status >= 500 and answer.status != HTTPStatus.INSUFFICIENT_STORAGE:
        return errors.ServerFailed(detail, retry_after=retry_after(answer.headers, now))
    if special := _by_words(answer, codes, words):
        return special(detail)
    for code in codes:
        if kind := _BY_CODE.get(code):
            return kind(detail)
    if answer.status == HTTPStatus.NOT_FOUND:
        return missing(detail)
    return _BY_STATUS.get(answer.status, errors.UnexpectedAnswer)(detail)


def described(answer: Answer, words: str = "") -> str:
    """Return one line that names the request and what came of it, without query strings."""
    address = answer.url.partition("?")[0]
    return f"{answer.method} {address}: {answer.status}" + (f" {words}" if words else "")


def _listed(body: bytes) -> list[_Error]:
    try:
        return msgspec.json.decode(body, type=_Errors).errors
    except msgspec.MsgspecError:
        return []


def _by_words(answer: Answer, codes: list[str], words: str) -> type[TransshipError] | None:
    """Return the error where a service has only words, or a code of another cause, for it."""
    said = words.lower()
    writing = answer.method in ("PUT", "POST", "PATCH")
    if writing and ("immutable" in said or "tag_already_exists" in said):
        return errors.ImmutableTag
    if writing and "quota" in said:
        return errors.QuotaExceeded
    if not writing and "UNSUPPORTED" in codes:
        return errors.UnexpectedAnswer
    return None
