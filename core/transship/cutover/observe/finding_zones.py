"""Which zone holds a name, who its parent is, and where its servers are said to be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import dns.message

from transship.cutover.evidence import Answer, RecordSet
from transship.cutover.observe.asking import Asker, Question, record_set
from transship.cutover.observe.names import ancestors
from transship.cutover.subject import Resolver

_ANSWERED = ("NOERROR", "NXDOMAIN")


@dataclass(frozen=True, slots=True)
class Delegation:
    """A zone as its parent sees it. `glue` has the addresses that the parent gives, by server."""

    zone: str
    parent: str
    referral: Answer | None = None
    ds: Answer | None = None
    glue: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def servers(self) -> tuple[str, ...]:
        """The names in the parent's NS records."""
        return targets(name_servers(self.referral, self.zone))


async def first_answer(asker: Asker, name: str, kind: str, through: Sequence[Resolver]) -> Answer:
    """Ask the resolvers in turn until one knows; return the last one's word otherwise.

    Those that said nothing when they were last asked come last.
    Signatures aren't checked, so that a zone that they are wrong in can be looked at too.
    """
    answer = Answer(name, kind, "", "", asker.clock.now(), error="no resolver")
    for resolver in sorted(through, key=asker.is_silent):
        answer = await asker.ask(name, kind, resolver, check=False)
        if answer.rcode in _ANSWERED:
            break
    return answer


async def find_zone(asker: Asker, name: str, through: Sequence[Resolver]) -> Delegation | Answer:
    """Return the zone that holds `name`, as its parent sees it.

    The names above are asked for their SOA. Where a name below the one that has it gave no answer
    at all, its servers may all be broken: then the zone above is asked whether there is another in
    between. Returns the answer that says why, when no zone can be found.
    """
    names = [each for each in ancestors(name) if each]
    answers = await asyncio.gather(*(first_answer(asker, each, "SOA", through) for each in names))
    found = next((i for i, answer in enumerate(answers) if answer.of("SOA")), None)
    if found is None:
        return answers[0]
    if any(answer.rcode not in _ANSWERED for answer in answers[:found]):
        below = await _delegation(asker, names[found], name, through)
        if below is not None and below.zone != names[found]:
            return below
    tops = [each for each, answer in zip(names, answers, strict=True) if answer.of("SOA")]
    above = tops[1] if len(tops) > 1 else ""
    delegation = await _delegation(asker, above, names[found], through)
    if delegation is None or delegation.zone != names[found]:
        return Delegation(names[found], above)
    return delegation


async def addresses(asker: Asker, name: str, through: Sequence[Resolver]) -> tuple[str, ...]:
    """Return the addresses of a server, IPv4 first, empty when it has none."""
    both = await asyncio.gather(
        *(first_answer(asker, name, kind, through) for kind in ("A", "AAAA"))
    )
    return tuple(address for answer in both for address in answer.addresses)


def name_servers(answer: Answer | None, zone: str) -> RecordSet | None:
    """Return the NS records of `zone`, wherever in the answer they are."""
    if answer is None:
        return None
    everywhere = (*answer.records, *answer.authority)
    return next((r for r in everywhere if (r.name, r.type) == (zone, "NS")), None)


def targets(records: RecordSet | None) -> tuple[str, ...]:
    """Return the names in NS records, without the dot at their end, in order."""
    return tuple(sorted(value.rstrip(".") for value in records.values)) if records else ()


async def _delegation(
    asker: Asker, parent: str, name: str, through: Sequence[Resolver]
) -> Delegation | None:
    """Ask the servers of `parent`, one after another, to whom they refer for `name`.

    The zone of the result is the parent itself when it refers to nobody. None: no server of the
    parent answers.
    """
    known = await first_answer(asker, parent, "NS", through)
    for server in targets(known.of("NS")):
        for address in await addresses(asker, server, through):
            question = Question(name, "NS", recurse=False)
            reply = await asker.exchange_server(question, server, address)
            zone = _referred(reply.answer, parent)
            if zone is None or reply.message is None:
                continue
            ds = None
            if zone != parent:
                ds = await asker.ask_server(zone, "DS", server, address)
            return Delegation(zone, parent, reply.answer, ds, _glue(reply.message))
    return None


def _referred(answer: Answer, parent: str) -> str | None:
    """Return the zone that an answer refers to, the parent for none, None for no good answer."""
    if answer.rcode not in _ANSWERED:
        return None
    below = [
        records.name
        for records in (*answer.records, *answer.authority)
        if records.type == "NS" and records.name in ancestors(answer.question)
    ]
    closest = max(below, key=len, default=parent)
    if len(closest) > len(parent):
        return closest
    return parent if answer.authoritative else None


def _glue(message: dns.message.Message) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for records in _records(message):
        if records.type in ("A", "AAAA"):
            found[records.name] = (*found.get(records.name, ()), *records.values)
    return found


def _records(message: dns.message.Message) -> Iterable[RecordSet]:
    return (record_set(rrset) for rrset in message.additional)
