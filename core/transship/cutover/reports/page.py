"""A cutover as one HTML page: no scripts, nothing from elsewhere, fit to be read and printed.

What comes from outside is escaped wherever it stands, and a policy in the page forbids it to load
or run anything even so (Content Security Policy, level 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from transship.cutover.finding import Phase
from transship.cutover.progress import State
from transship.cutover.reports.grid import grid_of
from transship.cutover.reports.rows import UNSETTLED, rows_of
from transship.cutover.reports.standing import Standing
from transship.cutover.reports.words import conclusion, facts, headline, when
from transship.text import safe

_TITLES = {Phase.BEFORE: "Before the change", Phase.CHANGE: "The change", Phase.AFTER: "After it"}
_STYLE = """
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: #1d2330;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
header, section { margin-top: 1rem; padding: 1.1rem 1.5rem; background: #fff; }
header { border-left: .5rem solid #a86500; }
header.good { border-color: #1a7f4b; }
h1 { margin: 0 0 .4rem; font-size: 1.7rem; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e4e7ec; overflow-wrap: anywhere; }
.state { white-space: nowrap; font-weight: 600; }
pre { margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere; background: #eef0f3;
  padding: .4rem .6rem; font: .85rem/1.4 ui-monospace, Menlo, Consolas, monospace; }
@media print { body { background: #fff; } tr { break-inside: avoid; } }
"""


def page(standing: Standing, now: float) -> Iterator[str]:
    """Give the page piece by piece."""
    title = f"{headline(standing)}: {standing.subject.domain.host}"
    kind = "good" if standing.state is State.MOVED else "open"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header class="{kind}">\n<h1>{_shown(title)}</h1>\n'
        f"<p>{_shown(conclusion(standing))}</p>\n</header>\n"
    )
    yield from _section("The cutover", _table((), facts(standing)))
    yield from _edit(standing)
    yield from _open(standing)
    rows = rows_of(standing)
    for phase, words in _TITLES.items():
        lines = (
            (f"{row.check} {row.title}", str(row.state), row.seen, when(row.taken))
            for row in rows
            if row.phase is phase
        )
        yield from _section(words, _table(("Check", "State", "Seen", "At"), lines))
    cells = (
        (f"{c.name} {c.address}", c.says, ", ".join(c.values), str(c.ttl), c.note, when(c.at))
        for c in grid_of(standing)
    )
    header = ("Who", "Says", "Value", "TTL", "Note", "At")
    yield from _section("Name servers and resolvers", _table(header, cells))
    notes = ((when(note.at), note.text, note.by) for note in standing.notes)
    yield from _section("Journal", _table(("When", "What", "Who"), notes))
    yield f"<footer>Made on {when(now)} by Transship.</footer>\n</main>\n</body>\n</html>\n"


def _edit(standing: Standing) -> Iterator[str]:
    edit = standing.edit
    if edit is None:
        return
    for title, lines in (("The edit", edit.forward), ("The way back", edit.reverse)):
        text = [f"- {line}" for line in lines.remove] + [f"+ {line}" for line in lines.add]
        yield from _section(title, _pre(text))


def _open(standing: Standing) -> Iterator[str]:
    pairs = zip(rows_of(standing), standing.checks, strict=True)
    wanted = [(row, result) for row, result in pairs if row.state in UNSETTLED]
    if not wanted:
        return
    yield "<section>\n<h2>What is open</h2>\n"
    for row, result in wanted:
        yield f"<h3>{_shown(f'{row.check} {row.title}: {row.state}')}</h3>\n"
        yield "" if result.findings else f"<p>{_shown(row.seen)}</p>\n"
        for each in result.findings:
            yield f"<p>{_shown(each.seen)}</p>\n<p>{_shown(each.means)}</p>\n"
            yield f"<p>To do: {_shown(each.remedy)}</p>\n" if each.remedy else ""
            yield from _pre(each.record.split("\n")) if each.record else ()
    yield "</section>\n"


def _section(title: str, inside: Iterable[str]) -> Iterator[str]:
    yield f"<section>\n<h2>{title}</h2>\n"
    yield from inside
    yield "</section>\n"


def _pre(lines: Iterable[str]) -> Iterator[str]:
    yield "<pre>" + "\n".join(_shown(line) for line in lines) + "</pre>\n"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = "".join(f"<th>{word}</th>" for word in header)
    yield (
        f"<table>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n" if titles else "<table>\n<tbody>\n"
    )
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>\n"
    yield "</tbody>\n</table>\n"


def _shown(text: str) -> str:
    return escape(safe(text), quote=True)
