"""The domain's name, and what else answers for it: providers, wildcards, controllers."""

from __future__ import annotations

import re

from transship import errors
from transship.cutover.evidence import Answer
from transship.cutover.finding import Finding
from transship.cutover.observe.names import parse_domain
from transship.cutover.providers import GENERIC, provider_of
from transship.cutover.questions import reading
from transship.cutover.rules.case import (
    LEADING,
    Case,
    as_address,
    has_begun,
    leading,
    plain,
    said,
    serving,
    values_of,
)
from transship.cutover.rules.wording import (
    Verdict,
    block,
    info,
    judged,
    listed,
    passed,
    unknown,
    warn,
)
from transship.cutover.subject import HTTPS

_OWNER = re.compile(r"external-dns/owner=([^,\"]+)")


def name(case: Case) -> Verdict:
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


def flattening(case: Case) -> Verdict:
    """P-06: what DNS shows is what the provider keeps."""
    servers = serving(case.evidence.zone)
    if not servers:
        return unknown("the record, from a name server")
    values, _ = said(servers[0])
    if not values:
        return unknown("the record, from a name server")
    who = provider_of(server.name for server in servers)
    given = reading(case.evidence, "provider-value")
    if not all(as_address(value) for value in values):
        return passed("CNAME, as it is kept")
    if who == GENERIC and given is None:
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


def wildcard(case: Case) -> Verdict:
    """P-08: the name has a record of its own: no wildcard (RFC 4592), no DNAME (RFC 6672)."""
    answer = case.evidence.wildcard
    if answer is None or answer.error or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        return unknown("an answer for a name beside the domain", answer.error if answer else "")
    found = (_caught(case, answer), _alias(case))
    return judged(found, "a record of its own, no wildcard beside it")


def _caught(case: Case, answer: Answer) -> Finding | None:
    values = _values(answer)
    if not values or has_begun(case):
        return None
    beside = f"*.{answer.question.partition('.')[2]}"
    servers = serving(case.evidence.zone)
    own = said(servers[0])[0] if servers else ()
    if {plain(value) for value in own} != {plain(value) for value in values}:
        return info(
            "wildcard-beside",
            f"{beside} answers for every name that isn't there ({listed(values, 3)}).",
            "If the domain's record were deleted, it would lead there instead of being missing.",
        )
    records = leading(servers[0])
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


def _values(answer: Answer) -> tuple[str, ...]:
    own = [r for r in answer.records if r.name == answer.question and r.type in LEADING]
    return values_of([r for r in own if r.type == "CNAME"] or own)


def _alias(case: Case) -> Finding | None:
    for answer in case.evidence.aliases:
        records = answer.of("DNAME")
        if records and records.values:
            return warn(
                "dname-above",
                f"{answer.question} is another name for {plain(records.values[0])} (DNAME).",
                "Everything below it is looked up there: a record of the domain here is ignored.",
                f"Make the change in the zone of {plain(records.values[0])}, or take the DNAME "
                "away first.",
            )
    return None


def ownership(case: Case) -> Verdict:
    """P-09: nothing puts the record back to what it was."""
    asked = case.evidence.ownership
    if not asked or all(answer.error for answer in asked):
        return unknown("the TXT records by which controllers mark what they manage")
    given = reading(case.evidence, "automation")
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


def _controller(asked: tuple[Answer, ...]) -> tuple[str, str] | None:
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
