"""DNSSEC: whether resolvers that check signatures accept the domain's record (RFC 4035)."""

from __future__ import annotations

from collections.abc import Sequence

from transship.cutover.evidence import ResolverView, Signature
from transship.cutover.finding import Finding
from transship.cutover.rules.case import Case, has_changed, serving, ttl_served
from transship.cutover.rules.wording import (
    Verdict,
    block,
    judged,
    listed,
    span,
    unknown,
    warn,
    when,
)

_NO_ANSWER = ("timeout", "refused", "unreachable", "closed", "malformed", "no record", "")
_MARGIN = 6 * 3600.0
"""A signer that works renews signatures at least so long, in seconds, before they end."""


def signed(case: Case) -> Verdict:
    """P-33: the record is rightly signed at every server, or the zone isn't signed at all."""
    zone = case.evidence.zone
    if zone is None or not serving(zone):
        return unknown("the zone and its name servers")
    found = [_bogus(case)]
    if not zone.signed:
        if zone.ds is None or zone.ds.error or zone.ds.rcode not in ("NOERROR", "NXDOMAIN"):
            return judged(found, "", "the DS records of the zone, from its parent's servers")
        return judged(found, "the zone isn't signed, so no signature can be wrong")
    checked = [s for s in case.evidence.signatures if s.valid or s.error not in _NO_ANSWER]
    found += [_invalid(checked), _ending(case, checked)]
    if not checked:
        return judged(found, "", "the signatures of the record at each name server")
    ends = min((s.expires for s in checked if s.expires is not None), default=None)
    until = "" if ends is None else f", until {when(ends)}"
    return judged(found, f"rightly signed at {len(checked)} of {len(serving(zone))} servers{until}")


def signed_anew(case: Case) -> Verdict:
    """F-06: the new record is rightly signed.

    Resolvers set AD only where the whole chain is signed: through a service's unsigned zone it is
    missing, and rightly.
    """
    if not has_changed(case):
        return unknown("the change")
    return signed(case)


def _bogus(case: Case) -> Finding | None:
    """Return which resolvers refuse what they would give without checking."""
    refusing = [view for view in case.evidence.resolvers if _refuses(view)]
    if not refusing:
        return None
    names = listed(view.resolver for view in refusing)
    reasons = listed((e for view in refusing for e in view.newest.extended), 2)
    own = [s for s in case.evidence.signatures if s.error not in _NO_ANSWER or s.valid]
    right = bool(own) and all(s.valid for s in own)
    doubt = (
        " Seen from here the zone's own signatures are right: an old key in their cache, a wrong "
        "trust anchor, or a wrong clock would do it too."
        if right
        else ""
    )
    return block(
        "bogus",
        f"{names} refuses the name (SERVFAIL{f', {reasons}' if reasons else ''}), and answers when "
        "told not to check signatures.",
        "Signatures don't match (DNSSEC bogus): behind resolvers that check them, pulls fail "
        f"already today.{doubt}",
        "Don't change the record now. Sign the zone anew, or set the DS records at the registrar "
        "right; then check again.",
    )


def _refuses(view: ResolverView) -> bool:
    if not view.samples or view.newest.rcode != "SERVFAIL" or view.unchecked is None:
        return False
    return not view.unchecked.error and view.unchecked.rcode in ("NOERROR", "NXDOMAIN")


def _invalid(checked: Sequence[Signature]) -> Finding | None:
    wrong = [s for s in checked if not s.valid]
    if not wrong:
        return None
    return block(
        "signature-invalid",
        listed(f"{s.address}: {s.error}" for s in wrong) + ".",
        "Resolvers that check signatures refuse what these servers say of the name: pulls fail "
        "behind them.",
        "Sign the zone anew, or set the DS records at the registrar right. A change of the record "
        "doesn't help.",
    )


def _ending(case: Case, checked: Sequence[Signature]) -> Finding | None:
    ends = min((s.expires for s in checked if s.valid and s.expires is not None), default=None)
    if ends is None:
        return None
    needed = 2 * (ttl_served(case) or 0)
    if not ends < case.now + needed + _MARGIN:
        return None
    severe = block if ends < case.now + needed else warn
    return severe(
        "signatures-end-soon",
        f"The record's signature ends at {when(ends)}, in {span(ends - case.now)}.",
        "The signer seems to have stopped. After that the name is refused by resolvers that check.",
        "Look whether the primary still signs, and let it sign the zone anew.",
    )
