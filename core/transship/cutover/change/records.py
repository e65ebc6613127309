"""What a name holds, and what a change makes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from transship.cutover.evidence import NameServer, RecordSet
from transship.cutover.observe.names import is_address

RecordSets = tuple[RecordSet, ...]
"""Everything that a name holds, each type once (RFC 2181, 5)."""

LEADING = ("CNAME", "A", "AAAA")
"""What leads a pull. A name holds either a CNAME or addresses."""

HELD = (*LEADING, "TXT", "CAA", "HTTPS", "SVCB", "MX", "SRV")
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
        return lines(self.sets)


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change of one name: all that it holds before, and all that it is to hold after."""

    name: str
    before: RecordSets
    after: RecordSets

    @property
    def added(self) -> RecordSets:
        """The record sets that are new, or hold something else than before."""
        return tuple(each for each in self.after if ordered(each) not in map(ordered, self.before))

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
        return not alike(leading(self.before), leading(self.after))

    @property
    def reverse(self) -> PlannedChange:
        """The change that undoes this one."""
        return PlannedChange(self.name, self.after, self.before)


def desired(name: str, points_at: Iterable[str], ttl: int) -> RecordSets:
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
    goes = set(LEADING) | types
    kept = [] if "CNAME" in types else [each for each in old if each.type not in goes]
    return PlannedChange(names.pop(), old, tuple(sorted((*new, *kept), key=_order)))


def same(one: Iterable[RecordSet], other: Iterable[RecordSet]) -> bool:
    """Tell whether these are the same records with the same TTLs, in whatever order."""
    return {ordered(each) for each in one} == {ordered(each) for each in other}


def alike(one: Iterable[RecordSet], other: Iterable[RecordSet]) -> bool:
    """Tell whether these are the same records, whatever their TTLs."""
    return _values(one) == _values(other)


def ordered(records: RecordSet) -> RecordSet:
    """Return a record set in an order that doesn't turn."""
    return replace(records, values=tuple(sorted(records.values)))


def leading(sets: Iterable[RecordSet]) -> RecordSets:
    """Return those of the records that lead a pull: a CNAME, or else addresses."""
    found = sorted((ordered(each) for each in sets if each.type in LEADING), key=_order)
    return tuple(each for each in found if each.type == "CNAME") or tuple(found)


def held_by(server: NameServer) -> RecordSets:
    """Return what a name server says that the name which it was asked about holds."""
    found = (answer.of(answer.type) for answer in server.answers if answer.type in HELD)
    return tuple(records for records in found if records is not None)


def touched(old: Iterable[RecordSet], new: RecordSets) -> RecordSets:
    """Return what goes, or gets other values, when a name that holds `old` is to hold `new`."""
    return tuple(each for each in old if _has_cname(new) or each.type in LEADING)


def lines(sets: Iterable[RecordSet]) -> tuple[str, ...]:
    """Return records as lines of a zone file (RFC 1035, 5.1)."""
    return tuple(
        f"{each.name}. {each.ttl} IN {each.type} {value}" for each in sets for value in each.values
    )


def shown(sets: Iterable[RecordSet]) -> str:
    """Return records in one line."""
    return "; ".join(lines(sets)) or "nothing"


def _values(sets: Iterable[RecordSet]) -> set[tuple[str, tuple[str, ...]]]:
    return {(each.type, tuple(sorted(each.values))) for each in sets}


def _has_cname(sets: RecordSets) -> bool:
    return any(each.type == "CNAME" for each in sets)


def _order(records: RecordSet) -> tuple[int, str]:
    known = HELD.index(records.type) if records.type in HELD else len(HELD)
    return known, records.type
