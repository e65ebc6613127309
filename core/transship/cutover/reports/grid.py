"""The grid of a watch: what each name server and resolver says, and for how long. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from transship.cutover.evidence import Answer, Evidence, NameServer, ResolverView
from transship.cutover.progress import Progress, ResolverRow, ServerRow, State
from transship.cutover.reports.standing import Standing
from transship.cutover.rules.case import (
    Case,
    Side,
    leads_to_target,
    left,
    serving,
    view_side,
    view_values,
)
from transship.cutover.timeline import ENOUGH
from transship.text import safe


@dataclass(frozen=True, slots=True)
class Cell:
    """What one server says.

    `kind` is `server` (authoritative), or where a resolver comes from: `system`, `operator`,
    `public`. `says` is `old`, `new`, `other` (neither), `missing` or `silent`. `until` is when a
    cache lets go of what it has, None where that can't be told. `moved` counts the answers in a row
    that lead where the record does, of `enough`.
    """

    kind: str
    name: str
    address: str
    says: str
    values: tuple[str, ...]
    ttl: int
    at: float
    until: float | None = None
    moved: int = 0
    enough: int = ENOUGH
    note: str = ""

    @property
    def has_moved(self) -> bool:
        """Whether it counts as moved."""
        return self.moved >= self.enough

    def left(self, now: float) -> float | None:
        """Return the seconds until a cache lets go of what it has."""
        return None if self.until is None else max(0.0, self.until - now)


def grid_of(standing: Standing) -> tuple[Cell, ...]:
    """Return what every name server says, and then what every resolver does."""
    progress = standing.progress
    evidence = standing.evidence or Evidence(0.0)
    old = _old_values(standing, evidence)
    zone = evidence.zone
    names = {server.address: server for server in zone.servers} if zone else {}
    views = {view.resolver: view for view in evidence.resolvers}
    cells: list[Cell] = []
    if progress is not None:
        cells += [_server(row, names.get(row.server), old) for row in progress.servers]
    answering = {server.address for server in serving(zone)}
    cells += [_lame(each) for each in names.values() if each.address not in answering]
    seen = progress.resolvers if progress else ()
    if progress is not None:
        cells += [_resolver(row, views.get(row.resolver), old, progress) for row in seen]
    known = {row.resolver for row in seen}
    case = Case(standing.subject, evidence, evidence.taken, standing.history, standing.samples)
    unknown = (each for each in views.values() if each.resolver not in known and each.samples)
    cells += [_only_checked(each, case, old) for each in unknown]
    return tuple(cells)


def moved_of(cells: Iterable[Cell]) -> tuple[int, int]:
    """Return how many of the resolvers have moved, and how many there are."""
    resolvers = [cell for cell in cells if cell.kind != "server"]
    return sum(cell.has_moved for cell in resolvers), len(resolvers)


def _old_values(standing: Standing, evidence: Evidence) -> frozenset[tuple[str, ...]]:
    """Return what the record was seen to hold before it was changed."""
    case = Case(standing.subject, evidence, evidence.taken, standing.history, standing.samples)
    said = {each.values for each in standing.history if each.values}
    return frozenset(each for each in said if not leads_to_target(case, each))


def _word(found: Side, values: tuple[str, ...], old: frozenset[tuple[str, ...]]) -> str:
    """Return whose value it is. Some of the addresses that were seen are that value too."""
    if found is not Side.OLD or not old:
        return str(found)
    return "old" if any(set(values) <= set(each) for each in old) else "other"


def _server(row: ServerRow, server: NameServer | None, old: frozenset[tuple[str, ...]]) -> Cell:
    return Cell(
        "server",
        safe(server.name if server else row.server),
        row.server,
        _word(row.side, row.values, old),
        tuple(map(safe, row.values)),
        row.ttl,
        row.seen,
        note=_serial(server) if server else "",
    )


def _serial(server: NameServer) -> str:
    soa = server.soa if server.soa.authoritative else server.soa_tcp
    records = soa.of("SOA")
    words = records.values[0].split() if records and records.values else ()
    return f"serial {safe(words[2])}" if len(words) > 2 else ""


def _lame(server: NameServer) -> Cell:
    answer = server.soa
    why = f"no answer: {answer.error}" if answer.error else f"{answer.rcode}, not authoritative"
    name, address = safe(server.name), server.address
    return Cell("server", name, address, "silent", (), 0, answer.at, note=safe(why))


def _resolver(
    row: ResolverRow, view: ResolverView | None, old: frozenset[tuple[str, ...]], progress: Progress
) -> Cell:
    wanted = Side.OLD if progress.state is State.ROLLED_BACK else Side.NEW
    notes = [*(_notes(view.newest) if view and view.samples else ())]
    notes += ["keeps it longer than it was told to"] if row.clamps else []
    return Cell(
        view.origin if view else "",
        safe(row.resolver),
        view.address if view else "",
        _word(row.side, row.values, old),
        tuple(map(safe, row.values)),
        row.ttl,
        row.seen,
        until=row.seen + row.ttl if row.values else None,
        moved=row.in_a_row if row.side is wanted else 0,
        note=safe(", ".join(notes)),
    )


def _only_checked(view: ResolverView, case: Case, old: frozenset[tuple[str, ...]]) -> Cell:
    """Return a resolver that was asked with all checks, and of which the watch knows nothing."""
    answer = view.newest
    values = view_values(answer)
    return Cell(
        view.origin,
        safe(view.resolver),
        view.address,
        _word(view_side(case, answer), values, old),
        tuple(map(safe, values)),
        left(answer),
        answer.at,
        until=answer.at + left(answer) if values else None,
        note=safe(", ".join(_notes(answer))),
    )


def _notes(answer: Answer) -> tuple[str, ...]:
    if answer.error:
        return (f"no answer: {answer.error}",)
    rcode = () if answer.rcode == "NOERROR" else (answer.rcode,)
    return (*rcode, *answer.extended[:1])
