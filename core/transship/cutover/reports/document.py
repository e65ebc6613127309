"""A cutover as one JSON document: keys that stay, times in ISO 8601 (UTC), TTLs in seconds.

`docs/cutover.md` lists the keys.
"""

from __future__ import annotations

from datetime import UTC, datetime

from transship.cutover.delta import QUIET_ROUNDS, Round
from transship.cutover.evidence import TagPair
from transship.cutover.finding import CheckResult, Severity
from transship.cutover.reports.ageing import age_of, is_old
from transship.cutover.reports.grid import Cell, grid_of
from transship.cutover.reports.rounds import tag_name, to_keep
from transship.cutover.reports.rows import (
    Row,
    rows_of,
    stops,
    taken_on,
    way_there,
    why_not_back,
)
from transship.cutover.reports.standing import Standing
from transship.cutover.rules.after import answered_by
from transship.cutover.rules.case import Case, Side

_ANSWERED = {Side.OLD: "old", Side.NEW: "new"}


def document(standing: Standing, now: float) -> dict[str, object]:
    """Return what is known of a cutover, ready for JSON."""
    subject = standing.subject
    gate = way_there(standing)
    age = age_of(standing, now)
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
        "too_old": is_old(standing, now),
        "blocks": [f"{each.check}/{each.id}" for each in stops(standing)],
        "change": {
            "clear": bool(standing.checks) and gate.clear,
            "blocks": [f"{f.check}/{f.id}" for f in gate.blocks],
            "open": [each.check for each in gate.open],
            "unaccepted": [f"{f.check}/{f.id}" for f in gate.unaccepted],
            "edit": _edit(standing),
        },
        "clocks": _clocks(standing),
        "delta": _delta(standing),
        "way_back": _way_back(standing),
        "checks": [
            _check(row, result, standing)
            for row, result in zip(rows_of(standing), standing.checks, strict=True)
        ],
        "pulls": _pulls(standing, now),
        "servers": [_cell(each) for each in grid_of(standing)],
        "journal": [
            {"at": _time(note.at), "what": note.text, "by": note.by or None}
            for note in standing.notes
        ],
    }


def _edit(standing: Standing) -> dict[str, object] | None:
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


def _clocks(standing: Standing) -> dict[str, object] | None:
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


def _delta(standing: Standing) -> dict[str, object]:
    return {
        "in_step": standing.quiet >= QUIET_ROUNDS,
        "quiet_rounds": standing.quiet,
        "asks": [_pair(each) for each in to_keep(standing)],
        "rounds": [_round(each) for each in standing.rounds],
    }


def _round(found: Round) -> dict[str, object]:
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


def _way_back(standing: Standing) -> dict[str, object]:
    back = standing.way_back
    lost = back.lost if back else ()
    return {
        "blocked": why_not_back(standing) or None,
        "seconds": back.seconds if back else None,
        "hides": [f"{pair.repository}:{pair.tag}" for pair in lost],
        "remove": list(standing.edit.reverse.remove) if standing.edit else [],
        "add": list(standing.edit.reverse.add) if standing.edit else [],
    }


def _check(row: Row, result: CheckResult, standing: Standing) -> dict[str, object]:
    skipped = taken_on(standing.evidence, result.check)
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
    check: str, finding: str, severity: Severity, standing: Standing
) -> dict[str, object] | None:
    if severity is not Severity.WARN:
        return None
    given = taken_on(standing.evidence, check, finding)
    return _said(given.by, given.at, given.answer) if given else None


def _said(by: str, at: float, answer: str) -> dict[str, object]:
    return {"by": by or None, "at": _time(at), "reason": answer}


def _pulls(standing: Standing, now: float) -> list[dict[str, object]]:
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


def _cell(cell: Cell) -> dict[str, object]:
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
