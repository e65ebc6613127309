"""What a token says of itself, where it is a JSON Web Token (RFC 7519). Nothing is verified."""

from __future__ import annotations

import base64

import msgspec


class _Claims(msgspec.Struct):
    exp: float
    iat: float


def life_of(token: str) -> float:
    """Return for how many seconds a token holds from when it was issued, 0 if it doesn't say.

    The difference of what it says itself: whose clock is right doesn't matter.
    """
    parts = token.split(".")
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "==") if len(parts) == 3 else b""
        said = msgspec.json.decode(claims, type=_Claims)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return 0.0
    return max(0.0, said.exp - said.iat)
