"""Tencent Cloud's SSL Certificate Service: which certificates the account has there."""

from __future__ import annotations

import msgspec

from transship import errors
from transship.delegates.tencent.domain_words import Certificate, time_of
from transship.delegates.tencent.uploads import ALIAS_PREFIX, Upload
from transship.registries.services.tencent.cloud import TencentCloud
from transship.registries.services.tencent.paging import listed
from transship.text import safe

_SERVER = "SVR"


class _Found(msgspec.Struct, rename="pascal"):
    certificate_id: str
    alias: str = ""
    domain: str = ""
    subject_alt_name: list[str] = []
    cert_end_time: str = ""
    status: int = -1
    is_s_m: bool = msgspec.field(default=False, name="IsSM")


class _Uploaded(msgspec.Struct, rename="pascal"):
    certificate_id: str = ""
    repeat_cert_id: str = ""


class _Deleted(msgspec.Struct, rename="pascal"):
    delete_result: bool = False


class Certificates:
    """The account's server certificates. `cloud` is its API of the product SSL.

    All methods raise what `TencentCloud.call` does, `all` ListIncomplete too.
    """

    def __init__(self, cloud: TencentCloud) -> None:
        self._cloud = cloud

    async def all(self) -> tuple[Certificate, ...]:
        """Return all of them, in whatever state."""
        found = await listed(
            self._cloud, "DescribeCertificates", _Found, {"CertificateType": _SERVER}
        )
        return tuple(map(_certificate, found))

    async def covering(self, name: str, now: float) -> tuple[Certificate, ...]:
        """Return those that a domain can be attached with, those that end last first."""
        usable = [each for each in await self.all() if not each.fault(name, now)]
        return tuple(sorted(usable, key=lambda each: -(each.expires or 0.0)))

    async def find(self, named: str) -> Certificate | None:
        """Return the one of an id, or that was uploaded from here by this alias."""
        found = await self.all()
        return next((each for each in found if called(each) == named or each.id == named), None)

    async def upload(self, upload: Upload) -> None:
        """Hand over a certificate with its key."""
        await self._cloud.call(
            "UploadCertificate",
            _Uploaded,
            {
                "CertificatePublicKey": upload.chain,
                "CertificatePrivateKey": upload.key,
                "CertificateType": _SERVER,
                "Alias": upload.alias,
            },
        )

    async def delete(self, identity: str) -> None:
        """Delete one. Raises EngineRefused where the service keeps it."""
        answer = await self._cloud.call("DeleteCertificate", _Deleted, {"CertificateId": identity})
        if not answer.delete_result:
            raise errors.EngineRefused(f"the SSL service keeps the certificate {identity}")


def called(certificate: Certificate) -> str:
    """Return what a certificate is named by: its id, or the alias of an upload from here.

    What is uploaded has no id before it is there, and its alias is made of its fingerprint.
    """
    ours = certificate.alias.startswith(ALIAS_PREFIX)
    return certificate.alias if ours else certificate.id


def _certificate(found: _Found) -> Certificate:
    names = dict.fromkeys(filter(None, (found.domain, *found.subject_alt_name)))
    return Certificate(
        safe(found.certificate_id),
        safe(found.alias),
        tuple(safe(name).lower() for name in names),
        time_of(found.cert_end_time),
        found.status,
        found.is_s_m,
    )
