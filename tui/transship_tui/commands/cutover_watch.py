"""`transship cutover DOMAIN watch`: each state when it comes, and what pulls by the domain show."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from transship.cutover.finding import Severity
from transship.cutover.progress import CutoverState
from transship.reports.cutover import cutover_document
from transship.text import safe
from transship.views.cutover import CheckRowState, check_rows, clock_lines
from transship_tui.commands.cutover_delta import rounds_beside, status_of
from transship_tui.commands.output import show, show_json
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.app.application import Application
    from transship.cutover.status import CutoverStatus

_DONE = (CutoverState.MOVED, CutoverState.ROLLED_BACK)
_PULLS = ("V-01", "V-02")
_SAID = (
    CheckRowState.PASS,
    CheckRowState.INFO,
    CheckRowState.WARN,
    CheckRowState.ACCEPTED,
    CheckRowState.BLOCKS,
)
_LONGEST = 400


async def follow_cutover(
    engine: Application, name: str, *, as_json: bool, delta: bool = False
) -> int:
    """Watch until the cutover is over; return 1 if pulls by the domain fail then.

    With `delta`, what is pushed to the old registry meanwhile is copied to the new one, and the
    watch ends when nothing more comes; 3 when somebody has to decide about tags.
    """
    news = _News(quiet=as_json)
    standing: CutoverStatus | None = None

    def line() -> str:
        if standing is None:
            return "asking name servers and resolvers"
        now = engine.clock.now()
        clocks = "; ".join(f"{c.name} {c.words}" for c in clock_lines(standing, now))
        return f"{standing.state}: {clocks}"

    async with (
        watched(line),
        rounds_beside(engine, name, wanted=delta, quiet=as_json) as rounds,
        aclosing(engine.cutovers.checks.watch(name)) as standings,
    ):
        async for standing in standings:
            news.tell(standing)
            if standing.state in _DONE and rounds.over(standing):
                break
    if standing is not None and standing.state is CutoverState.MOVED:
        standing = await engine.cutovers.checks.look_after_change(name)
        news.forget_pulls()
        news.tell(standing)
    if as_json:
        show_json(cutover_document(engine.cutovers.find(name), engine.clock.now()))
    failing = standing.result("V-01") if standing else None
    if failing is not None and failing.severity is Severity.BLOCK:
        return 1
    return status_of(engine.cutovers.find(name)) if delta else 0


def pull_lines(standing: CutoverStatus) -> Iterator[str]:
    """Give what pulls by the domain have shown; nothing while there were none."""
    for row in check_rows(standing):
        if row.check in _PULLS and row.state in _SAID:
            what = "" if row.state is CheckRowState.PASS else f"{row.state}: "
            yield safe(f"{row.title}: {what}{row.seen}", limit=_LONGEST)


class _News:
    """Writes what is new: the state, and what pulls show."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._state: CutoverState | None = None
        self._pulls: tuple[str, ...] = ()
        self._trouble = ""

    def forget_pulls(self) -> None:
        """Let the next pulls be written although they show what the last ones did."""
        self._pulls = ()

    def tell(self, standing: CutoverStatus) -> None:
        """Write what of this hasn't been written yet."""
        lines = []
        if standing.state is not self._state:
            self._state = standing.state
            lines.append(safe(f"{standing.subject.domain.host}: {standing.state}"))
        if (pulls := tuple(pull_lines(standing))) != self._pulls:
            self._pulls = pulls
            lines += [f"  {text}" for text in pulls]
        if standing.trouble != self._trouble:
            self._trouble = standing.trouble
            lines += [safe(f"  {self._trouble}", limit=_LONGEST)] if self._trouble else []
        if not self._quiet:
            for text in lines:
                show(text)
