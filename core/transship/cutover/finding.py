"""A finding: a judgement with a remedy. Data only.

With it a check's verdict and result, how rules make one
(`block`, `warn`, `info`, `passed`, `unknown`), and the words that all of them use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from transship.text import duration_text, safe


class Severity(StrEnum):
    """What a finding means for the change."""

    BLOCK = "block"
    WARN = "warn"
    INFO = "info"


class Phase(StrEnum):
    """When it matters."""

    BEFORE = "before"
    CHANGE = "change"
    AFTER = "after"


class CheckOutcome(StrEnum):
    """How a check came out."""

    PASS = "pass"  # noqa: S105 - no password
    FINDING = "finding"
    OPEN = "open"
    """It can't be known yet: `needs` says what for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that stands in the way, or should be known.

    `check` is the id in the catalogue of checks (`P-13`), `id` names the case within it
    (`certificate-name-mismatch`) and stays the same over versions. `seen` is what was seen, `means`
    what follows from it, `remedy` what to do, and `record` a line to copy where there is one.
    """

    check: str
    id: str
    severity: Severity
    seen: str
    means: str
    remedy: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One row of the board: a check, how it came out, and its findings, the worst first.

    `age` is when the evidence for it was taken, in seconds since the epoch; None without any.
    """

    check: str
    title: str
    phase: Phase
    outcome: CheckOutcome
    findings: tuple[Finding, ...] = ()
    seen: str = ""
    needs: str = ""
    taken: float | None = None

    @property
    def severity(self) -> Severity | None:
        """The worst of its findings."""
        order = (Severity.BLOCK, Severity.WARN, Severity.INFO)
        worst = sorted((f.severity for f in self.findings), key=order.index)
        return worst[0] if worst else None


_DAY = 86400.0

_ENDLESS = 100 * 365 * _DAY


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What one rule makes of a case.

    `needs` says what is missing for it to be known whole. `taken` is when the evidence was taken,
    None for that of the whole.
    """

    findings: tuple[Finding, ...] = ()
    seen: str = ""
    needs: str = ""
    taken: float | None = None


def passed(seen: str, taken: float | None = None) -> CheckVerdict:
    """Return that nothing stands in the way."""
    return CheckVerdict(seen=safe(seen), taken=taken)


def unknown(needs: str, seen: str = "", taken: float | None = None) -> CheckVerdict:
    """Return that it can't be known yet, and what for."""
    return CheckVerdict(seen=safe(seen), needs=safe(needs), taken=taken)


def judged(
    findings: Iterable[Finding | None], seen: str, needs: str = "", taken: float | None = None
) -> CheckVerdict:
    """Return the findings that there are; `seen` is for the row where there are none."""
    return CheckVerdict(tuple(f for f in findings if f), safe(seen), safe(needs), taken)


def block(name: str, seen: str, means: str, remedy: str, record: str = "") -> Finding:
    """Return a finding that stands in the way. The check that it belongs to is set later."""
    return _finding(name, Severity.BLOCK, seen, means, remedy, record)


def warn(name: str, seen: str, means: str, remedy: str, record: str = "") -> Finding:
    """Return a finding that has to be acknowledged."""
    return _finding(name, Severity.WARN, seen, means, remedy, record)


def info(name: str, seen: str, means: str, remedy: str = "", record: str = "") -> Finding:
    """Return a finding that should be known."""
    return _finding(name, Severity.INFO, seen, means, remedy, record)


def _finding(
    name: str, severity: Severity, seen: str, means: str, remedy: str, record: str
) -> Finding:
    lines = "\n".join(safe(line) for line in record.split("\n"))
    return Finding("", name, severity, safe(seen), safe(means), safe(remedy), lines)


def utc_text(at: float) -> str:
    """Return a time as an operator reads it, in UTC: `2026-09-28 14:05:30 UTC`."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "a time that no clock shows"


def span_text(seconds: float) -> str:
    """Return a duration in words."""
    if not 0 <= seconds < _ENDLESS:
        return "0 s" if seconds < 0 else "without end"
    return f"{seconds / _DAY:.0f} days" if seconds >= 3 * _DAY else duration_text(seconds)


def listed(items: Iterable[str], limit: int = 5) -> str:
    """Return `a, b and c`, each once, and how many more there are than `limit`."""
    names = list(dict.fromkeys(items))
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
