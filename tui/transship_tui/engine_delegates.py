"""What the app asks of the core to let an engine elsewhere do the moving."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from transship.delegates.options import Options, SaidTerms
from transship.delegates.tencent.network import Wishes
from transship.delegates.ways import Who
from transship.plans.plan import OnConflict

if TYPE_CHECKING:
    from transship.delegates.changes import ChangeSet
    from transship.delegates.executions import Execution, Task
    from transship.delegates.journal import Delegation
    from transship.delegates.judging_ways import Judged
    from transship.delegates.making import Made
    from transship.delegates.standing import Thing
    from transship.delegates.tencent.domain_words import Certificate, CustomDomain
    from transship.delegates.tencent.domains import Watched
    from transship.delegates.tencent.network_access import Access
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
    is moved without the rest, with `expose` private images may become public. `names` gives
    namespaces other names at the instance, `leave_out` leaves some behind.
    """

    source: str
    target: str
    newest: int | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    incomplete: bool = False
    expose: bool = False
    names: tuple[tuple[str, str], ...] = ()
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkWish:
    """Change who gets through to the instance of TCR at `host`.

    `here` is the address with which this machine comes out to the internet; empty where that isn't
    known.
    """

    host: str
    wishes: Wishes
    here: str = ""


@dataclass(frozen=True, slots=True)
class DomainWish:
    """Attach a custom domain to the instance of TCR at `host`, or with `remove` take it away.

    `certificate` is the id of one in the SSL service. `files` are a certificate, with those above
    it, and its private key, to be handed to that service.
    """

    host: str
    name: str
    certificate: str = ""
    files: tuple[Path, Path] | None = None
    remove: bool = False


Wish = PlanWish | UndoWish | QuickWish | NetworkWish | DomainWish


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
class Run:
    """An execution, and the name of what it is of."""

    of: str
    execution: Execution


@dataclass(frozen=True, slots=True)
class Look:
    """A delegation as it stands at its engine.

    `of` names what has executions, `begins` what of that can be started, `stops` says that
    executions can be stopped, `unseen` in sentences what couldn't be asked for.
    """

    delegation: Delegation
    things: tuple[Thing, ...] = ()
    of: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()
    begins: tuple[str, ...] = ()
    stops: bool = False
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainsThere:
    """The custom domains of an instance of TCR, and the certificates that its owner has.

    `now` is when they were asked for, in seconds since the epoch. `unseen` says why the
    certificates can't be seen, empty where they can.
    """

    domains: tuple[CustomDomain, ...]
    certificates: tuple[Certificate, ...]
    now: float
    unseen: str = ""


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

    async def network_at(self, host: str) -> Access:
        """Return who gets through to the instance of TCR at a host. Only reads."""

    async def who_gets_in(self, plan: Plan) -> Sequence[str]:
        """Return, in sentences, whether this machine gets through to what a plan is between.

        That is asked of clouds of which there are keys. What can't be asked is said so.
        """

    async def domains_at(self, host: str) -> DomainsThere:
        """Return the custom domains of the instance of TCR at a host. Only reads."""

    def wait_for_domain(self, host: str, name: str) -> AsyncIterator[Watched]:
        """Give how a custom domain is each time that there is news, until it is over with it."""
