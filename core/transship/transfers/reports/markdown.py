"""A report in Markdown, to be pasted into a ticket: complete, with no line that a name can forge.

Whatever comes from outside stands in code spans, so that it can be no link, no mention and no
markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from transship.markdown import code, escaped
from transship.text import counted, safe
from transship.transfers.reports.report import Line, Report
from transship.transfers.reports.words import (
    HEADLINES,
    MEANINGS,
    conclusion_text,
    facts,
    stopped_words,
    verification_text,
    when,
)

_NAMES = ("From", "To")


def markdown(report: Report) -> Iterator[str]:
    """Give the report, line by line."""
    yield f"# {HEADLINES[report.conclusion]}: {report.asked.kind} job {code(report.job)}\n"
    yield f"\n{escaped(conclusion_text(report))}\n"
    yield "\n| | |\n|---|---|\n"
    for name, fact in facts(report):
        shown = code(fact, cell=True) if name in _NAMES else escaped(fact)
        yield f"| {name} | {shown} |\n"
    yield "\n## What was done\n\n| Images | What became of them |\n|---:|---|\n"
    for result, count in report.results.items():
        yield f"| {count:,} | {MEANINGS.get(result, result)} |\n"
    yield f"| {report.counts.total:,} | in all |\n"
    yield f"\n## Proof\n\n{escaped(verification_text(report.verification, report.job))}\n"
    yield from _differences(report)
    yield from _undone(report)
    yield from _failures(report)
    yield from _digests(report)
    yield "\n## What was asked\n\n"
    yield from _block(report.asked.plan)
    yield f"\nMade on {when(report.made)} by `transship report {report.job} --format md`.\n"


def _differences(report: Report) -> Iterator[str]:
    verification = report.verification
    if verification is None or verification.holds:
        return
    yield "\n| Problem | Source | Target | Detail |\n|---|---|---|---|\n"
    for missing in verification.differences:
        cells = (missing.problem, missing.source, missing.target, missing.detail)
        yield f"| {' | '.join(code(text, cell=True) for text in cells)} |\n"


def _undone(report: Report) -> Iterator[str]:
    if report.undoing is None or not report.undoing.open:
        return
    yield "\n## What its undo has left\n\n| Tag | Result | Detail |\n|---|---|---|\n"
    for tag, result, detail in report.undoing.open:
        yield f"| {code(tag, cell=True)} | {result} | {code(detail, cell=True)} |\n"


def _failures(report: Report) -> Iterator[str]:
    if not report.causes and report.problem is None:
        return
    yield "\n## What failed, and what to do\n"
    if report.problem is not None:
        title, detail, remedy = report.problem
        yield f"\n### {stopped_words(report)}: {escaped(title)}\n\n{code(detail)}\n"
        yield f"\nTo do: {escaped(remedy)}\n"
    for cause in report.causes:
        yield f"\n### {escaped(cause.title)}: {counted(len(cause.lines), 'image')}\n"
        yield f"\nTo do: {escaped(cause.remedy)}\n"
        yield "\n| Source | Target | Detail |\n|---|---|---|\n"
        for line in cause.lines:
            cells = (line.source, line.target, line.detail)
            yield f"| {' | '.join(code(text, cell=True) for text in cells)} |\n"


def _digests(report: Report) -> Iterator[str]:
    yield "\n## Digests\n\n| Target | Digest | Result | Before |\n|---|---|---|---|\n"
    for line in report.lines():
        yield _digest(line)


def _digest(line: Line) -> str:
    digest = code(line.digest) if line.digest else ""
    before = code(line.previous) if line.previous and line.previous != line.digest else ""
    return f"| {code(line.target, cell=True)} | {digest} | {line.result} | {before} |\n"


def _block(text: str) -> Iterator[str]:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}toml\n"
    for line in text.splitlines():
        yield f"{safe(line, limit=len(line) + 1)}\n"
    yield f"{fence}\n"
