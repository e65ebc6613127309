"""What a name holds, what a change makes of it, and the exact edit with its reverse. Pure.

What is there now comes from a provider or from a name server's answers, so that everything
that a CNAME can't stand beside is listed (RFC 1034, 3.6.2), and comes back with the reverse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from transship.cutover.domain import Subject, is_address
from transship.cutover.evidence import Evidence, NameServer, RecordSet
from transship.cutover.providers import GENERIC_PROVIDER, KnownProvider, edit_steps, provider_of

RecordSets = tuple[RecordSet, ...]
"""Everything that a name holds, each type once (RFC 2181, 5)."""

LEADING_TYPES = ("CNAME", "A", "AAAA")
"""What leads a pull. A name holds either a CNAME or addresses."""

HELD_TYPES = (*LEADING_TYPES, "TXT", "CAA", "HTTPS", "SVCB", "MX", "SRV")
"""What is read of a name before it is changed: all that a change of it may touch."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a name held at one moment, to be put back as it was. `taken` is since the epoch."""

    name: str
    taken: float
    sets: RecordSets

    @property
    def lines(self) -> tuple[str, ...]:
        """The records as lines of a zone file."""
        return zone_lines(self.sets)


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change of one name: all that it holds before, and all that it is to hold after."""

    name: str
    before: RecordSets
    after: RecordSets

    @property
    def added(self) -> RecordSets:
        """The record sets that are new, or hold something else than before."""
        return tuple(
            each
            for each in self.after
            if ordered_records(each) not in map(ordered_records, self.before)
        )

    @property
    def removed(self) -> RecordSets:
        """The record sets of types that the name holds no more."""
        types = {each.type for each in self.after}
        return tuple(each for each in self.before if each.type not in types)

    @property
    def turns(self) -> bool:
        """Whether a CNAME takes the place of other records, or the other way round."""
        return _has_cname(self.before) != _has_cname(self.after)

    @property
    def moves(self) -> bool:
        """Whether it leads a pull elsewhere. A change of TTLs alone doesn't."""
        return not same_values(leading_records(self.before), leading_records(self.after))

    @property
    def reverse(self) -> PlannedChange:
        """The change that undoes this one."""
        return PlannedChange(self.name, self.after, self.before)


def desired_records(name: str, points_at: Iterable[str], ttl: int) -> RecordSets:
    """Return the records that lead `name` to another name, or to addresses."""
    kinds: dict[str, list[str]] = {}
    for each in points_at:
        if is_address(each):
            kinds.setdefault("AAAA" if ":" in each else "A", []).append(each)
        else:
            kinds.setdefault("CNAME", []).append(f"{each.rstrip('.').lower()}.")
    return tuple(RecordSet(name, kind, ttl, tuple(sorted(kinds[kind]))) for kind in sorted(kinds))


def plan_change(old: RecordSets, new: RecordSets) -> PlannedChange:
    """Return the change that lets a name hold `new`, which has all that is to lead a pull.

    What led before and isn't in `new` goes; the rest stays, unless a CNAME comes, which suffers
    nothing beside it (RFC 1034, 3.6.2). Raises ValueError for no records, or of several names.
    """
    names = {each.name for each in (*old, *new)}
    if len(names) != 1 or not new:
        raise ValueError("a change is of the records of one name")
    types = {each.type for each in new}
    goes = set(LEADING_TYPES) | types
    kept = [] if "CNAME" in types else [each for each in old if each.type not in goes]
    return PlannedChange(names.pop(), old, tuple(sorted((*new, *kept), key=_order)))


def same_records(one: Iterable[RecordSet], other: Iterable[RecordSet]) -> bool:
    """Tell whether these are the same records with the same TTLs, in whatever order."""
    return {ordered_records(each) for each in one} == {ordered_records(each) for each in other}


def same_values(one: Iterable[RecordSet], other: Iterable[RecordSet]) -> bool:
    """Tell whether these are the same records, whatever their TTLs."""
    return _values(one) == _values(other)


def ordered_records(records: RecordSet) -> RecordSet:
    """Return a record set in an order that doesn't turn."""
    return replace(records, values=tuple(sorted(records.values)))


def leading_records(sets: Iterable[RecordSet]) -> RecordSets:
    """Return those of the records that lead a pull: a CNAME, or else addresses."""
    found = sorted(
        (ordered_records(each) for each in sets if each.type in LEADING_TYPES), key=_order
    )
    return tuple(each for each in found if each.type == "CNAME") or tuple(found)


def records_held(server: NameServer) -> RecordSets:
    """Return what a name server says that the name which it was asked about holds."""
    found = (answer.of(answer.type) for answer in server.answers if answer.type in HELD_TYPES)
    return tuple(records for records in found if records is not None)


def touched_records(old: Iterable[RecordSet], new: RecordSets) -> RecordSets:
    """Return what goes, or gets other values, when a name that holds `old` is to hold `new`."""
    return tuple(each for each in old if _has_cname(new) or each.type in LEADING_TYPES)


def zone_lines(sets: Iterable[RecordSet]) -> tuple[str, ...]:
    """Return records as lines of a zone file (RFC 1035, 5.1)."""
    return tuple(
        f"{each.name}. {each.ttl} IN {each.type} {value}" for each in sets for value in each.values
    )


def records_text(sets: Iterable[RecordSet]) -> str:
    """Return records in one line."""
    return "; ".join(zone_lines(sets)) or "nothing"


def _values(sets: Iterable[RecordSet]) -> set[tuple[str, tuple[str, ...]]]:
    return {(each.type, tuple(sorted(each.values))) for each in sets}


def _has_cname(sets: RecordSets) -> bool:
    return any(each.type == "CNAME" for each in sets)


def _order(records: RecordSet) -> tuple[int, str]:
    known = HELD_TYPES.index(records.type) if records.type in HELD_TYPES else len(HELD_TYPES)
    return known, records.type


_EDIT_LEADING = ("CNAME", "A", "AAAA")

RAISE_SERIAL = "Raise the SOA serial if the zone is kept in a file."
"""A note for who makes the edit by hand."""


class EditKind(StrEnum):
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
class EditLines:
    """What to take away and what to put there, as lines of a zone file; in one step, at once."""

    remove: tuple[str, ...]
    add: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit and its reverse. `words` and `reverse_words` are steps to follow, in order.

    `lost` are records of other types that can't stay beside a CNAME, and `notes` what to know.
    `takes` are the records that the edit takes away, or that it finds to be there already.
    """

    kind: EditKind
    name: str
    zone: str
    provider: KnownProvider
    forward: EditLines
    reverse: EditLines
    lost: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    reverse_words: tuple[str, ...] = ()
    takes: tuple[RecordSet, ...] = ()


def plan_edit(subject: Subject, evidence: Evidence) -> Edit | None:
    """Return the edit that points the domain at the target; None while the record isn't known.

    Both TTLs stay low: the new one is never higher than what is served, and the reverse puts the
    old values back with the TTL that was served last.
    """
    zone = evidence.zone
    server = next((s for s in zone.servers if s.answers and _answers(s)), None) if zone else None
    if zone is None or server is None:
        return None
    held = _held_records(server, subject.domain.name)
    apex = subject.domain.name == zone.name
    ttl = subject.new_ttl(r.ttl for r in held if r.type in _EDIT_LEADING)
    wanted = _desired(subject, ttl, apex=apex)
    alone = wanted[0].type == "CNAME"
    touched = [r for r in held if alone or r.type in _EDIT_LEADING]
    before, after = _edit_lines(touched), _edit_lines(wanted)
    if _same_edit(touched, wanted):
        before = after = ()
    lost = tuple(r for r in touched if r.type not in _EDIT_LEADING)
    kind = _edit_kind(touched, wanted, apex=apex) if before != after else EditKind.NOTHING
    forward, reverse = EditLines(before, after), EditLines(after, before)
    provider = provider_of(s.name for s in zone.servers)
    place = (subject.domain.name, zone.name)
    return Edit(
        kind,
        subject.domain.name,
        zone.name,
        provider,
        forward,
        reverse,
        _edit_lines(lost),
        _edit_notes(kind, lost, wanted, provider),
        edit_steps(provider, *place, touched, wanted) if before != after else (),
        edit_steps(provider, *place, wanted, touched) if before != after else (),
        tuple(touched),
    )


def _answers(server: NameServer) -> bool:
    return any(a.rcode in ("NOERROR", "NXDOMAIN") and not a.error for a in server.answers)


def _held_records(server: NameServer, name: str) -> list[RecordSet]:
    """Return everything at the name, each type once; a CNAME answers for all types."""
    found: dict[str, RecordSet] = {}
    for answer in server.answers:
        for records in answer.records:
            if records.name == name and records.values and records.type != "RRSIG":
                found.setdefault(records.type, records)
    return list(found.values())


def _desired(subject: Subject, ttl: int, *, apex: bool) -> list[RecordSet]:
    name, target = subject.domain.name, subject.points_at
    if is_address(target):
        return [RecordSet(name, "AAAA" if ":" in target else "A", ttl, (target,))]
    if not apex:
        return [RecordSet(name, "CNAME", ttl, (f"{target}.",))]
    return [RecordSet(name, "ALIAS", ttl, (f"{target}.",))]


def _edit_lines(records: list[RecordSet] | tuple[RecordSet, ...]) -> tuple[str, ...]:
    return tuple(f"{r.name}. {r.ttl} IN {r.type} {value}" for r in records for value in r.values)


def _same_edit(held: list[RecordSet], wanted: list[RecordSet]) -> bool:
    return {(r.type, r.values) for r in held} == {(r.type, r.values) for r in wanted}


def _edit_kind(held: list[RecordSet], wanted: list[RecordSet], *, apex: bool) -> EditKind:
    kinds = {records.type for records in held}
    if not kinds:
        return EditKind.CREATE
    if apex and wanted[0].type == "ALIAS":
        return EditKind.APEX
    if wanted[0].type != "CNAME":
        return EditKind.TO_ADDRESSES
    return EditKind.VALUE if kinds == {"CNAME"} else EditKind.TO_CNAME


def _edit_notes(
    kind: EditKind, lost: tuple[RecordSet, ...], wanted: list[RecordSet], provider: KnownProvider
) -> tuple[str, ...]:
    notes = []
    if kind is EditKind.VALUE:
        notes.append("Change the value only, in one step: never delete the record first.")
    if kind is EditKind.TO_CNAME:
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
    if kind is EditKind.APEX:
        notes.append(
            "The top of a zone can't hold a CNAME. Use ALIAS, ANAME or flattening; or A and AAAA "
            "with the target's addresses, and look again whenever they change."
        )
    if kind is EditKind.TO_ADDRESSES and wanted[0].type == "A":
        notes.append("Take AAAA away too, or IPv6 keeps leading to the old registry.")
    if provider is GENERIC_PROVIDER and kind is not EditKind.NOTHING:
        notes.append(RAISE_SERIAL)
    return tuple(notes)
