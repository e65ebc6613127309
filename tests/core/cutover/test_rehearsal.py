"""The whole of it: a domain moves and comes back while clients pull, and no pull fails."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers.pullers import Client, OwnClient, Skopeo, pulling
from cutovers.sides import NAME, TwoSides, two_sides
from moving.jobs import access_to
from servers.dns.asked import values
from servers.dns.caches import Beneath, Cache, unbound
from servers.dns.clients import why_no_resolver
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from transship.clock import SystemClock
from transship.cutover.catchup import CatchupRound, TagDifferences, run_round
from transship.cutover.change.execution import (
    ChangeOutcome,
    RecordChange,
    apply_change,
    prepare_change,
)
from transship.cutover.change.records import desired_records
from transship.cutover.domain import Resolver
from transship.cutover.evidence import Evidence, NamedPull
from transship.cutover.in_sync import CutoverRegistries, FullListing
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.cutover.observe.endpoint import TargetOptions
from transship.cutover.observer import DnsObserver, ObserverSetup, observe_change, pulls_by_name
from transship.cutover.progress import CutoverState
from transship.cutover.rollback import roll_back
from transship.cutover.timeline import ENOUGH
from transship.cutover.watch import AfterChange, CutoverWatch, WatchIntervals
from transship.oci.reference import Reference
from transship.registry.access import open_registry
from transship.transfers.jobs import JobStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from transship.cutover.domain import Subject
    from transship.cutover.observe.dns_queries import DnsClient
    from transship.cutover.progress import CutoverProgress

HOLDS = 9
"""For so long the holding cache keeps everything, in seconds, whatever it was told."""

WATCHED = "watched/app"
"""What the watch itself pulls."""

PACE = WatchIntervals(quick=0.2, slow=0.5, resolvers=1.0, settled=1.0, pulls=2.0)
WHOLE = 1.0
"""Caches count whole seconds: one that obeys may hold a record for as much longer."""


@pytest.fixture
def sides(lab: DnsLab, tmp_path: Path) -> Iterator[TwoSides]:
    """The old registry and the new one."""
    with two_sides(lab, tmp_path / "sides") as sides:
        yield sides


@pytest.fixture
def holding(lab: DnsLab, tmp_path: Path) -> Iterator[Cache]:
    """A cache that holds everything for longer than it was told."""
    beneath = Beneath(lab.block.address("1.1"), lab.block.port)
    options = f"  cache-min-ttl: {HOLDS}"
    with unbound(tmp_path / "holding", lab.block.address("4.5"), beneath, options) as cache:
        yield cache


async def compared(sides: TwoSides, journal: CutoverJournal, folder: Path) -> CatchupRound:
    """Compare both registries, as has to be done before the way back."""
    old, new = (
        open_registry(Reference(each.host), access_to(each)) for each in (sides.old, sides.new)
    )

    async def begin(_: object) -> None:
        raise AssertionError("there is nothing to copy")

    async with aclosing(old), aclosing(new):
        whole = FullListing(old, new, (old.name, new.name))
        registries = CutoverRegistries(
            whole, JobStore(folder / "delta"), journal, SystemClock(), begin
        )
        return await run_round(registries, journal, SystemClock())


async def served_by(side: DockerRegistry, other: DockerRegistry, *clients: Client) -> None:
    """See in both access logs that everybody pulls from one side, and nobody from the other."""
    await asyncio.gather(*(each.pulls_again(1) for each in clients))
    marks = side.mark(), other.mark()
    await asyncio.gather(*(each.pulls_again() for each in clients))
    here, there = side.since(marks[0]), other.since(marks[1])
    for each in clients:
        blobs = f"/v2/{each.repository}/blobs/"
        assert any(access.path.startswith(blobs) for access in here), each.name
    assert there == []
    assert {access.status for access in here} == {200}


def is_back(seen: CutoverProgress) -> bool:
    """Tell whether the way back is over, by the watch."""
    over = seen.clocks.as_seen is not None and seen.at >= seen.clocks.as_seen
    return (
        seen.state is CutoverState.ROLLED_BACK and over and all(row.moved for row in seen.resolvers)
    )


class Rehearsal:
    """One watch over changes that are made while clients pull."""

    def __init__(
        self,
        watch: CutoverWatch,
        told: list[CutoverProgress],
        journal: CutoverJournal,
        own: Sequence[Client],
    ) -> None:
        self._watch = watch
        self._told = told
        self._journal = journal
        self._own = {each.name: each for each in own}

    async def goes(
        self,
        act: Callable[[], Awaitable[None]],
        over: Callable[[CutoverProgress], bool],
        *,
        leaves: str,
        holding: Cache,
    ) -> None:
        """Make a change, watch until it is over, and see that the watch said what caches did."""
        self._told.clear()
        holding.flush()  # It holds what it is told now for its whole time, counted from here.
        assert await asyncio.to_thread(values, IMAGES, "A", holding.address, holding.port)
        began = time.time()
        watching = asyncio.create_task(self._watch.run(over))
        await act()
        seen = await asyncio.wait_for(watching, 60)

        held = {name: max(each.led_to(leaves, since=began)) for name, each in self._own.items()}
        rules = seen.clocks.by_the_rules
        assert rules is not None
        assert held["plain"] <= rules + WHOLE
        assert held["forwarder"] <= rules + WHOLE
        assert rules < held["holding"] <= rules + HOLDS - TTL + WHOLE
        assert seen.at >= max(held.values()), "it was over while a cache led there still"
        self._waited_for_the_holding_cache(held["holding"], seen)

    def _waited_for_the_holding_cache(self, held: float, seen: CutoverProgress) -> None:
        """See that the second clock and the stragglers are about it, and for as long as it held."""
        name = "holding"
        rows = [
            (each, row) for each in self._told for row in each.resolvers if row.resolver == name
        ]
        late = [(each, row) for each, row in rows if held - HOLDS / 3 <= row.seen <= held]
        assert late
        let_go = min(each.at for each in self._own[name].pulls if each.at > held)
        for each, row in late:
            assert row.clamps
            assert held - WHOLE <= row.seen + row.ttl <= let_go + WHOLE
            others = [r for r in each.resolvers if r.resolver != name and r.side is row.side]
            assert each.clocks.as_seen is not None
            # One that serves what has expired gives that half a minute, and takes it back.
            rules = each.clocks.by_the_rules or 0.0
            assert others or each.clocks.as_seen == max(rules, row.seen + row.ttl)
        waiting = [each.at for each in self._told if name in each.clocks.stragglers]
        assert all(held - WHOLE <= at <= seen.at for at in waiting), (waiting, held)
        # It counts as moved with its third answer, and not one later.
        samples = [s for s in self._journal.samples() if s.resolver == name]
        after = [s for s in samples if s.at > held and s.values == samples[-1].values]
        assert len(after) == ENOUGH


async def test_a_domain_moves_and_comes_back_and_no_pull_fails(
    lab: DnsLab,
    sides: TwoSides,
    holding: Cache,
    subject: Subject,
    journal: CutoverJournal,
    dns_client: DnsClient,
    change: Callable[..., RecordChange],
    tmp_path: Path,
) -> None:
    old, new = lab.block.address("3.1"), lab.block.address("3.2")
    caches = {name: lab.caches[name] for name in ("plain", "forwarder", "stale")}
    caches["holding"] = holding
    resolvers = [Resolver(name, at.address, at.port) for name, at in caches.items()]
    own = [OwnClient(each, dns_client, sides.ca_file) for each in resolvers]
    # Where a program can't be given a resolver, our own clients rehearse alone.
    machines = () if why_no_resolver(lab) else ("plain", "forwarder")
    skopeos = [Skopeo(lab, name, tmp_path, sides.ca_file) for name in machines]
    clients: list[Client] = [*own, *skopeos]
    await sides.fill(WATCHED, *(each.repository for each in clients))
    observers = DnsObserver(dns_client, subject, resolvers, resolvers[:1])
    told: list[CutoverProgress] = []
    inside = replace(subject, node_ca=str(sides.ca_file), system=False)
    means = ObserverSetup(
        dns_client, tuple(resolvers), tuple(resolvers[:1]), TargetOptions(references=(WATCHED,))
    )

    def known() -> Evidence:
        return journal.evidence() or Evidence(time.time())

    after = AfterChange(
        lambda: observe_change(inside, means, known()),
        lambda: pulls_by_name(inside, means, known()),
    )
    watch = CutoverWatch(subject, journal, observers, SystemClock(), told.append, PACE, after)
    rehearsal = Rehearsal(watch, told, journal, own)
    change_of_record = change()

    async with pulling(*clients):
        await served_by(sides.old, sides.new, *clients)

        planned = await prepare_change(change_of_record, NAME, desired_records(NAME, [NEW], TTL))
        assert planned.before[0].values == (OLD,)

        async def there() -> None:
            ended = await apply_change(change_of_record, planned)
            assert ended.outcome is ChangeOutcome.DONE

        await rehearsal.goes(
            there, lambda seen: seen.state is CutoverState.MOVED, leaves=old, holding=holding
        )
        await served_by(sides.new, sides.old, *clients)
        made = [
            *(p for e in journal.entries(EntryKind.PULLED) for p in e.read(tuple[NamedPull, ...])),
            *(p for e in journal.entries(EntryKind.FOLLOWED) for p in e.read(Evidence).by_name),
        ]
        assert {pull.error for pull in made} == {""}
        assert {pull.address for pull in made if "plain" in pull.by} >= {new}
        assert old in {pull.address for pull in made if "holding" in pull.by}

        assert (await compared(sides, journal, tmp_path)).found == TagDifferences()

        async def back() -> None:
            ended = await roll_back(change_of_record)
            assert (ended.outcome, ended.direction) == (ChangeOutcome.DONE, "rollback")

        await rehearsal.goes(back, is_back, leaves=new, holding=holding)
        await served_by(sides.old, sides.new, *clients)

    assert [(each.name, each.failed) for each in clients if each.failed] == []
    assert {each.name: each.places for each in own} == {each.name: [old, new, old] for each in own}
