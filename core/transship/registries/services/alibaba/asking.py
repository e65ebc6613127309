"""What is asked of Alibaba Cloud's API, and what its answers stand for.

A refusal is a JSON object with a code and a message: beside an HTTP status that fits, or, from the
Enterprise Edition, with 200 and `IsSuccess` false. The names of fields are in lower case in an API
of the ROA style, and begin with a capital in one of the RPC style.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus

import msgspec

from transship import errors
from transship.errors import TransshipError
from transship.registries.answers import Answer
from transship.registries.services.alibaba.signing import Action, signed
from transship.registries.services.api import Ask, Keys, Request
from transship.text import safe

_PER_SECOND = 15.0
"""How often the API may be asked; Harbor holds itself to the same."""

_ABSENT = ("NAMESPACE_NOT_EXIST", "REPO_NOT_EXIST")
_KEYS = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidSecurityToken",
)
_CLOCK = ("InvalidTimeStamp", "IllegalTimestamp", "SignatureNonceUsed")
_DENIED = ("Forbidden", "NoPermission", "NO_PERMISSION", "UNAUTHORIZED", "INSTANCE_NOT_EXIST")
_LATER = ("ServiceUnavailable", "InternalError", "SYSTEM_ERROR")


async def asked(ask: Ask, action: Action) -> Answer:
    """Return the answer, which is a success.

    Raises RepositoryNotFound for what isn't there, WrongCredential, NoRight, and what may pass.
    """

    def made(keys: Keys, now: float) -> Request:
        fields = signed(action, keys.host, keys.credential, now, secrets.token_hex(16))
        query = f"?{action.canonical_query}" if action.query else ""
        return Request(action.method, action.path + query, fields, action.content)

    def judged(answer: Answer) -> TransshipError | None:
        return _failure(action, answer)

    # Whether what was to be made was made isn't known where no answer came.
    repeats = not action.name.startswith("Create")
    return await ask.cloud(made, judged, per_second=_PER_SECOND, repeats=repeats)


def _failure(action: Action, answer: Answer) -> TransshipError | None:
    """Return what an answer stands for, None where it is a success."""
    document = _document(answer)
    if answer.ok and document.get("issuccess", True):
        return None
    code = str(document.get("code", ""))
    words = safe(str(document.get("message", "")), limit=300)
    detail = f"{action.name}: {answer.status} {code} {words}".rstrip()
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or code.startswith("Throttling"):
        return errors.RateLimited(detail)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or code.startswith(_LATER):
        return errors.ServerFailed(detail)
    if code.startswith(_ABSENT):
        return errors.RepositoryNotFound(detail)
    if code.startswith(_KEYS):
        return errors.WrongCredential(detail)
    if code.startswith(_CLOCK):
        remedy = "Check this machine's clock: what is signed holds for a quarter of an hour."
        return errors.WrongCredential(detail, remedy=remedy)
    if code.startswith(_DENIED) or answer.status in (
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    ):
        return errors.NoRight(detail)
    return errors.UnexpectedAnswer(detail)


def _document(answer: Answer) -> dict[str, object]:
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {str(name).lower(): value for name, value in document.items()}
