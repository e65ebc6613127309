"""What a certificate says, and one that says nothing."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from transship.cutover.observe.tls import parse_certificate

if TYPE_CHECKING:
    from servers.authority import Authority


def test_a_certificate_tells_its_names_and_whose_it_is(authority: Authority) -> None:
    issued = authority.issue("*.example.test", "2001:db8::1", common_name="of the tests")
    first = issued.server_certificate.read_text()
    found = parse_certificate(ssl.PEM_cert_to_DER_cert(first))

    assert found.names == ("*.example.test", "2001:db8::1")
    assert "CN=of the tests" in found.subject
    assert found.issuer != found.subject


def test_what_steers_a_terminal_is_taken_out(authority: Authority) -> None:
    issued = authority.issue(common_name="of\x1b[31m \u202ethe tests")
    found = parse_certificate(ssl.PEM_cert_to_DER_cert(issued.server_certificate.read_text()))

    assert "\x1b" not in found.subject
    assert "\u202e" not in found.subject


def test_what_is_no_certificate_has_a_fingerprint_all_the_same() -> None:
    found = parse_certificate(b"nothing")

    assert (found.subject, found.names, found.not_after) == ("", (), 0.0)
    assert len(found.fingerprint) == 64
