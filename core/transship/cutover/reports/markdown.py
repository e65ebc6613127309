"""A cutover in Markdown, to be pasted into a change ticket; no line of it can be forged."""

from __future__ import annotations

from collections.abc import Iterator

from transship.cutover.finding import CheckResult, Phase
from transship.cutover.reports.grid import grid_of
from transship.cutover.reports.rows import UNSETTLED, Row, rows_of
from transship.cutover.reports.standing import Standing
from transship.cutover.reports.words import conclusion, facts, headline, when
from transship.markdown import code, escaped
from transship.text import safe

_TITLES = {Phase.BEFORE: "Before the change", Phase.CHANGE: "The change", Phase.AFTER: "After it"}
_NAMES = ("Domain", "Read as", "From", "To", "Record")


def markdown(standing: Standing, now: float) -> Iterator[str]:
    """Give the report, piece by piece."""
    yield f"# {headline(standing)}: {code(standing.subject.domain.host)}\n"
    yield f"\n{escaped(conclusion(standing))}\n"
    yield "\n| | |\n|---|---|\n"
    for name, fact in facts(standing):
        yield f"| {name} | {code(fact, cell=True) if name in _NAMES else escaped(fact)} |\n"
    yield from _edit(standing)
    pairs = list(zip(rows_of(standing), standing.checks, strict=True))
    yield from _to_do(pairs)
    for phase, title in _TITLES.items():
        yield f"\n## {title}\n\n| Check | State | Seen | At |\n|---|---|---|---|\n"
        for row, _ in pairs:
            if row.phase is phase:
                seen = code(row.seen, cell=True) if row.seen else ""
                name = f"{row.check} {escaped(row.title)}"
                yield f"| {name} | {row.state} | {seen} | {when(row.taken)} |\n"
    yield from _servers(standing)
    yield from _journal(standing)
    yield f"\nMade on {when(now)} by Transship.\n"


def _edit(standing: Standing) -> Iterator[str]:
    edit = standing.edit
    if edit is None:
        return
    for title, lines in (("The edit", edit.forward), ("The way back", edit.reverse)):
        yield f"\n## {title}\n\n```diff\n"
        yield from (f"- {_plain(line)}\n" for line in lines.remove)
        yield from (f"+ {_plain(line)}\n" for line in lines.add)
        yield "```\n"
    yield from (f"\n{escaped(note)}\n" for note in edit.notes)


def _to_do(pairs: list[tuple[Row, CheckResult]]) -> Iterator[str]:
    wanted = [(row, result) for row, result in pairs if row.state in UNSETTLED]
    if not wanted:
        return
    yield "\n## What is open\n"
    for row, result in wanted:
        yield f"\n### {row.check} {escaped(row.title)}: {row.state}\n"
        if not result.findings:
            yield f"\n{code(row.seen)}\n"
        for finding in result.findings:
            yield f"\n{code(finding.seen)}\n\n{escaped(finding.means)}\n"
            yield f"\nTo do: {escaped(finding.remedy)}\n" if finding.remedy else ""
            if finding.record:
                yield "\n```\n"
                yield from (f"{_plain(line)}\n" for line in finding.record.split("\n"))
                yield "```\n"


def _servers(standing: Standing) -> Iterator[str]:
    cells = grid_of(standing)
    if not cells:
        return
    yield "\n## Name servers and resolvers\n\n| Who | Says | Value | TTL | In a row | At |\n"
    yield "|---|---|---|---:|---:|---|\n"
    for cell in cells:
        who = f"{cell.name} {cell.address}".strip()
        values = code(", ".join(cell.values), cell=True) if cell.values else ""
        row = "" if cell.kind == "server" else f"{cell.moved}/{cell.enough}"
        yield (
            f"| {code(who, cell=True)} | {cell.says} | {values} | {cell.ttl} | {row} "
            f"| {when(cell.at)} |\n"
        )


def _journal(standing: Standing) -> Iterator[str]:
    if not standing.notes:
        return
    yield "\n## Journal\n\n| When | What | Who |\n|---|---|---|\n"
    for note in standing.notes:
        by = code(note.by, cell=True) if note.by else ""
        yield f"| {when(note.at)} | {code(note.text, cell=True)} | {by} |\n"


def _plain(line: str) -> str:
    """Return a line for inside a fence, which it can't close."""
    return safe(line).replace("```", "'''")
