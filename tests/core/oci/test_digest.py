"""Digests name content; what isn't one is never taken for one."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import DigestMismatch, InvalidManifest
from transship.oci.digest import (
    check,
    check_bytes,
    digest_of,
    digest_of_fallback_tag,
    fallback_tag,
    hasher,
    is_digest,
    parse_digest,
    short,
)
from transship.oci.reference import is_tag

ALGORITHMS = st.sampled_from(["sha256", "sha512"])


@given(st.binary(), ALGORITHMS)
def test_content_is_what_its_digest_names(content: bytes, algorithm: str) -> None:
    digest = digest_of(content, algorithm)

    assert parse_digest(digest) == digest
    assert digest == f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    check_bytes(digest, content, "here")
    with pytest.raises(DigestMismatch, match="from here"):
        check_bytes(digest, content + b"x", "here")


def test_content_can_be_hashed_piece_by_piece() -> None:
    digest = digest_of(b"one two", "sha512")
    hashed = hasher(digest)
    hashed.update(b"one ")
    hashed.update(bytearray(b"two"))

    check(digest, hashed, "here")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        ":" + "a" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "SHA256:" + "a" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
        "sha256:" + "١" * 64,
        "sha256:../" + "a" * 61,
        "sha512:" + "a" * 64,
        "md5:" + "a" * 32,
        "sha256+b64:" + "a" * 64,
        "blake3:" + "a" * 64,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(InvalidManifest, match="not a sha256 or sha512 digest"):
        parse_digest(text)


@given(st.binary(), ALGORITHMS)
def test_referrers_stand_under_a_tag_made_of_the_digest(content: bytes, algorithm: str) -> None:
    digest = digest_of(content, algorithm)
    tag = fallback_tag(digest)

    assert is_tag(tag)
    assert tag == digest.replace(":", "-")[: len(algorithm) + 1 + 64]
    assert digest_of_fallback_tag(tag) == (digest if algorithm == "sha256" else None)


@pytest.mark.parametrize(
    "tag", ["1.4", "", "sha256-", "sha256-" + "a" * 64 + ".sig", "sha256-" + "A" * 64]
)
def test_other_tags_are_no_fallback_tags(tag: str) -> None:
    assert digest_of_fallback_tag(tag) is None


def test_a_digest_is_compared_by_its_first_twelve_figures() -> None:
    assert short(digest_of(b"")) == "sha256:e3b0c44298fc"
