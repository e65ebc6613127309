"""The change, by what each name server says of the record now, and the rollback.

F-01 to F-05 and F-07; R-01 to R-04: whether to go back, how long it takes, what it would cost, what
it needs.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from transship.cutover.evidence import LISTED, NameServer, TlsCertificate
from transship.cutover.finding import (
    CheckVerdict,
    Finding,
    Severity,
    block,
    info,
    judged,
    listed,
    span_text,
    unknown,
    utc_text,
    warn,
)
from transship.cutover.rules import content, nameservers, verification
from transship.cutover.rules.case import (
    Case,
    Side,
    as_address,
    elsewhere,
    has_begun,
    has_changed,
    held_at,
    is_ipv6,
    is_synthesized,
    leading_at,
    leads_to_target,
    normalized_name,
    old_addresses,
    said_values,
    server_label,
    serving,
    sides,
    target_addresses,
    ttl_served,
    values_of,
)
from transship.cutover.rules.target import probes_of
from transship.cutover.rules.zone import LOW
from transship.text import counted

_SERVER_LAG = 120.0
"""So long, in seconds, a change may take from the first name server to the last."""

_ALIKE = 0.8

_SERVERS = "a name server that answers for the zone"


def check_changed_everywhere(case: Case) -> CheckVerdict:
    """F-01: every name server says the new value, with the TTL that was planned."""
    placed = sides(case)
    new = [server for server, where in placed if where is Side.NEW]
    if not placed:
        return unknown(_SERVERS)
    if not new:
        return unknown("the change", f"{counted(len(placed), 'name server')}: the old value")
    old = [server for server, where in placed if where is Side.OLD]
    found = [_half(case, old, len(placed)), _ttl(new)]
    return judged(found, f"the new value at {len(new)} of {len(placed)} name servers")


def _half(case: Case, old: Sequence[NameServer], total: int) -> Finding | None:
    if not old:
        return None
    begun = [each.first for each in case.history if leads_to_target(case, each.values)]
    lasts = case.now - min(begun, default=case.now)
    late = lasts > _SERVER_LAG
    return (block if late else warn)(
        "half-changed",
        f"{listed(map(server_label, old))} still gives the old value ({len(old)} of {total})"
        f"{f', {span_text(lasts)} after the first new one' if begun else ''}.",
        "Resolvers that ask there go on sending pulls to the old registry, with a fresh TTL.",
        "Its copy of the zone is stuck, or the zone is kept in a second place: make the change "
        "there too, or repair the transfer."
        if late
        else "Wait: name servers follow within seconds, at some providers within two minutes.",
    )


def _ttl(new: Sequence[NameServer]) -> Finding | None:
    ttl = max((records.ttl for server in new for records in leading_at(server)), default=0)
    if ttl <= LOW:
        return None
    return warn(
        "new-ttl-high",
        f"The new record's TTL is {ttl} s ({span_text(ttl)}).",
        f"A way back would take {span_text(ttl)}.",
        f"Set it to 60 to {LOW} until the old registry has been quiet (V-05).",
    )


def check_record_missing(case: Case) -> CheckVerdict:
    """F-02: no name server says that there is no such record."""
    placed = sides(case)
    told = [server for server, where in placed if where is not Side.SILENT]
    if not told:
        return unknown(_SERVERS)
    without = [server for server, where in placed if where is Side.MISSING]
    if not without:
        return judged([], f"the record is there, on {counted(len(told), 'name server')}")
    before = [each for each in case.history if each.values]
    if not before and len(without) == len(told):
        return unknown("a record that was there (see P-05)")
    zone = case.evidence.zone
    negative = zone.negative_ttl if zone else 0
    lost = f"{listed(map(server_label, without))}: no CNAME, A or AAAA record of {case.name}."
    return judged([_put_back(case, lost, negative)], "")


def _put_back(case: Case, seen: str, negative: int) -> Finding:
    old = [e for e in case.history if e.values and not leads_to_target(case, e.values)]
    lines = ""
    if old:
        last = max(old, key=lambda each: each.last)
        lines = "\n".join(f"{case.name}. {last.ttl} IN {_kind(v)} {v}" for v in last.values)
    return block(
        "record-gone",
        seen,
        f"Pulls fail NOW: no such host. Resolvers remember that for up to {span_text(negative)}, "
        "until "
        f"{utc_text(case.now + negative)} at the latest if it is put right this moment.",
        "Put the old record back now, then look into it. A signed zone may take 'delete and add' "
        "in one update for 'delete': only add.",
        lines,
    )


def _kind(value: str) -> str:
    if as_address(value) is None:
        return "CNAME"
    return "AAAA" if is_ipv6(value) else "A"


def check_forgotten_dot(case: Case) -> CheckVerdict:
    """F-03: no name was doubled by a forgotten dot at its end (RFC 1035, 5.1)."""
    zone = case.evidence.zone
    if zone is None or not serving(zone):
        return unknown(_SERVERS)
    tail = f".{normalized_name(zone.name)}"
    found = [_doubled_value(case, tail), *_doubled_owner(case, tail)]
    asked = [answer for answer in case.evidence.misspelt if not answer.error]
    needs = "" if asked else "a look at the names that a forgotten dot would make"
    return judged(found, "no name with the zone twice", needs)


def _doubled_value(case: Case, tail: str) -> Finding | None:
    values = {
        normalized_name(v) for server in serving(case.evidence.zone) for v in said_values(server)[0]
    }
    value = f"{normalized_name(case.subject.points_at)}{tail}"
    if value not in values:
        return None
    return block(
        "target-doubled",
        f"The record points at {value}.",
        "The zone's name was added behind the target: the dot at its end was forgotten. That name "
        "doesn't exist, and pulls fail.",
        f"Write the target with a dot at its end: {value.removesuffix(tail)}.",
        f"{case.name}. {_new_ttl(case)} IN CNAME {value.removesuffix(tail)}.",
    )


def _doubled_owner(case: Case, tail: str) -> list[Finding]:
    beside = case.evidence.wildcard
    caught = set(values_of(beside.records)) if beside else set()
    found = []
    for answer in case.evidence.misspelt:
        link = answer.of("CNAME")
        values = set(link.values) if link else set()
        if (
            not values
            or values <= caught
            or normalized_name(answer.question) != f"{normalized_name(case.name)}{tail}"
        ):
            continue
        meant = leads_to_target(case, sorted(values)) and not has_begun(case)
        found.append(
            (block if meant else warn)(
                "owner-doubled",
                f"{answer.question} points at {listed(sorted(map(normalized_name, values)))}.",
                "The change seems to have been made under the wrong name: the zone's name stands "
                "in it twice, and the domain itself is as it was."
                if meant
                else "Somebody once forgot the dot at the end of the name, or wrote the whole name "
                "where the provider wants the part before the zone. Nobody asks for this name.",
                f"Write {case.name.removesuffix(tail)}, or {case.name}. with the dot, and take the "
                "doubled record away.",
            )
        )
    return found


def check_planned_value(case: Case) -> CheckVerdict:
    """F-04: where the record changed, it is what was planned, and leads to what was probed."""
    placed = sides(case)
    if not placed:
        return unknown(_SERVERS)
    other = {said_values(s)[0]: s for s, where in placed if where is Side.OLD}
    strange = [values for values in other if _is_unplanned(case, values)]
    if strange:
        return judged([_mistyped(case, strange[0], other[strange[0]])], "")
    if not has_changed(case):
        return unknown("the change")
    today = case.evidence.today
    if today is None or not today.addresses:
        return unknown("where the domain leads now")
    probed = {as_address(h.address) for h in case.evidence.handshakes} - old_addresses(case)
    if not probed:
        return unknown("a look at the target, by TLS")
    unseen = [a for a in today.addresses if as_address(a) not in probed and not is_synthesized(a)]
    finding = None
    if unseen:
        finding = warn(
            "address-unprobed",
            f"The domain leads to {listed(unseen)}, which nobody has tried.",
            "The target has other addresses than when it was looked at: nothing is known of them.",
            "Look at the target again.",
        )
    return judged([finding], f"{case.subject.points_at}: {listed(today.addresses)}")


def _is_unplanned(case: Case, values: tuple[str, ...]) -> bool:
    """Tell whether values are neither what was there first nor what was planned.

    Addresses of the old side may turn all the time; they count only where one is planned.
    """
    first: dict[str, tuple[str, ...]] = {}
    for each in case.history:
        first.setdefault(each.server, each.values)
    if not first or {normalized_name(v) for v in values} in [
        {normalized_name(v) for v in f} for f in first.values()
    ]:
        return False
    named = any(as_address(value) is None for value in values)
    return named or as_address(case.subject.points_at) is not None


def _new_ttl(case: Case) -> int:
    served = ttl_served(case)
    return case.subject.new_ttl([] if served is None else [served])


def _mistyped(case: Case, values: tuple[str, ...], server: NameServer) -> Finding:
    wanted = case.subject.points_at
    alike = any(
        difflib.SequenceMatcher(None, normalized_name(value), normalized_name(wanted)).ratio()
        > _ALIKE
        for value in values
    )
    return block(
        "other-target",
        f"{server_label(server)} gives {listed(values)}; planned was {wanted}.",
        "It looks like a slip of the pen: the two are nearly the same."
        if alike
        else "The record was changed to something that nobody planned and nobody has looked at.",
        "Correct the record, or put the old one back.",
        f"{case.name}. {_new_ttl(case)} IN {_kind(wanted)} {wanted}"
        f"{'' if as_address(wanted) else '.'}",
    )


def check_nothing_else(case: Case) -> CheckVerdict:
    """F-05: nothing else is at the name: no second CNAME, no addresses beside one, no old AAAA."""
    servers = serving(case.evidence.zone)
    if not any(server.answers for server in servers):
        return unknown(_SERVERS)
    found = [_beside_cname(case, servers), _left_over(case, servers), _circle(case)]
    return judged(found, "nothing else at the name")


def _beside_cname(case: Case, servers: Sequence[NameServer]) -> Finding | None:
    for server in servers:
        link = held_at(server, "CNAME")
        if link is None:
            continue
        kinds = [a.type for a in server.answers if a.type != "CNAME" and held_at(server, a.type)]
        if len(link.values) > 1:
            kinds.append("a second CNAME")
        if kinds:
            return block(
                "cname-and-other",
                f"{server_label(server)}: {case.name} has a CNAME, and beside it {listed(kinds)}.",
                "That isn't allowed (RFC 1034, 3.6.2): resolvers take one or the other, or fail.",
                "Take everything but the CNAME away.",
            )
    return None


def _left_over(case: Case, servers: Sequence[NameServer]) -> Finding | None:
    """Return addresses of one family that stayed at the old side when the other one moved."""
    target = {as_address(a) for a in target_addresses(case)}
    for server in servers:
        four, six = held_at(server, "A"), held_at(server, "AAAA")
        if not four or not six or held_at(server, "CNAME"):
            continue
        old = {k.type: [v for v in k.values if as_address(v) not in target] for k in (four, six)}
        if bool(old["A"]) == bool(old["AAAA"]):
            continue
        kind = "AAAA" if old["AAAA"] else "A"
        family, clients = ("IPv6", "IPv6") if kind == "AAAA" else ("IPv4", "IPv4 only")
        return block(
            f"{family.lower()}-left",
            f"{server_label(server)}: {kind} of {case.name} is still {listed(old[kind])}.",
            f"The other family has moved; nodes with {clients} keep going to the old registry.",
            f"Change the {kind} record to the target's, or take it away if the target has none.",
        )
    return None


def _circle(case: Case) -> Finding | None:
    today = case.evidence.today
    if today is None or today.error not in ("loop", "too long"):
        return None
    return block(
        "chain-broken",
        f"{case.name} leads in a circle or through too many CNAMEs "
        f"({listed((link.name for link in today.links), 4)}).",
        "No resolver finds an address: pulls fail.",
        "Point the domain at the new registry's own name.",
    )


def check_dangling(case: Case) -> CheckVerdict:
    """F-07: no link of the domain's chain leads to a name that doesn't exist."""
    today = case.evidence.today
    if today is None or (not today.addresses and today.rcode != "NXDOMAIN"):
        return unknown("where the domain leads", today.error if today else "")
    if today.rcode != "NXDOMAIN" or not today.links or today.addresses:
        if not today.addresses:
            return unknown("a record of the domain (see P-05)")
        return judged([], f"leads to {listed(today.addresses)}")
    end = listed(today.links[-1].values)
    finding = block(
        "dangling",
        f"{case.name} points to {end}, which doesn't exist.",
        "Pulls fail: no such host. And whoever registers that name serves images under yours.",
        "Correct the record, or take it away, now.",
    )
    return judged([finding], "")


_CHANGE = "the change"

_RED = (
    check_record_missing,
    nameservers.check_new_signatures,
    check_dangling,
    verification.check_pulls_by_name,
)


def check_rollback_reasons(case: Case) -> CheckVerdict:
    """R-01: nothing that was seen asks for going back.

    A record that is gone counts as changed: a change may do that and nothing else.
    """
    begun = has_begun(case) or any(leads_to_target(case, e.values) for e in case.history)
    if not begun and not check_record_missing(case).findings:
        return unknown(_CHANGE)
    red = [f for rule in _RED for f in rule(case).findings if f.severity is Severity.BLOCK]
    seen = [f.seen for f in red]
    refused = verification.refused(case)
    if refused:
        seen.append(f"The new registry refuses {listed(refused)}, which nodes use.")
    hosts = [f for f in content.check_blob_hosts(case).findings if f.severity is Severity.BLOCK]
    seen += [f.seen for f in hosts]
    if not seen:
        return judged([], "nothing asks for it")
    finding = warn(
        "go-back",
        " ".join(seen[:3]),
        "Pulls fail, or are about to.",
        "If it can't be put right within two minutes, put the old record back.",
    )
    return judged([finding], "")


def check_rollback_duration(case: Case) -> CheckVerdict:
    """R-02: how long the way back takes: the new record's TTL, and what resolvers add to it."""
    ttl = ttl_served(case)
    if ttl is None:
        return unknown("the record, from a name server")
    new = [e.ttl for e in case.history if leads_to_target(case, e.values)]
    begun = has_begun(case)
    today, ttl = ttl, ttl if begun else case.subject.new_ttl([ttl])
    rules = max([ttl, *new])
    held = [s.ttl for s in case.samples if leads_to_target(case, s.values)]
    seen = max([rules, *held])
    words = f"{span_text(rules)} by the rules" + (
        f", {span_text(seen)} as seen" if seen > rules else ""
    )
    if not begun:
        whose = "today's TTL" if ttl == today else "the new record's TTL"
        return judged([], f"with {whose}: {words}")
    finding = info(
        "way-back-takes",
        f"Put back now, the old record is everywhere by {utc_text(case.now + rules)}"
        f"{f', at slow resolvers by {utc_text(case.now + seen)}' if seen > rules else ''}.",
        f"Going back takes {words}.",
    )
    return judged([finding], words)


def check_rollback_losses(case: Case) -> CheckVerdict:
    """R-03: nothing would be hidden by going back: no tag is at the new registry alone."""
    compared = case.evidence.parity
    if (
        compared is None
        or compared.source != LISTED
        or (not compared.compared and not compared.different)
    ):
        return unknown("a comparison of the tags of both registries")
    safe_ones = {*compared.had, *compared.to_old}
    different = [pair for pair in compared.different if pair not in safe_ones]
    only = [pair for pair in different if pair.new and not pair.old]
    other = [pair for pair in different if pair.new and pair.old]
    found: list[Finding | None] = []
    if only:
        count = counted(len(only), "tag is", "tags are")
        found.append(
            block(
                "would-hide-tags",
                f"{count} at the new registry only: "
                f"{listed(f'{pair.repository}:{pair.tag}' for pair in only)}.",
                f"Going back now would hide {counted(len(only), 'tag')}: pulls of them would fail.",
                "Copy them to the old registry first, then go back.",
            )
        )
    if other:
        found.append(
            warn(
                "would-change-tags",
                f"{counted(len(other), 'tag means', 'tags mean')} something else on each side: "
                f"{listed(f'{pair.repository}:{pair.tag}' for pair in other)}.",
                "After going back nodes would get the old registry's images under them.",
                "Decide for each which one is right; nothing is overwritten without being asked.",
            )
        )
    needs = f"the tags that couldn't be compared ({compared.error})" if compared.error else ""
    return judged(found, "no tag would be hidden", needs, taken=compared.at)


def check_rollback_conditions(case: Case) -> CheckVerdict:
    """R-04: the old registry still answers under the domain, with a certificate and a sign-in."""
    seen = probes_of(case, "old")
    shakes = elsewhere(case, case.evidence.handshakes)
    if not seen and not shakes:
        return unknown("a look at the old registry under the domain's name")
    found = [_gone(case), _unbound(case), _refuses(case), _ends(case)]
    answers = listed(p.address for p in seen if p.registry)
    words = f"the old registry answers at {answers or listed(h.address for h in shakes)}"
    return judged(found, words, taken=max([p.at for p in seen] + [h.at for h in shakes]))


def _gone(case: Case) -> Finding | None:
    seen = probes_of(case, "old")
    if not seen or any(probe.status for probe in seen):
        return None
    return block(
        "old-gone",
        listed(f"{p.address}: {p.error or 'no answer'}" for p in seen) + ".",
        "The old registry doesn't answer: going back would make every pull fail.",
        "Bring it up again before going back. Until then, don't.",
    )


def _unbound(case: Case) -> Finding | None:
    seen = [probe for probe in probes_of(case, "old") if probe.status]
    if not seen or any(probe.registry for probe in seen):
        return None
    return block(
        "old-unbound",
        f"{listed(f'{p.address}: {p.status}' for p in seen)}, and no registry, under the domain's "
        "name.",
        "The domain isn't bound to the old registry any more. Some services let one owner only "
        "have a name: moving it back there may take long.",
        "Bind it there again first. Never take the old binding away before V-05.",
    )


def _refuses(case: Case) -> Finding | None:
    tried = [p for p in probes_of(case, "old") if p.in_use and p.accepted is not None]
    if not tried or any(probe.accepted for probe in tried):
        return None
    return block(
        "old-sign-in-refused",
        f"The old registry refuses {listed(p.credential for p in tried)}, which nodes use.",
        "After going back nodes would get 401.",
        "Make that sign-in good there again, or keep the old pull secrets on the nodes.",
    )


def _ends(case: Case) -> Finding | None:
    chain: dict[str, TlsCertificate] = {
        each.fingerprint: each
        for shake in elsewhere(case, case.evidence.handshakes)
        for each in shake.chain
    }
    first = min(chain.values(), key=lambda each: each.not_after, default=None)
    if first is None or not first.not_after < case.now + case.subject.window:
        return None
    over = first.not_after < case.now
    return (block if over else warn)(
        "old-certificate-ends",
        f"The old registry's certificate {'ended' if over else 'ends'} at "
        f"{utc_text(first.not_after)}.",
        "Going back after that makes every pull fail. HTTP-01 can't renew it while the domain "
        "leads elsewhere.",
        "Renew it there, by DNS-01.",
    )
