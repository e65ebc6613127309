"""The exact edit of the record and its reverse: as zone-file lines, and in the provider's words.

Pure. What is there now comes from a name server's answers, so that everything at the name that a
CNAME can't stand beside is listed (RFC 1034, 3.6.2), and comes back with the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from transship.cutover.evidence import Evidence, NameServer, RecordSet
from transship.cutover.observe.names import is_address
from transship.cutover.providers import GENERIC, Provider, provider_of
from transship.cutover.subject import Subject
from transship.cutover.wordings import words_for

_LEADING = ("CNAME", "A", "AAAA")

RAISE_SERIAL = "Raise the SOA serial if the zone is kept in a file."
"""A note for who makes the edit by hand."""


class Kind(StrEnum):
    """What kind of edit it is."""

    CREATE = "create"
    VALUE = "value"
    """The value of a CNAME, and nothing else."""
    TO_CNAME = "to-cname"
    """A CNAME in the place of everything that is at the name."""
    TO_ADDRESSES = "to-addresses"
    APEX = "apex"
    """ALIAS, or A and AAAA, at the top of a zone."""
    NOTHING = "nothing"
    """It is there already."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What to take away and what to put there, as lines of a zone file; in one step, at once."""

    remove: tuple[str, ...]
    add: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit and its reverse. `words` and `reverse_words` are steps to follow, in order.

    `lost` are records of other types that can't stay beside a CNAME, and `notes` what to know.
    `takes` are the records that the edit takes away, or that it finds to be there already.
    """

    kind: Kind
    name: str
    zone: str
    provider: Provider
    forward: Lines
    reverse: Lines
    lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    reverse_words: tuple[str, ...] = ()
    takes: tuple[RecordSet, ...] = ()


def edit(subject: Subject, evidence: Evidence) -> Edit | None:
    """Return the edit that points the domain at the target; None while the record isn't known.

    Both TTLs stay low: the new one is never higher than what is served, and the reverse puts the
    old values back with the TTL that was served last.
    """
    zone = evidence.zone
    server = next((s for s in zone.servers if s.answers and _answers(s)), None) if zone else None
    if zone is None or server is None:
        return None
    held = _held(server, subject.domain.name)
    apex = subject.domain.name == zone.name
    ttl = subject.new_ttl(r.ttl for r in held if r.type in _LEADING)
    wanted = _wanted(subject, ttl, apex=apex)
    alone = wanted[0].type == "CNAME"
    touched = [r for r in held if alone or r.type in _LEADING]
    before, after = _lines(touched), _lines(wanted)
    if _same(touched, wanted):
        before = after = ()
    lost = tuple(r for r in touched if r.type not in _LEADING)
    kind = _kind(touched, wanted, apex=apex) if before != after else Kind.NOTHING
    forward, reverse = Lines(before, after), Lines(after, before)
    provider = provider_of(s.name for s in zone.servers)
    place = (subject.domain.name, zone.name)
    return Edit(
        kind,
        subject.domain.name,
        zone.name,
        provider,
        forward,
        reverse,
        _lines(lost),
        _notes(kind, lost, wanted, provider),
        words_for(provider, *place, touched, wanted) if before != after else (),
        words_for(provider, *place, wanted, touched) if before != after else (),
        tuple(touched),
    )


def _answers(server: NameServer) -> bool:
    return any(a.rcode in ("NOERROR", "NXDOMAIN") and not a.error for a in server.answers)


def _held(server: NameServer, name: str) -> list[RecordSet]:
    """Return everything at the name, each type once; a CNAME answers for all types."""
    found: dict[str, RecordSet] = {}
    for answer in server.answers:
        for records in answer.records:
            if records.name == name and records.values and records.type != "RRSIG":
                found.setdefault(records.type, records)
    return list(found.values())


def _wanted(subject: Subject, ttl: int, *, apex: bool) -> list[RecordSet]:
    name, target = subject.domain.name, subject.points_at
    if is_address(target):
        return [RecordSet(name, "AAAA" if ":" in target else "A", ttl, (target,))]
    if not apex:
        return [RecordSet(name, "CNAME", ttl, (f"{target}.",))]
    return [RecordSet(name, "ALIAS", ttl, (f"{target}.",))]


def _lines(records: list[RecordSet] | tuple[RecordSet, ...]) -> tuple[str, ...]:
    return tuple(f"{r.name}. {r.ttl} IN {r.type} {value}" for r in records for value in r.values)


def _same(held: list[RecordSet], wanted: list[RecordSet]) -> bool:
    return {(r.type, r.values) for r in held} == {(r.type, r.values) for r in wanted}


def _kind(held: list[RecordSet], wanted: list[RecordSet], *, apex: bool) -> Kind:
    kinds = {records.type for records in held}
    if not kinds:
        return Kind.CREATE
    if apex and wanted[0].type == "ALIAS":
        return Kind.APEX
    if wanted[0].type != "CNAME":
        return Kind.TO_ADDRESSES
    return Kind.VALUE if kinds == {"CNAME"} else Kind.TO_CNAME


def _notes(
    kind: Kind, lost: tuple[RecordSet, ...], wanted: list[RecordSet], provider: Provider
) -> tuple[str, ...]:
    notes = []
    if kind is Kind.VALUE:
        notes.append("Change the value only, in one step: never delete the record first.")
    if kind is Kind.TO_CNAME:
        notes.append(
            "A CNAME stands alone: everything else at the name goes away in the same step. If the "
            "provider can't do that in one step, the name is missing in between."
        )
    if lost:
        kinds = ", ".join(dict.fromkeys(records.type for records in lost))
        notes.append(
            f"{kinds} at this name go away too. After the change they are looked up at the "
            "target's name; proofs of ownership (TXT) need another place."
        )
    if kind is Kind.APEX:
        notes.append(
            "The top of a zone can't hold a CNAME. Use ALIAS, ANAME or flattening; or A and AAAA "
            "with the target's addresses, and look again whenever they change."
        )
    if kind is Kind.TO_ADDRESSES and wanted[0].type == "A":
        notes.append("Take AAAA away too, or IPv6 keeps leading to the old registry.")
    if provider is GENERIC and kind is not Kind.NOTHING:
        notes.append(RAISE_SERIAL)
    return tuple(notes)
