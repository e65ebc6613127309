"""What the state of a custom domain, and of its certificate, means for moving a name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from transship.delegates.tencent.domain_words import (
    ISSUED,
    OUTAGE,
    Certificate,
    CustomDomain,
    day_of,
    domain_words,
    status_words,
)
from transship.registry.attachment import Attached, Attachment, AttachmentMessage

_DAY = 86400.0
_SOON_DAYS = 30
_FILING = (
    "For an instance in mainland China the domain needs an ICP filing: without one it is refused."
)


def attachment_of(
    registry: str,
    name: str,
    domain: CustomDomain | None,
    certificate: Certificate | None,
    now: float,
    *,
    mainland: bool | None = None,
) -> Attachment:
    """Return what is known of a domain at an instance, and what follows from it.

    `certificate` is None where it can't be seen, `mainland` says whether the instance stands in
    mainland China, None where that isn't known.
    """
    says = tuple(_says(registry, name, domain, certificate, now, mainland=mainland))
    if domain is None:
        return Attachment(registry, name, Attached.ABSENT, now, says=says)
    expires = certificate.expires if certificate else None
    return Attachment(
        registry, name, domain.state, now, domain.said, domain.certificate, expires, says
    )


def _says(
    registry: str,
    name: str,
    domain: CustomDomain | None,
    certificate: Certificate | None,
    now: float,
    *,
    mainland: bool | None,
) -> Iterator[AttachmentMessage]:
    filing = f" {_FILING}" if mainland is not False else ""
    fails = "Every pull by this name would fail there."
    if domain is None:
        yield AttachmentMessage(
            "domain-absent",
            "block",
            f"{registry} has no custom domain {name}.",
            fails,
            f"Add it with a certificate for it ({_adding(registry, name)}), and wait 1 to 2 "
            f"minutes until it works.{filing}",
        )
        return
    seen = domain_words(domain)
    match domain.state:
        case Attached.WORKS:
            yield from _of_certificate(registry, name, domain, certificate, now)
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
                f"again with a certificate that holds ({_adding(registry, name)}).{filing}",
            )  # fmt: skip
        case Attached.GOING:
            yield AttachmentMessage(
                "domain-going", "block", seen, fails,
                f"Add it again once it is gone: {_adding(registry, name)}.",
            )  # fmt: skip
        case _:
            yield AttachmentMessage(
                "domain-state-unknown", "warn", seen, "It may work, or not.",
                "Look at it in the console.",
            )  # fmt: skip


def _of_certificate(
    registry: str, name: str, domain: CustomDomain, certificate: Certificate | None, now: float
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
    another = f"({_adding(registry, name)}). {OUTAGE}"
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
    yield from _of_life(registry, name, certificate, now)


def _of_life(
    registry: str, name: str, certificate: Certificate, now: float
) -> Iterator[AttachmentMessage]:
    another = f"({_adding(registry, name)}). {OUTAGE}"
    ends = f"The certificate {certificate.id} of {name}"
    left = None if certificate.expires is None else certificate.expires - now
    if certificate.expires is not None and left is not None and left <= 0:
        yield AttachmentMessage(
            "attached-certificate-expired",
            "block",
            f"{ends} ended {day_of(certificate.expires)}.",
            "Every pull by this name fails.",
            f"Attach it with one that holds {another}",
        )
        return
    if certificate.status != ISSUED:
        yield AttachmentMessage(
            "attached-certificate-status",
            "warn",
            f"{ends} {status_words(certificate.status)}.",
            "Clients may refuse it, or the service may take it away.",
            f"Attach it with one that is issued {another}",
        )
    if certificate.expires is not None and left is not None and left < _SOON_DAYS * _DAY:
        yield AttachmentMessage(
            "attached-certificate-ends-soon",
            "warn",
            f"{ends} ends {day_of(certificate.expires)}.",
            f"It has to be replaced within days. {OUTAGE}",
            "Replace it before the name is moved, while nobody pulls by it there: "
            f"{_adding(registry, name)}.",
        )


def _adding(registry: str, name: str) -> str:
    return f"`transship delegate domain add {registry} {name} --certificate ID`"
