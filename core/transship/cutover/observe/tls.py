"""TLS with one address under a name that DNS doesn't lead there by; certificates as evidence."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import certifi

from transship import errors
from transship.clock import Clock
from transship.cutover.evidence import Handshake, TlsCertificate
from transship.registry.http.tls import system_has_authorities, tls_cause
from transship.text import safe

if TYPE_CHECKING:
    from cryptography import x509


_DER = 2  # _ssl.ENCODING_DER, which has no public name before Python 3.13.


def sent_chain(connection: ssl.SSLObject) -> tuple[TlsCertificate, ...]:
    """Return the certificates that the other side sent, its own first, whatever they are worth."""
    return tuple(parse_certificate(der) for der in _sent(connection))


def parse_certificate(der: bytes) -> TlsCertificate:
    """Return what a certificate says. Of one that can't be read only the fingerprint is known."""
    from cryptography import x509  # The app opens without it.

    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        found = x509.load_der_x509_certificate(der)
        return TlsCertificate(
            subject=safe(found.subject.rfc4514_string()),
            issuer=safe(found.issuer.rfc4514_string()),
            names=_names(found),
            not_before=found.not_valid_before_utc.timestamp(),
            not_after=found.not_valid_after_utc.timestamp(),
            fingerprint=fingerprint,
        )
    except ValueError:
        return TlsCertificate("", "", (), 0.0, 0.0, fingerprint)


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


SYSTEM_TRUST = "system"

CERTIFI_TRUST = "certifi"

_SECONDS = 5.0

_NAME_A_FILE = "Name a file with certificates in PEM, as nodes have it."

_AT_ONCE = 8

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class Handshaker:
    """Shakes hands with servers and asks each authority what it thinks of their certificates.

    `node_ca` is a file with the authorities that nodes trust beside the usual ones; it judges by
    itself, as the others do. Raises BadFile if it can't be used. `seconds` is how long a connection
    may take, and then once more TLS.
    """

    def __init__(self, clock: Clock, *, node_ca: str = "", seconds: float = _SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._anybody = _any_context()
        self._judges = _judges(node_ca)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def shake(self, name: str, address: str, port: int) -> tuple[Handshake, ...]:
        """Return one handshake for each authority, or the one that failed before any was asked.

        Each is a connection of its own. The chain is what is sent to anybody, trusted or not.
        """
        blank = Handshake(address, port, name, self._clock.now(), trust="")
        async with self._slots:
            first = await self._shaken(blank, self._anybody)
            if first.error:
                return (first,)
            judged = [
                self._shaken(replace(first, trust=trust), context)
                for trust, context in self._judges
            ]
            return tuple(await asyncio.gather(*judged))

    async def _shaken(self, blank: Handshake, context: ssl.SSLContext) -> Handshake:
        blank = replace(blank, at=self._clock.now())
        try:
            connected = await _connected(blank.address, blank.port, self._seconds)
        except OSError as error:
            return replace(blank, error=_unconnected(error))
        try:
            async with _tls(connected, context, blank.name, self._seconds) as connection:
                if context is not self._anybody:
                    return blank
                version = connection.version() or ""
                return replace(blank, chain=sent_chain(connection), version=version)
        except ssl.SSLCertVerificationError as error:
            return replace(
                blank, verify_code=error.verify_code, verify_message=safe(error.verify_message)
            )
        except (OSError, EOFError) as error:
            return replace(blank, error=_unfinished(error, blank.name))


def is_trusted(handshake: Handshake) -> bool:
    """Tell whether somebody's authorities vouched for the certificate under the name."""
    return bool(handshake.trust) and not handshake.error and not handshake.verify_code


def _judges(node_ca: str) -> list[tuple[str, ssl.SSLContext]]:
    judges = []
    if system_has_authorities():
        system = _context()
        system.set_default_verify_paths()
        judges.append((SYSTEM_TRUST, system))
    files = [(CERTIFI_TRUST, certifi.where())]
    if node_ca:
        files.append((node_ca, node_ca))
    for trust, path in files:
        context = _context()
        try:
            context.load_verify_locations(cafile=path)
        except FileNotFoundError as error:
            raise errors.BadFile(f"{path}: no such file", remedy=_NAME_A_FILE) from error
        except (OSError, ValueError) as error:
            raise errors.BadFile(
                f"{path}: no PEM certificates ({error})", remedy=_NAME_A_FILE
            ) from error
        judges.append((trust, context))
    return judges


def _context() -> ssl.SSLContext:
    """Return a context that judges as the programs on nodes do, which are written in Go.

    They look at subjectAltNames only, and trust whatever stands in a bundle, root or not.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def _any_context() -> ssl.SSLContext:
    """Return a context that only looks: it trusts everybody, and speaks what nobody should.

    A version that nodes refuse is then seen as such, and not as a handshake that failed.
    """
    context = _context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


async def _connected(address: str, port: int, seconds: float) -> socket.socket:
    is_ipv4 = ipaddress.ip_address(address).version == 4
    found = socket.socket(socket.AF_INET if is_ipv4 else socket.AF_INET6, socket.SOCK_STREAM)
    found.setblocking(False)
    try:
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(found, (address, port))
    except BaseException:
        found.close()
        raise
    return found


@asynccontextmanager
async def _tls(
    connected: socket.socket, context: ssl.SSLContext, name: str, seconds: float
) -> AsyncIterator[ssl.SSLObject]:
    """Give the connection once TLS stands. It ends without a word: nothing was said by it."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(
                sock=connected, ssl=context, server_hostname=name
            )
    except BaseException:
        connected.close()
        raise
    try:
        yield writer.get_extra_info("ssl_object")
    finally:
        writer.transport.abort()


def _unconnected(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if error.errno in _UNREACHABLE:
        return "unreachable"
    return os.strerror(error.errno).lower() if error.errno else "no connection"


def _unfinished(error: OSError | EOFError, name: str) -> str:
    """Return why TLS with a server that took the connection came to nothing."""
    if isinstance(error, TimeoutError):
        return "silent"
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError):
        return "closed"
    if isinstance(tls_cause(error, name), errors.PlainHttp):
        return "plain http"
    reason = safe(error.reason or "failed").lower().replace("_", " ")
    return "unrecognized name" if "unrecognized name" in reason else f"tls: {reason}"
