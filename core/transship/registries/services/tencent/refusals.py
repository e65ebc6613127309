"""What the answers of Tencent Cloud's API stand for: refusals come with the status 200. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.answers import Answer, described
from transship.text import safe

_WORDS = 400
_T = TypeVar("_T")

_BY_CODE: Mapping[str, type[TransshipError]] = {
    "AuthFailure": errors.WrongCredential,
    "AuthFailure.UnauthorizedOperation": errors.NoRight,
    "UnauthorizedOperation": errors.NoRight,
    "FailedOperation.ErrorTcrUnauthorized": errors.NoRight,
    "InternalError.ErrUnauthorized": errors.NoRight,
    "InternalError.ErrorTcrUnauthorized": errors.NoRight,
    "RequestLimitExceeded": errors.RateLimited,
    "LimitExceeded": errors.QuotaExceeded,
    "OperationDenied.QuotaOverLimit": errors.QuotaExceeded,
    "InternalError.ErrorOverLimit": errors.QuotaExceeded,
    "ResourceNotFound": errors.CloudLacks,
    "InternalError.ErrNotExist": errors.CloudLacks,
    "InvalidParameter.ErrNamespaceExist": errors.CloudHasIt,
    "InvalidParameter.ErrRepoExist": errors.CloudHasIt,
    "InvalidParameter.ErrTriggerExist": errors.CloudHasIt,
    "InvalidParameter.ErrUserExist": errors.CloudHasIt,
    "InvalidParameter.ErrorNameExists": errors.CloudHasIt,
    "InvalidParameter.ReplicationExists": errors.CloudHasIt,
    "FailedOperation.ErrorTcrResourceConflict": errors.CloudHasIt,
    "InternalError.ErrorTcrResourceConflict": errors.CloudHasIt,
    "InternalError.ErrConflict": errors.CloudHasIt,
    "InternalError.ErrorConflict": errors.CloudHasIt,
    "InternalError": errors.ServerFailed,
    "ServiceUnavailable": errors.ServerFailed,
}
"""By the whole code, or else by the longest part of it that ends before a dot."""

_REMEDIES: Mapping[str, str] = {
    "AuthFailure.SignatureExpire": (
        "Check this machine's clock: what is signed holds for five minutes."
    ),
    "AuthFailure": "Check SecretId and SecretKey, and that the key isn't disabled.",
    "ResourceNotFound.ErrNoUser": "Switch the personal edition on in its console first.",
    "UnsupportedOperation.ErrNoUserInitialized": (
        "Switch the personal edition on in its console first."
    ),
}


class _Error(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Response(msgspec.Struct, rename="pascal"):
    error: _Error | None = None
    request_id: str = ""


class _Envelope(msgspec.Struct, rename="pascal"):
    response: _Response


def failure_of(action: str, answer: Answer) -> TransshipError | None:
    """Return what an answer stands for, None where it is a success. Raises UnexpectedAnswer."""
    if answer.status != HTTPStatus.OK:
        return _by_status(f"{action}: {described(answer)}", answer.status)
    said: _Response = answer.json(_Envelope).response
    if said.error is None:
        return None
    return refusal(action, said.error.code, said.error.message, said.request_id)


def refusal(action: str, code: str, message: str, request_id: str = "") -> TransshipError:
    """Return the error that a code stands for, with what the API says of it."""
    code = safe(code, limit=_WORDS)
    asked = f" (request {safe(request_id, limit=_WORDS)})" if request_id else ""
    detail = f"{action}: {code} {safe(message, limit=_WORDS)}{asked}"
    remedy = _found(_REMEDIES, code)
    kind = _found(_BY_CODE, code) or errors.CloudRefused
    if issubclass(kind, errors.CloudRefused):
        return kind(detail, code=code, remedy=remedy)
    if issubclass(kind, errors.RateLimited | errors.ServerFailed):
        return kind(detail)
    return kind(detail, remedy=remedy)


def _found(table: Mapping[str, _T], code: str) -> _T | None:
    """Return what is said of a code, or else of the longest part that it begins with."""
    while code not in table and code:
        code = code.rpartition(".")[0]
    return table.get(code)


def _by_status(detail: str, status: int) -> TransshipError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return errors.RateLimited(detail)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.ServerFailed(detail)
    if 300 <= status < 400:
        return errors.RedirectRefused(detail)
    return errors.UnexpectedAnswer(detail)
