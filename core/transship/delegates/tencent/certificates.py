"""Tencent Cloud's SSL Certificate Service: which certificates the account has there."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from transship import errors
from transship.clock import Clock
from transship.delegates.tencent.domain_words import Certificate, time_of
from transship.delegates.tencent.uploads import ALIAS_PREFIX, Upload
from transship.errors import TransshipError
from transship.services.tencent_cloud import TencentCloud, listed
from transship.text import safe

_SERVER = "SVR"
_SHORT = 20
"""How long a line of a key is at most that may stand in an error by chance."""
_EVERY_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0


class _Found(msgspec.Struct, rename="pascal"):
    certificate_id: str
    alias: str = ""
    domain: str = ""
    subject_alt_name: list[str] = []
    cert_end_time: str = ""
    status: int = -1
    is_s_m: bool = msgspec.field(default=False, name="IsSM")


class _Deleted(msgspec.Struct, rename="pascal"):
    delete_result: bool = False
    task_id: str = ""


class _Result(msgspec.Struct, rename="pascal"):
    status: int = 0
    error: str = ""


class _Results(msgspec.Struct, rename="pascal"):
    delete_task_result: list[_Result] = []


_DELETED = 1
_WHY_NOT: Mapping[int, str] = {
    3: "the account has no role by which the service could see what uses it",
    4: "other resources of the account use it",
    5: "the service couldn't tell in time what uses it",
}
"""By the status of a deletion that failed."""


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
        answer = await self._cloud.call("DeleteCertificate", _Deleted, fields)
        if answer.task_id:
            await self._deleted(identity, answer.task_id, clock)
        elif not answer.delete_result:
            raise errors.EngineRefused(f"the SSL service keeps the certificate {identity}")

    async def _deleted(self, identity: str, task: str, clock: Clock) -> None:
        until = clock.monotonic() + _PATIENCE_SECONDS
        while True:
            results = await self._cloud.call(
                "DescribeDeleteCertificatesTaskResult", _Results, {"TaskIds": [task]}
            )
            result = next(iter(results.delete_task_result), _Result())
            if result.status == _DELETED:
                return
            if result.status or clock.monotonic() >= until:
                why = _WHY_NOT.get(result.status, safe(result.error) or "it takes too long")
                raise errors.EngineRefused(
                    f"the certificate {identity} stays: {why}",
                    remedy="Look in the console what uses it, and delete it there.",
                )
            await clock.sleep(_EVERY_SECONDS)


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
