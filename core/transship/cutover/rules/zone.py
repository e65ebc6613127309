"""The zone: where the name stands in it, what the record is, how long "no such name" lasts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from transship.cutover.evidence import NameServer
from transship.cutover.finding import Finding
from transship.cutover.questions import reading
from transship.cutover.rules.case import (
    LEADING,
    Case,
    Side,
    as_address,
    label,
    leading,
    lines,
    resolvers_answer,
    said,
    serving,
    sides,
)
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
)

LONGEST_NEGATIVE = 900
"""For longer than this, in seconds, a slip shouldn't be remembered."""

_NOT_HERE = ("refused", "timeout", "unreachable", "no resolver", "closed")


def zone_and_apex(case: Case) -> Verdict:
    """P-02: the zone is found, and the name isn't its top (RFC 1912, 2.4)."""
    zone = case.evidence.zone
    if zone is None:
        return unknown("a look at DNS")
    if not zone.name:
        if zone.error in _NOT_HERE:
            return unknown(f"a resolver that answers here ({zone.error})")
        finding = block(
            "zone-not-found",
            f"No DNS zone holds {case.name}: {zone.error or 'nothing found'}.",
            "The domain can't be found in DNS, so there is no record that could be changed.",
            "Check the spelling. Check at the registrar that the domain is registered, and that "
            "its name servers are the right ones.",
        )
        return judged([finding], "")
    if zone.name != case.name:
        return passed(f"zone {zone.name}")
    return judged([_apex(case)], f"top of the zone {zone.name}")


def _apex(case: Case) -> Finding:
    seen = f"{case.name} is the top of a DNS zone."
    if as_address(case.subject.points_at):
        return info("apex", seen, "A and AAAA records are allowed here.")
    given = reading(case.evidence, "apex-record")
    if given and given.good:
        return info("apex", f"{seen} The record will be: {given.seen}.", "No CNAME is needed.")
    return block(
        "apex",
        seen,
        "A CNAME is not allowed here: the zone's other records would stop working.",
        "Use the DNS provider's ALIAS, ANAME or flattening, or A and AAAA with the new registry's "
        "addresses (then check again whenever those change). Say which: question apex-record.",
    )


def record_today(case: Case) -> Verdict:
    """P-05: the record can be read whole at every server, so that it can be put back."""
    zone = case.evidence.zone
    servers = serving(zone)
    if zone is None or not servers:
        if zone is not None and zone.name and not resolvers_answer(case) and zone.servers:
            return judged([_unreadable(case, "no name server answers for the zone")], "")
        return unknown("a name server that answers for the zone")
    placed = sides(case)
    told = {label(s): said(s)[0] for s, where in placed if where is not Side.SILENT}
    if not told:
        return judged([_unreadable(case, "the name servers don't answer for the name")], "")
    found = [_missing(case, told), _differing(case, told), _incomplete(servers)]
    values = next(iter(told.values()))
    kinds = listed(r.type for r in leading(servers[0]))
    return judged(found, f"{kinds} {listed(values)}".strip())


def _unreadable(case: Case, why: str) -> Finding:
    return block(
        "record-unreadable",
        f"The record of {case.name} can't be read: {why}.",
        "What can't be read can't be put back.",
        "Repair the name servers first, or write the record down from the provider's console.",
    )


def _missing(case: Case, told: Mapping[str, tuple[str, ...]]) -> Finding | None:
    without = [server for server, values in told.items() if not values]
    if not without:
        return None
    zone = case.evidence.zone
    negative = zone.negative_ttl if zone else 0
    return block(
        "name-missing",
        f"{case.name} has no CNAME, A or AAAA record on {listed(without)}.",
        f"Pulls that ask there fail: no such host. Resolvers remember that for {span(negative)}.",
        "Create or restore the record on every name server before anything else.",
        _as_elsewhere(case),
    )


def _as_elsewhere(case: Case) -> str:
    """Return the record as a server has it that has one, nothing where none does."""
    found = (leading(server) for server in serving(case.evidence.zone))
    return lines(case, next((each for each in found if each), ()))


def _differing(case: Case, told: Mapping[str, tuple[str, ...]]) -> Finding | None:
    """Return that servers disagree, unless some of them have the new value already.

    Addresses that turn overlap; that is no disagreement.
    """
    values = [set(each) for each in told.values() if each]
    apart = any(not a & b for a, b in combinations(values, 2))
    if not apart or any(where is Side.NEW for _, where in sides(case)):
        return None
    seen = "; ".join(f"{server}: {listed(each)}" for server, each in list(told.items())[:4])
    given = reading(case.evidence, "record-exported")
    means = (
        "Either a copy of the zone is behind, or the record depends on place or weight (GeoDNS): "
        "then what DNS shows is not the whole of it."
    )
    if given and given.good:
        return info("answers-differ", seen, means)
    return warn(
        "answers-differ",
        seen,
        means,
        "Export the record's whole configuration at the DNS provider, and plan the change for "
        "every one of its values. Question record-exported.",
    )


def _incomplete(servers: tuple[NameServer, ...]) -> Finding | None:
    answers = [answer for server in servers for answer in server.answers]
    read = {answer.type for answer in answers if not answer.error}
    unread = dict.fromkeys(a.type for a in answers if a.type not in read)
    if not unread or any(kind in LEADING for kind in unread):
        return None
    return info(
        "snapshot-incomplete",
        f"No server answered for {listed(unread, 12)} records at the name.",
        "The copy for the way back may lack them.",
        "Look at the provider's console for records of these types.",
    )


def negative_ttl(case: Case) -> Verdict:
    """P-34: a slip isn't remembered for long (RFC 2308, 5)."""
    zone = case.evidence.zone
    if zone is None or not serving(zone):
        return unknown("the zone's SOA record")
    lasts = span(zone.negative_ttl)
    seen = f'"no such name" is remembered for {lasts}'
    if zone.negative_ttl <= LONGEST_NEGATIVE:
        return passed(seen)
    finding = warn(
        "negative-ttl-long",
        f'The zone lets resolvers remember "no such name" for {lasts}.',
        f"If the record is missing for one second, some pulls fail for {lasts}.",
        "Change the record in one step: never delete it first. Or lower the last number of the "
        f"SOA record to {LONGEST_NEGATIVE} or less, a day before.",
    )
    return judged([finding], seen)
