"""From who is to move a plan to what would be made for it, and to the engine that makes it.

Accounts aren't known here: `reach.Reach` opens what is asked for. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from transship import errors
from transship.delegates.changes import Change, ChangeSet, Does
from transship.delegates.engine import Engine
from transship.delegates.executions import Follows, Starts
from transship.delegates.harbor.engine import Harbor
from transship.delegates.harbor.settings import POLICY
from transship.delegates.harbor.wishing import harbor_wish
from transship.delegates.options import Options, SaidTerms
from transship.delegates.reach import Reach, instance_of
from transship.delegates.tencent.domains_engine import Domains
from transship.delegates.tencent.network_engine import Network
from transship.delegates.tencent.opening import opened
from transship.delegates.tencent.quick.spaces import Spaces
from transship.delegates.tencent.replicas import REPLICA
from transship.delegates.tencent.replicating import Replicas
from transship.delegates.tencent.rules import RULE
from transship.delegates.tencent.synchronising import SyncRules
from transship.delegates.tencent.wishing import gets_in, quick_wish, replica_wish, sync_wish
from transship.delegates.ways import Who, pairs_of
from transship.plans.plan import Plan

__all__ = [
    "Options",
    "Other",
    "SaidTerms",
    "Serving",
    "Wish",
    "begun_by",
    "domains_at",
    "engine_of",
    "network_at",
    "quick_wish",
    "runs_of",
    "wished",
]

_RUNS = (POLICY, RULE, REPLICA)


class Other(StrEnum):
    """What else is changed at engines, beside letting one move a plan. The values are stable."""

    QUICK = "tcr-quick"
    """Namespaces and repositories, before Transship moves a personal account to an instance."""
    NETWORK = "tcr-network"
    DOMAIN = "tcr-domain"


@dataclass(frozen=True, slots=True)
class Serving:
    """An engine that was opened, and what it can do beside making changes: None where it can't."""

    engine: Engine
    follows: Follows | None = None
    starts: Starts | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What would be made, by whom.

    `who` and `host` are those of `journal.Agreed`. `of` names what has executions (`runs_of`),
    `begins` what of that a start begins (`begun_by`).
    """

    who: str
    host: str
    serving: Serving
    changes: ChangeSet

    @property
    def of(self) -> tuple[str, ...]:
        """What of it has executions."""
        return runs_of(self.changes.changes)

    @property
    def begins(self) -> tuple[str, ...]:
        """What of it is begun by a start; what else there is, that sets off."""
        return begun_by(self.changes.changes)


async def wished(who: Who, plan: Plan, reach: Reach, options: Options | None = None) -> Wish:
    """Return what would be made so that `who` moves a plan; what is in the way is in its refusals.

    Raises what keeps it from being asked at all: ApiKeysNeeded, NoInstance, NoRight, the errors of
    the way, CantBeDelegated for a plan between several pairs of registries, and BadRequest for
    options that don't say enough.
    """
    options = options or Options()
    pairs = pairs_of(plan)
    if len(pairs) != 1:
        raise errors.CantBeDelegated(
            "the plan goes between several pairs of registries" if pairs else "the plan is empty",
            remedy="Write a plan for each pair, or let Transship move it.",
        )
    [(source, target)] = pairs
    if who is Who.TCR_SYNC:
        rules, changes = await sync_wish(plan, source, target, reach, options)
        return Wish(who, source, Serving(rules, rules), changes)
    if who is Who.TCR_REPLICA:
        replicas, changes = await replica_wish(source, target, reach, options)
        return Wish(who, source, Serving(replicas, replicas), changes)
    if who is Who.TRANSSHIP:
        raise errors.BadRequest(
            "Transship's own lanes are no engine", remedy="Run the plan: `transship run PLAN`."
        )
    relays = who is Who.HARBOR_RELAY
    harbor, changes = await harbor_wish(plan, source, target, reach, options, relays=relays)
    others = [host for host in (source, target) if host != harbor.host]
    through = [note for host in others for note in await gets_in("Harbor", host, reach)]
    changes = replace(changes, notes=(*changes.notes, *through))
    return Wish(who, harbor.host, Serving(harbor, harbor, harbor), changes)


async def engine_of(who: str, host: str, reach: Reach) -> Serving:
    """Open the engine of a delegation again, by what its `Agreed` says.

    Raises CantBeDelegated for one that isn't known here, and what keeps it from being reached.
    """
    if who not in _OPENERS:
        raise errors.CantBeDelegated(
            f"{who}: no such engine is known", remedy="A newer Transship may know it."
        )
    return await _OPENERS[who](host, reach)


def runs_of(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the names of what has executions once the changes are made."""
    there = (each for each in changes if each.kind in _RUNS and each.does is not Does.DELETE)
    return tuple(dict.fromkeys(each.name for each in there))


def begun_by(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return the names of what a start begins: of a relay only the half that pulls."""
    pulls = [
        each
        for each in changes
        if each.kind == POLICY and each.after is not None and each.after.get("src_registry")
    ]
    return runs_of(tuple(pulls) or changes)


async def _harbor(host: str, reach: Reach) -> Serving:
    harbor = Harbor(host, (await reach.registry(host)).asks())
    return Serving(harbor, harbor, harbor)


async def _sync(host: str, reach: Reach) -> Serving:
    at = await instance_of(reach, host)
    rules = SyncRules(at.cloud, at.instance)
    return Serving(rules, rules)


async def _replica(host: str, reach: Reach) -> Serving:
    at = await instance_of(reach, host)
    replicas = Replicas(at.cloud, at.instance)
    return Serving(replicas, replicas)


async def _quick(host: str, reach: Reach) -> Serving:
    return Serving(Spaces(await instance_of(reach, host)))


async def _network(host: str, reach: Reach) -> Serving:
    return Serving(await network_at(reach, host))


async def _domain(host: str, reach: Reach) -> Serving:
    return Serving(await domains_at(reach, host))


async def network_at(reach: Reach, host: str) -> Network:
    """Open the network access of the instance of TCR at a host."""
    return (await opened(reach, host)).network


async def domains_at(reach: Reach, host: str) -> Domains:
    """Open the custom domains of the instance of TCR at a host."""
    return (await opened(reach, host)).domains


_OPENERS: Mapping[str, Callable[[str, Reach], Awaitable[Serving]]] = {
    Who.HARBOR: _harbor,
    Who.HARBOR_RELAY: _harbor,
    Who.TCR_SYNC: _sync,
    Who.TCR_REPLICA: _replica,
    Other.QUICK: _quick,
    Other.NETWORK: _network,
    Other.DOMAIN: _domain,
}
