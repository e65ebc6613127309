from __future__ import annotations

import time

import msgspec
import pytest

from transship.registry.credential import Confidential, Credential, Tls, seconds_until


class _Token(Confidential, rename="pascal"):
    access_token: str


def test_the_secret_is_not_in_the_repr() -> None:
    credential = Credential("operator", "correct horse battery")
    assert "correct" not in repr(credential)
    assert "operator" in repr(credential)


def test_nothing_of_a_token_that_is_read_is_in_its_repr() -> None:
    token = msgspec.json.decode(b'{"AccessToken": "s3cret"}', type=_Token)
    assert token.access_token == "s3cret"
    assert "s3cret" not in f"{token!r} {token} {[token]}"


def test_the_way_is_protected_unless_asked_otherwise() -> None:
    assert Tls() == Tls(plain_http=False, insecure=False, ca_file="", client_cert="", client_key="")


def test_a_login_lives_until_its_end() -> None:
    assert 90 < seconds_until(time.time() + 100, 3600) <= 100


@pytest.mark.parametrize("ends_in", [-10_000, -1, 10_000])
def test_an_end_that_can_not_be_is_that_of_a_wrong_clock(ends_in: float) -> None:
    assert seconds_until(time.time() + ends_in, 3600) == 3600
