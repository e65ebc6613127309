"""The change itself: what each name server says of the record now."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from transship.cutover.evidence import NameServer
from transship.cutover.finding import Finding
from transship.cutover.rules.case import (
    Case,
    Side,
    as_address,
    has_begun,
    has_changed,
    held,
    is_ipv6,
    is_made_up,
    label,
    leading,
    leads_to_target,
    old_addresses,
    plain,
    said,
    serving,
    sides,
    target_addresses,
    ttl_served,
    values_of,
)
from transship.cutover.rules.lifetimes import LOW
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
from transship.text import counted

_SERVER_LAG = 120.0
"""So long, in seconds, a change may take from the first name server to the last."""

_ALIKE = 0.8
_SERVERS = "a name server that answers for the zone"


def everywhere(case: Case) -> Verdict:
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
        f"{listed(map(label, old))} still gives the old value ({len(old)} of {total})"
        f"{f', {span(lasts)} after the first new one' if begun else ''}.",
        "Resolvers that ask there go on sending pulls to the old registry, with a fresh TTL.",
        "Its copy of the zone is stuck, or the zone is kept in a second place: make the change "
        "there too, or repair the transfer."
        if late
        else "Wait: name servers follow within seconds, at some providers within two minutes.",
    )


def _ttl(new: Sequence[NameServer]) -> Finding | None:
    ttl = max((records.ttl for server in new for records in leading(server)), default=0)
    if ttl <= LOW:
        return None
    return warn(
        "new-ttl-high",
        f"The new record's TTL is {ttl} s ({span(ttl)}).",
        f"A way back would take {span(ttl)}.",
        f"Set it to 60 to {LOW} until the old registry has been quiet (V-05).",
    )


def missing(case: Case) -> Verdict:
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
    lost = f"{listed(map(label, without))}: no CNAME, A or AAAA record of {case.name}."
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
        f"Pulls fail NOW: no such host. Resolvers remember that for up to {span(negative)}, until "
        f"{when(case.now + negative)} at the latest if it is put right this moment.",
        "Put the old record back now, then look into it. A signed zone may take 'delete and add' "
        "in one update for 'delete': only add.",
        lines,
    )


def _kind(value: str) -> str:
    if as_address(value) is None:
        return "CNAME"
    return "AAAA" if is_ipv6(value) else "A"


def forgotten_dot(case: Case) -> Verdict:
    """F-03: no name was doubled by a forgotten dot at its end (RFC 1035, 5.1)."""
    zone = case.evidence.zone
    if zone is None or not serving(zone):
        return unknown(_SERVERS)
    tail = f".{plain(zone.name)}"
    found = [_doubled_value(case, tail), *_doubled_owner(case, tail)]
    asked = [answer for answer in case.evidence.misspelt if not answer.error]
    needs = "" if asked else "a look at the names that a forgotten dot would make"
    return judged(found, "no name with the zone twice", needs)


def _doubled_value(case: Case, tail: str) -> Finding | None:
    values = {plain(v) for server in serving(case.evidence.zone) for v in said(server)[0]}
    value = f"{plain(case.subject.points_at)}{tail}"
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
        if not values or values <= caught or plain(answer.question) != f"{plain(case.name)}{tail}":
            continue
        meant = leads_to_target(case, sorted(values)) and not has_begun(case)
        found.append(
            (block if meant else warn)(
                "owner-doubled",
                f"{answer.question} points at {listed(sorted(map(plain, values)))}.",
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


def typed_right(case: Case) -> Verdict:
    """F-04: where the record changed, it is what was planned, and leads to what was probed."""
    placed = sides(case)
    if not placed:
        return unknown(_SERVERS)
    other = {said(s)[0]: s for s, where in placed if where is Side.OLD}
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
    unseen = [a for a in today.addresses if as_address(a) not in probed and not is_made_up(a)]
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
    if not first or {plain(v) for v in values} in [{plain(v) for v in f} for f in first.values()]:
        return False
    named = any(as_address(value) is None for value in values)
    return named or as_address(case.subject.points_at) is not None


def _new_ttl(case: Case) -> int:
    served = ttl_served(case)
    return case.subject.new_ttl([] if served is None else [served])


def _mistyped(case: Case, values: tuple[str, ...], server: NameServer) -> Finding:
    wanted = case.subject.points_at
    alike = any(
        difflib.SequenceMatcher(None, plain(value), plain(wanted)).ratio() > _ALIKE
        for value in values
    )
    return block(
        "other-target",
        f"{label(server)} gives {listed(values)}; planned was {wanted}.",
        "It looks like a slip of the pen: the two are nearly the same."
        if alike
        else "The record was changed to something that nobody planned and nobody has looked at.",
        "Correct the record, or put the old one back.",
        f"{case.name}. {_new_ttl(case)} IN {_kind(wanted)} {wanted}"
        f"{'' if as_address(wanted) else '.'}",
    )


def nothing_else(case: Case) -> Verdict:
    """F-05: nothing else is at the name: no second CNAME, no addresses beside one, no old AAAA."""
    servers = serving(case.evidence.zone)
    if not any(server.answers for server in servers):
        return unknown(_SERVERS)
    found = [_beside_cname(case, servers), _left_over(case, servers), _circle(case)]
    return judged(found, "nothing else at the name")


def _beside_cname(case: Case, servers: Sequence[NameServer]) -> Finding | None:
    for server in servers:
        link = held(server, "CNAME")
        if link is None:
            continue
        kinds = [a.type for a in server.answers if a.type != "CNAME" and held(server, a.type)]
        if len(link.values) > 1:
            kinds.append("a second CNAME")
        if kinds:
            return block(
                "cname-and-other",
                f"{label(server)}: {case.name} has a CNAME, and beside it {listed(kinds)}.",
                "That isn't allowed (RFC 1034, 3.6.2): resolvers take one or the other, or fail.",
                "Take everything but the CNAME away.",
            )
    return None


def _left_over(case: Case, servers: Sequence[NameServer]) -> Finding | None:
    """Return addresses of one family that stayed at the old side when the other one moved."""
    target = {as_address(a) for a in target_addresses(case)}
    for server in servers:
        four, six = held(server, "A"), held(server, "AAAA")
        if not four or not six or held(server, "CNAME"):
            continue
        old = {k.type: [v for v in k.values if as_address(v) not in target] for k in (four, six)}
        if bool(old["A"]) == bool(old["AAAA"]):
            continue
        kind = "AAAA" if old["AAAA"] else "A"
        family, clients = ("IPv6", "IPv6") if kind == "AAAA" else ("IPv4", "IPv4 only")
        return block(
            f"{family.lower()}-left",
            f"{label(server)}: {kind} of {case.name} is still {listed(old[kind])}.",
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


def dangling(case: Case) -> Verdict:
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
