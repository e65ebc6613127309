"""What resolvers say: private views before the change, and how they follow it."""

from __future__ import annotations

from collections.abc import Iterable

from transship.cutover.evidence import DnsAnswer, ResolverView
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
    Side,
    as_address,
    clocks_of,
    has_begun,
    has_changed,
    is_ipv6,
    is_private,
    is_synthesized,
    leads_to_target,
    normalized_name,
    remaining_ttl,
    said_values,
    serving,
    target_addresses,
    ttl_served,
    view_side,
    view_values,
)
from transship.cutover.timeline import ENOUGH, Sample, has_moved, is_clamped
from transship.text import counted

_NOT_ASKED = "answers of resolvers"
_STALE = ("3 ", "19 ")  # Extended DNS Errors: Stale Answer, Stale NXDOMAIN Answer (RFC 8914).


def answering_resolvers(case: Case) -> list[ResolverView]:
    """Return the resolvers that were asked and said anything."""
    views = [view for view in case.evidence.resolvers if view.samples]
    return [view for view in views if not view.newest.error]


def check_private_views(case: Case) -> CheckVerdict:
    """P-31: resolvers inside say what the name servers say: no private zone goes before them."""
    views = answering_resolvers(case)
    given = parsed_answer(case.evidence, "private-zones")
    if not views and not given:
        return unknown("answers of resolvers inside, or question private-zones")
    known = _known_values(case)
    strange = [view for view in views if view.origin != "public" and _strays(view.newest, known)]
    found = [_inside(case, strange, settled=bool(given and given.good)), _rewritten(views)]
    if given and given.good is False:
        found.append(
            block(
                "private-view-told",
                f"{given.seen}.",
                "Where a private zone holds the name, the change of the public record isn't seen.",
                "Change the record in the private zone in the same step, and answer again.",
            )
        )
    listed_by_operator = any(view.origin == "operator" for view in views)
    settled = given is not None and given.good is not None
    asked = settled or listed_by_operator
    needs = "" if asked else "the networks of nodes (question private-zones)"
    return judged(found, f"{counted(len(views), 'resolver')}, none with a view of its own", needs)


def _known_values(case: Case) -> set[str]:
    """Return everything that name servers say or have said, and where it leads."""
    known = {v for each in case.history for v in each.values}
    known |= {v for server in serving(case.evidence.zone) for v in said_values(server)[0]}
    for chain in (case.evidence.today, case.evidence.target):
        if chain:
            known |= {*chain.addresses, *(v for link in chain.links for v in link.values)}
    return {normalized_name(value) for value in known}


def _strays(answer: DnsAnswer, known: set[str]) -> bool:
    """Tell whether an answer is none of those; a part of them is enough for addresses that turn."""
    values = view_values(answer)
    return (
        bool(values)
        and bool(known)
        and not any(normalized_name(value) in known for value in values)
    )


def _inside(case: Case, strange: Iterable[ResolverView], *, settled: bool) -> Finding | None:
    strange = list(strange)
    if not strange:
        return None
    what = listed(f"{v.resolver}: {listed(view_values(v.newest), 2)}" for v in strange)
    private = any(is_private(a) for v in strange for a in view_values(v.newest) if as_address(a))
    means = (
        "A private zone holds the name there"
        if private
        else "These resolvers have a view of their own, or the record depends on place"
    )
    if settled:
        return info("private-view", f"{what}.", f"{means}; it was said that this is taken care of.")
    return block(
        "private-view",
        f"{what}; the zone's own servers say something else.",
        f"{means}: nodes that ask there don't see the change of the public record.",
        f"Change the record of {case.name} there in the same step, and say so (question "
        "private-zones).",
    )


def _rewritten(views: Iterable[ResolverView]) -> Finding | None:
    liars = [v.resolver for v in views if v.canary and v.canary.rcode == "NOERROR" and _any(v)]
    if not liars:
        return None
    return warn(
        "answers-made-up",
        f"{listed(liars)} gives an address for a name that can't exist.",
        "Something between here and there rewrites DNS (a captive portal, a provider): other "
        "answers may be made up too.",
        "Ask by DoT or DoH, or run the check from another network.",
    )


def _any(view: ResolverView) -> bool:
    return bool(view.canary and view.canary.addresses)


def check_resolvers_moved(case: Case) -> CheckVerdict:
    """W-01: every resolver has moved: several new answers in a row."""
    if not has_begun(case):
        return unknown("the change")
    names = list(dict.fromkeys(each.resolver for each in case.samples))
    if not names:
        return unknown(f"{_NOT_ASKED} since the change")
    clocks = clocks_of(case)
    late = list(clocks.stragglers)
    moved = [name for name in names if name not in _behind(case, names)]
    row = f"{len(moved)} of {len(names)} resolvers have moved"
    finding = None
    if late:
        due = clocks.as_seen or clocks.by_the_rules
        finding = warn(
            "stragglers",
            f"{listed(late)}: not {ENOUGH} new answers in a row yet"
            f"{f', due since {utc_text(due)}' if due else ''}.",
            "Clients behind them still go to the old registry.",
            "Leave the old registry as it is. Flush these caches (see W-06).",
        )
    waits = "" if finding or len(moved) == len(names) else _wait(case)
    return judged([finding], row, waits, max(each.at for each in case.samples))


def _behind(case: Case, names: Iterable[str]) -> list[str]:
    return [name for name in names if not _moved(case, name)]


def _moved(case: Case, name: str) -> bool:
    mine = [_canonical(case, each) for each in case.samples if each.resolver == name]
    return has_moved(mine, (case.subject.points_at,))


def _canonical(case: Case, sample: Sample) -> Sample:
    new = leads_to_target(case, sample.values)
    values = (case.subject.points_at,) if new else sample.values
    return Sample(sample.resolver, values, sample.ttl, sample.at)


def _wait(case: Case) -> str:
    due = clocks_of(case).as_seen
    if due is None or due <= case.now:
        return "more answers in a row"
    return (
        f"time: caches let go of the old record until {utc_text(due)} ({span_text(due - case.now)})"
    )


def check_address_families(case: Case) -> CheckVerdict:
    """W-02: IPv4 and IPv6 lead to the same side."""
    if not has_changed(case):
        return unknown("the change")
    views = [view for view in answering_resolvers(case) if view.ipv6 and not view.ipv6.error]
    if not views:
        return unknown("answers of resolvers for IPv6")
    target = {as_address(a) for a in target_addresses(case)}
    behind = []
    for view in views:
        assert view.ipv6 is not None
        real = [a for a in view.ipv6.addresses if is_ipv6(a) and not is_synthesized(a)]
        moved = view_side(case, view.newest) is Side.NEW
        if moved and any(as_address(a) not in target for a in real):
            behind.append(f"{view.resolver}: {listed(real, 2)}")
    finding = None
    if behind:
        finding = warn(
            "ipv6-behind",
            f"{listed(behind)}, while IPv4 leads to the new registry.",
            "Nodes with IPv6 still go to the old registry.",
            "Wait for its TTL. If it stays, an AAAA record was left at the name: take it away.",
        )
    return judged([finding], "the same side by IPv4 and IPv6")


def check_places(case: Case) -> CheckVerdict:
    """W-03: answers don't depend on the place (GeoDNS), or other places were looked at too."""
    views = [view for view in answering_resolvers(case) if view_values(view.newest)]
    if not views:
        return unknown(_NOT_ASKED)
    known = _known_values(case)
    strange = [v for v in views if v.origin == "public" and _strays(v.newest, known)]
    several = {said_values(server)[0] for server in serving(case.evidence.zone)} - {()}
    if not strange and (len(several) < 2 or has_begun(case)):
        return judged([], "no sign that answers depend on the place")
    given = parsed_answer(case.evidence, "geo-samples")
    if given is None:
        return unknown("answers from other places (question geo-samples)", "answers differ")
    finding = info(
        "answers-by-place",
        f"From other places: {given.seen}.",
        "Each of the record's values has to be changed.",
    )
    return judged([finding], "")


def check_ttl_clamps(case: Case) -> CheckVerdict:
    """W-04: no resolver keeps the record for longer than it was told to."""
    ttls = [each.ttl for each in case.history]
    before = parsed_answer(case.evidence, "ttl-before")
    if before and before.good:
        ttls.append(before.number)
    served = ttl_served(case)
    highest = max([*ttls, *([] if served is None else [served])], default=None)
    views = answering_resolvers(case)
    if highest is None or not (views or case.samples):
        return unknown(f"{_NOT_ASKED}, and the record from a name server")
    longest: dict[str, int] = {}
    for view in views:
        for answer in view.samples:
            if remaining_ttl(answer) > highest:
                longest[view.resolver] = max(longest.get(view.resolver, 0), remaining_ttl(answer))
    for sample in case.samples:
        if sample.values and is_clamped([sample], highest):
            longest[sample.resolver] = max(longest.get(sample.resolver, 0), sample.ttl)
    finding = None
    if longest:
        what = listed(f"{name} keeps it for {span_text(ttl)}" for name, ttl in longest.items())
        finding = warn(
            "resolver-clamps",
            f"The TTL is {highest} s at most, but {what}.",
            "It lengthens TTLs (as cache-min-ttl does), or the TTL was lowered lately. If "
            "it lengthens them, its clients follow the change, and a way back, only after that.",
            "Flush it right after the change (see W-06), or plan for that time.",
        )
    return judged([finding], f"nobody keeps the record for more than {highest} s")


def check_resolvers_answer(case: Case) -> CheckVerdict:
    """W-05: every resolver that was named answers us."""
    views = case.evidence.resolvers
    asked = [view for view in views if view.samples]
    if not asked:
        return unknown(_NOT_ASKED)
    refused = [v.resolver for v in asked if v.newest.rcode == "REFUSED"]
    silent = [f"{v.resolver} ({v.newest.error})" for v in asked if v.newest.error]
    broken = [f"{v.resolver}{_why(v)}" for v in asked if _is_broken(v)]
    found = [
        info(
            "resolver-refuses",
            f"{listed(refused)} refuses to answer here.",
            "It serves its own networks only. That says nothing of the domain.",
            "Run the check from inside, or leave this resolver out.",
        )
        if refused
        else None,
        info(
            "resolver-silent",
            f"{listed(silent)}: no answer.",
            "What it has can't be seen from here.",
            "Look at the way there; leave it out if it isn't used.",
        )
        if silent
        else None,
        warn(
            "resolver-fails",
            f"{listed(broken)} answers SERVFAIL, whether signatures are checked or not.",
            "It doesn't reach the zone's name servers, or can't use what they say: its clients "
            "can't pull already today.",
            "Look at that resolver, and whether the name servers answer from its network.",
        )
        if broken
        else None,
    ]
    return judged(found, f"{counted(len(asked), 'resolver')} asked, all answer")


def _why(view: ResolverView) -> str:
    """Return what a resolver says of its failure (RFC 8914)."""
    return f" ({listed(view.newest.extended, 2)})" if view.newest.extended else ""


def _is_broken(view: ResolverView) -> bool:
    if view.newest.rcode != "SERVFAIL":
        return False
    return view.unchecked is None or view.unchecked.rcode == "SERVFAIL"


def check_late_caches(case: Case) -> CheckVerdict:
    """W-06: caches that are late can be told to forget."""
    if not has_changed(case):
        return unknown("the change")
    late = _late(case)
    if not late:
        return judged([], "no cache is late")
    name = case.name
    finding = info(
        "flush",
        f"Late: {listed(late)}.",
        "These caches hold the old record; each can be told to forget it.",
        "Run the line for the resolver's kind. Public resolvers have web pages for it. nginx as a "
        "proxy looks names up once, at its start: reload it. Squid (positive_dns_ttl) and Java "
        "have caches of their own: restart them.",
        f"unbound-control flush {name}\nrndc flushname {name}\nresolvectl flush-caches\n"
        "kubectl -n kube-system rollout restart deployment coredns\n"
        "https://developers.google.com/speed/public-dns/cache\nhttps://one.one.one.one/purge-cache/",
    )
    return judged([finding], "")


def _late(case: Case) -> list[str]:
    seen = [v.resolver for v in answering_resolvers(case) if view_side(case, v.newest) is Side.OLD]
    names = dict.fromkeys(each.resolver for each in case.samples)
    newest = {each.resolver: each for each in case.samples}
    held = [n for n in names if _canonical(case, newest[n]).values != (case.subject.points_at,)]
    return list(dict.fromkeys([*seen, *held]))


def check_stale_answers(case: Case) -> CheckVerdict:
    """W-07: no resolver answers with what has expired (RFC 8767)."""
    views = answering_resolvers(case)
    if not views and not case.samples:
        return unknown(_NOT_ASKED)
    said_so = [v.resolver for v in views if any(e.startswith(_STALE) for e in _errors(v))]
    back = _fell_back(case)
    names = list(dict.fromkeys([*said_so, *back]))
    finding = None
    if names:
        finding = info(
            "serves-expired",
            f"{listed(names)} gives an answer that has expired, or gave an old one after a new "
            "one.",
            "It answers once more from what it had (serve-expired), or is several caches behind "
            f"one address: one new answer means nothing there, {ENOUGH} in a row do.",
            "Ask again.",
        )
    return judged([finding], "nobody answers with what has expired")


def _errors(view: ResolverView) -> Iterable[str]:
    return (error for answer in view.samples for error in answer.extended)


def _fell_back(case: Case) -> list[str]:
    """Return the resolvers that gave an old answer after a new one."""
    wanted = (case.subject.points_at,)
    moved: set[str] = set()
    back: dict[str, None] = {}
    for each in sorted(case.samples, key=lambda sample: sample.at):
        if _canonical(case, each).values == wanted:
            moved.add(each.resolver)
        elif each.values and each.resolver in moved and has_begun(case):
            back[each.resolver] = None
    return list(back)
