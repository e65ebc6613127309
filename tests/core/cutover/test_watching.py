"""The watch: it sees by itself what happens to the record, and it loses nothing when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from servers.dns.lab import EXAMPLE, MINIMUM_TTL
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from servers.process import comes_true, eventually
from transship.clock import SystemClock
from transship.cutover.domain import Subject
from transship.cutover.evidence import (
    DnsAnswer,
    Evidence,
    NamedPull,
    NameServer,
    RecordSet,
    ResolverView,
    ZoneEvidence,
)
from transship.cutover.journal import EntryKind
from transship.cutover.progress import CutoverState
from transship.cutover.rules.case import Side
from transship.cutover.watch import AfterChange, CutoverWatch, WatchIntervals
from transship.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers.dns.lab import DnsLab
    from transship.cutover.folder import CutoverFolder
    from transship.cutover.journal import CutoverJournal
    from transship.cutover.observer import DnsObserver
    from transship.cutover.progress import CutoverProgress

NAME = IMAGES.rstrip(".")
BRISK = WatchIntervals(quick=0.2, slow=0.5, resolvers=0.5)


class FakeObservers:
    """What name servers and resolvers say, as a test wants it; `looks` has when each was asked."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.value = OLD
        self.ttl = 60
        self.looks: dict[str, list[float]] = {"servers": [], "cached": [], "resolvers": []}
        self.resolvers_wait: asyncio.Event | None = None

    def _answer(self, kind: str) -> DnsAnswer:
        records = (RecordSet(NAME, "CNAME", self.ttl, (self.value,)),) if self.value else ()
        now = self.clock.now()
        return DnsAnswer(NAME, kind, "ns", "192.0.2.1", now, rcode="NOERROR", records=records)

    async def servers(self, *, whole: bool = False) -> ZoneEvidence:
        self.looks["servers"].append(self.clock.monotonic())
        at = self.clock.now()
        soa = DnsAnswer("x", "SOA", "ns", "192.0.2.1", at, rcode="NOERROR", authoritative=True)
        said = tuple(self._answer(kind) for kind in ("CNAME", "A", "AAAA"))
        return ZoneEvidence("x", (), (), (NameServer("ns", "192.0.2.1", soa, soa, said),))

    async def resolvers(self, *, peek: bool = False) -> tuple[ResolverView, ...]:
        self.looks["cached" if peek else "resolvers"].append(self.clock.monotonic())
        if self.resolvers_wait is not None:
            await self.resolvers_wait.wait()
        nothing = DnsAnswer(NAME, "A", "e", "192.0.2.8", self.clock.now(), rcode="NOERROR")
        if not peek:
            soa = RecordSet("x", "SOA", 3, ("ns.x. admin.x. 1 1 1 1 3",))
            nothing = replace(nothing, rcode="NXDOMAIN", authority=(soa,))
        return (
            ResolverView("r", "192.0.2.9", "udp", "operator", (self._answer("A"),)),
            ResolverView("empty", "192.0.2.8", "udp", "operator", (nothing,)),
        )


class StandingClock(FakeClock):
    """A clock that stands still: who waits for it waits for ever."""

    waits = False

    async def sleep(self, seconds: float) -> None:
        self.waits = True
        await asyncio.Event().wait()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def fake(clock: FakeClock) -> FakeObservers:
    return FakeObservers(clock)


@pytest.fixture
def watch(
    subject: Subject, journal: CutoverJournal, fake: FakeObservers, clock: FakeClock
) -> CutoverWatch:
    return CutoverWatch(subject, journal, fake, clock)


def pauses(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


async def test_it_looks_often_at_first_and_seldom_then(
    watch: CutoverWatch, fake: FakeObservers, clock: FakeClock
) -> None:
    await watch.run(lambda _: clock.monotonic() > 200)

    found = pauses(fake.looks["servers"])
    assert set(found[:55]) == {2.0}
    assert set(found[-5:]) == {10.0}


async def test_resolvers_are_asked_once_in_the_ttl_and_before_the_change_only_for_their_cache(
    watch: CutoverWatch, fake: FakeObservers, clock: FakeClock, journal: CutoverJournal
) -> None:
    await watch.run(lambda _: clock.monotonic() > 60)
    assert fake.looks["resolvers"] == []
    assert min(pauses(fake.looks["cached"])) >= 15
    # Nothing in a cache isn't an answer.
    assert {each.resolver for each in journal.samples()} == {"r"}

    fake.value, fake.ttl = NEW, 5
    await watch.run(lambda seen: seen.state is CutoverState.CHANGED)
    await watch.run(lambda _: clock.monotonic() > 110)

    assert {each.resolver for each in journal.samples()} == {"r", "empty"}
    assert 5 <= min(pauses(fake.looks["resolvers"])) <= 7


async def test_a_silent_resolver_holds_nobody_up(
    watch: CutoverWatch, fake: FakeObservers, clock: FakeClock
) -> None:
    fake.resolvers_wait = asyncio.Event()

    await watch.run(lambda _: clock.monotonic() > 30)

    assert len(fake.looks["servers"]) >= 15
    assert len(fake.looks["cached"]) == 1


class OneCache(FakeObservers):
    """The same, with a single resolver that holds what a test wants."""

    held = OLD

    async def resolvers(self, *, peek: bool = False) -> tuple[ResolverView, ...]:
        answer = self._answer("A")
        answer = replace(answer, records=(RecordSet(NAME, "CNAME", 1, (self.held,)),))
        return (ResolverView("r", "192.0.2.9", "udp", "operator", (answer,)),)


class Beyond:
    """Looks beyond name servers and resolvers; `whole` and `pulled` have when each was made."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.whole: list[float] = []
        self.pulled: list[float] = []

    def after(self) -> AfterChange:
        return AfterChange(self.look, self.pull)

    async def look(self) -> Evidence:
        self.whole.append(self.clock.monotonic())
        return Evidence(self.clock.now(), by_name=(self._pull("at first"),))

    async def pull(self) -> tuple[NamedPull, ...]:
        self.pulled.append(self.clock.monotonic())
        return (self._pull("again"),)

    def _pull(self, who: str) -> NamedPull:
        return NamedPull((who,), self.clock.now(), "192.0.2.2", image="x")


def by(journal: CutoverJournal) -> tuple[str, ...]:
    """Who led to the newest pull by the domain that the journal knows."""
    evidence = journal.evidence()
    assert evidence is not None
    return evidence.by_name[0].by


async def test_all_is_looked_at_anew_with_each_state_and_pulls_are_made_in_between(
    subject: Subject, journal: CutoverJournal, clock: FakeClock
) -> None:
    fake, beyond = OneCache(clock), Beyond(clock)
    watch = CutoverWatch(subject, journal, fake, clock, after=beyond.after())
    await watch.run(lambda _: clock.monotonic() > 100)
    assert beyond.whole == beyond.pulled == []

    fake.value = NEW
    await watch.run(lambda _: len(beyond.whole) == 1 and not beyond.pulled)
    assert beyond.whole == pytest.approx([100], abs=12)
    await watch.run(lambda _: clock.monotonic() > 300)
    assert len(beyond.whole) == 1
    assert pauses(beyond.pulled) == pytest.approx([60] * (len(beyond.pulled) - 1), abs=10)
    assert by(journal) == ("again",)

    fake.held = NEW
    await watch.run(lambda seen: seen.state is CutoverState.MOVED and len(beyond.whole) == 2)
    moved, pulls = clock.monotonic(), len(beyond.pulled)
    assert by(journal) == ("at first",)
    await watch.run(lambda _: clock.monotonic() > moved + 600)
    assert len(beyond.pulled) <= pulls + 1, "only because the watch has begun anew"

    fake.value = OLD
    await watch.run(lambda seen: seen.state is CutoverState.ROLLED_BACK and len(beyond.whole) == 3)
    pulls = len(beyond.pulled)
    await watch.run(lambda _: clock.monotonic() > moved + 1200)
    assert (len(beyond.whole), len(beyond.pulled)) == (3, pulls)
    assert len(journal.entries(EntryKind.FOLLOWED)) == 3


async def test_a_pull_holds_nobody_up(
    subject: Subject, journal: CutoverJournal, fake: FakeObservers, clock: FakeClock
) -> None:
    fake.value = NEW

    async def endless() -> Evidence:
        await asyncio.Event().wait()
        raise AssertionError

    after = AfterChange(endless, Beyond(clock).pull)
    await CutoverWatch(subject, journal, fake, clock, after=after).run(
        lambda _: clock.monotonic() > 30
    )

    assert len(fake.looks["servers"]) >= 15
    assert journal.newest(EntryKind.FOLLOWED) is None


async def test_what_keeps_it_from_pulling_is_told_and_dns_is_asked_all_the_same(
    subject: Subject, journal: CutoverJournal, fake: FakeObservers, clock: FakeClock
) -> None:
    fake.value = NEW
    beyond, gone = Beyond(clock), [BadFile("/etc/nodes.pem: no such file")]
    tries: list[float] = []

    async def whole() -> Evidence:
        tries.append(clock.monotonic())
        if gone:
            raise gone[0]
        return await beyond.look()

    watch = CutoverWatch(subject, journal, fake, clock, after=AfterChange(whole, beyond.pull))
    await watch.run(lambda _: clock.monotonic() > 200)
    assert "/etc/nodes.pem: no such file" in watch.trouble
    assert len(fake.looks["servers"]) >= 15
    # At first it is hurried by what was seen.
    assert pauses(tries)[1:] == pytest.approx([60] * (len(tries) - 2), abs=10)

    gone.clear()
    await watch.run(lambda _: bool(beyond.pulled))
    assert watch.trouble == ""
    assert len(beyond.whole) == 1


async def test_a_journal_that_cannot_be_written_ends_the_watch(
    subject: Subject, cutover: CutoverFolder, fake: FakeObservers, clock: FakeClock
) -> None:
    fake.value = NEW
    with cutover.journal() as journal:
        beyond = Beyond(clock)
        watch = CutoverWatch(subject, journal, fake, clock, after=beyond.after())
        await watch.run(lambda _: len(beyond.whole) == 1)
    with pytest.raises(BadFile):
        await watch.run()


async def test_in_a_hurry_everybody_is_asked_at_once_and_often_for_a_while(
    watch: CutoverWatch, fake: FakeObservers, clock: FakeClock
) -> None:
    await watch.run(lambda _: clock.monotonic() > 200)
    before = {who: len(looks) for who, looks in fake.looks.items()}
    now = clock.monotonic()

    watch.hurry()
    await watch.run(lambda _: clock.monotonic() > now + 10)

    assert fake.looks["servers"][before["servers"]] == pytest.approx(now)
    assert fake.looks["cached"][before["cached"]] == pytest.approx(now)
    assert len(fake.looks["servers"]) >= before["servers"] + 5


async def test_a_hurry_ends_a_wait_that_has_begun(
    subject: Subject, journal: CutoverJournal, fake: FakeObservers
) -> None:
    clock = StandingClock()
    fake.clock = clock
    watch = CutoverWatch(subject, journal, fake, clock)
    running = asyncio.create_task(watch.run(lambda _: len(fake.looks["servers"]) > 1))
    await comes_true(lambda: clock.waits)

    watch.hurry()
    async with asyncio.timeout(30):
        await running


async def test_every_state_is_written_down_once(
    watch: CutoverWatch, fake: FakeObservers, journal: CutoverJournal
) -> None:
    await watch.ask_servers()
    for value in (OLD, "", NEW, NEW, "", OLD):
        fake.value = value
        fake.clock.advance(1)
        await watch.ask_servers()

    states = [each.read(CutoverState) for each in journal.entries(EntryKind.STATE)]
    assert states == [
        CutoverState.READY,
        CutoverState.BEFORE,
        CutoverState.CHANGED,
        CutoverState.CHANGING,
        CutoverState.ROLLED_BACK,
    ]


async def test_it_sees_by_itself_that_somebody_changed_the_record(
    lab: DnsLab,
    subject: Subject,
    journal: CutoverJournal,
    observers: Callable[..., DnsObserver],
) -> None:
    told: list[CutoverProgress] = []
    watch = CutoverWatch(subject, journal, observers(), SystemClock(), told.append, BRISK)
    watching = asyncio.create_task(watch.run(lambda seen: seen.state is CutoverState.CHANGED))
    await comes_true(lambda: told and told[-1].state is CutoverState.READY)

    await asyncio.to_thread(lab.set, IMAGES, "CNAME", NEW, ttl=2)

    seen = await asyncio.wait_for(watching, 30)
    assert {row.values for row in seen.servers} == {(NEW,)}
    assert seen.clocks.changed_at is not None
    assert seen.clocks.by_the_rules is not None
    # Just before it was seen to say the new value, a server may still have said the old one.
    assert seen.clocks.by_the_rules == seen.clocks.changed_at + TTL


async def test_resolvers_follow_as_the_clocks_say(
    lab: DnsLab,
    subject: Subject,
    journal: CutoverJournal,
    observers: Callable[..., DnsObserver],
) -> None:
    look = observers("plain", "clamping", "stale")
    await look.resolvers()
    told: list[CutoverProgress] = []
    watch = CutoverWatch(subject, journal, look, SystemClock(), told.append, BRISK)
    await watch.ask_servers()
    lab.set(IMAGES, "CNAME", NEW, ttl=2)

    def rows(seen: CutoverProgress) -> dict[str, bool]:
        return {row.resolver: row.moved for row in seen.resolvers}

    seen = await asyncio.wait_for(
        watch.run(lambda seen: rows(seen).get("plain", False) and rows(seen)["stale"]), 25
    )

    clocks = seen.clocks
    assert clocks.by_the_rules is not None
    assert clocks.as_seen is not None
    # The one that holds everything for 90 s is seen to, and waited for.
    clamping = next(row for row in seen.resolvers if row.resolver == "clamping")
    assert (clamping.side, clamping.moved, clamping.clamps) == (Side.OLD, False, True)
    assert clocks.by_the_rules + 60 < clocks.as_seen <= clocks.by_the_rules + MINIMUM_TTL + 5
    assert seen.state is CutoverState.CHANGED
    samples = journal.samples()
    honest = [each for each in samples if each.resolver == "plain"]
    # A cache counts its seconds whole.
    assert all(each.at <= clocks.by_the_rules + 1 for each in honest if each.values == (OLD,))
    # Served once more after it had expired: one answer doesn't tell.
    stale = [each for each in samples if each.resolver == "stale" and each.values == (OLD,)]
    assert max(each.at for each in stale) > clocks.by_the_rules - TTL
    assert {row.resolver for row in seen.resolvers if row.moved} == {"plain", "stale"}


_WATCH = """
import asyncio, json, sys
from pathlib import Path
from transship.clock import SystemClock
from transship.cutover.domain import Resolver
from transship.cutover.folder import CutoverFolder
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observer import DnsObserver
from transship.cutover.watch import CutoverWatch, WatchIntervals

folder, address, port, served = json.loads(sys.argv[1])
cutover = CutoverFolder(Path(folder))
plain = Resolver("plain", address, port)

async def main():
    subject = cutover.subject()
    asker = DnsClient(SystemClock(), served=[tuple(each) for each in served])
    observers = DnsObserver(asker, subject, [plain], [plain])
    with cutover.locked("watch"), cutover.journal() as journal:
        pace = WatchIntervals(0.2)
        await CutoverWatch(subject, journal, observers, SystemClock(), pace=pace).run()

asyncio.run(main())
"""


@pytest.fixture
def watcher(lab: DnsLab, cutover: CutoverFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A process that watches the cutover from its folder."""
    plain = lab.caches["plain"]
    given = json.dumps([str(cutover.folder), plain.address, plain.port, lab.served])
    process = subprocess.Popen(
        [sys.executable, "-c", _WATCH, given], env=os.environ, stderr=subprocess.PIPE
    )
    with process:
        yield process
        process.kill()


async def test_killed_it_goes_on_from_its_folder(
    lab: DnsLab,
    cutover: CutoverFolder,
    subject: Subject,
    observers: Callable[..., DnsObserver],
    watcher: subprocess.Popen[bytes],
) -> None:
    with cutover.journal() as journal:
        eventually(lambda: len(journal.served()) == 2)
        eventually(lambda: all(each.last > each.first for each in journal.served()))
        assert cutover.is_held("watch")
        watcher.send_signal(signal.SIGKILL)
        watcher.wait()
        before = journal.served()
    lab.primary.set(EXAMPLE, IMAGES, "CNAME", NEW, ttl=2)

    with cutover.locked("watch"), cutover.journal() as journal:
        watch = CutoverWatch(subject, journal, observers("plain"), SystemClock(), pace=BRISK)
        assert watch.progress.state is CutoverState.READY
        seen = await asyncio.wait_for(
            watch.run(lambda seen: seen.state is CutoverState.CHANGED), 30
        )

        kept = {(each.server, each.first) for each in journal.served()}
        assert {(each.server, each.first) for each in before} <= kept
        assert seen.clocks.by_the_rules is not None
        assert seen.clocks.by_the_rules >= max(each.last for each in before) + TTL
