"""CAA: who may issue certificates for the name, before the change and after it (RFC 8659)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from transship.cutover.evidence import Answer
from transship.cutover.finding import Finding
from transship.cutover.observe.names import ancestors
from transship.cutover.rules.case import Case, as_address, plain
from transship.cutover.rules.certificates import shakes
from transship.cutover.rules.wording import Verdict, judged, listed, unknown, warn

_RECORD = re.compile(r'(\d+)\s+(\w+)\s+"?([^"]*)"?')
_KNOWN_TAGS = ("issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail")
_CRITICAL = 128
_AUTHORITIES = {
    "let's encrypt": ("letsencrypt.org",),
    "digicert": ("digicert.com",),
    "geotrust": ("digicert.com", "geotrust.com"),
    "rapidssl": ("digicert.com", "rapidssl.com"),
    "sectigo": ("sectigo.com", "comodoca.com"),
    "zerossl": ("sectigo.com", "zerossl.com"),
    "google trust services": ("pki.goog",),
    "amazon": ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"),
    "globalsign": ("globalsign.com",),
    "trustasia": ("trustasia.com", "digicert.com", "sectigo.com"),
    "entrust": ("entrust.net",),
}


def authorities(case: Case) -> Verdict:
    """P-18: who may issue doesn't change with the record, and the certificate's issuer may.

    A lookup of CAA follows CNAMEs: once the name is a CNAME, the records at the target's name are
    found before those of the domain's own zone.
    """
    answers = {plain(a.question): a for a in case.evidence.authorities}
    if not answers:
        return unknown("the CAA records of the domain and of the target")
    failed = [a for a in answers.values() if a.error or a.rcode not in ("NOERROR", "NXDOMAIN")]
    above = _relevant(answers, ancestors(plain(case.name))[1:])
    before = _found(answers.get(plain(case.name))) or above
    target = case.subject.points_at
    after = before if as_address(target) else _found(answers.get(plain(target))) or above
    found = (_changed(case, before, after), _forbidden(case, after), _critical(after))
    needs = f"CAA of {listed(a.question for a in failed)}" if failed else ""
    return judged(found, f"may issue: {listed(_issuers(after)) or 'everybody'}", needs)


def _found(answer: Answer | None) -> tuple[str, ...]:
    records = (r for r in answer.records if r.type == "CAA") if answer else ()
    return tuple(sorted({value for each in records for value in each.values}))


def _relevant(answers: dict[str, Answer], names: Sequence[str]) -> tuple[str, ...]:
    """Return the CAA records of the first of these names that has any."""
    return next((found for name in names if (found := _found(answers.get(name)))), ())


def _parsed(values: Sequence[str]) -> list[tuple[int, str, str]]:
    found = (_RECORD.match(value) for value in values)
    return [(int(m[1]) % 256, m[2].lower(), m[3].partition(";")[0].strip()) for m in found if m]


def _issuers(values: Sequence[str]) -> list[str]:
    return [name or "nobody" for _, tag, name in _parsed(values) if tag == "issue"]


def _changed(case: Case, before: Sequence[str], after: Sequence[str]) -> Finding | None:
    if not after or set(before) == set(after):
        return None
    own = listed(_issuers(before)) or "everybody"
    return warn(
        "caa-changes",
        f"May issue for {case.name} today: {own}. After the change: {listed(_issuers(after))}, "
        f"as {case.subject.points_at} says.",
        "A lookup of CAA follows the CNAME: the target's records decide then, and yours are not "
        "looked at. A renewal by your own authority may be refused.",
        "Renew the certificate before the change, or by an authority that both allow; or let the "
        "new registry have it issued.",
    )


def _forbidden(case: Case, after: Sequence[str]) -> Finding | None:
    issuer = next((h.chain[0].issuer for h in shakes(case) if h.chain), "").lower()
    known = next((names for word, names in _AUTHORITIES.items() if word in issuer), ())
    allowed = _issuers(after)
    if not known or not allowed or any(each in known for each in allowed):
        return None
    return warn(
        "caa-forbids-issuer",
        f"The certificate's issuer ({listed(known, 1)}) isn't among those that may issue after "
        f"the change: {listed(allowed)}.",
        "The certificate works, but its next renewal will be refused.",
        "Add the issuer to the CAA records that hold after the change, or choose another issuer.",
    )


def _critical(after: Sequence[str]) -> Finding | None:
    strange = [tag for flags, tag, _ in _parsed(after) if flags & _CRITICAL]
    strange = [tag for tag in strange if tag not in _KNOWN_TAGS]
    if not strange:
        return None
    return warn(
        "caa-critical",
        f"A CAA record with the tag {listed(strange)} is marked as critical.",
        "Authorities that don't know the tag must not issue at all.",
        "Take the record away, or ask the authority whether it knows the tag.",
    )
