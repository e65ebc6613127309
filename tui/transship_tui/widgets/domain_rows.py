"""Custom domains of an instance of TCR, as rows and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from transship.app.engines import InstanceDomains
from transship.engines.tcr.certificates import (
    ISSUED,
    ServerCertificate,
    certificate_status_text,
    day_text,
)
from transship.engines.tcr.domains import CustomDomain, domain_status_text
from transship.registry.attachment import Attached
from transship.text import safe
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.widgets.change_words import said
from transship_tui.widgets.rows import Column

COLUMNS = (
    Column("State", 17),
    Column("Domain", middle=True),
    Column("Certificate", 28, middle=True, least=70),
    Column("Ends", 11, least=90),
)
STATES = {
    Attached.WORKS: Mark("✓", "works", OK),
    Attached.BEGUN: Mark("▸", "being attached", NEWS),
    Attached.FAILED: Mark("✗", "failed", BAD),
    Attached.GOING: Mark("–", "going", CARE),
    Attached.ABSENT: Mark("–", "not there", QUIET),
    Attached.UNKNOWN: Mark("?", "unknown", CARE),
}
_DAY = 86_400.0
_SOON_DAYS = 30


class DomainRows:
    """The custom domains of an instance, each with its certificate where that can be seen."""

    def __init__(self, there: InstanceDomains | None = None) -> None:
        self._there = there
        self.domains: Sequence[CustomDomain] = there.domains if there is not None else ()

    def __len__(self) -> int:
        return len(self.domains)

    def key(self, index: int) -> str:
        """Return the name."""
        return self.domains[index].name

    def cells(self, index: int) -> Sequence[Content]:
        """Return how it is, its name, and its certificate with the day on which that ends."""
        domain = self.domains[index]
        found = certificate_of(domain, self._there) if self._there else None
        ends = day_text(found.expires) if found and found.expires is not None else ""
        return (
            STATES[domain.state].content(),
            Content(safe(domain.name)),
            Content(safe(domain.certificate)),
            Content.styled(ends, QUIET),
        )


def certificate_of(domain: CustomDomain, there: InstanceDomains) -> ServerCertificate | None:
    """Return the certificate of a domain, where it can be seen."""
    return next((each for each in there.certificates if each.id == domain.certificate), None)


def domain_lines(
    domain: CustomDomain, there: InstanceDomains, width: int, waited: float = 0.0
) -> Iterator[Content]:
    """Give how a domain is in words, and what is known of its certificate.

    `waited` is for how long it was waited for, in seconds.
    """
    style = BAD if domain.state is Attached.FAILED else ""
    yield from said(STATES[domain.state].sign, domain_status_text(domain, waited), width, style)
    found = certificate_of(domain, there)
    if found is None:
        why = f": {there.unseen}" if there.unseen else "."
        yield from said("?", f"Its certificate can't be seen{why}", width, QUIET)
        return
    names = ", ".join(found.names)
    yield from said("·", f"The certificate {found.id} is for {names}.", width, QUIET)
    if fault := found.fault(domain.name, there.now):
        yield from said("✗", f"{fault[0].upper()}{fault[1:]}: no client accepts it.", width, BAD)
    elif found.expires is not None and found.expires - there.now < _SOON_DAYS * _DAY:
        ends = f"It ends {day_text(found.expires)}, and TCR doesn't renew it: replace it before."
        yield from said("!", ends, width, CARE)


def certificate_words(certificate: ServerCertificate) -> str:
    """Return a certificate in a line to choose it by."""
    named = f"{certificate.id}  {', '.join(certificate.names)}"
    if certificate.status != ISSUED:
        return safe(f"{named}  {certificate_status_text(certificate.status)}")
    ends = "" if certificate.expires is None else f"  ends {day_text(certificate.expires)}"
    return safe(f"{named}{ends}")
