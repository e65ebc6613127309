"""A judgement with a remedy. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


class Outcome(StrEnum):
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
    outcome: Outcome
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
