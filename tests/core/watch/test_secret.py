"""The shared secret: who shows it is let in, and it is never shown itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transship.errors import BadFile, BadRequest
from transship.watch.receiver import SharedSecret, secret_from_descriptor, secret_in_file

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("authorization", "last_of_path"),
    [(f"Bearer {SECRET}", ""), (f"bearer  {SECRET} ", ""), (SECRET, ""), ("", SECRET)],
)
def test_it_may_stand_in_the_header_or_at_the_end_of_the_path(
    authorization: str, last_of_path: str
) -> None:
    assert SharedSecret(SECRET).is_shown_by(authorization, last_of_path)


@pytest.mark.parametrize(
    ("authorization", "last_of_path"),
    [
        ("", ""),
        ("Bearer ", ""),
        (f"Basic {SECRET}", ""),
        (f"Bearer {SECRET}x", ""),
        (SECRET[:-1], SECRET[1:]),
        (SECRET.upper(), ""),
        ("\udcff", "ü"),
    ],
)
def test_anything_else_is_not_it(authorization: str, last_of_path: str) -> None:
    assert not SharedSecret(SECRET).is_shown_by(authorization, last_of_path)


def test_it_does_not_show_itself() -> None:
    secret = SharedSecret(SECRET)
    assert SECRET not in repr(secret) + str(vars(secret))


@pytest.mark.parametrize("text", ["", "short", "x" * 600, "0123456789 abcdef0", "0123456789/äöü/a"])
def test_a_poor_one_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        SharedSecret(text)
    assert not text or text not in str(refused.value) + refused.value.remedy


def test_it_is_the_first_line_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\r\nsomething else\n")
    path.chmod(0o600)
    assert secret_in_file(path).is_shown_by(SECRET, "")


def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    with pytest.raises(BadFile, match="everybody can read it"):
        secret_in_file(path)


def test_it_comes_from_a_file_descriptor() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, f"{SECRET}\n".encode())
    os.close(theirs)
    assert secret_from_descriptor(ours).is_shown_by(SECRET, "")


def test_a_file_descriptor_that_is_not_open_is_named() -> None:
    with pytest.raises(BadRequest, match="file descriptor 9999"):
        secret_from_descriptor(9999)
