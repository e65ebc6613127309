"""The table that is printed. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sidebyside.judging import MEBIBYTE, Summary, fastest_peer
from sidebyside.scenarios import Scenario

_COLUMNS = "  {:<18} {:>8} {:>7} {:>8} {:>7} {:>7} {:>7} {:>9} {:>6} {:>5}"


def headline(scenario: Scenario) -> str:
    """Return the head of a scenario's part of the table."""
    far = f", {scenario.seconds * 1000:.0f} ms to each" if scenario.seconds else ""
    https = ", https" if scenario.tls else ""
    titles = ("", "wall s", "ratio", "CPU s", "MiB", "reads", "writes", "MiB up", "twice", "runs")
    return f"\n{scenario.name}: target has {scenario.has}{far}{https}\n{_COLUMNS.format(*titles)}"


def line_of(summary: Summary, found: Sequence[Summary]) -> str:
    """Return the line of one tool; its ratio is to the fastest peer."""
    fastest = fastest_peer(found)
    ratio = f"{summary.wall / fastest.wall:.2f}" if fastest else "-"
    if summary.failed and not summary.stopped:
        ratio = "-"
    line = _COLUMNS.format(
        summary.tool,
        f"{summary.wall:.2f}",
        ratio,
        f"{summary.cpu:.2f}",
        f"{summary.memory / MEBIBYTE:.0f}",
        summary.source_requests,
        summary.target_requests,
        f"{summary.bytes_up / MEBIBYTE:.1f}",
        summary.twice,
        summary.runs,
    )
    if summary.stopped:
        return f"{line}  STOPPED: it takes longer"
    return f"{line}  NOT COMPLETE\n    {summary.said}" if summary.failed else line
