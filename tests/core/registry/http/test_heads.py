from __future__ import annotations

import pytest

from transship.registry.http.connection import answer_head, request_head


def test_a_head_is_lines_and_an_empty_one() -> None:
    head = request_head("GET /v2/", [("host", "a.example"), ("accept", "*/*")])
    assert head == b"GET /v2/ HTTP/1.1\r\nhost: a.example\r\naccept: */*\r\n\r\n"


@pytest.mark.parametrize("hidden", ["\r\nx: y", "\n", "\r", "\x00", "\x1b[31m", "\x7f"])
def test_nothing_hides_in_a_line(hidden: str) -> None:
    """A token of a token server is remote text, and becomes a field."""
    with pytest.raises(ValueError, match="control character"):
        request_head("GET /v2/", [("authorization", f"Bearer {hidden}")])
    with pytest.raises(ValueError, match="control character"):
        request_head(f"GET /v2/{hidden}", [])


def test_fields_of_one_name_are_a_list() -> None:
    head = answer_head(
        401,
        [
            (b"WWW-Authenticate", b'Bearer realm="a, b"'),
            (b"Www-authenticate", b"Basic realm=c"),
            (b"X-Name", "ü \t".encode()),
            (b"X" * 100, b"y"),
        ],
    )
    assert head.challenges == ('Bearer realm="a, b"', "Basic realm=c")
    assert head.fields == {
        "www-authenticate": 'Bearer realm="a, b", Basic realm=c',
        "x-name": "ü",
        "x" * 100: "y",
    }
    assert "realm" not in repr(head)
