"""Signs requests to Tencent Cloud's API: "Signature v3", TC3-HMAC-SHA256. Pure.

The signature itself is made by the official SDK. What goes into it is written here, because the
SDK's clients sign only what they send themselves: see `tencent.cloud`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from transship.registries.credential import Credential
from transship.registries.services.api import Request

_ALGORITHM = "TC3-HMAC-SHA256"
_SIGNED_FIELDS = "content-type;host"
_JSON = "application/json"

SignTc3 = Callable[[str, str, str, str], str]
"""The SDK's `Sign.sign_tc3`: of a secret key, a date, a service and what is to be signed."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an action. `service` and `version` are those of its product."""

    service: str
    version: str
    action: str
    region: str
    content: bytes


def signed(call: Call, host: str, credential: Credential, now: float, sign_tc3: SignTc3) -> Request:
    """Return the request that a call is, signed at `now` (seconds since the epoch)."""
    timestamp = int(now)
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{call.service}/tc3_request"
    fields = f"content-type:{_JSON}\nhost:{host}\n"
    content = hashlib.sha256(call.content).hexdigest()
    request = f"POST\n/\n\n{fields}\n{_SIGNED_FIELDS}\n{content}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{digest}"
    signature = sign_tc3(credential.secret, date, call.service, to_sign)
    return Request(
        "POST",
        "/",
        {
            "authorization": (
                f"{_ALGORITHM} Credential={credential.username}/{scope}, "
                f"SignedHeaders={_SIGNED_FIELDS}, Signature={signature}"
            ),
            "content-type": _JSON,
            "host": host,
            "x-tc-action": call.action,
            "x-tc-version": call.version,
            "x-tc-timestamp": str(timestamp),
            "x-tc-region": call.region,
            "x-tc-language": "en-US",
        },
        call.content,
    )
