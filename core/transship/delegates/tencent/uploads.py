"""A certificate and its private key, read from files to be handed to the SSL service.

The key is a secret: it is in no repr, no message, no settings, and kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from transship import errors
from transship.delegates.tencent.domain_words import ISSUED, Certificate
from transship.text import safe

ALIAS_PREFIX = "transship-"
_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A certificate with those above it, as PEM, and its private key.

    `alias` tells it from all others. `alone` says that none above it came with it.
    """

    certificate: Certificate
    alias: str
    chain: str = field(repr=False)
    key: str = field(repr=False)
    alone: bool = False


def read_upload(chain: Path, key: Path) -> Upload:
    """Return what two files hold. Raises BadFile, which says nothing of what is in them."""
    return upload_of(_read(chain), _read(key), f"{chain}", f"{key}")


def upload_of(chain: bytes, key: bytes, chain_name: str, key_name: str) -> Upload:
    """Return a certificate and its key, once they fit. Raises BadFile."""
    if b"PRIVATE KEY" in chain:
        raise errors.BadFile(
            f"{chain_name}: a private key is among the certificates",
            remedy="Put the certificates alone into that file; they are no secret, the key is.",
        )
    try:
        found = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise errors.BadFile(f"{chain_name}: no certificates in PEM form") from None
    leaf = found[0]
    try:
        private = load_pem_private_key(key, None)
    except TypeError:
        raise errors.BadFile(
            f"{key_name}: the key is encrypted",
            remedy="The service wants it in the open: decrypt it to a file that only you can read.",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise errors.BadFile(f"{key_name}: no private key in PEM form") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise errors.BadFile(
            f"{key_name}: the key isn't that of the first certificate in {chain_name}",
            remedy="Put the server's own certificate first, those above it after that.",
        )
    alias = f"{ALIAS_PREFIX}{leaf.fingerprint(hashes.SHA256()).hex()[:16]}"
    names = tuple(map(safe, _names(leaf)))
    ends = leaf.not_valid_after_utc.timestamp()
    alone = len(found) == 1 and leaf.issuer != leaf.subject
    return Upload(
        Certificate(alias, alias, names, ends, ISSUED),
        alias,
        chain.decode("ascii", errors="replace"),
        key.decode("ascii", errors="replace"),
        alone,
    )


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return names.get_values_for_type(x509.DNSName)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise errors.BadFile(f"{path}: too large for a certificate or a key")
        return path.read_bytes()
    except OSError as error:
        raise errors.BadFile(f"{path}: {error.strerror}") from error
