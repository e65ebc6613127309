from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship import errors
from transship.cutover.domain import (
    Domain,
    address_and_port,
    ancestors,
    parent_of,
    parse_domain,
    unicode_name,
)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("images.example.com", Domain("images.example.com", 443, "images.example.com")),
        (" Images.Example.COM. ", Domain("images.example.com", 443, "images.example.com")),
        ("images.example.com:5000", Domain("images.example.com", 5000, "images.example.com")),
        ("bücher.example", Domain("xn--bcher-kva.example", 443, "bücher.example")),
        ("xn--bcher-kva.example", Domain("xn--bcher-kva.example", 443, "bücher.example")),
        # IDNA 2003 would make it strasse.
        ("straße.example", Domain("xn--strae-oqa.example", 443, "straße.example")),
        ("例え。example", Domain("xn--r8jz45g.example", 443, "例え.example")),
    ],
)
def test_a_domain_is_read_as_a_person_writes_it(text: str, domain: Domain) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://images.example.com", "a web address"),
        ("images.example.com/team", "with a path"),
        ("me@images.example.com", "with a user"),
        ("images.example.com:", "no port"),
        ("images.example.com:0", "no port"),
        ("images.example.com:65536", "no port"),
        ("images.example.com:http", "no port"),
        ("192.0.2.1", "an IP address"),
        ("192.0.2.1:443", "an IP address"),
        ("[2001:db8::1]:443", "an IP address"),
        ("2001:db8::1", "an IP address"),
        ("localhost", "one label"),
        ("*.example.com", "'*'"),
        ("my_images.example.com", "'my_images'"),
        ("-images.example.com", "'-images'"),
        ("images..example.com", "empty"),
        ("im ages.example.com", "part of a host name"),
        ("☃.example.com", "not allowed"),
        (f"{'a' * 64}.example.com", "63"),
        ("", "part of a host name"),
    ],
)
def test_what_no_image_can_be_pulled_by_is_refused(text: str, why: str) -> None:
    with pytest.raises(errors.BadDomain) as refused:
        parse_domain(text)
    assert why in refused.value.detail


def test_a_name_that_only_looks_encoded_is_shown_as_it_is() -> None:
    assert unicode_name("xn--zzzzzz---.example") == "xn--zzzzzz---.example"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5300", ("192.0.2.1", 5300)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5300", ("2001:db8::1", 5300)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)
def test_an_address_may_have_a_port(text: str, place: tuple[str, int]) -> None:
    assert address_and_port(text, 53) == place


@pytest.mark.parametrize("text", ["", "ns.example.com", "192.0.2.1:", "[::1]53", "[::1", "::1:x"])
def test_what_is_no_address_is_no_address(text: str) -> None:
    with pytest.raises(ValueError):
        address_and_port(text, 53)


def test_the_root_is_above_everything() -> None:
    assert ancestors("images.example.test") == ["images.example.test", "example.test", "test", ""]
    assert parent_of("test") == ""


@given(st.text(max_size=80))
def test_whatever_is_written_is_a_domain_or_refused(text: str) -> None:
    try:
        domain = parse_domain(text)
    except errors.BadDomain:
        return
    assert parse_domain(domain.host) == domain
    assert domain.name == domain.name.lower()
    assert domain.name.isascii()
