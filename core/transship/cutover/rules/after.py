"""After the change: pulls by the domain itself, who is late, and what is left to do."""

from __future__ import annotations

from transship.cutover.evidence import Handshake, Pull
from transship.cutover.finding import Finding
from transship.cutover.questions import reading, statement
from transship.cutover.rules.case import (
    Case,
    as_address,
    clocks_of,
    elsewhere,
    has_changed,
    plain,
    target_addresses,
    ttl_served,
)
from transship.cutover.rules.certificates import is_named
from transship.cutover.rules.lifetimes import LOW
from transship.cutover.rules.registry import probes
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    listed,
    passed,
    span,
    unknown,
    warn,
    when,
)
from transship.text import counted

QUIET = 86400.0
"""For so long, in seconds, nobody has asked the old registry for anything."""

_CHANGE = "the change"


def since_change(case: Case) -> list[Pull]:
    """Return the pulls that were made after every name server had the new value."""
    changed_at = clocks_of(case).changed_at
    if changed_at is None:
        return []
    return [pull for pull in case.evidence.pulls if pull.at >= changed_at]


def old_traffic(case: Case) -> Verdict:
    """W-08: nobody pulls from the old registry any more."""
    if not has_changed(case):
        return unknown(_CHANGE)
    given = reading(case.evidence, "old-traffic")
    if given is None or given.good is None:
        return unknown("the old registry's access log (question old-traffic)")
    if given.good:
        return passed(given.seen)
    finding = warn(
        "old-still-used",
        f"{given.seen}.",
        "These clients hold the old record, or have an override; they fail when the old registry "
        "is gone.",
        "Look at each machine: its resolver's cache, /etc/hosts, hosts.toml, proxies, open "
        "connections.",
    )
    return judged([finding], "")


def real_pulls(case: Case) -> Verdict:
    """V-01: images come by the domain, as resolvers lead there."""
    if not has_changed(case):
        return unknown(_CHANGE)
    pulls = since_change(case)
    if not pulls:
        return unknown("a pull by the domain, made after the change")
    bad = [pull for pull in pulls if pull.error]
    finding = None
    if bad:
        finding = block(
            "pull-fails-now",
            f"{listed(f'{p.image} from {p.address}: {p.error}' for p in bad)}.",
            "Pulls by the domain fail, on nodes as well.",
            "If it isn't put right within two minutes, go back.",
        )
    return judged(
        [finding], f"{counted(len(pulls), 'pull')}, all good", taken=max(p.at for p in pulls)
    )


def answering_side(case: Case) -> Verdict:
    """V-02: what answers is the new registry.

    Told by the address: certificates of both sides may be one and the same.
    """
    if not has_changed(case):
        return unknown(_CHANGE)
    pulls = since_change(case)
    if not pulls:
        return unknown("a pull by the domain, made after the change")
    target = {as_address(a) for a in target_addresses(case)}
    wrong = [p for p in pulls if as_address(p.address) not in target]
    found = [
        warn(
            "other-side-answers",
            f"{listed(f'{p.image}: {p.address}' for p in wrong)} isn't an address of the target.",
            "The old registry still answers there, or something in between does.",
            "Wait until the second clock is over, and pull again over a new connection.",
        )
        if wrong
        else None,
        _same_certificate(case),
    ]
    return judged(found, f"answered by {listed(p.address for p in pulls)}")


def _same_certificate(case: Case) -> Finding | None:
    old = {h.chain[0].fingerprint for h in elsewhere(case, case.evidence.handshakes) if h.chain}
    new = {h.chain[0].fingerprint for h in _at_target(case) if h.chain}
    if not old & new:
        return None
    return info(
        "same-certificate",
        "Both registries show the same certificate.",
        "It doesn't tell which one answered; the address does.",
    )


def _at_target(case: Case) -> list[Handshake]:
    others = elsewhere(case, case.evidence.handshakes)
    return [h for h in case.evidence.handshakes if h not in others]


def certificate_by_name(case: Case) -> Verdict:
    """V-04: where the domain leads now there is a trusted certificate for it."""
    if not has_changed(case):
        return unknown(_CHANGE)
    today = case.evidence.today
    places = {as_address(a) for a in today.addresses} if today else set()
    seen = [
        h
        for h in case.evidence.handshakes
        if as_address(h.address) in places and plain(h.name) == plain(case.name)
    ]
    if not seen:
        return unknown("a TLS handshake where the domain leads now")
    trusted = {h.address for h in seen if not h.error and not h.verify_code}
    bad = [h for h in seen if h.address not in trusted and h.error != "unreachable"]
    bad += [h for h in seen if h.chain and not is_named(h.chain[0].names, case.name)]
    finding = None
    if bad:
        what = listed(f"{h.address}: {h.error or h.verify_message or 'another name'}" for h in bad)
        finding = block(
            "certificate-fails-now",
            f"{what}.",
            "Clients refuse it: pulls fail.",
            "See P-13 to P-17 for the cause. If it can't be put right at once, go back.",
        )
    words = f"trusted at {listed(sorted(trusted))}"
    return judged([finding], words, taken=max(h.at for h in seen))


def old_quiet(case: Case) -> Verdict:
    """V-05: the old registry has been quiet for a day."""
    if not has_changed(case):
        return unknown(_CHANGE)
    if not is_quiet(case):
        return unknown(
            f"{span(QUIET)} without a pull from the old registry (question old-traffic), counted "
            "from the end of the second clock",
            _due(case),
        )
    return passed("the old registry has been quiet for a day or more")


def is_quiet(case: Case) -> bool:
    """Tell whether an access log from long enough after the change has nobody in it."""
    given, said = reading(case.evidence, "old-traffic"), statement(case.evidence, "old-traffic")
    over = clocks_of(case).as_seen
    if given is None or said is None or given.good is not True:
        return False
    return over is None or said.at >= over + QUIET


def _due(case: Case) -> str:
    over = clocks_of(case).as_seen
    return "" if over is None else f"not before {when(over + QUIET)}"


def ttl_back(case: Case) -> Verdict:
    """V-06: the TTL goes up again, once nobody will want to go back."""
    ttl = ttl_served(case)
    if not has_changed(case) or ttl is None:
        return unknown(_CHANGE)
    if not is_quiet(case):
        return unknown("V-05: the low TTL is the fast way back", f"TTL {ttl} s")
    if ttl > LOW:
        return passed(f"TTL {ttl} s")
    finding = info(
        "ttl-still-low",
        f"The TTL is {ttl} s.",
        "Every client asks for the name more often than it needs to.",
        "Raise it to what it was, an hour or so.",
    )
    return judged([finding], "")


def clearing_up(case: Case) -> Verdict:
    """V-07: what the change has left behind is taken away, and what is needed stays."""
    if not has_changed(case):
        return unknown(_CHANGE)
    if not is_quiet(case):
        return unknown("V-05: until then everything old is the way back")
    finding = info(
        "clear-up",
        "Everybody has moved.",
        "Old pull secrets, pinned authorities, private records and lines in hosts files are of no "
        f"use now. The name {case.subject.points_at} has to exist for as long as the domain points "
        "at it: whoever gets it otherwise serves images under yours.",
        "Take away the old pull secrets, the old authority and the old registry's custom domain, "
        "in this order, and the old registry last.",
    )
    return judged([finding], "")


def refused(case: Case) -> list[str]:
    """Return who of those that nodes use is refused at the target."""
    return sorted({p.credential for p in probes(case) if p.in_use and p.accepted is False})
