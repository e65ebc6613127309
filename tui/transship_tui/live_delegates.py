"""The part of the engine at work that lets engines elsewhere do the moving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import assert_never

from transship.accounts.apis import service_at
from transship.accounts.registry_file import Accounts
from transship.clock import Clock
from transship.delegates.changes import Change, ChangeSet, Does
from transship.delegates.choosing import (
    Other,
    Serving,
    begun_by,
    engine_of,
    runs_of,
    wished,
)
from transship.delegates.executions import Execution, Follows, Task, followed
from transship.delegates.harbor.settings import POLICY
from transship.delegates.journal import Delegation, Journal
from transship.delegates.judging_ways import Judged, judged
from transship.delegates.making import make, undoing
from transship.delegates.options import plain_name
from transship.delegates.reach import Reached, instance_of, login_at, tencent_at
from transship.delegates.tencent import quick
from transship.delegates.tencent.replicas import REPLICA
from transship.delegates.tencent.rules import RULE
from transship.errors import CantBeDelegated, ChangedMeanwhile, TransshipError
from transship.oci.reference import Reference
from transship.paths import Paths
from transship.plans.plan import Plan
from transship.registries.access import Access
from transship.registries.credential import Credential
from transship.text import counted
from transship_tui.engine_delegates import (
    Answer,
    Drawn,
    Look,
    PlanWish,
    QuickWish,
    Run,
    Step,
    Thing,
    UndoWish,
    Wish,
)
from transship_tui.live_beside import LiveBeside

_FOLLOWED = (POLICY, RULE, REPLICA)
_EVERY_SECONDS = 2.0
_MOST_RUNS = 50
"""So many executions of one thing are shown, the newest; the engine has all of them."""
_MOST_NAMED = 20


class LiveDelegates(LiveBeside):
    """The operator's delegations. Everything is asked beside the app, by connections of its own."""

    clock: Clock
    _paths: Paths
    _accounts: Accounts

    @abstractmethod
    async def _access(self, reference: Reference) -> Access: ...

    @property
    def _delegations(self) -> Journal:
        return Journal(self._paths.delegations, self.clock)

    def _reached(self) -> Reached:
        return Reached(lambda host: self._access(Reference(host)), self.clock)

    async def who_could(self, plan: Plan, answers: Sequence[Answer] = ()) -> Judged:
        """Return who could move a plan. Asks clouds of which there are keys; changes nothing."""
        harbors = [each.host for each in self._accounts.all() if service_at(each).kind == "harbor"]

        async def judge() -> Judged:
            async with self._reached() as reach:
                return await judged(plan, reach, harbors=harbors, answers=answers)

        return await self._doing(judge)

    # What a wish would change

    async def draw_changes(self, wish: Wish) -> Drawn:
        """Return what a wish would change. Only reads."""

        async def draw() -> Drawn:
            async with self._reached() as reach:
                return (await self._opened(wish, reach))[-1]

        return await self._doing(draw)

    async def _opened(self, wish: Wish, reach: Reached) -> tuple[str, str, Serving, Drawn]:
        """Return who it is by, at which host, the engine, and what would be changed."""
        if isinstance(wish, PlanWish):
            name = wish.options.name or (plain_name(wish.saved) if wish.saved else "")
            options = replace(wish.options, name=name, terms=wish.terms.terms(wish.plan))
            found = await wished(wish.who, wish.plan, reach, options)
            return found.who, found.host, found.serving, Drawn(found.changes)
        if isinstance(wish, UndoWish):
            delegation = self._delegations.find(wish.delegation)
            agreed = delegation.agreed
            serving = await engine_of(agreed.who, agreed.host, reach)
            return (
                agreed.who,
                agreed.host,
                serving,
                Drawn(await undoing(delegation, serving.engine)),
            )
        if isinstance(wish, QuickWish):
            at = await instance_of(reach, wish.target)
            terms = quick.Terms(
                newest=wish.newest,
                on_conflict=wish.on_conflict,
                incomplete=wish.incomplete,
                expose=wish.expose,
                target=wish.target,
            )
            personal = await tencent_at(reach, wish.source)
            moved = await quick.wish(personal, wish.source, at, terms)
            return Other.QUICK, wish.target, Serving(quick.Spaces(at)), _drawn(moved)
        assert_never(wish)

    # Making

    async def make_changes(self, wish: Wish, shown: ChangeSet) -> AsyncGenerator[Step]:
        """Make what was shown, change after change."""

        async def making() -> AsyncGenerator[Step]:
            async with self._reached() as reach:
                who, host, serving, drawn = await self._opened(wish, reach)
                if drawn.changes.to_make != shown.to_make or drawn.changes.refusals:
                    raise ChangedMeanwhile(f"{shown.engine}: it isn't as it was shown any more")
                await _check_logins(shown.to_make, reach)
                undoes = wish.delegation if isinstance(wish, UndoWish) else ""
                identity = self._delegations.begin(who, host, shown, undoes=undoes)
                async with aclosing(self._steps(identity, serving, reach)) as steps:
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

    async def _steps(self, identity: str, serving: Serving, reach: Reached) -> AsyncGenerator[Step]:
        async def gives(host: str) -> Credential:
            return await login_at(reach, host)

        yield Step(identity)
        async for made in make(identity, serving.engine, gives, self._delegations):
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
        found = self._delegations.find(delegation)

        async def look() -> Look:
            async with self._reached() as reach:
                return await _looked(found, await self._serving(found, reach))

        return await self._doing(look)

    async def _serving(self, delegation: Delegation, reach: Reached) -> Serving:
        return await engine_of(delegation.agreed.who, delegation.agreed.host, reach)

    async def follow_execution(
        self, delegation: str, of: str, execution: str
    ) -> AsyncGenerator[Execution]:
        """Give an execution each time that it has changed, until it is over."""
        found = self._delegations.find(delegation)

        async def follow() -> AsyncGenerator[Execution]:
            async with self._reached() as reach:
                follows = _follows(await self._serving(found, reach))
                seen = followed(follows, of, execution, self.clock, every=_EVERY_SECONDS)
                async for each in seen:
                    yield each

        async with aclosing(self._giving(follow)) as executions:
            async for each in executions:
                yield each

    async def tasks_of(self, delegation: str, of: str, execution: str) -> Sequence[Task]:
        """Return the tasks of an execution."""
        found = self._delegations.find(delegation)

        async def ask() -> Sequence[Task]:
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


async def _check_logins(changes: Sequence[Change], reach: Reached) -> None:
    """Have a login that is missing asked for before anything is begun."""
    for host in dict.fromkeys(host for change in changes for host in change.gives):
        await login_at(reach, host)


def _follows(serving: Serving) -> Follows:
    if serving.follows is None:
        raise CantBeDelegated(f"{serving.engine.name} has no executions to follow")
    return serving.follows


async def _looked(delegation: Delegation, serving: Serving) -> Look:
    """Return how a delegation stands at its engine; what can't be asked for is named."""
    unseen: list[str] = []
    things: list[Thing] = []
    runs: list[Run] = []
    made = delegation.agreed.changes
    followable = runs_of(made) if serving.follows is not None else ()
    for change in made[:_MOST_NAMED]:
        if change.does is Does.DELETE:
            continue
        follows = change.kind in _FOLLOWED and change.name in followable
        try:
            found = await serving.engine.read(change.kind, change.name)
        except TransshipError as error:
            unseen.append(f"{change.kind} {change.name}: {error}")
            continue
        said = found.status if found is not None else ""
        things.append(Thing(change.kind, change.name, found is not None, said, follows))
        if follows and found is not None:
            runs += await _runs(serving, change.name, unseen)
    if len(made) > _MOST_NAMED:
        more = counted(len(made) - _MOST_NAMED, "other")
        unseen.append(f"Of {counted(len(made), 'change')} {more} weren't looked at.")
    runs.sort(key=_began, reverse=True)
    starts = serving.starts is not None
    begins = tuple(
        name
        for name in begun_by(made)
        if starts and any(t.there and t.name == name and t.follows for t in things)
    )
    return Look(delegation, tuple(things), tuple(runs), begins, starts, tuple(unseen))


async def _runs(serving: Serving, of: str, unseen: list[str]) -> list[Run]:
    found: list[Run] = []
    if serving.follows is None:
        return found
    try:
        async for each in serving.follows.executions(of):
            found.append(Run(of, each))
            if len(found) == _MOST_RUNS:
                unseen.append(f"{of}: only the {_MOST_RUNS} newest executions are shown.")
                break
    except TransshipError as error:
        unseen.append(f"The executions of {of} couldn't be asked for: {error}")
    return found


def _began(run: Run) -> float:
    return run.execution.started.timestamp() if run.execution.started else 0.0


def _drawn(moved: quick.Quick) -> Drawn:
    """Return what a quick migration would make, and in sentences what it would move."""
    repositories = counted(moved.repositories, "repository", "repositories")
    tells = [f"It moves {counted(moved.tags, 'tag')} of {repositories}."]
    if moved.empty:
        tells.append(f"Without a tag: {_named(moved.empty)}.")
    cares = [str(each) for each in moved.collisions[:_MOST_NAMED]]
    if len(moved.collisions) > _MOST_NAMED:
        cares.append(f"{len(moved.collisions) - _MOST_NAMED:,} more are there already.")
    cares += [f"Not listed: {gap}" for gap in moved.gaps]
    return Drawn(moved.changes, tuple(tells), tuple(cares), moved.plan)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
