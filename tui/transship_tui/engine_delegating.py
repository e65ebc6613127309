"""What the app asks of the core to let an engine elsewhere do the moving.

Apart from what is asked with, which needs the engines: the app opens without them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transship.engines.changes import ChangeSet, Delegation
    from transship.engines.delegation import EngineSurvey
    from transship.engines.executions import Execution, ExecutionTask
    from transship.engines.tcr.domains import DomainProgress
    from transship.engines.tcr.network_access import NetworkAccess
    from transship.plans.plan import Plan
    from transship_tui.engine_delegates import Answer, DomainsThere, Drawn, Look, Step, Wish


class Delegating(Protocol):
    """Letting Harbor or TCR move images. Nothing is changed but by the methods that say so.

    All asynchronous methods raise what stands in the way of asking the engine.
    """

    async def who_could(self, plan: Plan, answers: Sequence[Answer] = ()) -> EngineSurvey:
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

    async def tasks_of(self, delegation: str, of: str, execution: str) -> Sequence[ExecutionTask]:
        """Return the tasks of an execution."""

    async def log_of(self, delegation: str, of: str, execution: str, task: str) -> str:
        """Return the log of a task; empty when there is none."""

    async def start_execution(self, delegation: str, of: str) -> Execution:
        """Start an execution, and return it."""

    async def stop_execution(self, delegation: str, of: str, execution: str) -> None:
        """Ask for an execution to be stopped."""

    async def network_at(self, host: str) -> NetworkAccess:
        """Return who gets through to the instance of TCR at a host. Only reads."""

    async def who_gets_in(self, plan: Plan) -> Sequence[str]:
        """Return, in sentences, whether this machine gets through to what a plan is between.

        That is asked of clouds of which there are keys. What can't be asked is said so.
        """

    async def domains_at(self, host: str) -> DomainsThere:
        """Return the custom domains of the instance of TCR at a host. Only reads."""

    def wait_for_domain(self, host: str, name: str) -> AsyncIterator[DomainProgress]:
        """Give how a custom domain is each time that there is news, until it is over with it."""
