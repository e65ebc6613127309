"""What the service behind the new registry says, by its own API, as findings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from transship.cutover.evidence import ServiceSays
from transship.cutover.finding import Finding, Severity
from transship.cutover.rules.case import Case
from transship.cutover.rules.wording import block, info, warn, when
from transship.registries.attachment import Attached, Attachment, Said

UNASKED = ("service-not-asked", "domain-unseen", "access-unseen")
"""The findings that tell what a service couldn't be asked for."""

_MAKERS = {Severity.BLOCK: block, Severity.WARN: warn, Severity.INFO: info}
_STATES: Mapping[Attached, str] = {
    Attached.WORKS: "works",
    Attached.BEGUN: "is being attached",
    Attached.FAILED: "couldn't be attached",
    Attached.GOING: "is being taken away",
    Attached.ABSENT: "isn't attached",
    Attached.UNKNOWN: "is in a state that isn't known",
}


def attachment_of(case: Case) -> Attachment | None:
    """Return what the service says of the domain, None where it wasn't or couldn't be asked."""
    told = case.evidence.service
    return told.attachment if told else None


def of_domain(case: Case, *, answers: bool) -> tuple[Finding, ...]:
    """Return what follows for P-10. `answers`: a registry answers under the domain's name there.

    What answers isn't kept from the change by a service that doesn't know the name: something
    that does may stand in front of it.
    """
    told = case.evidence.service
    if told is None:
        return ()
    attachment = told.attachment
    if attachment is None:
        return (_not_asked(case, told),)
    found = map(_finding, attachment.says)
    if answers and attachment.state in (Attached.ABSENT, Attached.FAILED):
        return tuple(
            _softened(
                each,
                "A registry answers under the name there all the same: something that has the name "
                "may stand in front of it. Without that, every pull would fail.",
            )
            for each in found
        )
    return tuple(found)


def of_reach(case: Case, *, answers: bool) -> tuple[Finding, ...]:
    """Return what follows for P-12. `answers`: something listens at an address of the target."""
    attachment = attachment_of(case)
    if attachment is None:
        return ()
    found = map(_finding, attachment.reach)
    if not answers:
        return tuple(found)
    return tuple(_softened(each, f"This machine gets through. {each.means}") for each in found)


def words(case: Case) -> str:
    """Return in a few words how the domain is at the service, empty where that isn't known."""
    told, attachment = case.evidence.service, attachment_of(case)
    if told is None or attachment is None:
        return ""
    said = f" ({attachment.said})" if attachment.said else ""
    ends = f" until {when(attachment.expires)[:10]}" if attachment.expires is not None else ""
    with_it = f", with the certificate {attachment.certificate}{ends}"
    certificate = with_it if attachment.certificate else ""
    return f"{told.service} says: {case.name} {_STATES[attachment.state]}{said}{certificate}"


def _not_asked(case: Case, told: ServiceSays) -> Finding:
    return info(
        "service-not-asked",
        f"{told.service} couldn't be asked for {case.name}: {told.error}.",
        "What it knows of the name, its certificate and its network isn't in these checks; what "
        "is seen at the target's addresses is.",
        told.remedy,
    )


def _finding(said: Said) -> Finding:
    """Return a judgement as a finding. One of a severity that isn't known is a warning."""
    grave = {each.value: each for each in Severity}.get(said.severity, Severity.WARN)
    return _MAKERS[grave](said.id, said.seen, said.means, said.remedy)


def _softened(finding: Finding, means: str) -> Finding:
    if finding.severity is not Severity.BLOCK:
        return finding
    return replace(finding, severity=Severity.WARN, means=means)


def blocks(findings: Iterable[Finding]) -> bool:
    """Tell whether any of these stands in the way."""
    return any(each.severity is Severity.BLOCK for each in findings)
