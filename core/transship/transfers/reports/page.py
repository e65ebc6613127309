"""A report as one HTML page: no scripts, nothing from elsewhere, fit to be read and printed.

What comes from outside is escaped wherever it stands, and a policy in the page forbids it to load
or run anything even so (Content Security Policy, level 3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from transship.text import bytes_text, counted, duration_text, safe
from transship.transfers.reports.report import Conclusion, Line, Report
from transship.transfers.reports.style import STYLE
from transship.transfers.reports.words import (
    HEADLINES,
    MEANINGS,
    conclusion_text,
    facts,
    stopped_words,
    verification_text,
    when,
)

DIGESTS_SHOWN = 1000
"""How many copies the list of digests shows; JSON and Markdown have all."""

_PLAN_LINES = 400
_CODE = re.compile(r"`([^`]*)`")
_CLASSES = {
    Conclusion.PROVEN: "good",
    Conclusion.DONE: "good",
    Conclusion.INCOMPLETE: "bad",
    Conclusion.UNFINISHED: "open",
    Conclusion.UNDONE: "open",
}


def page(report: Report) -> Iterator[str]:
    """Give the page piece by piece."""
    headline = HEADLINES[report.conclusion]
    title = f"{headline}: job {report.job}"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    yield f'<header class="{_CLASSES[report.conclusion]}">\n'
    yield f'<p class="kind">Transship: report of a {_shown(report.asked.kind)} job</p>\n'
    yield f"<h1>{_shown(headline)}</h1>\n<p>{_with_code(conclusion_text(report))}</p>\n</header>\n"
    yield from _cards(report)
    yield from _facts(report)
    yield from _results(report)
    yield from _proof(report)
    yield from _undone(report)
    yield from _failures(report)
    yield from _digests(report)
    yield from _plan(report)
    yield f"<footer>Made on {when(report.made)} by Transship {_shown(report.version)}.</footer>\n"
    yield "</main>\n</body>\n</html>\n"


def _shown(text: str) -> str:
    return escape(safe(text), quote=True)


def _with_code(text: str) -> str:
    """Return a sentence of ours, with what it quotes as commands set as such."""
    return _CODE.sub(r"<code>\1</code>", _shown(text))


def _cards(report: Report) -> Iterator[str]:
    counts = report.counts
    cards = [
        (f"{counts.total:,}", "image" if counts.total == 1 else "images"),
        (f"{counts.copied:,}", "copied"),
        *([(f"{counts.deleted:,}", "deleted")] if counts.deleted else []),
        (f"{counts.failed:,}", "failed"),
        (bytes_text(report.bytes.sent), "sent"),
        (bytes_text(report.bytes.saved), "saved"),
    ]
    if report.seconds is not None:
        cards.append((duration_text(report.seconds), "taken"))
    yield '<ul class="cards">\n'
    for number, word in cards:
        yield f"<li><b>{number}</b> {word}</li>\n"
    yield "</ul>\n"


def _facts(report: Report) -> Iterator[str]:
    yield '<section>\n<h2>The job</h2>\n<table class="facts">\n'
    for name, fact in facts(report):
        yield f"<tr><th>{_shown(name)}</th><td>{_shown(fact)}</td></tr>\n"
    yield "</table>\n</section>\n"


def _results(report: Report) -> Iterator[str]:
    yield "<section>\n<h2>What was done</h2>\n<table>\n"
    for result, count in report.results.items():
        meaning = MEANINGS.get(result, result)
        yield f'<tr><td class="number">{count:,}</td><td>{_shown(meaning)}</td></tr>\n'
    total = counted(report.counts.total, "image").partition(" ")[0]
    yield f'<tr class="total"><td class="number">{total}</td><td>in all</td></tr>\n'
    yield "</table>\n</section>\n"


def _proof(report: Report) -> Iterator[str]:
    verification = report.verification
    yield "<section>\n<h2>Proof</h2>\n"
    yield f"<p>{_with_code(verification_text(verification, report.job))}</p>\n"
    if verification is not None and not verification.holds:
        yield from _table(
            ("Problem", "Source", "Target", "Detail"),
            ((m.problem, m.source, m.target, m.detail) for m in verification.differences),
        )
    yield "</section>\n"


def _undone(report: Report) -> Iterator[str]:
    if report.undoing is None or not report.undoing.open:
        return
    yield "<section>\n<h2>What its undo has left</h2>\n"
    yield from _table(("Tag", "Result", "Detail"), report.undoing.open)
    yield "</section>\n"


def _failures(report: Report) -> Iterator[str]:
    if not report.causes and report.problem is None:
        return
    yield "<section>\n<h2>What failed, and what to do</h2>\n"
    if report.problem is not None:
        title, detail, remedy = report.problem
        yield f"<h3>{stopped_words(report)}: {_shown(title)}</h3>\n<p>{_shown(detail)}</p>\n"
        yield f'<p class="remedy">{_with_code(remedy)}</p>\n'
    for cause in report.causes:
        images = counted(len(cause.lines), "image")
        yield f"<h3>{_shown(cause.title)}: {images}</h3>\n"
        yield f'<p class="remedy">{_with_code(cause.remedy)}</p>\n'
        yield from _table(
            ("Source", "Target", "Detail"),
            ((line.source, line.target, line.detail) for line in cause.lines),
        )
    yield "</section>\n"


def _digests(report: Report) -> Iterator[str]:
    total = report.counts.total
    shown = f"the first {DIGESTS_SHOWN:,} of {total:,}" if total > DIGESTS_SHOWN else f"{total:,}"
    yield f"<section>\n<details>\n<summary><h2>Digests ({shown})</h2></summary>\n"
    yield '<table class="digests">\n<thead><tr><th>Result</th><th>Target</th><th>Digest</th></tr>'
    yield "</thead>\n<tbody>\n"
    yield from map(_digest, islice(report.lines(), DIGESTS_SHOWN))
    yield "</tbody>\n</table>\n"
    if total > DIGESTS_SHOWN:
        command = f"transship report {report.job} --format json"
        yield f"<p>All {total:,} are in the JSON: <code>{_shown(command)}</code></p>\n"
    yield "</details>\n</section>\n"


def _digest(line: Line) -> str:
    before = line.previous if line.previous != line.digest else None
    was = f'<br><span class="before">before: {_shown(before)}</span>' if before else ""
    return (
        f"<tr><td>{_shown(line.result)}</td><td>{_shown(line.target)}</td>"
        f"<td>{_shown(line.digest or '')}{was}</td></tr>\n"
    )


def _plan(report: Report) -> Iterator[str]:
    lines = report.asked.plan.splitlines()
    yield "<section>\n<details>\n<summary><h2>What was asked: the plan</h2></summary>\n<pre>"
    for line in lines[:_PLAN_LINES]:
        yield f"{_shown(line)}\n"
    yield "</pre>\n"
    if len(lines) > _PLAN_LINES:
        yield f"<p>and {len(lines) - _PLAN_LINES:,} lines more, which the JSON has.</p>\n"
    yield "</details>\n</section>\n"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"<table>\n<thead><tr>{''.join(f'<th>{word}</th>' for word in header)}</tr></thead>\n"
    yield "<tbody>\n"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>\n"
    yield "</tbody>\n</table>\n"
