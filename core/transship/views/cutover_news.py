"""What has changed between two looks at a cutover, a line each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transship.cutover.progress import CutoverState
from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.text import safe
from transship.views.cutover import GridCell, grid_cells

_AFTER = (*CHANGED_STATES, CutoverState.ROLLED_BACK)


def news(before: CutoverStatus | None, now: CutoverStatus) -> Iterator[str]:
    """Give what name servers and resolvers say anew, who has moved, and where the cutover stands.

    Without `before` that is all there is to say. Whoever still says the other value is named when
    the last name server has the one that counts.
    """
    known = {_key(each): each for each in grid_cells(before)} if before else {}
    entered = before is None or before.state is not now.state
    follows = entered and now.state in _AFTER
    for cell in grid_cells(now):
        was = known.get(_key(cell))
        if was is None or was.values != cell.values:
            yield f"{_name(cell)} says {_values(cell.values)}{_for_how_long(cell)}"
        elif follows and cell.kind != "server" and not cell.moved and cell.values:
            yield f"{_name(cell)} still says {_values(cell.values)}{_for_how_long(cell)}"
        if cell.has_moved and not (was is not None and was.has_moved):
            yield f"{_name(cell)} has moved: {cell.moved} such answers in a row"
    if now.trouble and (before is None or before.trouble != now.trouble):
        yield safe(now.trouble, limit=400)
    if entered:
        yield f"{safe(now.subject.domain.host)}: {now.state}"


def followed(standing: CutoverStatus) -> bool:
    """Tell whether a change, or the way back from it, is over: every resolver has followed."""
    if standing.state is not CutoverState.ROLLED_BACK or standing.progress is None:
        return standing.state is CutoverState.MOVED
    return all(row.moved for row in standing.progress.resolvers)


def _key(cell: GridCell) -> tuple[bool, str, str]:
    return cell.kind == "server", cell.name, cell.address


def _name(cell: GridCell) -> str:
    kind = "name server" if cell.kind == "server" else "resolver"
    return f"{kind} {cell.name}"


def _values(values: Sequence[str]) -> str:
    return ", ".join(value.rstrip(".") for value in values) or "that there is no record"


def _for_how_long(cell: GridCell) -> str:
    if not cell.values:
        return ""
    return f", TTL {cell.ttl} s" if cell.kind == "server" else f", for {cell.ttl} s more"
