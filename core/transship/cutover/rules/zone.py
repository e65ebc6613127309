"""The domain's name and record in its zone (P-01, P-02, P-05 to P-09, P-34).

What the record is, what else answers for the name, who puts it back, how long caches hold it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations

from transship import errors
from transship.cutover.domain import HTTPS, parse_domain
from transship.cutover.evidence import DnsAnswer, NameServer
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
from transship.cutover.providers import GENERIC_PROVIDER, provider_of
from transship.cutover.questions import parsed_answer
from transship.cutover.rules.case import (
    LEADING,
    Case,
    Side,
    as_address,
    domain_lines,
    has_begun,
    leading_at,
    normalized_name,
    observed,
    remaining_ttl,
    resolvers_answer,
    said_values,
    server_label,
    serving,
    sides,
    ttl_served,
    values_of,
    view_side,
)
from transship.cutover.timeline import readiness

LOW = 300
"""The longest TTL, in seconds, with which a change is over soon and can be taken back soon."""

_LOWEST_ALLOWED = 600  # What some providers' free plans allow.

_USEFUL = 30

_LONGEST_USUAL = 86400
"""A record that was looked at for so long, in seconds, is in no cache with an older TTL."""


def check_ttl_ready(case: Case) -> CheckVerdict:
    """P-07: the TTL is low, and every cache that took the old one has let go of it."""
    ttl = ttl_served(case)
    if ttl is None:
        return unknown("the record, from a name server")
    if has_begun(case):
        return passed(f"the change is under way; TTL {ttl} s")
    if ttl > _LOWEST_ALLOWED:
        return judged([_high(case, ttl)], "")
    found = [_medium(case, ttl), _tiny(ttl)]
    low = max(LOW, ttl)
    history = observed(case.evidence, case.history)
    given = parsed_answer(case.evidence, "ttl-before")
    before = given.number if given and given.good else None
    ready = readiness(history, low, before)
    if ready.ready_at is None:
        why = f"{ready.slowest} still gives the old TTL"
        return judged([*found, _draining(case, None, why)], "")
    watched = case.now - min(each.first for each in history)
    seen_lowered = any(each.ttl > low for each in history)
    ready_at, slowest = ready.ready_at, ready.slowest
    if before is None and not seen_lowered and watched < _LONGEST_USUAL:
        ready_at, slowest = max((ready_at, slowest), _held_by_resolvers(case, low))
        if ready_at <= case.now:
            return judged(
                found,
                f"TTL {ttl} s; nobody has seen what it was before",
                "the TTL that the record had before it was lowered (question ttl-before), "
                f"or {span_text(_LONGEST_USUAL - watched)} more of watching",
            )
    if ready_at > case.now:
        return judged([*found, _draining(case, ready_at, f"last: {slowest}")], "")
    return judged(found, f"TTL {ttl} s, and the old one has run out everywhere")


def _held_by_resolvers(case: Case, low: int) -> tuple[float, str]:
    """Return until when resolvers were seen to hold the record, at least, and which one."""
    held = [
        (answer.at + remaining_ttl(answer), view.resolver)
        for view in case.evidence.resolvers
        for answer in view.samples
        if remaining_ttl(answer) > low and view_side(case, answer) is Side.OLD
    ]
    return max(held, default=(0.0, ""))


def _high(case: Case, ttl: int) -> Finding:
    return block(
        "ttl-high",
        f"The record's TTL is {ttl} s ({span_text(ttl)}).",
        f"After a change some clients would go to the old registry for {span_text(ttl)}, and as "
        "long "
        "again after a way back.",
        f"Set the TTL to 60 to {LOW} now and leave the value as it is. If that is done now, the "
        f"earliest safe change is {utc_text(case.now + ttl)}: the old TTL has to run out "
        "everywhere.",
        _lowered(case),
    )


def _lowered(case: Case) -> str:
    """Return the record as it is, with a low TTL."""
    servers = serving(case.evidence.zone)
    return domain_lines(case, leading_at(servers[0]), min(case.subject.ttl, LOW)) if servers else ""


def _medium(case: Case, ttl: int) -> Finding | None:
    if ttl <= LOW:
        return None
    return warn(
        "ttl-rather-high",
        f"The record's TTL is {ttl} s ({span_text(ttl)}).",
        f"The change, and the way back, take {span_text(ttl)}.",
        f"Set it to 60 to {LOW} if the DNS provider's plan allows; some allow no less than "
        f"{_LOWEST_ALLOWED}.",
        _lowered(case),
    )


def _tiny(ttl: int) -> Finding | None:
    if ttl >= _USEFUL:
        return None
    return info(
        "ttl-very-low",
        f"The record's TTL is {ttl} s.",
        f"Many resolvers keep records for {_USEFUL} s or more whatever the TTL: nothing is gained "
        "below that.",
        "60 is enough.",
    )


def _draining(case: Case, ready_at: float | None, why: str) -> Finding:
    if ready_at is None:
        return block(
            "ttl-draining",
            f"Not every name server gives the low TTL yet ({why}).",
            "Caches still take the record with its old TTL.",
            "Wait until all of them do; if one doesn't, its copy of the zone is stuck.",
        )
    return block(
        "ttl-draining",
        f"The TTL is lowered, but caches may still hold the record with its old one ({why}).",
        "A change now would be as slow as if the TTL had never been lowered.",
        f"Wait {span_text(ready_at - case.now)}. Earliest safe change: {utc_text(ready_at)}.",
    )


_OWNER = re.compile(r"external-dns/owner=([^,\"]+)")


def check_name(case: Case) -> CheckVerdict:
    """P-01: the name is one that DNS can move, and its port is the one that the target has."""
    domain = case.subject.domain
    try:
        parse_domain(domain.name)
    except errors.BadDomain as error:
        finding = block(
            "not-a-name",
            error.detail or str(error),
            "No DNS record can move it.",
            error.remedy or "Write the host name that images are pulled by.",
        )
        return judged([finding], "")
    found = (_port(case), _international(case))
    return judged(found, domain.host)


def _port(case: Case) -> Finding | None:
    port = case.subject.domain.port
    _, _, text = case.subject.new.rpartition("]")[2].partition(":")
    new = int(text) if text.isdecimal() else HTTPS
    if new != port:
        return block(
            "port-differs",
            f"Images are pulled by {case.subject.domain.host}, port {port}; the new registry "
            f"listens on port {new}.",
            "DNS holds no port: after the change every client asks the new registry on port "
            f"{port}.",
            f"Let the new registry, or a load balancer in front of it, listen on port {port}.",
        )
    if port == HTTPS:
        return None
    return info(
        "port-in-name",
        f"The port {port} is part of the name in references, pull secrets and certs.d.",
        f"It stays there; the new registry has to go on listening on {port}.",
    )


def _international(case: Case) -> Finding | None:
    domain = case.subject.domain
    if not domain.shown or domain.shown == domain.name:
        return None
    return info(
        "international-name",
        f"{domain.shown} is {domain.name} in DNS, TLS and HTTP.",
        "Certificates and settings need that form; people read the other.",
    )


def check_flattening(case: Case) -> CheckVerdict:
    """P-06: what DNS shows is what the provider keeps."""
    servers = serving(case.evidence.zone)
    if not servers:
        return unknown("the record, from a name server")
    values, _ = said_values(servers[0])
    if not values:
        return unknown("the record, from a name server")
    who = provider_of(server.name for server in servers)
    given = parsed_answer(case.evidence, "provider-value")
    if not all(as_address(value) for value in values):
        return passed("CNAME, as it is kept")
    if who == GENERIC_PROVIDER and given is None:
        needs = "what is kept there: addresses, or a name (question provider-value)"
        return unknown(needs, f"addresses, {who.title}")
    if not who.flattens:
        return passed(f"addresses, {who.title}{f'; kept: {given.seen}' if given else ''}")
    seen = f"{case.name} has addresses ({listed(values, 3)}), and its provider is {who.title}."
    means = (
        "This provider can show addresses where it keeps a name (flattening, ALIAS), or its own "
        "addresses in front of yours (proxy). DNS doesn't show which."
    )
    if given:
        return judged([info("maybe-flattened", f"{seen} Kept there: {given.seen}.", means)], "")
    finding = warn(
        "maybe-flattened",
        seen,
        means,
        "Write down what the provider's console shows for the record, type, value and proxy "
        "switch: the way back needs it (question provider-value).",
    )
    return judged([finding], "")


def check_wildcard(case: Case) -> CheckVerdict:
    """P-08: the name has a record of its own: no wildcard (RFC 4592), no DNAME (RFC 6672)."""
    answer = case.evidence.wildcard
    if answer is None or answer.error or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return unknown("an answer for a name beside the domain", answer.error if answer else "")
    found = (_caught(case, answer), _alias(case))
    return judged(found, "a record of its own, no wildcard beside it")


def _caught(case: Case, answer: DnsAnswer) -> Finding | None:
    values = _values(answer)
    if not values or has_begun(case):
        return None
    beside = f"*.{answer.question.partition('.')[2]}"
    servers = serving(case.evidence.zone)
    own = said_values(servers[0])[0] if servers else ()
    if {normalized_name(value) for value in own} != {normalized_name(value) for value in values}:
        return info(
            "wildcard-beside",
            f"{beside} answers for every name that isn't there ({listed(values, 3)}).",
            "If the domain's record were deleted, it would lead there instead of being missing.",
        )
    records = leading_at(servers[0])
    kind, ttl = records[0].type, records[0].ttl
    return warn(
        "wildcard-only",
        f"{case.name} answers just as {beside} does ({listed(values, 3)}).",
        "The name seems to exist only through the wildcard. There is no record to change, and "
        "changing the wildcard would move every other name with it.",
        "Create an explicit record for the name, with today's value, and wait until every name "
        "server has it.",
        "\n".join(f"{case.name}. {ttl} IN {kind} {value}" for value in values),
    )


def _values(answer: DnsAnswer) -> tuple[str, ...]:
    own = [r for r in answer.records if r.name == answer.question and r.type in LEADING]
    return values_of([r for r in own if r.type == "CNAME"] or own)


def _alias(case: Case) -> Finding | None:
    for answer in case.evidence.aliases:
        records = answer.of("DNAME")
        if records and records.values:
            return warn(
                "dname-above",
                f"{answer.question} is another name for {normalized_name(records.values[0])} "
                "(DNAME).",
                "Everything below it is looked up there: a record of the domain here is ignored.",
                f"Make the change in the zone of {normalized_name(records.values[0])}, or take "
                "the DNAME "
                "away first.",
            )
    return None


def check_ownership(case: Case) -> CheckVerdict:
    """P-09: nothing puts the record back to what it was."""
    asked = case.evidence.ownership
    if not asked or all(answer.error for answer in asked):
        return unknown("the TXT records by which controllers mark what they manage")
    given = parsed_answer(case.evidence, "automation")
    at_source = given is not None and given.good is True and "there" in given.seen
    owner = _controller(asked)
    if owner is not None:
        seen, where = owner
        means = f"{seen} manages this record, and puts it back within a minute or so."
        if at_source:
            return judged([info("managed", where, f"{seen} manages this record.")], "")
        finding = block(
            "managed",
            where,
            means,
            "Change it at its source (the Ingress or Service annotation, the repository), or take "
            "it out of the controller's care first. Question automation.",
        )
        return judged([finding], "")
    if given is None or not given.good:
        needs = "whether anything else manages the record, as Terraform does (question automation)"
        return unknown(needs, "no controller has marked the record as its own")
    return passed(f"no controller's mark; {given.seen}")


def _controller(asked: tuple[DnsAnswer, ...]) -> tuple[str, str] | None:
    """Return who manages the record, and where it says so."""
    for answer in asked:
        records = answer.of("TXT")
        for text in records.values if records else ():
            where = f"TXT {answer.question}: {text}"
            if "heritage=external-dns" in text:
                owner = _OWNER.search(text)
                return f"external-dns{f' (owner {owner[1]})' if owner else ''}", where
            if answer.question.startswith("_owner."):
                return "octoDNS", where
    return None


LONGEST_NEGATIVE = 900
"""For longer than this, in seconds, a slip shouldn't be remembered."""

_NOT_HERE = ("refused", "timeout", "unreachable", "no resolver", "closed")


def check_zone_and_apex(case: Case) -> CheckVerdict:
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
    given = parsed_answer(case.evidence, "apex-record")
    if given and given.good:
        return info("apex", f"{seen} The record will be: {given.seen}.", "No CNAME is needed.")
    return block(
        "apex",
        seen,
        "A CNAME is not allowed here: the zone's other records would stop working.",
        "Use the DNS provider's ALIAS, ANAME or flattening, or A and AAAA with the new registry's "
        "addresses (then check again whenever those change). Say which: question apex-record.",
    )


def check_record_today(case: Case) -> CheckVerdict:
    """P-05: the record can be read whole at every server, so that it can be put back."""
    zone = case.evidence.zone
    servers = serving(zone)
    if zone is None or not servers:
        if zone is not None and zone.name and not resolvers_answer(case) and zone.servers:
            return judged([_unreadable(case, "no name server answers for the zone")], "")
        return unknown("a name server that answers for the zone")
    placed = sides(case)
    told = {server_label(s): said_values(s)[0] for s, where in placed if where is not Side.SILENT}
    if not told:
        return judged([_unreadable(case, "the name servers don't answer for the name")], "")
    found = [_missing(case, told), _differing(case, told), _incomplete(servers)]
    values = next(iter(told.values()))
    kinds = listed(r.type for r in leading_at(servers[0]))
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
        "Pulls that ask there fail: no such host. Resolvers remember that for "
        f"{span_text(negative)}.",
        "Create or restore the record on every name server before anything else.",
        _as_elsewhere(case),
    )


def _as_elsewhere(case: Case) -> str:
    """Return the record as a server has it that has one, nothing where none does."""
    found = (leading_at(server) for server in serving(case.evidence.zone))
    return domain_lines(case, next((each for each in found if each), ()))


def _differing(case: Case, told: Mapping[str, tuple[str, ...]]) -> Finding | None:
    """Return that servers disagree, unless some of them have the new value already.

    Addresses that turn overlap; that is no disagreement.
    """
    values = [set(each) for each in told.values() if each]
    apart = any(not a & b for a, b in combinations(values, 2))
    if not apart or any(where is Side.NEW for _, where in sides(case)):
        return None
    seen = "; ".join(f"{server}: {listed(each)}" for server, each in list(told.items())[:4])
    given = parsed_answer(case.evidence, "record-exported")
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


def check_negative_ttl(case: Case) -> CheckVerdict:
    """P-34: a slip isn't remembered for long (RFC 2308, 5)."""
    zone = case.evidence.zone
    if zone is None or not serving(zone):
        return unknown("the zone's SOA record")
    lasts = span_text(zone.negative_ttl)
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
