from __future__ import annotations

import pytest

from transship.registry.http.address import authority, is_loopback, leads_to, path_of, resolve

BASE = "https://registry.example/v2/team/web/blobs/uploads/"


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("/v2/", "https://registry.example/v2/"),
        ("1234", BASE + "1234"),
        ("http://other.example:5000/x", "http://other.example:5000/x"),
        ("/x?_state=a%2Bb%2F%3D%3D-_~", "https://registry.example/x?_state=a%2Bb%2F%3D%3D-_~"),
        ("/x?a=b c é", "https://registry.example/x?a=b%20c%20%C3%A9"),
        ("/x?a=b#part", "https://registry.example/x?a=b"),
        ("https://[2001:db8::1]:5000/x", "https://[2001:db8::1]:5000/x"),
    ],
)
def test_an_address_is_meant_from_where_it_was_named(named: str, address: str) -> None:
    assert resolve(BASE, named) == address


@pytest.mark.parametrize(
    "named",
    [
        "ftp://registry.example/x",
        "file:///etc/passwd",
        "http:///x",
        "http://[::x]/",
        "http://registry.example:99999/",
        "http://registry.example:port/",
        "http://registry.example:0/",
        "https://user:secret@registry.example/",
        "https://other.example/\udcff",
    ],
)
def test_what_is_no_plain_web_address_is_refused(named: str) -> None:
    with pytest.raises(ValueError) as caught:
        resolve(BASE, named)
    assert "secret" not in str(caught.value)


def test_an_authority_has_the_port_that_is_meant() -> None:
    assert authority("https://Registry.Example/x") == ("registry.example", 443)
    assert authority("http://registry.example/x") == ("registry.example", 80)
    assert authority("https://[::1]:5000/x") == ("::1", 5000)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://registry.example/x", "https://registry.example"),
        ("https://REGISTRY.example/x", "https://registry.example:443"),
        ("https://registry.example:443/x", "https://registry.example"),
        ("http://registry.example/x", "https://registry.example"),
        ("http://registry.example:5000/x", "https://registry.example:5000"),
        ("http://[::1]:5000/x", "http://[::1]:5000"),
    ],
)
def test_a_registry_is_known_in_all_the_ways_it_names_itself(address: str, origin: str) -> None:
    assert leads_to(address, origin)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://registry.example.evil.example/x", "https://registry.example"),
        ("https://registry.example:5000/x", "https://registry.example"),
        ("https://registry.example/x", "https://registry.example:5000"),
        ("https://registry.example/x", "http://registry.example"),
        ("http://127.0.0.1:5001/x", "http://127.0.0.1:5000"),
    ],
)
def test_another_host_or_port_is_another_place(address: str, origin: str) -> None:
    assert not leads_to(address, origin)


def test_a_path_goes_with_its_query() -> None:
    assert path_of("https://registry.example/v2/x?a=%2F&b") == "/v2/x?a=%2F&b"
    assert path_of("https://registry.example") == "/"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:1", "127.8.8.8", "[::1]:5"]
)
def test_loopback_is_known_by_name_and_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["registry.example", "localhost.example:5000", "10.0.0.1", "[::2]"]
)
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)
