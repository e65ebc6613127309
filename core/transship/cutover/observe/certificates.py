"""Certificates as a server sent them, as evidence."""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING, Any

from transship.cutover.evidence import Certificate
from transship.text import safe

if TYPE_CHECKING:
    from cryptography import x509

_DER = 2  # _ssl.ENCODING_DER, which has no public name before Python 3.13.


def sent_chain(connection: ssl.SSLObject) -> tuple[Certificate, ...]:
    """Return the certificates that the other side sent, its own first, whatever they are worth."""
    return tuple(parsed(der) for der in _sent(connection))


def parsed(der: bytes) -> Certificate:
    """Return what a certificate says. Of one that can't be read only the fingerprint is known."""
    from cryptography import x509  # The app opens without it.

    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=safe(found.subject.rfc4514_string()),
            issuer=safe(found.issuer.rfc4514_string()),
            names=_names(found),
            not_before=found.not_valid_before_utc.timestamp(),
            not_after=found.not_valid_after_utc.timestamp(),
            fingerprint=fingerprint,
        )
    except ValueError:
        return Certificate("", "", (), 0.0, 0.0, fingerprint)


def _names(found: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    hosts = [safe(name).lower() for name in names.get_values_for_type(x509.DNSName)]
    return (*hosts, *(str(each) for each in names.get_values_for_type(x509.IPAddress)))


def _sent(connection: ssl.SSLObject) -> list[bytes]:
    # Public from Python 3.13 on; the same is there before, one layer below.
    public: Any = getattr(connection, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    inner: Any = connection._sslobj  # type: ignore[attr-defined]
    return [found.public_bytes(_DER) for found in inner.get_unverified_chain() or ()]
