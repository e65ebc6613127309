"""After the change: pulls by the domain itself, who answers, who is late, what is left to do.

W-08, V-01, V-02 and V-04 to V-07.
"""

from __future__ import annotations

from collections.abc import Sequence

from transship.cutover.evidence import THIS_MACHINE, Handshake, NamedPull
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    block,
    info,
    judged,
    listed,
    passed,
    span_text,
    unknown,
    utc_text,
    warn,
)
from transship.cutover.questions import newest_statement, parsed_answer
from transship.cutover.rules.case import (
    Case,
    Side,
    as_address,
    clocks_of,
    elsewhere,
    has_changed,
    normalized_name,
    old_addresses,
    target_addresses,
    ttl_served,
    view_side,
)
from transship.cutover.rules.certificates import is_named
from transship.cutover.rules.target import probes_of
from transship.cutover.rules.zone import LOW
from transship.text import bytes_text

QUIET = 86400.0
"""For so long, in seconds, nobody has asked the old registry for anything."""

_CHANGE = "the change"

_A_PULL = "a pull by the domain, made after the change"

_AN_ANSWER = "an answer to a pull by the domain"

_AN_IMAGE = "an image that clusters pull (--repository), and a sign-in if there has to be one"


def since_change(case: Case) -> list[NamedPull]:
    """Return the pulls by the domain made after every name server had the new value."""
    changed_at = clocks_of(case).changed_at
    if changed_at is None:
        return []
    return [pull for pull in case.evidence.by_name if pull.at >= changed_at]


def check_old_traffic(case: Case) -> CheckVerdict:
    """W-08: nobody pulls from the old registry any more."""
    if not has_changed(case):
        return unknown(_CHANGE)
    given = parsed_answer(case.evidence, "old-traffic")
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


def check_pulls_by_name(case: Case) -> CheckVerdict:
    """V-01: images come by the domain, as this machine and resolvers lead there.

    What fails for one resolver alone may be that one's; this machine's counts by itself.
    """
    if not has_changed(case):
        return unknown(_CHANGE)
    made = since_change(case)
    pulls = [pull for pull in made if pull.image or pull.error]
    if not pulls:
        return unknown(_AN_IMAGE if made else _A_PULL)
    good = [pull for pull in pulls if not pull.error]
    size = bytes_text(sum(pull.bytes for pull in good))
    words = f"{good[0].image} whole, {size} in all, from {_places(good)}" if good else ""
    return judged([_fails(pulls)], words, taken=max(p.at for p in pulls))


def _fails(pulls: Sequence[NamedPull]) -> Finding | None:
    bad = [pull for pull in pulls if pull.error]
    if not bad:
        return None
    who = {name for pull in bad for name in pull.by}
    seen = f"{listed(f'{_place(pull)}: {pull.error}' for pull in bad)}."
    if len(who) > 1 or THIS_MACHINE in who or len(bad) == len(pulls):
        return block(
            "pull-fails-now",
            seen,
            "Pulls by the domain fail, on nodes as well.",
            "If it isn't put right within two minutes, go back.",
        )
    return warn(
        "pull-fails-for-one",
        seen,
        "Clients of that resolver fail; those of the others don't.",
        "Look at that resolver, and at the address that it gives. If a second one follows, go "
        "back.",
    )


def check_answering_side(case: Case) -> CheckVerdict:
    """V-02: what answers is the new registry.

    Told by the address, and where that is nobody's by the certificate, unless both sides show the
    same one.
    """
    if not has_changed(case):
        return unknown(_CHANGE)
    made = since_change(case)
    pulls = [pull for pull in made if pull.fingerprint or (pull.address and not pull.error)]
    if not pulls:
        return unknown(_AN_ANSWER if made else _A_PULL)
    sides = {pull: answered_by(case, pull) for pull in pulls}
    old = [pull for pull, each in sides.items() if each is Side.OLD]
    neither = [pull for pull, each in sides.items() if each is Side.SILENT]
    found = [_still_old(case, old), _strange(neither), _same_certificate(case)]
    new = [pull for pull, each in sides.items() if each is Side.NEW]
    words = f"the new registry, at {_places(new)}" if new else ""
    return judged(found, words, taken=max(p.at for p in pulls))


def answered_by(case: Case, pull: NamedPull) -> Side:
    """Return which registry answered a pull by the domain, SILENT where it can't be told."""
    address = as_address(pull.address)
    new = {as_address(each) for each in (*target_addresses(case), *_led_to(case, Side.NEW))}
    if address in new:
        return Side.NEW
    shakes = elsewhere(case, case.evidence.handshakes)
    old = {as_address(each.address) for each in shakes}
    old |= old_addresses(case)
    old |= {as_address(each) for each in _led_to(case, Side.OLD)}
    if address in old:
        return Side.OLD
    shown_old = {h.chain[0].fingerprint for h in shakes if h.chain}
    shown_new = {h.chain[0].fingerprint for h in _at_target(case) if h.chain}
    if pull.fingerprint in shown_new - shown_old:
        return Side.NEW
    return Side.OLD if pull.fingerprint in shown_old - shown_new else Side.SILENT


def _led_to(case: Case, wanted: Side) -> list[str]:
    """Return the addresses at the end of answers that lead to one side."""
    samples = (sample for view in case.evidence.resolvers for sample in view.samples)
    return [a for s in samples if view_side(case, s) is wanted for a in s.addresses]


def _places(pulls: Sequence[NamedPull]) -> str:
    return listed(map(_place, pulls))


def _place(pull: NamedPull) -> str:
    return f"{pull.address or 'no address'} ({listed(pull.by, 3)})"


def _still_old(case: Case, pulls: Sequence[NamedPull]) -> Finding | None:
    if not pulls:
        return None
    seen = f"The old registry answered at {_places(pulls)}."
    over = clocks_of(case).as_seen
    if over is not None and all(pull.at < over for pull in pulls):
        return info(
            "still-old",
            seen,
            f"Caches may lead there until {utc_text(over)}; pulls from there are good as well.",
        )
    return warn(
        "other-side-answers",
        seen,
        "It should be over: that cache holds the record for longer, or something goes before DNS.",
        "Make that resolver forget the name (W-06), and look for overrides (P-32).",
    )


def _strange(pulls: Sequence[NamedPull]) -> Finding | None:
    if not pulls:
        return None
    return warn(
        "unknown-side",
        f"{_places(pulls)} is known as an address of neither registry.",
        "The target may have others than it had; or something in between answers.",
        "Make the checks anew, so that the target's addresses are known, and pull again.",
    )


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


def check_certificate_by_name(case: Case) -> CheckVerdict:
    """V-04: where the domain leads now there is a trusted certificate for it."""
    if not has_changed(case):
        return unknown(_CHANGE)
    today = case.evidence.today
    places = {as_address(a) for a in today.addresses} if today else set()
    seen = [
        h
        for h in case.evidence.handshakes
        if as_address(h.address) in places and normalized_name(h.name) == normalized_name(case.name)
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


def check_old_quiet(case: Case) -> CheckVerdict:
    """V-05: the old registry has been quiet for a day."""
    if not has_changed(case):
        return unknown(_CHANGE)
    if not is_quiet(case):
        return unknown(
            f"{span_text(QUIET)} without a pull from the old registry (question old-traffic), "
            "counted "
            "from the end of the second clock",
            _due(case),
        )
    return passed("the old registry has been quiet for a day or more")


def is_quiet(case: Case) -> bool:
    """Tell whether an access log from long enough after the change has nobody in it."""
    given, said = (
        parsed_answer(case.evidence, "old-traffic"),
        newest_statement(case.evidence, "old-traffic"),
    )
    over = clocks_of(case).as_seen
    if given is None or said is None or given.good is not True:
        return False
    return over is None or said.at >= over + QUIET


def _due(case: Case) -> str:
    over = clocks_of(case).as_seen
    return "" if over is None else f"not before {utc_text(over + QUIET)}"


def check_ttl_raised(case: Case) -> CheckVerdict:
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


def check_cleanup(case: Case) -> CheckVerdict:
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
    return sorted({p.credential for p in probes_of(case) if p.in_use and p.accepted is False})
