"""The part of the engine at work that lets engines elsewhere do the moving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from transship.accounts.registry_file import Accounts
from transship.accounts.sign_in import service_at
from transship.clock import Clock
from transship.engines.changes import ChangeJournal
from transship.errors import CantBeDelegated, ChangedMeanwhile, TransshipError
from transship.oci.reference import Reference
from transship.paths import Paths
from transship.registry.access import Access
from transship_tui.live_beside import LiveBeside

if TYPE_CHECKING:
    from transship.engines.changes import Change, ChangeSet, Delegation
    from transship.engines.delegation import EngineSurvey, OpenedEngine
    from transship.engines.executions import Execution, ExecutionReader, ExecutionTask
    from transship.engines.reach import AccountReach
    from transship.engines.tcr.certificates import ServerCertificate
    from transship.engines.tcr.domains import DomainEngine, DomainProgress
    from transship.engines.tcr.network_access import NetworkAccess as GetsIn
    from transship.plans.plan import Plan
    from transship.registry.credential import Credential
    from transship_tui.engine_delegates import Answer, DomainsThere, Drawn, Look, Step, Wish

_EVERY_SECONDS = 2.0


class LiveDelegates(LiveBeside):
    """The operator's delegations. Everything is asked beside the app, by connections of its own.

    The engines are imported where they are asked: the app opens without them.
    """

    clock: Clock
    _paths: Paths
    _accounts: Accounts

    @abstractmethod
    async def _access(self, reference: Reference) -> Access: ...

    @property
    def _delegations(self) -> ChangeJournal:
        return ChangeJournal(self._paths.delegations, self.clock)

    def _reached(self) -> AccountReach:
        from transship.engines.reach import AccountReach

        return AccountReach(lambda host: self._access(Reference(host)), self.clock)

    async def who_could(self, plan: Plan, answers: Sequence[Answer] = ()) -> EngineSurvey:
        """Return who could move a plan. Asks clouds of which there are keys; changes nothing."""
        from transship.engines.delegation import survey_engines

        harbors = [each.host for each in self._accounts.all() if service_at(each).kind == "harbor"]

        async def judge() -> EngineSurvey:
            async with self._reached() as reach:
                return await survey_engines(plan, reach, harbors=harbors, answers=answers)

        return await self._doing(judge)

    # What a wish would change

    async def draw_changes(self, wish: Wish) -> Drawn:
        """Return what a wish would change. Only reads."""
        from transship_tui.delegates_drawn import opened

        async def draw() -> Drawn:
            async with self._reached() as reach:
                return (await opened(wish, reach, self._delegations)).drawn

        return await self._doing(draw)

    # Making

    async def make_changes(self, wish: Wish, shown: ChangeSet) -> AsyncGenerator[Step]:
        """Make what was shown, change after change."""
        from transship_tui.delegates_drawn import opened
        from transship_tui.engine_delegates import UndoWish

        async def making() -> AsyncGenerator[Step]:
            async with self._reached() as reach:
                found = await opened(wish, reach, self._delegations)
                changes = found.drawn.changes
                if changes.to_make != shown.to_make or changes.refusals:
                    raise ChangedMeanwhile(f"{shown.engine}: it isn't as it was shown any more")
                await _check_logins(shown.to_make, reach)
                undoes = wish.delegation if isinstance(wish, UndoWish) else ""
                identity = self._delegations.begin(found.who, found.host, shown, undoes=undoes)
                async with aclosing(self._steps(identity, found.serving, reach)) as steps:
                    async for step in steps:
                        yield step

        async with aclosing(self._giving(making)) as steps:
            async for step in steps:
                yield step

    async def go_on_making(self, delegation: str) -> AsyncGenerator[Step]:
        """Make what of a delegation wasn't made yet."""

        async def making() -> AsyncGenerator[Step]:
            found = self._delegations.find(delegation)
            async with self._reached() as reach:
                serving = await self._serving(found, reach)
                await _check_logins(found.agreed.changes, reach)
                async with aclosing(self._steps(delegation, serving, reach)) as steps:
                    async for step in steps:
                        yield step

        async with aclosing(self._giving(making)) as steps:
            async for step in steps:
                yield step

    async def _steps(
        self, identity: str, serving: OpenedEngine, reach: AccountReach
    ) -> AsyncGenerator[Step]:
        from transship.engines.changes import apply_changes
        from transship.engines.reach import login_at
        from transship_tui.engine_delegates import Step

        async def gives(host: str) -> Credential:
            return await login_at(reach, host)

        yield Step(identity)
        async for made in apply_changes(identity, serving.engine, gives, self._delegations):
            yield Step(identity, made)

    # What was made

    def delegations(self) -> Sequence[Delegation]:
        """Return all delegations of this machine, the newest first."""
        return tuple(reversed(self._delegations.all()))

    def delegation(self, name: str) -> Delegation:
        """Return one delegation as its journal tells."""
        return self._delegations.find(name)

    async def look_at(self, delegation: str) -> Look:
        """Return how a delegation stands, its executions the newest first."""
        from transship_tui.delegates_looked import looked

        found = self._delegations.find(delegation)

        async def look() -> Look:
            async with self._reached() as reach:
                return await looked(found, await self._serving(found, reach))

        return await self._doing(look)

    async def _serving(self, delegation: Delegation, reach: AccountReach) -> OpenedEngine:
        from transship.engines.delegation import open_engine

        return await open_engine(delegation.agreed.who, delegation.agreed.host, reach)

    async def follow_execution(
        self, delegation: str, of: str, execution: str
    ) -> AsyncGenerator[Execution]:
        """Give an execution each time that it has changed, until it is over."""
        from transship.engines.executions import follow_execution

        found = self._delegations.find(delegation)

        async def follow() -> AsyncGenerator[Execution]:
            async with self._reached() as reach:
                follows = _follows(await self._serving(found, reach))
                seen = follow_execution(follows, of, execution, self.clock, every=_EVERY_SECONDS)
                async for each in seen:
                    yield each

        async with aclosing(self._giving(follow)) as executions:
            async for each in executions:
                yield each

    async def tasks_of(self, delegation: str, of: str, execution: str) -> Sequence[ExecutionTask]:
        """Return the tasks of an execution."""
        found = self._delegations.find(delegation)

        async def ask() -> Sequence[ExecutionTask]:
            async with self._reached() as reach:
                follows = _follows(await self._serving(found, reach))
                return [task async for task in follows.tasks(of, execution)]

        return await self._doing(ask)

    async def log_of(self, delegation: str, of: str, execution: str, task: str) -> str:
        """Return the log of a task; empty when there is none."""
        found = self._delegations.find(delegation)

        async def ask() -> str:
            async with self._reached() as reach:
                return await _follows(await self._serving(found, reach)).log(of, execution, task)

        return await self._doing(ask)

    async def start_execution(self, delegation: str, of: str) -> Execution:
        """Start an execution, and return it."""
        found = self._delegations.find(delegation)

        async def ask() -> Execution:
            async with self._reached() as reach:
                starts = (await self._serving(found, reach)).starts
                if starts is None:
                    raise CantBeDelegated(f"{found.agreed.engine} begins by itself")
                return await starts.start(of)

        return await self._doing(ask)

    async def stop_execution(self, delegation: str, of: str, execution: str) -> None:
        """Ask for an execution to be stopped."""
        found = self._delegations.find(delegation)

        async def ask() -> None:
            async with self._reached() as reach:
                starts = (await self._serving(found, reach)).starts
                if starts is None:
                    raise CantBeDelegated(f"{found.agreed.engine} lets nobody stop what it does")
                await starts.stop(of, execution)

        await self._doing(ask)

    # What is TCR's own

    async def network_at(self, host: str) -> GetsIn:
        """Return who gets through to the instance of TCR at a host."""
        from transship.engines.delegation import open_network_engine

        async def ask() -> GetsIn:
            async with self._reached() as reach:
                return await (await open_network_engine(reach, host)).access()

        return await self._doing(ask)

    async def who_gets_in(self, plan: Plan) -> Sequence[str]:
        """Return, in sentences, whether this machine gets through to what a plan is between."""
        from transship.engines.delegation import local_access_notes

        hosts = dict.fromkeys(place.registry for place in plan.places)

        async def ask() -> Sequence[str]:
            async with self._reached() as reach:
                return [words for host in hosts for words in await local_access_notes(host, reach)]

        return await self._doing(ask)

    async def domains_at(self, host: str) -> DomainsThere:
        """Return the custom domains of the instance of TCR at a host."""
        from transship.engines.delegation import open_domain_engine
        from transship_tui.engine_delegates import DomainsThere

        async def ask() -> DomainsThere:
            async with self._reached() as reach:
                engine = await open_domain_engine(reach, host)
                found, unseen = await _certificates(engine)
                return DomainsThere(await engine.domains(), found, engine.now(), unseen)

        return await self._doing(ask)

    async def wait_for_domain(self, host: str, name: str) -> AsyncGenerator[DomainProgress]:
        """Give how a custom domain is each time that there is news, until it is over with it."""
        from transship.engines.delegation import open_domain_engine
        from transship.engines.tcr.domains import wait_for_domain

        async def wait() -> AsyncGenerator[DomainProgress]:
            async with self._reached() as reach:
                async for each in wait_for_domain(
                    await open_domain_engine(reach, host), name, self.clock
                ):
                    yield each

        async with aclosing(self._giving(wait)) as news:
            async for each in news:
                yield each


async def _certificates(engine: DomainEngine) -> tuple[tuple[ServerCertificate, ...], str]:
    """Return all certificates of the account, or why they can't be seen."""
    try:
        return await engine.certificates.all(), ""
    except TransshipError as error:
        return (), str(error)


async def _check_logins(changes: Sequence[Change], reach: AccountReach) -> None:
    """Have a login that is missing asked for before anything is begun."""
    from transship.engines.reach import login_at

    for host in dict.fromkeys(host for change in changes for host in change.gives):
        await login_at(reach, host)


def _follows(serving: OpenedEngine) -> ExecutionReader:
    if serving.follows is None:
        raise CantBeDelegated(f"{serving.engine.name} has no executions to follow")
    return serving.follows
