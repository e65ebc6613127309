"""Certificates at the target, and who may issue them (CAA): P-13 to P-19."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime

from transship.cutover.domain import ancestors
from transship.cutover.evidence import ApiProbe, DnsAnswer, Handshake, TlsCertificate
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    block,
    info,
    judged,
    listed,
    span_text,
    unknown,
    utc_text,
    warn,
)
from transship.cutover.questions import parsed_answer
from transship.cutover.rules.case import (
    Case,
    as_address,
    at_target,
    elsewhere,
    normalized_name,
    target_addresses,
)
from transship.text import counted

PUBLIC_TRUST = ("system", "certifi")
"""Authorities that anybody has; another `trust` is a file of those that nodes have."""

DAY = 86400.0

_SOON = 30 * DAY

_CLOCK = 120.0  # Seconds by which clocks may differ.

_MISMATCH, _NOT_YET, _EXPIRED = 62, 9, 10  # OpenSSL's X509_V_ERR_*

_UNTRUSTED = (18, 19, 20, 21)

_UNCONNECTED = ("refused", "timeout", "unreachable")


def target_handshakes(case: Case) -> list[Handshake]:
    """Return the handshakes under the domain's name at the target that got an answer."""
    found = at_target(case, case.evidence.handshakes)
    return [
        h
        for h in found
        if normalized_name(h.name) == normalized_name(case.name) and h.error not in _UNCONNECTED
    ]


def covers(pattern: str, name: str) -> bool:
    """Tell whether a name in a certificate stands for a host; a wildcard for one label only.

    RFC 9525, 6.3.
    """
    pattern, name = normalized_name(pattern), normalized_name(name)
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:] and "." in pattern[2:]
    return pattern == name


def is_named(names: Iterable[str], name: str) -> bool:
    """Tell whether a certificate with these names is one for a host."""
    return any(covers(each, name) for each in names)


def _row(
    case: Case, seen: list[Handshake], found: list[Finding | None], words: str
) -> CheckVerdict:
    """Return a verdict on all of the target's addresses; open while one was not looked at."""
    tried = {as_address(h.address) for h in at_target(case, case.evidence.handshakes)}
    unseen = [a for a in target_addresses(case) if as_address(a) not in tried]
    needs = ""
    if not seen:
        needs = "a TLS handshake with the target under the domain's name"
    elif unseen:
        needs = f"a TLS handshake with {listed(unseen)}"
    return judged(found, words, needs, min((h.at for h in seen), default=None))


def check_certificate(case: Case) -> CheckVerdict:
    """P-13: at every address there is a certificate for the name, and today is within its dates."""
    seen = target_handshakes(case)
    found = [_failed(case, seen), _mismatch(case, seen), _dates(case, seen), _clock(case)]
    leaf = next((h.chain[0] for h in seen if h.chain), None)
    words = f"for {listed(leaf.names, 3)}, by {leaf.issuer}" if leaf else ""
    return _row(case, seen, found, words)


def _failed(case: Case, seen: list[Handshake]) -> Finding | None:
    failed = [h for h in seen if h.error]
    if not failed:
        return None
    where = listed(f"{h.address}: {h.error}" for h in failed)
    errors = {h.error for h in failed}
    if errors == {"unrecognized name"}:
        means = f"The target doesn't know {case.name}: the domain isn't set up there."
        remedy = "Add the domain with its certificate at the new registry."
    elif errors == {"plain http"}:
        means = "The target speaks HTTP without TLS on this port. Clients ask by TLS."
        remedy = "Turn TLS on, or put the right port or load balancer in front."
    else:
        means = "There is no TLS with the target under this name: every pull would fail."
        remedy = (
            "Look at the target's TLS settings, and for a filter on the way that closes "
            "connections by name (an unfiled domain in mainland China is closed so)."
        )
    return block("tls-failed", f"{where}.", means, remedy)


def _mismatch(case: Case, seen: list[Handshake]) -> Finding | None:
    wrong = [h for h in seen if h.chain and not is_named(h.chain[0].names, case.name)]
    wrong += [h for h in seen if h.verify_code == _MISMATCH and h not in wrong]
    if not wrong:
        return None
    names = listed((n for h in wrong if h.chain for n in h.chain[0].names), 4)
    where = listed(h.address for h in wrong)
    return block(
        "certificate-name-mismatch",
        f"{where} shows a certificate for {names or 'other names'}, not for {case.name}.",
        "The custom domain's certificate isn't attached at the target. Every pull would fail: "
        f"x509: certificate is valid for {names or 'other names'}, not {case.name}.",
        "Attach a certificate for the domain at the new registry, and wait until it is in use.",
    )


def _dates(case: Case, seen: list[Handshake]) -> Finding | None:
    for shake in seen:
        for each in shake.chain:
            if each.not_after < case.now or (
                shake.verify_code == _EXPIRED and each is shake.chain[0]
            ):
                return block(
                    "certificate-expired",
                    f"{shake.address}: {each.subject} expired at {utc_text(each.not_after)}.",
                    "Every pull would fail: x509: certificate has expired or is not yet valid.",
                    "Renew it at the new registry. If it looks right, look at this machine's "
                    "clock.",
                )
            if each.not_before > case.now:
                return block(
                    "certificate-not-yet-valid",
                    f"{shake.address}: {each.subject} is valid from {utc_text(each.not_before)}.",
                    "Until then every pull would fail.",
                    f"Wait, or look at this machine's clock: here it is {utc_text(case.now)}.",
                )
    return None


def _clock(case: Case) -> Finding | None:
    """Return that this machine's clock isn't that of the registries (RFC 9110, 6.6.1)."""
    apart = [probe.at - said for probe in case.evidence.probes if (said := _date(probe))]
    least = min(apart, key=abs, default=0.0)
    if abs(least) <= _CLOCK:
        return None
    return warn(
        "clock-differs",
        f"Here it is {span_text(abs(least))} {'later' if least > 0 else 'earlier'} than the "
        "registry "
        "says.",
        "If this machine's clock is wrong, so are the dates of certificates and the times of the "
        "change that are worked out here.",
        "Set this machine's clock, and check again.",
    )


def _date(probe: ApiProbe) -> float | None:
    try:
        return parsedate_to_datetime(dict(probe.headers).get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def check_certificate_names(case: Case) -> CheckVerdict:
    """P-14: the names are subjectAltNames, and a wildcard reaches as far as the name."""
    seen = target_handshakes(case)
    found: list[Finding | None] = []
    for shake in seen:
        if shake.chain and not found:
            found.append(_depth(case, shake, shake.chain[0]))
    leaf = next((h.chain[0] for h in seen if h.chain), None)
    return _row(case, seen, found, listed(leaf.names, 4) if leaf else "")


def _depth(case: Case, shake: Handshake, leaf: TlsCertificate) -> Finding | None:
    if not leaf.names:
        return block(
            "certificate-without-names",
            f"{shake.address}: {leaf.subject} has no subjectAltName.",
            "Docker and containerd don't look at the common name (CN): they refuse it.",
            "Have it issued anew with the domain as subjectAltName.",
        )
    above = [
        n
        for n in leaf.names
        if n.startswith("*.") and normalized_name(case.name).endswith(normalized_name(n)[1:])
    ]
    if is_named(leaf.names, case.name) or not above:
        return None
    return block(
        "wildcard-too-high",
        f"{shake.address}: {listed(above)} doesn't stand for {case.name}.",
        "A wildcard stands for one label only, and not for what is further down.",
        f"Use a certificate for {case.name} or *.{case.name.partition('.')[2]}.",
    )


def check_certificate_expiry(case: Case) -> CheckVerdict:
    """P-15: certificates outlive the change and the time in which it may be taken back."""
    seen = target_handshakes(case)
    chain = {each.fingerprint: each for h in seen for each in h.chain}
    ends = sorted(chain.values(), key=lambda each: each.not_after)
    if not ends:
        return unknown("a certificate of the target")
    first = ends[0]
    found = [_ending(case, first), _renewal(case)]
    words = f"until {utc_text(first.not_after)}, {span_text(first.not_after - case.now)}"
    return judged(found, words, taken=min(h.at for h in seen))


def _ending(case: Case, first: TlsCertificate) -> Finding | None:
    remaining = first.not_after - case.now
    if not remaining < max(_SOON, case.subject.window):
        return None
    inside = remaining < case.subject.window
    return (block if inside else warn)(
        "certificate-expires-in-window" if inside else "certificate-expires-soon",
        f"{first.subject} ends at {utc_text(first.not_after)}, in {span_text(remaining)}.",
        "It would end while the change may still be taken back."
        if inside
        else "Pulls fail from then on, unless it is renewed at the new registry.",
        "Renew it before the change." if inside else "Renew it, or put the date in a calendar.",
    )


def _renewal(case: Case) -> Finding | None:
    given = parsed_answer(case.evidence, "renewal")
    if given and given.good:
        return None
    return info(
        "renewal-unknown",
        "Nobody has said who renews the certificate at the new registry.",
        "A certificate that was uploaded isn't renewed by the registry. HTTP-01 at the old host "
        "stops working with the change.",
        "Renew by DNS-01, or let the new registry do it. Question renewal.",
    )


def check_full_chain(case: Case) -> CheckVerdict:
    """P-16: the intermediate certificates are sent too (RFC 8446, 4.4.2)."""
    seen = target_handshakes(case)
    bad = [h for h in seen if _lacks_issuer(h) and not _is_trusted(seen, h.address)]
    found: list[Finding | None] = []
    if bad:
        leaf = bad[0].chain[0]
        found.append(
            block(
                "intermediate-missing",
                f"{listed(h.address for h in bad)} sends one certificate only, issued by "
                f"{leaf.issuer}.",
                "Browsers hide that; docker and containerd say: x509: certificate signed by "
                "unknown authority.",
                "Upload the whole chain (fullchain.pem). If the issuer is an authority of your "
                "own, give nodes its certificate, and this check that file.",
            )
        )
    sent = max((len(h.chain) for h in seen), default=0)
    return _row(case, seen, found, counted(sent, "certificate") + " sent")


def _lacks_issuer(shake: Handshake) -> bool:
    if shake.verify_code not in (20, 21) or len(shake.chain) != 1:
        return False
    return shake.chain[0].issuer != shake.chain[0].subject


def _is_trusted(seen: Iterable[Handshake], address: str, *trusts: str) -> bool:
    """Tell whether one of these authorities, or any at all, vouches for what an address shows."""
    return any(
        h.trust and not h.error and h.verify_code not in _UNTRUSTED
        for h in seen
        if h.address == address and (not trusts or h.trust in trusts)
    )


def check_node_trust(case: Case) -> CheckVerdict:
    """P-17: nodes trust the certificate; what is pinned on them is kept by the name."""
    seen = [h for h in target_handshakes(case) if h.trust and not h.error]
    given = parsed_answer(case.evidence, "node-trust")
    if not seen:
        return _row(case, seen, [], "")
    refused = [h for h in seen if not _is_trusted(seen, h.address) and not _lacks_issuer(h)]
    by_nodes = any(h.trust not in PUBLIC_TRUST for h in seen)
    found: list[Finding | None] = []
    if given and given.good is False:
        found.append(_distrust(case, f"On a node: {given.seen}."))
    elif refused and not (given and given.good):
        where = listed(f"{h.address}: {h.verify_message or h.verify_code}" for h in refused)
        found.append(
            _distrust(case, f"{where}, by {refused[0].chain[0].issuer}.")
            if refused[0].chain
            else _distrust(case, f"{where}.")
        )
    elif not by_nodes and not given:
        found += [_pinned(case, seen), _here_only(seen)]
    settled = by_nodes or (given is not None and given.good is not None)
    needs = "" if settled else "what a node says of the certificate (question node-trust)"
    trusts = listed(h.trust for h in seen if not h.verify_code)
    words = given.seen if given else f"trusted by the authorities of: {trusts}" if trusts else ""
    return judged(found, words, needs, min(h.at for h in seen))


def _here_only(seen: Sequence[Handshake]) -> Finding | None:
    """Return that this machine trusts an authority that isn't one of the public ones."""
    mine = [
        h.address
        for h in seen
        if h.trust == "certifi"
        and h.verify_code in _UNTRUSTED
        and _is_trusted(seen, h.address, "system")
    ]
    if not mine:
        return None
    return warn(
        "trusted-here-only",
        f"{listed(mine)}: this machine trusts the certificate; Mozilla's list of authorities "
        "doesn't have its issuer.",
        "Nodes may lack an authority that this machine has.",
        "Try it on a node (question node-trust).",
    )


def _distrust(case: Case, seen: str) -> Finding:
    host = case.subject.domain.host
    return block(
        "authority-not-trusted",
        seen,
        "Nodes don't know the authority that issued the certificate: x509: certificate signed by "
        "unknown authority.",
        "Use a certificate of a public authority, or put the authority's certificate on every node "
        "beside the one that is there, before the change.",
        f"/etc/containerd/certs.d/{host}/hosts.toml   (ca = [...])\n"
        f"/etc/docker/certs.d/{host}/ca.crt",
    )


def _pinned(case: Case, seen: Sequence[Handshake]) -> Finding | None:
    """Return that nodes seem to have the old registry's authority pinned."""
    old = [h for h in elsewhere(case, case.evidence.handshakes) if h.verify_code in _UNTRUSTED]
    if not old or not seen or not old[0].chain:
        return None
    leaf = seen[0].chain[0].issuer if seen[0].chain else "another authority"
    return warn(
        "old-authority-private",
        f"The old registry's certificate is by {old[0].chain[0].issuer}, unknown here; the new "
        f"one's by {leaf}.",
        "Nodes must have the old authority pinned for this name, and may trust nothing else.",
        "Put the new authority beside the old one on every node before the change.",
    )


def check_tls_versions(case: Case) -> CheckVerdict:
    """P-19: the target speaks a version of TLS that today's clients speak."""
    seen = [h for h in target_handshakes(case) if h.version]
    if not seen:
        return unknown("a TLS handshake with the target under the domain's name")
    old = [h for h in seen if h.version not in ("TLSv1.2", "TLSv1.3")]
    found = [
        info(
            "tls-old",
            listed(f"{h.address}: {h.version}" for h in old) + ".",
            "Go's TLS, which docker and containerd use, wants TLS 1.2 or later.",
            "Turn TLS 1.2 and 1.3 on at the target.",
        )
        if old
        else None
    ]
    return judged(found, listed(h.version for h in seen), taken=min(h.at for h in seen))


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


def check_issuers(case: Case) -> CheckVerdict:
    """P-18: who may issue doesn't change with the record, and the certificate's issuer may.

    A lookup of CAA follows CNAMEs: once the name is a CNAME, the records at the target's name are
    found before those of the domain's own zone.
    """
    answers = {normalized_name(a.question): a for a in case.evidence.authorities}
    if not answers:
        return unknown("the CAA records of the domain and of the target")
    failed = [a for a in answers.values() if a.error or a.rcode not in ("NOERROR", "NXDOMAIN")]
    above = _relevant(answers, ancestors(normalized_name(case.name))[1:])
    before = _found(answers.get(normalized_name(case.name))) or above
    target = case.subject.points_at
    after = before if as_address(target) else _found(answers.get(normalized_name(target))) or above
    found = (_changed(case, before, after), _forbidden(case, after), _critical(after))
    needs = f"CAA of {listed(a.question for a in failed)}" if failed else ""
    return judged(found, f"may issue: {listed(_issuers(after)) or 'everybody'}", needs)


def _found(answer: DnsAnswer | None) -> tuple[str, ...]:
    records = (r for r in answer.records if r.type == "CAA") if answer else ()
    return tuple(sorted({value for each in records for value in each.values}))


def _relevant(answers: dict[str, DnsAnswer], names: Sequence[str]) -> tuple[str, ...]:
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
    issuer = next((h.chain[0].issuer for h in target_handshakes(case) if h.chain), "").lower()
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
