"""Custom domains of an instance of TCR: their states, the engine that attaches them, and changes.

`plan_domain` says what would be changed, `DomainEngine` makes it, `wait_for_domain` waits until it
works, `attachment_of` says what a domain's state means for moving a name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from transship import errors
from transship.clock import Clock
from transship.engines.changes import (
    Change,
    ChangeAction,
    ChangeSet,
    EngineItem,
    GetLogin,
    change_between,
)
from transship.engines.tcr.api import InstanceApi
from transship.engines.tcr.certificates import (
    ISSUED,
    CertificateService,
    CertificateUpload,
    ServerCertificate,
    certificate_reference,
    certificate_status_text,
    day_text,
)
from transship.errors import TransshipError
from transship.oci.reference import parse_host
from transship.plans.advice import End
from transship.registry.attachment import Attached, Attachment, AttachmentMessage
from transship.text import duration_text, safe

USUAL_SECONDS = 120.0
"""How long it takes at most, usually, until a domain works."""
LONG_SECONDS = 300.0
"""From when on it is more than likely that something is wrong."""
OUTAGE = (
    "TCR's API can't replace a certificate: the domain is taken away and added again. For that "
    "while, 1 to 2 minutes mostly, every pull and push by it fails."
)

_STATES: Mapping[str, Attached] = {
    word: state
    for state, words in (
        (Attached.WORKS, "success succeed succeeded running normal"),
        (Attached.BEGUN, "creating processing pending deploying waiting"),
        (Attached.FAILED, "failure failed fail error createfailed"),
        (Attached.GOING, "deleting"),
    )
    for word in words.split()
}


@dataclass(frozen=True, slots=True)
class CustomDomain:
    """A domain of an instance's, with the id of its certificate. `said` is the API's own word."""

    name: str
    certificate: str
    said: str

    @property
    def state(self) -> Attached:
        """How it is."""
        return _STATES.get(self.said.strip().lower().replace("_", ""), Attached.UNKNOWN)


def domain_status_text(domain: CustomDomain, waited: float = 0.0) -> str:
    """Return in sentences how a domain is. `waited` is for how long it was watched, in seconds."""
    name = domain.name
    match domain.state:
        case Attached.WORKS:
            return f"{name} works at the instance, with the certificate {domain.certificate}."
        case Attached.BEGUN if waited >= LONG_SECONDS:
            return (
                f"{name} has been {domain.said} for {duration_text(waited)}, where 1 to 2 minutes "
                f"are usual. That is mostly a problem of the certificate ({domain.certificate}): "
                "whether it is issued, is for this name, and can be read by the instance's owner."
            )
        case Attached.BEGUN:
            return f"{name} is being attached ({domain.said}); that takes 1 to 2 minutes."
        case Attached.FAILED:
            return (
                f"{name} couldn't be attached ({domain.said}). Remove it, and add it again with a "
                "certificate that is issued and is for this name; for an instance in mainland "
                "China the domain needs an ICP filing."
            )
        case Attached.GOING:
            return f"{name} is being taken away ({domain.said})."
        case _:
            said = domain.said or "nothing"
            return f"The API says {said} of {name}, which isn't a word that is known."


def domain_removal_warning(name: str) -> str:
    """Return, in sentences, what to know before a domain is taken away."""
    return (
        f"Whoever pulls or pushes by {name} and is led to this instance fails from then on. Move "
        "the name in DNS first."
    )


def explain_domain_refusal(error: TransshipError) -> TransshipError:
    """Return the error that says what a refusal of a domain means; else the same one."""
    if isinstance(error, errors.NoRight):
        return errors.NoRight(
            error.detail, remedy="The keys need rights of the SSL service (ssl:*) for it, too."
        )
    if not isinstance(error, errors.CloudRefused):
        return error
    if "Certificate" in error.code:
        remedy = "The account that owns the instance has no such certificate: look at its id."
    elif error.code.startswith("FailedOperation.DependenceError"):
        remedy = (
            "TCR couldn't use the certificate: look whether it is issued, is a server's, and may "
            "be read by the account that owns the instance."
        )
    elif error.code.startswith("InvalidParameter"):
        remedy = (
            "Look whether the domain is written right. For an instance in mainland China it needs "
            "an ICP filing."
        )
    else:
        return error
    return errors.EngineRefused(error.detail, remedy=remedy)


_DAY = 86400.0
_SOON_DAYS = 30
_ICP_FILING = (
    "For an instance in mainland China the domain needs an ICP filing: without one it is refused."
)


def attachment_of(
    registry: str,
    name: str,
    domain: CustomDomain | None,
    certificate: ServerCertificate | None,
    now: float,
    *,
    mainland: bool | None = None,
) -> Attachment:
    """Return what is known of a domain at an instance, and what follows from it.

    `certificate` is None where it can't be seen, `mainland` says whether the instance stands in
    mainland China, None where that isn't known.
    """
    says = tuple(
        _attachment_statements(registry, name, domain, certificate, now, mainland=mainland)
    )
    if domain is None:
        return Attachment(registry, name, Attached.ABSENT, now, says=says)
    expires = certificate.expires if certificate else None
    return Attachment(
        registry, name, domain.state, now, domain.said, domain.certificate, expires, says
    )


def _attachment_statements(
    registry: str,
    name: str,
    domain: CustomDomain | None,
    certificate: ServerCertificate | None,
    now: float,
    *,
    mainland: bool | None,
) -> Iterator[AttachmentMessage]:
    filing = f" {_ICP_FILING}" if mainland is not False else ""
    fails = "Every pull by this name would fail there."
    if domain is None:
        yield AttachmentMessage(
            "domain-absent",
            "block",
            f"{registry} has no custom domain {name}.",
            fails,
            f"Add it with a certificate for it ({_add_command(registry, name)}), and wait 1 to 2 "
            f"minutes until it works.{filing}",
        )
        return
    seen = domain_status_text(domain)
    match domain.state:
        case Attached.WORKS:
            yield from _certificate_statements(registry, name, domain, certificate, now)
        case Attached.BEGUN:
            yield AttachmentMessage(
                "domain-being-attached", "block", seen, fails,
                f"Wait until it works (`transship delegate domain wait {registry} {name}`). Where "
                "it takes longer than 2 minutes, look at its certificate.",
            )  # fmt: skip
        case Attached.FAILED:
            yield AttachmentMessage(
                "domain-failed", "block", seen, fails,
                f"Remove it (`transship delegate domain remove {registry} {name}`), and add it "
                f"again with a certificate that holds ({_add_command(registry, name)}).{filing}",
            )  # fmt: skip
        case Attached.GOING:
            yield AttachmentMessage(
                "domain-going", "block", seen, fails,
                f"Add it again once it is gone: {_add_command(registry, name)}.",
            )  # fmt: skip
        case _:
            yield AttachmentMessage(
                "domain-state-unknown", "warn", seen, "It may work, or not.",
                "Look at it in the console.",
            )  # fmt: skip


def _certificate_statements(
    registry: str,
    name: str,
    domain: CustomDomain,
    certificate: ServerCertificate | None,
    now: float,
) -> Iterator[AttachmentMessage]:
    if certificate is None:
        yield AttachmentMessage(
            "attached-certificate-unseen",
            "info",
            f"The certificate {domain.certificate} of {name} can't be seen.",
            "When it ends isn't known from the service; what is shown at the address tells.",
            "Give the keys the right to ssl:DescribeCertificates, if it is to be watched.",
        )
        return
    another = f"({_add_command(registry, name)}). {OUTAGE}"
    if not certificate.covers(name):
        yield AttachmentMessage(
            "attached-certificate-name",
            "block",
            f"{name} is attached with {certificate}.",
            "No client accepts that certificate for this name.",
            f"Attach it with one that is for this name {another}",
        )
    if certificate.national:
        yield AttachmentMessage(
            "attached-certificate-national",
            "block",
            f"{name} is attached with {certificate.id}, which is of SM2.",
            "Container runtimes don't know that algorithm.",
            f"Attach it with one of RSA or ECDSA {another}",
        )
    yield from _validity_statements(registry, name, certificate, now)


def _validity_statements(
    registry: str, name: str, certificate: ServerCertificate, now: float
) -> Iterator[AttachmentMessage]:
    another = f"({_add_command(registry, name)}). {OUTAGE}"
    ends = f"The certificate {certificate.id} of {name}"
    left = None if certificate.expires is None else certificate.expires - now
    if certificate.expires is not None and left is not None and left <= 0:
        yield AttachmentMessage(
            "attached-certificate-expired",
            "block",
            f"{ends} ended {day_text(certificate.expires)}.",
            "Every pull by this name fails.",
            f"Attach it with one that holds {another}",
        )
        return
    if certificate.status != ISSUED:
        yield AttachmentMessage(
            "attached-certificate-status",
            "warn",
            f"{ends} {certificate_status_text(certificate.status)}.",
            "Clients may refuse it, or the service may take it away.",
            f"Attach it with one that is issued {another}",
        )
    if certificate.expires is not None and left is not None and left < _SOON_DAYS * _DAY:
        yield AttachmentMessage(
            "attached-certificate-ends-soon",
            "warn",
            f"{ends} ends {day_text(certificate.expires)}.",
            f"It has to be replaced within days. {OUTAGE}",
            "Replace it before the name is moved, while nobody pulls by it there: "
            f"{_add_command(registry, name)}.",
        )


def _add_command(registry: str, name: str) -> str:
    return f"`transship delegate domain add {registry} {name} --certificate ID`"


CUSTOM_DOMAIN = "custom domain"
CERTIFICATE = "certificate"
KINDS = (CERTIFICATE, CUSTOM_DOMAIN)

_EVERY_SECONDS = 5.0
_PATIENCE_SECONDS = 240.0
_NOT_SEEN = (errors.CloudRefused, errors.NoRight, errors.ListIncomplete, errors.ServerFailed)


class _CustomDomainEntry(msgspec.Struct, rename="pascal"):
    domain_name: str
    cert_id: str = ""
    status: str = ""


class DomainEngine:
    """The engine of one instance. Raises, beside what is named, what `TencentCloud.call` does.

    A domain goes by its name; its setting `Certificate` is the id of its certificate, or the alias
    of one that was uploaded from here. Such a certificate goes by that alias. `uploads` are those
    that may be handed over; they are kept nowhere else.
    """

    def __init__(
        self,
        at: InstanceApi,
        certificates: CertificateService,
        clock: Clock,
        uploads: Sequence[CertificateUpload] = (),
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

    def with_upload(self, upload: CertificateUpload) -> DomainEngine:
        """Return the same engine, which may hand over this certificate and its key too."""
        uploads = [*self._uploads.values(), upload]
        return DomainEngine(self._at, self.certificates, self._clock, uploads)

    async def domains(self) -> tuple[CustomDomain, ...]:
        """Return all custom domains of the instance. Raises ListIncomplete too."""
        found = await self._at.listed("DescribeInstanceCustomizedDomain", _CustomDomainEntry)
        return tuple(
            CustomDomain(safe(each.domain_name).lower(), safe(each.cert_id), safe(each.status))
            for each in found
        )

    async def domain(self, name: str) -> CustomDomain | None:
        """Return the custom domain of this name, in whatever state."""
        return next((each for each in await self.domains() if each.name == name.lower()), None)

    async def certificate(self, named: str) -> ServerCertificate | None:
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

    async def read(self, kind: str, name: str) -> EngineItem | None:
        """Return what is there; a domain that is being taken away isn't."""
        if kind == CERTIFICATE:
            certificate = await self.certificates.find(name)
            if certificate is None:
                return None
            return EngineItem({"Alias": certificate.alias}, certificate.id, str(certificate.status))
        domain = await self.domain(name)
        if domain is None or domain.state is Attached.GOING:
            return None
        certificate = await self.certificate(domain.certificate)
        named = certificate_reference(certificate) if certificate else domain.certificate
        return EngineItem({"Certificate": named}, domain.certificate, domain.said)

    async def make(self, change: Change, gives: GetLogin) -> None:  # noqa: ARG002 - no login is given
        """Make one change. It is begun: `read` tells how the domain is (`domains.waited`)."""
        makers: Mapping[tuple[str, ChangeAction], Callable[[Change], Awaitable[None]]] = {
            (CERTIFICATE, ChangeAction.CREATE): self._upload,
            (CERTIFICATE, ChangeAction.DELETE): self._drop,
            (CUSTOM_DOMAIN, ChangeAction.CREATE): self._add,
            (CUSTOM_DOMAIN, ChangeAction.CHANGE): self._replace,
            (CUSTOM_DOMAIN, ChangeAction.DELETE): self._remove,
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
        identity = await self._checked(change.name, _asked_certificate(change.after))
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
        identity = await self._checked(change.name, _asked_certificate(change.after))
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
                raise explain_domain_refusal(error) from None
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


def _asked_certificate(settings: Mapping[str, object] | None) -> str:
    return str((settings or {}).get("Certificate", ""))


_MOST_NAMED = 5
_FILING_NOTE = "a domain without an ICP filing is refused there, and filing takes days to weeks."


@dataclass(frozen=True, slots=True)
class DomainProgress:
    """How a domain was at a moment of being waited for: None when it isn't there.

    `waited` is in seconds, `words` says in sentences how it is.
    """

    domain: CustomDomain | None
    waited: float
    words: str

    @property
    def is_over(self) -> bool:
        """Whether it won't change by itself any more."""
        return self.domain is None or self.domain.state in (Attached.WORKS, Attached.FAILED)


async def wait_for_domain(
    domains: DomainEngine, name: str, clock: Clock, *, every: float = 5.0, within: float = 900.0
) -> AsyncIterator[DomainProgress]:
    """Give how a domain is each time that there is something new to say, until it is over.

    It is asked for every `every` seconds, and given up `within` so many, which the last one that is
    given then shows (`is_over` is false). Asking that fails for a while is gone on with; what it
    last came to is raised at the end.
    """
    begun = clock.monotonic()
    last = ""
    while True:
        passed = clock.monotonic() - begun
        failure: TransshipError | None = None
        try:
            domain = await domains.domain(name)
        except TransshipError as error:
            if not error.retryable:
                raise
            failure = error
        else:
            words = (
                domain_status_text(domain, passed) if domain else f"{name} isn't at the instance."
            )
            seen = DomainProgress(domain, passed, words)
            if _comparable(seen) != last:
                last = _comparable(seen)
                yield seen
            if seen.is_over:
                return
        if passed >= within:
            if failure is not None:
                raise failure
            yield seen
            return
        await clock.sleep(every)


async def plan_domain(
    domains: DomainEngine,
    name: str,
    *,
    certificate: str = "",
    upload: CertificateUpload | None = None,
    remove: bool = False,
) -> ChangeSet:
    """Return what would be changed so that a domain is there, or with `remove` isn't.

    It is attached with the `certificate` of this id, or with one that is uploaded; with neither it
    is refused, and the refusal says which ones would do. The engine that makes it has to have the
    upload: `Domains.with_upload`. Raises BadDomain, and what stands in the way of asking.
    """
    domain = _checked_domain(name)
    there = await domains.domain(domain)
    if remove:
        return await _plan_removal(domains, domain, there)
    purpose = f"attach {domain}"
    if (upload is None) == (not certificate):
        return await _refuse_unchosen(domains, domain, purpose, both=bool(certificate))
    notes: list[str] = []
    changes: list[Change] = []
    if upload is not None:
        chosen = upload.certificate
        known = await domains.certificates.find(upload.alias)
        changes.append(_plan_upload(upload, known))
        if upload.alone:
            notes.append(
                "No certificate above the server's own came with it: container runtimes may not "
                "accept it. Put those into the file too, in order."
            )
    else:
        found, unseen = await _find_certificate(domains, certificate)
        if unseen:
            notes.append(unseen)
        elif found is None:
            refusal = errors.CantBeDelegated(
                f"the account has no server certificate {certificate}",
                remedy="Choose one that it has, or upload one.",
            )
            return ChangeSet(domains.name, purpose, refusals=(refusal,))
        chosen = found or ServerCertificate(certificate, "", (domain,), None, 1)
    if fault := chosen.fault(domain, domains.now()):
        refusal = errors.CantBeDelegated(fault, remedy="Choose a certificate that holds.")
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    return await _plan_attach(domains, domain, there, chosen, changes, notes)


async def _plan_attach(
    domains: DomainEngine,
    name: str,
    there: CustomDomain | None,
    chosen: ServerCertificate,
    changes: list[Change],
    notes: list[str],
) -> ChangeSet:
    purpose = f"attach {name}"
    found = await domains.read(CUSTOM_DOMAIN, name)
    before = found.settings if found else None
    after = {"Certificate": certificate_reference(chosen)}
    warns = (OUTAGE,) if before is not None else ()
    change = change_between(CUSTOM_DOMAIN, name, before, after, warns=warns, anew=True)
    if there is not None and there.state is Attached.FAILED and before == after:
        refusal = errors.CantBeDelegated(
            f"{name} is at the instance with this certificate, and failed ({there.said})",
            remedy="Remove it first; then add it again, better with another certificate.",
        )
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    if there is not None:
        notes.append(domain_status_text(there))
    if chosen.expires is not None:
        notes.append(f"The certificate ends {day_text(chosen.expires)}. TCR doesn't renew it.")
    if domains.mainland is not False and there is None:
        known = "The instance stands in mainland China:"
        unknown = "Where the instance stands in mainland China,"
        notes.append(f"{known if domains.mainland else unknown} {_FILING_NOTE}")
    notes.append(
        "It takes 1 to 2 minutes until it works. DNS isn't changed by it: nobody is led there yet."
    )
    return ChangeSet(domains.name, purpose, (*changes, change), tuple(notes))


async def _plan_removal(domains: DomainEngine, name: str, there: CustomDomain | None) -> ChangeSet:
    purpose = f"remove {name}"
    if there is None:
        refusal = errors.CantBeDelegated(
            f"the instance has no custom domain {name}", remedy="Look at its domains again."
        )
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    if there.state is Attached.GOING:
        return ChangeSet(domains.name, purpose, notes=(domain_status_text(there),))
    found = await domains.read(CUSTOM_DOMAIN, name)
    before = found.settings if found else {"Certificate": there.certificate}
    change = change_between(
        CUSTOM_DOMAIN, name, before, None, warns=(domain_removal_warning(name),)
    )
    return ChangeSet(domains.name, purpose, (change,), (domain_status_text(there),))


def _plan_upload(upload: CertificateUpload, known: ServerCertificate | None) -> Change:
    settings = {"Alias": upload.alias}
    before = None if known is None else settings
    names = ", ".join(upload.certificate.names)
    warns = (
        f"The SSL service is handed the certificate for {names} with its private key, and keeps "
        "both.",
    )
    return change_between(CERTIFICATE, upload.alias, before, settings, warns=warns)


async def _refuse_unchosen(
    domains: DomainEngine, name: str, purpose: str, *, both: bool
) -> ChangeSet:
    """Return the refusal that says what there is to choose from."""
    if both:
        refusal = errors.CantBeDelegated(
            "both a certificate and an upload are named", remedy="Name one of them."
        )
        return ChangeSet(domains.name, purpose, refusals=(refusal,))
    try:
        found = await domains.certificates.covering(name, domains.now())
    except _NOT_SEEN as error:
        remedy = f"Name the id of one yourself, or upload one. It can't be looked for: {error}"
    else:
        more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        shown = "; ".join(map(str, found[:_MOST_NAMED])) + more
        remedy = (
            f"Choose one of {shown}."
            if found
            else "The account has none that is issued and for this name: upload one."
        )
    refusal = errors.CantBeDelegated(f"{name} needs a certificate", remedy=remedy)
    return ChangeSet(domains.name, purpose, refusals=(refusal,))


async def _find_certificate(
    domains: DomainEngine, named: str
) -> tuple[ServerCertificate | None, str]:
    """Return a certificate, and in a sentence why it can't be seen where that is so."""
    try:
        return await domains.certificates.find(named), ""
    except _NOT_SEEN as error:
        return None, f"Whether the certificate {named} holds couldn't be asked for: {error}"


def _checked_domain(name: str) -> str:
    try:
        domain = parse_host(name.strip().rstrip("."))
    except errors.BadReference as error:
        raise errors.BadDomain(error.detail) from None
    if ":" in domain or "[" in domain:
        raise errors.BadDomain(f"{name!r} has a port or is an address")
    return domain


def _comparable(seen: DomainProgress) -> str:
    """Return what makes one look another than the last, without how long it took."""
    if seen.domain is None:
        return seen.words
    return f"{seen.domain} {seen.waited >= LONG_SECONDS}"
