"""Checks a TC3-HMAC-SHA256 signature, after the API's own page on it ("Signature v3").

Nothing of the SDK is used for it, so that it judges what the SDK signs too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_VALID_SECONDS = 300
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 "
    r"Credential=(?P<id>[^/]+)/(?P<date>[0-9-]{10})/(?P<service>[a-z]+)/tc3_request, "
    r"SignedHeaders=(?P<fields>[a-z;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def fault(
    headers: Mapping[str, str], body: bytes, keys: Mapping[str, str], service: str, now: float
) -> tuple[str, str]:
    """Return the code and the message for a signature that isn't right, and else nothing.

    `headers` have names in lower case, `keys` are the SecretKeys by their SecretIds.
    """
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        return "AuthFailure.InvalidAuthorization", "The authorization field isn't of the format."
    timestamp = headers.get("x-tc-timestamp", "")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > _VALID_SECONDS:
        return "AuthFailure.SignatureExpire", "The signature has expired."
    if found["id"] not in keys:
        return "AuthFailure.SecretIdNotFound", "The SecretId is not found."
    date = datetime.fromtimestamp(int(timestamp), UTC).date().isoformat()
    fields = found["fields"].split(";")
    complete = {"content-type", "host"} <= set(fields) and fields == sorted(fields)
    if not complete or (found["date"], found["service"]) != (date, service):
        return "AuthFailure.SignatureFailure", "The scope or the fields aren't those to be signed."
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            *(f"{name}:{headers.get(name, '').strip().lower()}" for name in fields),
            "",
            found["fields"],
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{date}/{service}/tc3_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"TC3{keys[found['id']]}".encode()
    for part in (date, service, "tc3_request"):
        key = _mac(key, part)
    wanted = _mac(key, f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}").hex()
    if not hmac.compare_digest(wanted, found["signature"]):
        return "AuthFailure.SignatureFailure", "The provided credentials could not be validated."
    return "", ""


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
