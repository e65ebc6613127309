"""The table that is printed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sidebyside.judging import MEBIBYTE, Summary, fastest_peer
from sidebyside.request_plan import planned
from sidebyside.scenarios import Scenario

_COLUMNS = "  {:<18} {:>8} {:>7} {:>8} {:>7} {:>7} {:>7} {:>9} {:>6} {:>5}"
_NO_FIGURE = "-"


def headline(scenario: Scenario) -> str:
    """Return the head of a scenario's part of the table, with the requests that are needed."""
    far = f", {scenario.seconds * 1000:.0f} ms to each" if scenario.seconds else ""
    https = ", https" if scenario.tls else ""
    titles = ("", "wall s", "ratio", "CPU s", "MiB", "reads", "writes", "MiB up", "twice", "runs")
    plan = planned(scenario, trusts=False)
    needed = _COLUMNS.format("(plan)", *[""] * 4, plan.source, plan.target, *[""] * 3)
    return "\n".join(
        (
            f"\n{scenario.name}: target has {scenario.has}{far}{https}",
            _COLUMNS.format(*titles),
            needed.rstrip(),
        )
    )


def line_of(summary: Summary, found: Sequence[Summary]) -> str:
    """Return the line of one tool; its ratio is to the fastest peer.

    Runs that were not complete are no figures. One that was stopped takes more than it says.
    """
    if summary.failed and not summary.stopped:
        figures = [summary.tool, *[_NO_FIGURE] * 8, summary.runs]
        return f"{_COLUMNS.format(*figures)}  NOT COMPLETE\n    {summary.said}"
    fastest = fastest_peer(found)
    more = ">" if summary.stopped else ""
    line = _COLUMNS.format(
        summary.tool,
        f"{more}{summary.wall:.2f}",
        f"{more}{summary.wall / fastest.wall:.2f}" if fastest else _NO_FIGURE,
        f"{summary.cpu:.2f}",
        f"{summary.memory / MEBIBYTE:.0f}",
        summary.source_requests,
        summary.target_requests,
        f"{summary.bytes_up / MEBIBYTE:.1f}",
        summary.twice,
        summary.runs,
    )
    return f"{line}  STOPPED" if summary.stopped else line
