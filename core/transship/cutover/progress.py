"""How far a cutover is: state, clocks, a row for each name server and resolver. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import takewhile

from transship.cutover.questions import parsed_answer
from transship.cutover.rules.case import Case, Side, clocks_of, leads_to_target, ttl_served
from transship.cutover.rules.zone import LOW
from transship.cutover.timeline import (
    ENOUGH,
    Clocks,
    Readiness,
    Sample,
    Served,
    clocks,
    is_clamped,
    readiness,
)

_OLD = ("the old value",)
_HIGHEST_LOW = 600  # What some providers' free plans allow.


class CutoverState(StrEnum):
    """Where a cutover stands."""

    BEFORE = "before"
    """The record is the old one and caches may hold it for long, or a server has none."""
    READY = "ready"
    """The record is the old one, and nobody who obeys holds it for long."""
    CHANGING = "changing"
    """Name servers say different things, or one of them says that there is no record."""
    CHANGED = "changed"
    """Every name server says the new value; resolvers are still to follow."""
    MOVED = "moved"
    """Every resolver that answers has followed, and the time that caches may take is over."""
    ROLLED_BACK = "rolled back"
    """Every name server says the old value again."""


@dataclass(frozen=True, slots=True)
class ServerRow:
    """What one address of a name server says, since when, and when it was asked last."""

    server: str
    side: Side
    values: tuple[str, ...]
    ttl: int
    since: float
    seen: float


@dataclass(frozen=True, slots=True)
class ResolverRow:
    """What a resolver said last, at `seen`, with `ttl` seconds left of it then.

    `in_a_row` counts its last answers that led where the newest one does, up to `ENOUGH`; `moved`,
    whether it leads where the name servers do, that often. `clamps`: it holds records for longer
    than any name server said.
    """

    resolver: str
    side: Side
    values: tuple[str, ...]
    ttl: int
    seen: float
    in_a_row: int
    moved: bool
    clamps: bool


@dataclass(frozen=True, slots=True)
class CutoverProgress:
    """A cutover at one moment, `at`. `clocks` are those of the change, or of the way back.

    `missing` are the servers that say that there is no record: pulls fail by it.
    """

    state: CutoverState
    at: float
    readiness: Readiness
    clocks: Clocks
    servers: tuple[ServerRow, ...]
    resolvers: tuple[ResolverRow, ...]
    missing: tuple[str, ...] = ()

    @property
    def waits(self) -> float | None:
        """Seconds until a change is safe, 0 when it is, None when that can't be told yet."""
        return self.readiness.waits(self.at)


def assess_progress(case: Case) -> CutoverProgress:
    """Return how far a cutover is, from all that was served and seen."""
    servers = _server_rows(case)
    back = _is_back(case, servers)
    times = rollback_clocks(case) if back else clocks_of(case)
    missing = tuple(row.server for row in servers if row.side is Side.MISSING)
    ready = _readiness(case)
    return CutoverProgress(
        state=_state(case, servers, times, ready, back=back),
        at=case.now,
        readiness=ready,
        clocks=times,
        servers=servers,
        resolvers=_resolver_rows(case, Side.OLD if back else Side.NEW),
        missing=missing,
    )


def rollback_clocks(case: Case) -> Clocks:
    """Return the clocks of the way back. Every value but those of the target is the old one."""

    def canonical(values: tuple[str, ...]) -> tuple[str, ...]:
        return values if not values or leads_to_target(case, values) else _OLD

    history = [replace(each, values=canonical(each.values)) for each in case.history]
    samples = [replace(each, values=canonical(each.values)) for each in case.samples]
    return clocks(history, samples, _OLD, case.now)


def _state(
    case: Case, servers: Sequence[ServerRow], times: Clocks, ready: Readiness, *, back: bool
) -> CutoverState:
    sides = {row.side for row in servers}
    if back:
        return CutoverState.ROLLED_BACK
    if sides == {Side.NEW}:
        over = times.as_seen is None or case.now >= times.as_seen
        return CutoverState.MOVED if over and not times.stragglers else CutoverState.CHANGED
    if Side.NEW in sides or _was_new(case):
        return CutoverState.CHANGING
    steady = Side.MISSING not in sides and ready.waits(case.now) == 0
    return CutoverState.READY if steady else CutoverState.BEFORE


def _is_back(case: Case, servers: Sequence[ServerRow]) -> bool:
    return {row.side for row in servers} == {Side.OLD} and _was_new(case)


def _was_new(case: Case) -> bool:
    return any(_side(case, each.values) is Side.NEW for each in case.history)


def _side(case: Case, values: tuple[str, ...]) -> Side:
    if not values:
        return Side.MISSING
    return Side.NEW if leads_to_target(case, values) else Side.OLD


def _readiness(case: Case) -> Readiness:
    given = parsed_answer(case.evidence, "ttl-before")
    before = given.number if given and given.good else None
    served = ttl_served(case)
    low = LOW if served is None else max(LOW, min(served, _HIGHEST_LOW))
    old = [each for each in case.history if _side(case, each.values) is Side.OLD]
    return readiness(old, low, before)


def _server_rows(case: Case) -> tuple[ServerRow, ...]:
    last: dict[str, Served] = {each.server: each for each in case.history}
    return tuple(
        ServerRow(
            each.server, _side(case, each.values), each.values, each.ttl, each.first, each.last
        )
        for each in last.values()
    )


def _resolver_rows(case: Case, wanted: Side) -> tuple[ResolverRow, ...]:
    highest = max((each.ttl for each in case.history), default=None)
    by_name: dict[str, list[Sample]] = {}
    for each in case.samples:
        by_name.setdefault(each.resolver, []).append(each)
    rows = []
    for name, samples in by_name.items():
        last = samples[-1]
        here = _side(case, last.values)
        row = _run([_side(case, each.values) for each in samples])
        rows.append(
            ResolverRow(
                resolver=name,
                side=here,
                values=last.values,
                ttl=last.ttl,
                seen=last.at,
                in_a_row=min(row, ENOUGH),
                moved=here is wanted and row >= ENOUGH,
                clamps=highest is not None and is_clamped(samples, highest),
            )
        )
    return tuple(rows)


def _run(sides: Sequence[Side]) -> int:
    """Return how many at the end are like the last one."""
    return sum(1 for _ in takewhile(lambda each: each is sides[-1], reversed(sides)))
