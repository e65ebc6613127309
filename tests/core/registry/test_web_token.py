from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.registry.credential import life_of

DEEP = base64.urlsafe_b64encode(b'{"x":' + b"[" * 100_000).decode()


def jwt(**claims: object) -> str:
    parts = ({"alg": "none"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in encoded), "signature"])


@given(st.integers(0, 10**10), st.integers(1, 10**6))
def test_it_lives_from_when_it_was_issued_to_its_end(issued: int, seconds: int) -> None:
    assert life_of(jwt(iat=issued, exp=issued + seconds, jti="x")) == seconds


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.b.c",
        "e30.\xff.s",
        f"e30.{DEEP}.s",
        jwt(),
        jwt(exp=1),
        jwt(iat=1, exp="soon"),
        jwt(iat=10, exp=10),
        jwt(iat=10, exp=1),
    ],
)
def test_what_does_not_say_so_says_nothing(token: str) -> None:
    assert life_of(token) == 0
