"""How one cutover stands: what screens, the line and the report are made of. Data only."""

from __future__ import annotations

from dataclasses import dataclass

from transship.cutover.delta import Round
from transship.cutover.edits import Edit
from transship.cutover.evidence import Evidence
from transship.cutover.finding import CheckResult
from transship.cutover.flipping import Asked
from transship.cutover.progress import Progress, State
from transship.cutover.rollback import WayBack
from transship.cutover.subject import Subject
from transship.cutover.timeline import Sample, Served

CHANGED = (State.CHANGING, State.CHANGED, State.MOVED)
"""The states in which pulls go to the new registry, some of them at least."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was decided or came to pass."""

    at: float
    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Applier:
    """What can change the record from here. `why_not` is empty where it may."""

    place: str
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Unended:
    """A change, or a way back, that was sent and of which nobody has seen what became.

    `running` while a process reads that back at this moment.
    """

    at: float
    asked: Asked
    by: str = ""
    running: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """One cutover at one moment.

    `checking` says what is being looked at, empty while nothing is. `edit` is None while the record
    hasn't been read, `way_back` before the change, `applier` where the change is made by hand.
    `rounds` are the newest of those that have compared both registries; `quiet` counts the last of
    them in a row that had nothing to copy, since every resolver has followed.
    """

    name: str
    subject: Subject
    progress: Progress | None = None
    evidence: Evidence | None = None
    checks: tuple[CheckResult, ...] = ()
    history: tuple[Served, ...] = ()
    samples: tuple[Sample, ...] = ()
    edit: Edit | None = None
    way_back: WayBack | None = None
    applier: Applier | None = None
    notes: tuple[Note, ...] = ()
    rounds: tuple[Round, ...] = ()
    quiet: int = 0
    unended: Unended | None = None
    checking: str = ""
    trouble: str = ""
    """Why pulls by the domain can't be made while it is watched, where they can't."""
    problem: str = ""
    """Why it can't be read, where it can't."""

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.progress.state if self.progress else State.BEFORE

    def result(self, check: str) -> CheckResult | None:
        """Return a check by its id."""
        return next((each for each in self.checks if each.check == check), None)
