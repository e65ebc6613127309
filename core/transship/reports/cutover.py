"""A cutover's report as JSON, Markdown and HTML.

The document has keys that stay (`docs/cutover.md` lists them), times in ISO 8601 (UTC) and TTLs in
seconds. No line of the Markdown can be forged. The page has no scripts and nothing from elsewhere;
what comes from outside is escaped, and a policy in it forbids to load or run anything even so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from html import escape
from pathlib import Path

from transship.cutover.catchup import QUIET_ROUNDS, CatchupRound, tag_name
from transship.cutover.evidence import TagPair
from transship.cutover.finding import CheckResult, Phase, Severity
from transship.cutover.progress import CutoverState
from transship.cutover.rules.case import Case, Side
from transship.cutover.rules.verification import answered_by
from transship.cutover.status import CutoverStatus
from transship.errors import BadRequest
from transship.plans.file import write_text
from transship.reports.markdown import code, escaped
from transship.text import safe
from transship.views.cutover import (
    UNSETTLED_STATES,
    CheckRow,
    GridCell,
    acknowledged_by,
    catchup_words,
    check_row_counts,
    check_rows,
    clock_lines,
    current_blocks,
    evidence_age,
    grid_cells,
    is_evidence_old,
    remaining_gate,
    rollback_words,
    undecided_tags,
    waits_for,
    why_no_rollback,
)

_ANSWERED = {Side.OLD: "old", Side.NEW: "new"}


def cutover_document(standing: CutoverStatus, now: float) -> dict[str, object]:
    """Return what is known of a cutover, ready for JSON."""
    subject = standing.subject
    gate = remaining_gate(standing)
    age = evidence_age(standing, now)
    return {
        "cutover": 1,
        "made": _time(now),
        "domain": subject.domain.host,
        "name": standing.name,
        "old": subject.old or None,
        "new": subject.new,
        "record": subject.points_at,
        "state": str(standing.state),
        "looked_at": _time(standing.evidence.taken if standing.evidence else None),
        "looked_ago": None if age is None else int(age),
        "too_old": is_evidence_old(standing, now),
        "blocks": [f"{each.check}/{each.id}" for each in current_blocks(standing)],
        "change": {
            "clear": bool(standing.checks) and gate.clear,
            "blocks": [f"{f.check}/{f.id}" for f in gate.blocks],
            "open": [each.check for each in gate.open],
            "unaccepted": [f"{f.check}/{f.id}" for f in gate.unaccepted],
            "edit": _edit_document(standing),
        },
        "clocks": _clocks(standing),
        "delta": _delta(standing),
        "way_back": _rollback_document(standing),
        "checks": [
            _check(row, result, standing)
            for row, result in zip(check_rows(standing), standing.checks, strict=True)
        ],
        "pulls": _pulls(standing, now),
        "servers": [_cell(each) for each in grid_cells(standing)],
        "journal": [
            {"at": _time(note.at), "what": note.text, "by": note.by or None}
            for note in standing.notes
        ],
    }


def _edit_document(standing: CutoverStatus) -> dict[str, object] | None:
    edit = standing.edit
    if edit is None:
        return None
    return {
        "kind": str(edit.kind),
        "zone": edit.zone,
        "provider": edit.provider.title,
        "remove": list(edit.forward.remove),
        "add": list(edit.forward.add),
        "notes": list(edit.notes),
    }


def _clocks(standing: CutoverStatus) -> dict[str, object] | None:
    progress = standing.progress
    if progress is None:
        return None
    clocks, ready = progress.clocks, progress.readiness.ready_at
    begun = clocks.changed_at is not None
    return {
        "earliest_change": _time(ready or None),
        "ttl_ready": ready is not None and ready <= progress.at,
        "changed": _time(clocks.changed_at),
        "by_the_rules": _time(clocks.by_the_rules if begun else None),
        "as_seen": _time(clocks.as_seen if begun else None),
        "stragglers": list(clocks.stragglers),
        "behind": list(clocks.behind),
    }


def _delta(standing: CutoverStatus) -> dict[str, object]:
    return {
        "in_step": standing.quiet >= QUIET_ROUNDS,
        "quiet_rounds": standing.quiet,
        "asks": [_pair(each) for each in undecided_tags(standing)],
        "rounds": [_round(each) for each in standing.rounds],
    }


def _round(found: CatchupRound) -> dict[str, object]:
    left = found.left
    return {
        "at": _time(found.at),
        "doing": found.doing,
        "compared": found.compared,
        "job": found.job or None,
        "copied": [_pair(each) for each in found.copied],
        "to_copy": [_pair(each) for each in left.copies],
        "failed": [
            {"tag": f"{repository}:{tag}", "why": why} for repository, tag, why in found.failed
        ],
        "asks": [_pair(each) for each in left.asks],
        "only_new": [_pair(each) for each in left.only_new],
        "gone": [_pair(each) for each in left.gone],
        "unlisted": found.unlisted or None,
    }


def _pair(pair: TagPair) -> dict[str, object]:
    return {"tag": tag_name(pair), "old": pair.old or None, "new": pair.new or None}


def _rollback_document(standing: CutoverStatus) -> dict[str, object]:
    back = standing.way_back
    lost = back.lost if back else ()
    return {
        "blocked": why_no_rollback(standing) or None,
        "seconds": back.seconds if back else None,
        "hides": [f"{pair.repository}:{pair.tag}" for pair in lost],
        "remove": list(standing.edit.reverse.remove) if standing.edit else [],
        "add": list(standing.edit.reverse.add) if standing.edit else [],
    }


def _check(row: CheckRow, result: CheckResult, standing: CutoverStatus) -> dict[str, object]:
    skipped = acknowledged_by(standing.evidence, result.check)
    return {
        "check": row.check,
        "title": row.title,
        "phase": str(row.phase),
        "state": str(row.state),
        "seen": row.seen,
        "needs": result.needs or None,
        "at": _time(row.taken),
        "skipped": _said(skipped.by, skipped.at, skipped.answer) if skipped else None,
        "findings": [
            {
                "id": each.id,
                "severity": str(each.severity),
                "seen": each.seen,
                "means": each.means,
                "remedy": each.remedy or None,
                "record": each.record or None,
                "acknowledged": _acknowledged(result.check, each.id, each.severity, standing),
            }
            for each in result.findings
        ],
    }


def _acknowledged(
    check: str, finding: str, severity: Severity, standing: CutoverStatus
) -> dict[str, object] | None:
    if severity is not Severity.WARN:
        return None
    given = acknowledged_by(standing.evidence, check, finding)
    return _said(given.by, given.at, given.answer) if given else None


def _said(by: str, at: float, answer: str) -> dict[str, object]:
    return {"by": by or None, "at": _time(at), "reason": answer}


def _pulls(standing: CutoverStatus, now: float) -> list[dict[str, object]]:
    """Return the pulls by the domain, each with who led there and which registry answered."""
    if standing.evidence is None:
        return []
    case = Case(standing.subject, standing.evidence, now, standing.history, standing.samples)
    return [
        {
            "at": _time(each.at),
            "by": list(each.by),
            "address": each.address or None,
            "answered": _ANSWERED.get(answered_by(case, each)),
            "image": each.image or None,
            "bytes": each.bytes,
            "error": each.error or None,
        }
        for each in standing.evidence.by_name
    ]


def _cell(cell: GridCell) -> dict[str, object]:
    return {
        "kind": cell.kind or None,
        "name": cell.name,
        "address": cell.address or None,
        "says": cell.says,
        "values": list(cell.values),
        "ttl": cell.ttl,
        "at": _time(cell.at),
        "in_a_row": cell.moved if cell.kind != "server" else None,
        "note": cell.note or None,
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None


CUTOVER_HEADLINES = {
    CutoverState.BEFORE: "Not changed",
    CutoverState.READY: "Ready to be changed",
    CutoverState.CHANGING: "Being changed",
    CutoverState.CHANGED: "Changed, caches to follow",
    CutoverState.MOVED: "Moved",
    CutoverState.ROLLED_BACK: "Rolled back",
}


def cutover_headline(standing: CutoverStatus) -> str:
    """Return in a few words where the cutover stands; one that something forbids isn't ready."""
    if standing.state is CutoverState.READY and waits_for(standing):
        return "Low TTL, not ready"
    return CUTOVER_HEADLINES[standing.state]


def cutover_conclusion(standing: CutoverStatus) -> str:
    """Return in a sentence what there is to know first."""
    host = standing.subject.domain.host
    if standing.state in (CutoverState.BEFORE, CutoverState.READY):
        waits = waits_for(standing)
        return f"{host}: the change {waits or 'can be made: nothing stands in its way'}."
    clocks = clock_lines(standing, standing.progress.at if standing.progress else 0.0)
    return safe(f"{host}: " + "; ".join(f"{c.name.lower()} {c.words}" for c in clocks) + ".")


def cutover_facts(standing: CutoverStatus) -> Iterator[tuple[str, str]]:
    """Give the facts that stand at the head of a report, each with its name."""
    subject = standing.subject
    yield "Domain", subject.domain.host
    if subject.domain.shown and subject.domain.shown != subject.domain.name:
        yield "Read as", subject.domain.shown
    yield "From", subject.old or "not named"
    yield "To", subject.new
    yield "Record", subject.points_at
    yield "State", str(standing.state)
    rows = check_rows(standing)
    yield (
        "Checks",
        ", ".join(f"{n} {state}" for state, n in check_row_counts(rows).items()) or "none",
    )
    if standing.evidence is not None:
        yield "Looked at", report_time(standing.evidence.taken)
    yield "Both registries", catchup_words(standing)
    yield "Way back", rollback_words(standing)[0]


def report_time(seconds: float | None) -> str:
    """Return a time as people read it, in UTC."""
    if seconds is None:
        return "–"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


_TITLES = {Phase.BEFORE: "Before the change", Phase.CHANGE: "The change", Phase.AFTER: "After it"}

_NAMES = ("Domain", "Read as", "From", "To", "Record")


def cutover_markdown(standing: CutoverStatus, now: float) -> Iterator[str]:
    """Give the report, piece by piece."""
    yield f"# {cutover_headline(standing)}: {code(standing.subject.domain.host)}\n"
    yield f"\n{escaped(cutover_conclusion(standing))}\n"
    yield "\n| | |\n|---|---|\n"
    for name, fact in cutover_facts(standing):
        yield f"| {name} | {code(fact, cell=True) if name in _NAMES else escaped(fact)} |\n"
    yield from _edit_markdown(standing)
    pairs = list(zip(check_rows(standing), standing.checks, strict=True))
    yield from _to_do(pairs)
    for phase, title in _TITLES.items():
        yield f"\n## {title}\n\n| Check | State | Seen | At |\n|---|---|---|---|\n"
        for row, _ in pairs:
            if row.phase is phase:
                seen = code(row.seen, cell=True) if row.seen else ""
                name = f"{row.check} {escaped(row.title)}"
                yield f"| {name} | {row.state} | {seen} | {report_time(row.taken)} |\n"
    yield from _servers(standing)
    yield from _journal(standing)
    yield f"\nMade on {report_time(now)} by Transship.\n"


def _edit_markdown(standing: CutoverStatus) -> Iterator[str]:
    edit = standing.edit
    if edit is None:
        return
    for title, lines in (("The edit", edit.forward), ("The way back", edit.reverse)):
        yield f"\n## {title}\n\n```diff\n"
        yield from (f"- {_plain(line)}\n" for line in lines.remove)
        yield from (f"+ {_plain(line)}\n" for line in lines.add)
        yield "```\n"
    yield from (f"\n{escaped(note)}\n" for note in edit.notes)


def _to_do(pairs: list[tuple[CheckRow, CheckResult]]) -> Iterator[str]:
    wanted = [(row, result) for row, result in pairs if row.state in UNSETTLED_STATES]
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


def _servers(standing: CutoverStatus) -> Iterator[str]:
    cells = grid_cells(standing)
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
            f"| {report_time(cell.at)} |\n"
        )


def _journal(standing: CutoverStatus) -> Iterator[str]:
    if not standing.notes:
        return
    yield "\n## Journal\n\n| When | What | Who |\n|---|---|---|\n"
    for note in standing.notes:
        by = code(note.by, cell=True) if note.by else ""
        yield f"| {report_time(note.at)} | {code(note.text, cell=True)} | {by} |\n"


def _plain(line: str) -> str:
    """Return a line for inside a fence, which it can't close."""
    return safe(line).replace("```", "'''")


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


def cutover_page(standing: CutoverStatus, now: float) -> Iterator[str]:
    """Give the page piece by piece."""
    title = f"{cutover_headline(standing)}: {standing.subject.domain.host}"
    kind = "good" if standing.state is CutoverState.MOVED else "open"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header class="{kind}">\n<h1>{_shown(title)}</h1>\n'
        f"<p>{_shown(cutover_conclusion(standing))}</p>\n</header>\n"
    )
    yield from _section("The cutover", _table((), cutover_facts(standing)))
    yield from _edit_page(standing)
    yield from _open(standing)
    rows = check_rows(standing)
    for phase, words in _TITLES.items():
        lines = (
            (f"{row.check} {row.title}", str(row.state), row.seen, report_time(row.taken))
            for row in rows
            if row.phase is phase
        )
        yield from _section(words, _table(("Check", "State", "Seen", "At"), lines))
    cells = (
        (
            f"{c.name} {c.address}",
            c.says,
            ", ".join(c.values),
            str(c.ttl),
            c.note,
            report_time(c.at),
        )
        for c in grid_cells(standing)
    )
    header = ("Who", "Says", "Value", "TTL", "Note", "At")
    yield from _section("Name servers and resolvers", _table(header, cells))
    notes = ((report_time(note.at), note.text, note.by) for note in standing.notes)
    yield from _section("Journal", _table(("When", "What", "Who"), notes))
    yield f"<footer>Made on {report_time(now)} by Transship.</footer>\n</main>\n</body>\n</html>\n"


def _edit_page(standing: CutoverStatus) -> Iterator[str]:
    edit = standing.edit
    if edit is None:
        return
    for title, lines in (("The edit", edit.forward), ("The way back", edit.reverse)):
        text = [f"- {line}" for line in lines.remove] + [f"+ {line}" for line in lines.add]
        yield from _section(title, _pre(text))


def _open(standing: CutoverStatus) -> Iterator[str]:
    pairs = zip(check_rows(standing), standing.checks, strict=True)
    wanted = [(row, result) for row, result in pairs if row.state in UNSETTLED_STATES]
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


class CutoverReportForm(StrEnum):
    """How a report is written."""

    MD = "md"
    HTML = "html"
    JSON = "json"


_ENDINGS = {
    "": CutoverReportForm.MD,
    ".md": CutoverReportForm.MD,
    ".markdown": CutoverReportForm.MD,
    ".html": CutoverReportForm.HTML,
    ".htm": CutoverReportForm.HTML,
    ".json": CutoverReportForm.JSON,
}


def cutover_report_form(path: Path) -> CutoverReportForm:
    """Return the form that a file's name asks for: Markdown if it has no ending.

    Raises BadRequest for an ending of something else.
    """
    form = _ENDINGS.get(path.suffix.lower())
    if form is None:
        raise BadRequest(
            f"{path}: no report is written as {path.suffix}",
            remedy="The ending decides: .md, .html or .json.",
        )
    return form


def cutover_report_text(standing: CutoverStatus, form: CutoverReportForm, now: float) -> str:
    """Return the whole report."""
    if form is CutoverReportForm.JSON:
        return json.dumps(cutover_document(standing, now), indent=2) + "\n"
    return "".join(
        (cutover_page if form is CutoverReportForm.HTML else cutover_markdown)(standing, now)
    )


def write_cutover_report(
    standing: CutoverStatus, path: Path, form: CutoverReportForm, now: float, *, replace: bool
) -> None:
    """Write the report of a cutover: the whole file, or nothing of it.

    Raises BadRequest for a file that is there and may not be replaced, DiskFull and SystemRefused.
    """
    if path.exists() and not replace:
        raise BadRequest(f"{path} is there already", remedy="Choose another name, or replace it.")
    write_text(path, cutover_report_text(standing, form, now))
