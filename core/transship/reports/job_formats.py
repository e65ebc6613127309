"""The report of a job as JSON, Markdown or one HTML page, and as a file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from itertools import islice
from pathlib import Path

from transship.errors import BadRequest, SystemRefused
from transship.reports.job import (
    HEADLINES,
    MEANINGS,
    Conclusion,
    Report,
    ReportLine,
    Undoing,
    Verification,
    conclusion_text,
    facts,
    open_report,
    stopped_words,
    verification_text,
    when,
)
from transship.reports.markdown import code, escaped
from transship.text import bytes_text, counted, duration_text, safe
from transship.transfers.jobs import Job
from transship.transfers.journal import Created

_CREATED = {
    Created.DONE: "created",
    Created.THERE: "there",
    Created.FAILED: "failed",
}
"""What became of what had to be created; anything else is unfinished."""


def document(report: Report) -> Iterator[str]:
    """Give the document piece by piece. Pure ASCII, so that it harms no terminal."""
    head = json.dumps(_head(report), indent=2)
    yield f'{head.removesuffix("}").rstrip()},\n  "copies": ['
    separator = "\n"
    for line in report.lines():
        yield f"{separator}    {json.dumps(_line(line))}"
        separator = ",\n"
    yield "\n  ]\n}\n"


def _head(report: Report) -> dict[str, object]:
    problem = dict(zip(("title", "detail", "remedy"), report.problem or (), strict=False))
    return {
        "report": 1,
        "made": _time(report.made),
        "made_by_version": report.version,
        "job": report.job,
        "kind": report.asked.kind,
        "state": str(report.state),
        "conclusion": str(report.conclusion),
        "started_by": report.ran.by or None,
        "version": report.ran.version or None,
        "asked": {
            "source": report.asked.source,
            "target": report.asked.target,
            "on_conflict": report.asked.on_conflict,
            "referrers": report.asked.referrers,
            "platforms": list(report.asked.platforms),
            "plan": report.asked.plan,
        },
        "times": {
            "created": _time(report.created),
            "started": _time(report.started),
            "ended": _time(report.ended),
            "seconds": report.seconds,
        },
        "counts": asdict(report.counts),
        "results": dict(report.results),
        "bytes": asdict(report.bytes),
        "problem": problem or None,
        "failures": [
            {
                "cause": cause.cause,
                "title": cause.title,
                "remedy": cause.remedy,
                "count": len(cause.lines),
                "copies": [
                    {"source": line.source, "target": line.target, "detail": line.detail}
                    for line in cause.lines
                ],
            }
            for cause in report.causes
        ],
        "creations": [
            {
                "registry": kept.creation.target,
                "kind": kept.creation.missing.kind,
                "name": kept.creation.missing.name,
                "visibility": str(kept.creation.visibility),
                "immutable_tags": kept.creation.options.immutable_tags,
                "resource_tags": dict(kept.creation.options.resource_tags),
                "result": _CREATED.get(kept.state, "unfinished"),
                "detail": kept.detail,
            }
            for kept in report.creations
        ],
        "verification": _verification(report.verification) if report.verification else None,
        "trust": asdict(report.trust) if report.trust else None,
        "undo": _undo(report.undoing) if report.undoing else None,
    }


def _verification(verification: Verification) -> dict[str, object]:
    return asdict(verification) | {
        "at": _time(verification.at),
        "by": verification.by or None,
        "differences": [asdict(missing) for missing in verification.differences],
    }


def _undo(undoing: Undoing) -> dict[str, object]:
    kept = undoing.kept
    return {
        "by": kept.by or None,
        "began": _time(kept.began),
        "ended": _time(kept.ended),
        "complete": kept.whole,
        "restored": kept.restored,
        "open": [
            {"tag": tag, "result": result, "detail": detail} for tag, result, detail in undoing.open
        ],
    }


def _line(line: ReportLine) -> dict[str, object]:
    return {
        "source": line.source,
        "target": line.target,
        "digest": line.digest,
        "previous": line.previous,
        "result": line.result,
        "reason": line.reason,
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_NAMES = ("From", "To")


def markdown_report(report: Report) -> Iterator[str]:
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


def _digest(line: ReportLine) -> str:
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
    yield from _page_undone(report)
    yield from _page_failures(report)
    yield from _page_digests(report)
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


def _page_undone(report: Report) -> Iterator[str]:
    if report.undoing is None or not report.undoing.open:
        return
    yield "<section>\n<h2>What its undo has left</h2>\n"
    yield from _table(("Tag", "Result", "Detail"), report.undoing.open)
    yield "</section>\n"


def _page_failures(report: Report) -> Iterator[str]:
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


def _page_digests(report: Report) -> Iterator[str]:
    total = report.counts.total
    shown = f"the first {DIGESTS_SHOWN:,} of {total:,}" if total > DIGESTS_SHOWN else f"{total:,}"
    yield f"<section>\n<details>\n<summary><h2>Digests ({shown})</h2></summary>\n"
    yield '<table class="digests">\n<thead><tr><th>Result</th><th>Target</th><th>Digest</th></tr>'
    yield "</thead>\n<tbody>\n"
    yield from map(_page_digest, islice(report.lines(), DIGESTS_SHOWN))
    yield "</tbody>\n</table>\n"
    if total > DIGESTS_SHOWN:
        command = f"transship report {report.job} --format json"
        yield f"<p>All {total:,} are in the JSON: <code>{_shown(command)}</code></p>\n"
    yield "</details>\n</section>\n"


def _page_digest(line: ReportLine) -> str:
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


class Form(StrEnum):
    """How a report is written."""

    MD = "md"
    HTML = "html"
    JSON = "json"


WRITERS: dict[Form, Callable[[Report], Iterator[str]]] = {
    Form.MD: markdown_report,
    Form.HTML: page,
    Form.JSON: document,
}

_ENDINGS = {".html": Form.HTML, ".htm": Form.HTML, ".json": Form.JSON}


def form_of(path: Path) -> Form:
    """Return the form that a file's name asks for."""
    return _ENDINGS.get(path.suffix.lower(), Form.MD)


def report_pieces(job: Job, form: Form, now: float) -> Iterator[str]:
    """Give the report of a job as it is `now`, piece by piece. Raises BadFile."""
    with open_report(job, now) as report:
        yield from WRITERS[form](report)


def write_report(job: Job, path: Path, form: Form, now: float, *, replace: bool) -> None:
    """Write the report of a job as it is `now`: the whole file, or nothing of it.

    Raises BadFile, BadRequest for a file that is there and may not be replaced, and SystemRefused
    where nothing can be written.
    """
    if path.exists() and not replace:
        raise BadRequest(f"{path} is there already", remedy="Choose another name, or replace it.")
    with open_report(job, now) as report:
        try:
            write_whole(path, WRITERS[form](report))
        except OSError as error:
            raise SystemRefused(f"{path}: {error.strerror}") from error


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a file whole, or leave what is there as it is. An OSError names `path`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f7; color: #1d2330; line-height: 1.45;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem; }
header { padding: 1.25rem 1.5rem; border-left: .5rem solid; border-radius: .4rem;
  background: #fff; }
header.good { border-color: #1a7f4b; }
header.bad { border-color: #b3261e; }
header.open { border-color: #a86500; }
.kind { margin: 0; color: #5b6474; }
h1 { margin: .1rem 0 .4rem; font-size: 1.75rem; }
.good h1 { color: #14663c; }
.bad h1 { color: #9a1f18; }
.open h1 { color: #845000; }
header p:last-child { margin: 0; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
section { margin-top: 1rem; padding: 1.1rem 1.5rem; background: #fff; border-radius: .4rem; }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0 0; padding: 0;
  list-style: none; }
.cards li { flex: 1 1 8rem; padding: .8rem 1rem; background: #fff; border-radius: .4rem;
  color: #5b6474; }
.cards b { display: block; color: #1d2330; font-size: 1.35rem; white-space: nowrap; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid #e4e7ec; overflow-wrap: anywhere; }
thead th { color: #5b6474; font-weight: 600; }
.facts th { width: 11rem; color: #5b6474; font-weight: 600; }
tbody td, .facts td { font-variant-numeric: tabular-nums; }
.number { width: 6rem; padding-right: 1.2rem; text-align: right; }
.total td { font-weight: 600; border-bottom: 0; }
details table, pre, code { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; font-size: .8rem; }
code { padding: .1rem .25rem; background: #eef0f3; border-radius: .2rem; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.digests td:first-child { white-space: nowrap; overflow-wrap: normal; }
.before { color: #5b6474; }
.remedy { margin: .2rem 0 .6rem; }
.remedy::before { content: "→ "; color: #5b6474; }
summary { cursor: pointer; }
summary h2 { display: inline; }
details[open] summary { margin-bottom: .6rem; }
footer { margin: 1.25rem 0; color: #5b6474; }
@media print {
  @page { margin: 16mm; }
  body { background: #fff; font-size: 10pt; }
  main { max-width: none; padding: 0; }
  header, section, .cards li { border-radius: 0; padding-left: 0; padding-right: 0; }
  header { border-left: .4rem solid; padding-left: 1rem; }
  section { border-top: 1px solid #c9ced6; }
  .cards { gap: .4rem; }
  .cards li { flex-basis: 5rem; }
  .cards b { font-size: 1.1rem; }
  section { padding-top: .8rem; padding-bottom: .4rem; }
  h2, h3, thead { break-after: avoid; }
  tr, .cards li { break-inside: avoid; }
  thead { display: table-header-group; }
}
"""
