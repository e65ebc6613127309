"""Tencent Cloud's SSL Certificate Service: the account's certificates, and uploads to it.

The private key of an upload is a secret: it is in no repr, no message, no settings, and kept
nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.services.tencent_cloud import TencentCloud, listed
from transship.text import safe

_SERVER = "SVR"
_SHORT = 20
"""How long a line of a key is at most that may stand in an error by chance."""
_EVERY_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0


class _CertificateEntry(msgspec.Struct, rename="pascal"):
    certificate_id: str
    alias: str = ""
    domain: str = ""
    subject_alt_name: list[str] = []
    cert_end_time: str = ""
    status: int = -1
    is_s_m: bool = msgspec.field(default=False, name="IsSM")


class _DeletionAnswer(msgspec.Struct, rename="pascal"):
    delete_result: bool = False
    task_id: str = ""


class _DeletionResult(msgspec.Struct, rename="pascal"):
    status: int = 0
    error: str = ""


class _DeletionResults(msgspec.Struct, rename="pascal"):
    delete_task_result: list[_DeletionResult] = []


_DELETED = 1
_WHY_NOT: Mapping[int, str] = {
    3: "the account has no role by which the service could see what uses it",
    4: "other resources of the account use it",
    5: "the service couldn't tell in time what uses it",
}
"""By the status of a deletion that failed."""


class CertificateService:
    """The account's server certificates. `cloud` is its API of the product SSL.

    All methods raise what `TencentCloud.call` does, `all` ListIncomplete too.
    """

    def __init__(self, cloud: TencentCloud) -> None:
        self._cloud = cloud

    async def all(self) -> tuple[ServerCertificate, ...]:
        """Return all of them, in whatever state."""
        found = await listed(
            self._cloud, "DescribeCertificates", _CertificateEntry, {"CertificateType": _SERVER}
        )
        return tuple(map(_certificate_of, found))

    async def covering(self, name: str, now: float) -> tuple[ServerCertificate, ...]:
        """Return those that a domain can be attached with, those that end last first."""
        usable = [each for each in await self.all() if not each.fault(name, now)]
        return tuple(sorted(usable, key=lambda each: -(each.expires or 0.0)))

    async def find(self, named: str) -> ServerCertificate | None:
        """Return the one of an id, or that was uploaded from here by this alias."""
        found = await self.all()
        return next(
            (each for each in found if certificate_reference(each) == named or each.id == named),
            None,
        )

    async def upload(self, upload: CertificateUpload) -> None:
        """Hand over a certificate with its key. No error has anything of the key in it."""
        fields = {
            "CertificatePublicKey": upload.chain,
            "CertificatePrivateKey": upload.key,
            "CertificateType": _SERVER,
            "Alias": upload.alias,
        }
        try:
            await self._cloud.document("UploadCertificate", fields)
        except TransshipError as error:
            if any(line in error.detail for line in upload.key.split() if len(line) > _SHORT):
                raise errors.EngineRefused(
                    "the SSL service refuses the certificate and its key",
                    remedy="Look at both; the service's own words aren't shown, as they have the "
                    "key in them.",
                ) from None
            raise

    async def delete(self, identity: str, clock: Clock) -> None:
        """Delete one that nothing in the account uses. Raises EngineRefused where it stays."""
        fields: dict[str, object] = {"CertificateId": identity, "IsCheckResource": True}
        answer = await self._cloud.call("DeleteCertificate", _DeletionAnswer, fields)
        if answer.task_id:
            await self._deleted(identity, answer.task_id, clock)
        elif not answer.delete_result:
            raise errors.EngineRefused(f"the SSL service keeps the certificate {identity}")

    async def _deleted(self, identity: str, task: str, clock: Clock) -> None:
        until = clock.monotonic() + _PATIENCE_SECONDS
        while True:
            results = await self._cloud.call(
                "DescribeDeleteCertificatesTaskResult", _DeletionResults, {"TaskIds": [task]}
            )
            result = next(iter(results.delete_task_result), _DeletionResult())
            if result.status == _DELETED:
                return
            if result.status or clock.monotonic() >= until:
                why = _WHY_NOT.get(result.status, safe(result.error) or "it takes too long")
                raise errors.EngineRefused(
                    f"the certificate {identity} stays: {why}",
                    remedy="Look in the console what uses it, and delete it there.",
                )
            await clock.sleep(_EVERY_SECONDS)


def certificate_reference(certificate: ServerCertificate) -> str:
    """Return what a certificate is named by: its id, or the alias of an upload from here.

    What is uploaded has no id before it is there, and its alias is made of its fingerprint.
    """
    ours = certificate.alias.startswith(ALIAS_PREFIX)
    return certificate.alias if ours else certificate.id


def _certificate_of(found: _CertificateEntry) -> ServerCertificate:
    names = dict.fromkeys(filter(None, (found.domain, *found.subject_alt_name)))
    return ServerCertificate(
        safe(found.certificate_id),
        safe(found.alias),
        tuple(safe(name).lower() for name in names),
        ssl_time(found.cert_end_time),
        found.status,
        found.is_s_m,
    )


ISSUED = 1
_CERTIFICATE_STATUS: Mapping[int, str] = {
    0: "is being reviewed",
    1: "is issued",
    2: "failed the review",
    3: "has expired",
    4: "waits for its DNS record to be seen",
    5: "waits for papers to be handed in",
    6: "is being cancelled",
    7: "is cancelled",
    8: "waits for a letter of confirmation",
    9: "is being revoked",
    10: "is revoked",
    11: "is being issued anew",
    12: "waits for a letter that confirms its revocation",
    13: "waits for what was to be handed in for it",
    14: "was paid back",
    15: "is being moved to another account",
}
_CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate in Tencent Cloud's SSL Certificate Service.

    `alias` is what the account calls it, `names` are those that it is for. `expires` is in seconds
    since the epoch, None where that isn't told. `status` is the service's number. `national` says
    that it is of the Chinese algorithms (SM2), which container runtimes don't know.
    """

    id: str
    alias: str
    names: tuple[str, ...]
    expires: float | None
    status: int
    national: bool = False

    def covers(self, name: str) -> bool:
        """Tell whether it is for a name; a wildcard stands for one label (RFC 9525, 6.3)."""
        return any(_name_matches(pattern.lower(), name.lower()) for pattern in self.names)

    def fault(self, name: str, now: float) -> str:
        """Return why a domain of this name can't be attached with it, or an empty string."""
        if not self.covers(name):
            return f"the certificate {self.id} is for {', '.join(self.names)}, not for {name}"
        if self.status != ISSUED:
            return f"the certificate {self.id} {certificate_status_text(self.status)}"
        if self.expires is not None and self.expires <= now:
            return f"the certificate {self.id} ended {day_text(self.expires)}"
        if self.national:
            return f"the certificate {self.id} is of SM2, which container runtimes don't know"
        return ""

    def __str__(self) -> str:
        ends = "" if self.expires is None else f", ends {day_text(self.expires)}"
        return f"{self.id} ({', '.join(self.names)}{ends})"


def certificate_status_text(status: int) -> str:
    """Return what a status of a certificate means, as the end of a sentence about it."""
    return _CERTIFICATE_STATUS.get(status, f"is in a state that isn't known ({status})")


def ssl_time(text: str) -> float | None:
    """Return a time of the SSL service, which is of the time zone GMT+8; None for what is none."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=_CHINA)).timestamp()


def day_text(moment: float) -> str:
    """Return the day of a moment, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def _name_matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    label, dot, rest = name.partition(".")
    return bool(label and dot) and rest == pattern[2:]


ALIAS_PREFIX = "transship-"
_LARGEST = 256 * 1024


@dataclass(frozen=True, slots=True)
class CertificateUpload:
    """A certificate with those above it, as PEM, and its private key.

    `alias` tells it from all others. `alone` says that none above it came with it.
    """

    certificate: ServerCertificate
    alias: str
    chain: str = field(repr=False)
    key: str = field(repr=False)
    alone: bool = False


def read_upload(chain: Path, key: Path) -> CertificateUpload:
    """Return what two files hold. Raises BadFile, which says nothing of what is in them."""
    return upload_of(_read_pem(chain), _read_pem(key), f"{chain}", f"{key}")


def upload_of(chain: bytes, key: bytes, chain_name: str, key_name: str) -> CertificateUpload:
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
    names = tuple(map(safe, _certificate_names(leaf)))
    ends = leaf.not_valid_after_utc.timestamp()
    alone = len(found) == 1 and leaf.issuer != leaf.subject
    return CertificateUpload(
        ServerCertificate(alias, alias, names, ends, ISSUED),
        alias,
        chain.decode("ascii", errors="replace"),
        key.decode("ascii", errors="replace"),
        alone,
    )


def _certificate_names(leaf: x509.Certificate) -> list[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return names.get_values_for_type(x509.DNSName)


def _read_pem(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise errors.BadFile(f"{path}: too large for a certificate or a key")
        return path.read_bytes()
    except OSError as error:
        raise errors.BadFile(f"{path}: {error.strerror}") from error
