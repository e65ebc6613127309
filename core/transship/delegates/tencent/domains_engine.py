"""The custom domains of an instance of TCR as an engine, and the certificates behind them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from transship import errors
from transship.clock import Clock
from transship.delegates.changes import Change, Does
from transship.delegates.engine import Found, Gives
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.attaching import attachment_of
from transship.delegates.tencent.certificates import Certificates, called
from transship.delegates.tencent.domain_words import Certificate, CustomDomain, meant
from transship.delegates.tencent.uploads import Upload
from transship.errors import TransshipError
from transship.plans.ends import End
from transship.registry.attachment import Attached, Attachment
from transship.text import safe

CUSTOM_DOMAIN = "custom domain"
CERTIFICATE = "certificate"
KINDS = (CERTIFICATE, CUSTOM_DOMAIN)

_EVERY_SECONDS = 5.0
_PATIENCE_SECONDS = 240.0
_NOT_SEEN = (errors.CloudRefused, errors.NoRight, errors.ListIncomplete, errors.ServerFailed)


class _Domain(msgspec.Struct, rename="pascal"):
    domain_name: str
    cert_id: str = ""
    status: str = ""


class Domains:
    """The engine of one instance. Raises, beside what is named, what `TencentCloud.call` does.

    A domain goes by its name; its setting `Certificate` is the id of its certificate, or the alias
    of one that was uploaded from here. Such a certificate goes by that alias. `uploads` are those
    that may be handed over; they are kept nowhere else.
    """

    def __init__(
        self,
        at: AtInstance,
        certificates: Certificates,
        clock: Clock,
        uploads: Sequence[Upload] = (),
    ) -> None:
        self.certificates = certificates
        self._at = at
        self._clock = clock
        self._uploads = {each.alias: each for each in uploads}

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    @property
    def mainland(self) -> bool | None:
        """Whether the instance stands in mainland China; None where that isn't known."""
        return End(self._at.instance.public_domain, region=self._at.instance.region).side

    @property
    def clock(self) -> Clock:
        """What tells the time, and waits."""
        return self._clock

    def now(self) -> float:
        """Return the time, in seconds since the epoch."""
        return self._clock.now()

    def with_upload(self, upload: Upload) -> Domains:
        """Return the same engine, which may hand over this certificate and its key too."""
        uploads = [*self._uploads.values(), upload]
        return Domains(self._at, self.certificates, self._clock, uploads)

    async def domains(self) -> tuple[CustomDomain, ...]:
        """Return all custom domains of the instance. Raises ListIncomplete too."""
        found = await self._at.listed("DescribeInstanceCustomizedDomain", _Domain)
        return tuple(
            CustomDomain(safe(each.domain_name).lower(), safe(each.cert_id), safe(each.status))
            for each in found
        )

    async def domain(self, name: str) -> CustomDomain | None:
        """Return the custom domain of this name, in whatever state."""
        return next((each for each in await self.domains() if each.name == name.lower()), None)

    async def certificate(self, named: str) -> Certificate | None:
        """Return the certificate of an id or an alias; None where it isn't, or can't be, seen."""
        try:
            return await self.certificates.find(named)
        except _NOT_SEEN:
            return None

    async def attachment(self, domain: str) -> Attachment:
        """Return what is known of a domain here, for who moves it: `registries.attachment`."""
        found = await self.domain(domain)
        certificate = await self.certificate(found.certificate) if found else None
        return attachment_of(
            self._at.instance.public_domain,
            domain.lower(),
            found,
            certificate,
            self._clock.now(),
            mainland=self.mainland,
        )

    async def read(self, kind: str, name: str) -> Found | None:
        """Return what is there; a domain that is being taken away isn't."""
        if kind == CERTIFICATE:
            certificate = await self.certificates.find(name)
            if certificate is None:
                return None
            return Found({"Alias": certificate.alias}, certificate.id, str(certificate.status))
        domain = await self.domain(name)
        if domain is None or domain.state is Attached.GOING:
            return None
        certificate = await self.certificate(domain.certificate)
        named = called(certificate) if certificate else domain.certificate
        return Found({"Certificate": named}, domain.certificate, domain.said)

    async def make(self, change: Change, gives: Gives) -> None:  # noqa: ARG002 - no login is given
        """Make one change. It is begun: `read` tells how the domain is (`domains.waited`)."""
        makers: Mapping[tuple[str, Does], Callable[[Change], Awaitable[None]]] = {
            (CERTIFICATE, Does.CREATE): self._upload,
            (CERTIFICATE, Does.DELETE): self._drop,
            (CUSTOM_DOMAIN, Does.CREATE): self._add,
            (CUSTOM_DOMAIN, Does.CHANGE): self._replace,
            (CUSTOM_DOMAIN, Does.DELETE): self._remove,
        }
        await makers[change.kind, change.does](change)

    async def _upload(self, change: Change) -> None:
        upload = self._uploads.get(change.name)
        if upload is None:
            raise errors.CantBeDelegated(
                f"the private key of {change.name} isn't kept with what was agreed to",
                remedy="Give the files of the certificate and its key again.",
            )
        await self.certificates.upload(upload)

    async def _drop(self, change: Change) -> None:
        certificate = await self.certificates.find(change.name)
        if certificate is None:
            return
        for each in await self.domains():
            if each.certificate != certificate.id:
                continue
            if each.state is not Attached.GOING:
                raise errors.EngineRefused(
                    f"the certificate {certificate.id} is that of {each.name}",
                    remedy="Remove the domain first.",
                )
            await self._until_gone(each.name)
        await self.certificates.delete(certificate.id, self._clock)

    async def _add(self, change: Change) -> None:
        identity = await self._checked(change.name, _asked(change.after))
        # One of the same name may be on its way out still.
        await self._until_gone(change.name)
        await self._create(change.name, identity)

    async def _remove(self, change: Change) -> None:
        domain = await self.domain(change.name)
        if domain is not None:
            await self._delete(domain)

    async def _replace(self, change: Change) -> None:
        """Take the domain away and add it with the other certificate; if that fails, as it was."""
        domain = await self.domain(change.name)
        if domain is None or domain.state is Attached.GOING:
            # It was broken off after the one and before the other.
            await self._add(change)
            return
        identity = await self._checked(change.name, _asked(change.after))
        await self._delete(domain)
        try:
            await self._until_gone(domain.name)
            await self._create(domain.name, identity)
        except TransshipError as error:
            await self._put_back(domain, error)

    async def _put_back(self, domain: CustomDomain, why: TransshipError) -> None:
        try:
            await self._until_gone(domain.name)
            await self._create(domain.name, domain.certificate)
        except TransshipError as error:
            raise errors.EngineRefused(
                f"{why}; and {domain.name} couldn't be added with its old certificate "
                f"{domain.certificate} either: {error}",
                remedy="The domain isn't attached: pulls by it fail. Add it again at once.",
            ) from why
        raise errors.EngineRefused(
            f"{why}; {domain.name} was added again with its old certificate {domain.certificate}",
            remedy="Wait until it works again, and look at the new certificate.",
        ) from why

    async def _checked(self, name: str, named: str) -> str:
        """Return the id of a certificate, once a domain of this name can be attached with it."""
        try:
            certificate = await self.certificates.find(named)
        except _NOT_SEEN:
            # Who may not look into the SSL service may still name an id.
            return named
        if certificate is None:
            raise errors.CantBeDelegated(
                f"the account has no server certificate {named}",
                remedy="Choose one that it has, or upload one.",
            )
        if fault := certificate.fault(name, self._clock.now()):
            raise errors.CantBeDelegated(fault, remedy="Choose a certificate that holds.")
        return certificate.id

    async def _create(self, name: str, identity: str) -> None:
        try:
            await self._at.do(
                "CreateInstanceCustomizedDomain", DomainName=name, CertificateId=identity
            )
        except TransshipError as error:
            # What was lost on the way may have been made.
            if not error.retryable:
                raise meant(error) from None
            found = await self.domain(name)
            if found is None or found.certificate != identity:
                raise

    async def _delete(self, domain: CustomDomain) -> None:
        await self._at.do(
            "DeleteInstanceCustomizedDomain",
            DomainName=domain.name,
            CertificateId=domain.certificate,
        )

    async def _until_gone(self, name: str) -> None:
        until = self._clock.monotonic() + _PATIENCE_SECONDS
        while (domain := await self.domain(name)) is not None:
            if self._clock.monotonic() >= until:
                raise errors.EngineRefused(
                    f"{name} is at the instance still, as {domain.said}",
                    remedy="Wait until it is gone, then go on with this.",
                )
            await self._clock.sleep(_EVERY_SECONDS)


def _asked(settings: Mapping[str, object] | None) -> str:
    return str((settings or {}).get("Certificate", ""))
