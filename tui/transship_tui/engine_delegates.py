"""What the app asks of the core to let an engine elsewhere do the moving."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from transship.delegates.options import Options, SaidTerms
from transship.delegates.ways import Who
from transship.plans.plan import OnConflict

if TYPE_CHECKING:
    from transship.delegates.changes import ChangeSet
    from transship.delegates.executions import Execution, Task
    from transship.delegates.journal import Delegation
    from transship.delegates.judging_ways import Judged
    from transship.delegates.making import Made
    from transship.plans.plan import Plan


Answer = tuple[str, str]
"""The id of a question of `transship.plans.ends`, and the value of its answer."""


@dataclass(frozen=True, slots=True)
class PlanWish:
    """Let somebody move what a plan says.

    `saved` is the plan's name where its file says the same, else empty. `terms` are put into the
    `options` when it is drawn: the plan's schedule may hold.
    """

    plan: Plan
    who: Who
    saved: str = ""
    options: Options = field(default_factory=Options)
    terms: SaidTerms = field(default_factory=SaidTerms)


@dataclass(frozen=True, slots=True)
class UndoWish:
    """Take back what a delegation has made."""

    delegation: str


@dataclass(frozen=True, slots=True)
class QuickWish:
    """Move all of a personal account of TCR to an instance of TCR.

    `newest` takes so many tags of each repository, None all. With `incomplete` what could be listed
    is moved without the rest, with `expose` private images may become public.
    """

    source: str
    target: str
    newest: int | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    incomplete: bool = False
    expose: bool = False


Wish = PlanWish | UndoWish | QuickWish


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a wish would change.

    `tells` are sentences about what it would move, `cares` those to mind. `plan` is what our own
    lanes would copy once it is made.
    """

    changes: ChangeSet
    tells: tuple[str, ...] = ()
    cares: tuple[str, ...] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How far the making has come: the delegation's id, and the change that was made last."""

    delegation: str
    made: Made | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a delegation has made, as it is there now.

    `said` is the engine's own word for how it is. `follows` says that it has executions.
    """

    kind: str
    name: str
    there: bool
    said: str = ""
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """An execution, and the name of what it is of."""

    of: str
    execution: Execution


@dataclass(frozen=True, slots=True)
class Look:
    """A delegation as it stands at its engine.

    `begins` names what can be started, `stops` says that executions can be stopped, `unseen` in
    sentences what couldn't be asked for.
    """

    delegation: Delegation
    things: tuple[Thing, ...] = ()
    runs: tuple[Run, ...] = ()
    begins: tuple[str, ...] = ()
    stops: bool = False
    unseen: tuple[str, ...] = ()


class Delegating(Protocol):
    """Letting Harbor or TCR move images. Nothing is changed but by the methods that say so.

    All asynchronous methods raise what stands in the way of asking the engine.
    """

    async def who_could(self, plan: Plan, answers: Sequence[Answer] = ()) -> Judged:
        """Return who could move a plan. Asks clouds of which there are keys; changes nothing.

        `answers` go before what is asked. Raises BadRequest for a plan that is empty.
        """

    async def draw_changes(self, wish: Wish) -> Drawn:
        """Return what a wish would change. Only reads."""

    def make_changes(self, wish: Wish, shown: ChangeSet) -> AsyncIterator[Step]:
        """Make what was shown, change after change; the first step is the delegation's beginning.

        Changes things at the engine. Raises ChangedMeanwhile, NotAsAsked, DelegationBusy.
        """

    def go_on_making(self, delegation: str) -> AsyncIterator[Step]:
        """Make what of a delegation wasn't made yet; else as `make_changes`."""

    def delegations(self) -> Sequence[Delegation]:
        """Return all delegations of this machine, the newest first. Raises BadFile."""

    def delegation(self, name: str) -> Delegation:
        """Return one delegation as its journal tells. Raises DelegationNotFound."""

    async def look_at(self, delegation: str) -> Look:
        """Return how a delegation stands, its executions the newest first."""

    def follow_execution(
        self, delegation: str, of: str, execution: str
    ) -> AsyncIterator[Execution]:
        """Give an execution each time that it has changed, until it is over."""

    async def tasks_of(self, delegation: str, of: str, execution: str) -> Sequence[Task]:
        """Return the tasks of an execution."""

    async def log_of(self, delegation: str, of: str, execution: str, task: str) -> str:
        """Return the log of a task; empty when there is none."""

    async def start_execution(self, delegation: str, of: str) -> Execution:
        """Start an execution, and return it."""

    async def stop_execution(self, delegation: str, of: str, execution: str) -> None:
        """Ask for an execution to be stopped."""
