"""Whom to trust on the way to a registry, and what is said when that fails."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from transship import errors
from transship.errors import TransshipError
from transship.registry.credential import Tls

_CERTIFICATE_SECONDS = 5.0
_PLAIN_HTTP = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")

# X509_V_ERR_* of OpenSSL: an authority has nothing to do with these.
_REMEDIES = {
    9: "The certificate isn't valid yet; check this machine's clock.",
    10: "Renew the certificate at the server, or check this machine's clock.",
    62: "Use the host name that the certificate is for.",
    64: "Use the address that the certificate is for.",
}


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the TLS context for these settings, to be used as it is.

    The system's authorities are trusted, or certifi's where the system has none, and `ca_file`
    beside them. Raises BadFile for a file that can't be used.
    """
    if replace(tls, plain_http=False) == Tls():
        return _usual_context(ssl.get_default_verify_paths())
    context = _new_context()
    try:
        if tls.ca_file:
            context.load_verify_locations(cafile=tls.ca_file)
    except (OSError, ValueError) as error:
        raise errors.BadFile(f"{tls.ca_file}: no PEM certificates ({error})") from error
    # Of two files that it can't read, OpenSSL doesn't say which.
    for path in filter(None, (tls.client_cert, tls.client_key)):
        _check_readable(path)
    try:
        if tls.client_cert:
            # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
            context.load_cert_chain(tls.client_cert, tls.client_key or None, password=lambda: "")
    except (OSError, ValueError) as error:
        raise errors.BadFile(
            f"{tls.client_cert}: no certificate with its key, unencrypted ({error})"
        ) from error
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _check_readable(path: str) -> None:
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise errors.BadFile(f"{path}: {error.strerror}") from error


def tls_cause(error: ssl.SSLError, host: str) -> TransshipError:
    """Return the error that a failed TLS handshake with `host` stands for."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return errors.CertificateNotTrusted(
            f"{host}: {error.verify_message}", remedy=_REMEDIES.get(error.verify_code)
        )
    reason = (error.reason or "").upper()
    if reason in _PLAIN_HTTP:
        return errors.PlainHttp(host)
    if "ALERT" in reason:
        return errors.ClientCertificateRefused(f"{host}: {error.reason}")
    return errors.ConnectionLost(f"{host}: {error.reason or 'TLS failed'}")


async def fingerprint(host: str) -> str:
    """Return the SHA-256 fingerprint of the certificate at `host[:port]`, as words to append.

    Nothing but the TLS handshake is sent, because the certificate isn't trusted. Returns an empty
    string when it can't be had.
    """
    parts = urlsplit(f"//{host}")
    address = (parts.hostname or "", parts.port or 443)
    try:
        pem = await asyncio.to_thread(
            ssl.get_server_certificate, address, timeout=_CERTIFICATE_SECONDS
        )
    except (OSError, ValueError):
        return ""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return " (SHA-256 fingerprint " + ":".join(digest[i : i + 2] for i in range(0, 64, 2)) + ")"


@lru_cache(maxsize=1)
def _usual_context(_places: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    # It takes tens of milliseconds to read the system's authorities; one context serves all.
    return _new_context()


def _new_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Some distributions' Python leaves that to a file of the system.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    if not system_has_authorities():
        context.load_verify_locations(cafile=certifi.where())
    return context


def system_has_authorities() -> bool:
    """Tell whether this machine has authorities of its own to trust."""
    # Authorities in a folder are loaded when they are needed, so the context can't be asked.
    places = ssl.get_default_verify_paths()
    return bool(places.cafile) or bool(places.capath and any(Path(places.capath).iterdir()))
