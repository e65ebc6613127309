"""Where the receiver may listen."""

from __future__ import annotations

import pytest

from transship.errors import BadRequest
from transship.watch.receiver import parse_address


@pytest.mark.parametrize(
    ("text", "meant", "loopback"),
    [
        ("8090", "127.0.0.1:8090", True),
        ("127.0.0.1:8090", "127.0.0.1:8090", True),
        ("localhost:8090", "127.0.0.1:8090", True),
        ("[::1]:8090", "[::1]:8090", True),
        ("0.0.0.0:8090", "0.0.0.0:8090", False),
        ("192.0.2.1:80", "192.0.2.1:80", False),
        ("127.0.0.1:0", "127.0.0.1:0", True),
    ],
)
def test_what_is_an_address(text: str, meant: str, loopback: bool) -> None:
    address = parse_address(text)
    assert (str(address), address.is_loopback) == (meant, loopback)


@pytest.mark.parametrize(
    "text",
    ["", ":8090", "127.0.0.1", "registry.example:80", "1.2.3.4:99999", "a@127.0.0.1:80", "::1:80",
     "127.0.0.1:80/x", "127.0.0.1: 80", "99999"],
)  # fmt: skip
def test_what_is_none_is_said_with_what_would_be(text: str) -> None:
    with pytest.raises(BadRequest, match="no address") as refused:
        parse_address(text)
    assert "127.0.0.1:8090" in refused.value.remedy


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1", "it has no port"),
        ("0.0.0.0", "it has no port"),
        ("99999", "'99999' is no address to listen on: ports end at 65535"),
        ("registry.example:80", "the address has to be a number"),
        ("[1.2.3]:80", "the address has to be a number"),
    ],
)
def test_what_is_wrong_with_it_is_said(text: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        parse_address(text)
