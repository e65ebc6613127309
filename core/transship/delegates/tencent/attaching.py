"""What the state of a custom domain, and of the network access, means for moving a name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from transship.delegates.tencent.domain_words import (
    OUTAGE,
    Certificate,
    CustomDomain,
    day_of,
    domain_words,
)
from transship.delegates.tencent.network_access import Access, Public, Stage, explained
from transship.registries.attachment import Attached, Attachment, Said

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


def access_says(access: Access, here: str = "") -> tuple[Said, ...]:
    """Return what keeps clients from an instance: whether that is all of them isn't known."""
    if access.public is Public.OPEN and access.allowed:
        return ()
    linked = any(link.stage is Stage.WORKS for link in access.links)
    severity = "block" if access.public is Public.CLOSED and not linked else "warn"
    if access.public is Public.UNKNOWN:
        severity = "warn"
    means = (
        "Only what runs in a linked VPC can pull."
        if linked
        else "Nobody can pull: no VPC is linked either, as far as is known."
    )
    return (
        Said(
            f"public-endpoint-{access.public}" if not _is_empty(access) else "allow-list-empty",
            severity,
            explained(access, here)[0],
            means,
            "Open it and allow the clients' addresses, or make sure that all clients are in a "
            "linked VPC.",
        ),
    )


def _is_empty(access: Access) -> bool:
    return access.public is Public.OPEN


def _says(
    registry: str,
    name: str,
    domain: CustomDomain | None,
    certificate: Certificate | None,
    now: float,
    *,
    mainland: bool | None,
) -> Iterator[Said]:
    filing = f" {_FILING}" if mainland is not False else ""
    fails = "Every pull by this name would fail there."
    if domain is None:
        yield Said(
            "domain-absent",
            "block",
            f"{registry} has no custom domain {name}.",
            fails,
            f"Add it with a certificate for it, and wait 1 to 2 minutes until it works.{filing}",
        )
        return
    seen = domain_words(domain)
    match domain.state:
        case Attached.WORKS:
            yield from _of_certificate(name, domain, certificate, now)
        case Attached.BEGUN:
            yield Said(
                "domain-being-attached", "block", seen, fails,
                "Wait until it works. Where it takes longer, look at its certificate.",
            )  # fmt: skip
        case Attached.FAILED:
            yield Said(
                "domain-failed", "block", seen, fails,
                f"Remove it, and add it again with a certificate that holds.{filing}",
            )  # fmt: skip
        case Attached.GOING:
            yield Said("domain-going", "block", seen, fails, "Add it again once it is gone.")
        case _:
            yield Said(
                "domain-state-unknown", "warn", seen, "It may work, or not.",
                "Look at it in the console.",
            )  # fmt: skip


def _of_certificate(
    name: str, domain: CustomDomain, certificate: Certificate | None, now: float
) -> Iterator[Said]:
    if certificate is None:
        yield Said(
            "attached-certificate-unseen",
            "info",
            f"The certificate {domain.certificate} of {name} can't be seen.",
            "When it ends isn't known from the service; what is shown at the address tells.",
            "Give the keys the right to ssl:DescribeCertificates, if it is to be watched.",
        )
        return
    if not certificate.covers(name):
        yield Said(
            "attached-certificate-name",
            "block",
            f"{name} is attached with {certificate}.",
            "No client accepts that certificate for this name.",
            f"Attach it with one that is for this name. {OUTAGE}",
        )
    if certificate.expires is None:
        return
    left = certificate.expires - now
    ends = f"The certificate {certificate.id} of {name}"
    if left <= 0:
        yield Said(
            "attached-certificate-expired",
            "block",
            f"{ends} ended {day_of(certificate.expires)}.",
            "Every pull by this name fails.",
            f"Attach it with one that holds. {OUTAGE}",
        )
    elif left < _SOON_DAYS * _DAY:
        yield Said(
            "attached-certificate-ends-soon",
            "warn",
            f"{ends} ends {day_of(certificate.expires)}.",
            f"It has to be replaced within days. {OUTAGE}",
            "Replace it before the name is moved, while nobody pulls by it there.",
        )
