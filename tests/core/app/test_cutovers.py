"""The engine that moves domains, against the servers of the lab."""

from __future__ import annotations

import threading
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers.between import let_every_change_be_made
from servers.dns.asked import values
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from servers.dns.zones import IMAGES, NEW, OLD, TTL
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.app.cutovers import CutoverRequest
from transship.cutover.change.execution import ChangeRequest
from transship.cutover.change.provider import TsigKey, store_tsig_key, tsig_key
from transship.cutover.change.records import PlannedChange
from transship.cutover.change.settings import PowerDnsSettings, Rfc2136Settings, Route53Settings
from transship.cutover.domain import Domain, Resolver, Subject
from transship.cutover.evidence import RecordSet
from transship.cutover.journal import EntryKind
from transship.cutover.progress import CutoverState
from transship.errors import (
    ByHandOnly,
    CutoverNotFound,
    KeyringLocked,
    RollbackBlocked,
    WritesOff,
)
from transship.operator import this_operator
from transship.paths import Paths
from transship.views.cutover import grid_cells

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from transship.cutover.status import CutoverStatus


class LabEngine(Application):
    """An engine that asks the lab's resolvers only."""

    lab: DnsLab

    def __init__(self, paths: Paths, sources: Sources) -> None:
        super().__init__(paths, sources)
        # The new registry doesn't listen here; what it is looked at for: `commands`.
        let_every_change_be_made(self)

        def resolvers_of(_: Subject) -> tuple[Resolver, ...]:
            plain = self.lab.caches["plain"]
            return (Resolver("plain", plain.address, plain.port, origin="system"),)

        self.cutovers.checks.resolvers_of = resolvers_of  # type: ignore[method-assign]


@pytest.fixture
def engine(lab: DnsLab, tmp_path: Path) -> LabEngine:
    store = SessionStore()
    sources = Sources(store, store, DockerConfig({}, home=tmp_path), {})
    engine = LabEngine(Paths(tmp_path / "config", tmp_path / "state"), sources)
    engine.lab = lab
    return engine


@pytest.fixture
def subject(lab: DnsLab) -> Subject:
    lab.primary.remember(EXAMPLE, IMAGES)
    return Subject(Domain(IMAGES.rstrip(".")), NEW.rstrip("."), served=lab.served)


async def last(standings: AsyncIterator[CutoverStatus]) -> CutoverStatus:
    """Follow a check to its end."""
    return [each async for each in standings][-1]


async def seen(
    engine: LabEngine, name: str, wanted: Callable[[CutoverStatus], bool]
) -> CutoverStatus:
    """Watch until something holds."""
    async with aclosing(engine.cutovers.checks.watch(name)) as standings:
        async for standing in standings:
            if wanted(standing):
                return standing
    raise AssertionError("the watch has ended")


async def test_a_domain_is_looked_at_and_what_was_seen_is_kept(
    engine: LabEngine, subject: Subject
) -> None:
    name = engine.cutovers.add(subject)
    assert engine.cutovers.find(name).evidence is None
    standing = await last(engine.cutovers.checks.check(name))
    assert standing.evidence is not None
    assert standing.evidence.today is not None
    assert standing.edit is not None
    assert standing.edit.forward.remove[0].endswith(f"CNAME {OLD}")
    assert standing.edit.forward.add == (f"{subject.domain.name}. {TTL} IN CNAME {NEW}",)
    assert {cell.says for cell in grid_cells(standing)} == {"old"}
    # The new registry doesn't listen in the lab.
    assert standing.result("P-12").severity == "block"  # type: ignore[union-attr]
    assert engine.cutovers.find(subject.domain.name).evidence == standing.evidence
    await engine.aclose()


async def test_what_pulls_by_the_domain_show_is_on_the_board_while_it_is_watched(
    engine: LabEngine, subject: Subject, lab: DnsLab
) -> None:
    name = engine.cutovers.add(replace(subject, system=False))
    before = await last(engine.cutovers.checks.check(name))
    assert before.result("V-01").needs == "the change"  # type: ignore[union-attr]
    lab.set(IMAGES, "CNAME", NEW)
    lab.flush()

    standing = await seen(engine, name, lambda each: bool(each.evidence and each.evidence.by_name))

    # The new registry doesn't listen in the lab.
    failing = standing.result("V-01")
    assert failing is not None
    assert [each.id for each in failing.findings] == ["pull-fails-now"]
    assert f"{lab.block.address('3.2')} (plain): connection-refused" in failing.seen
    assert standing.result("R-01").findings[0].id == "go-back"  # type: ignore[union-attr]
    again = await engine.cutovers.checks.look_after_change(name)
    assert again.evidence is not None
    assert again.evidence.by_name[0].at > standing.evidence.by_name[0].at  # type: ignore[union-attr]
    await engine.aclose()


async def test_an_edit_by_hand_is_seen_by_itself(
    engine: LabEngine, subject: Subject, lab: DnsLab
) -> None:
    name = engine.cutovers.add(subject)
    await last(engine.cutovers.checks.check(name))
    await seen(engine, name, lambda each: bool(each.history))
    with pytest.raises(ByHandOnly):
        await engine.cutovers.changes.change(name)
    lab.set(IMAGES, "CNAME", NEW)
    standing = await seen(
        engine, name, lambda each: each.state in (CutoverState.CHANGED, CutoverState.MOVED)
    )
    assert standing.progress is not None
    assert standing.progress.clocks.changed_at is not None
    assert {c.says for c in grid_cells(standing) if c.kind == "server"} == {"new"}
    assert standing.edit is not None
    assert standing.edit.forward.add, "the edit is still that of the change"


async def test_a_record_is_changed_and_put_back_by_update(
    engine: LabEngine, subject: Subject, lab: DnsLab
) -> None:
    key = TsigKey(KEY_NAME, KEY_SECRET, KEY_ALGORITHM)
    await store_tsig_key(engine.cutovers.changes.secret_store, lab.primary.address, key)
    way = Rfc2136Settings(
        EXAMPLE.rstrip("."), lab.primary.address, KEY_NAME, lab.block.port, KEY_ALGORITHM
    )
    name = engine.cutovers.add(subject, way)
    standing = await last(engine.cutovers.checks.check(name))
    assert standing.applier is not None
    engine.cutovers.read_only = True
    assert engine.cutovers.find(name).applier.why_not  # type: ignore[union-attr]
    with pytest.raises(WritesOff):
        await engine.cutovers.changes.change(name)
    engine.cutovers.read_only = False
    assert await engine.cutovers.changes.change(name) == "change done"
    standing = await seen(
        engine, name, lambda each: each.state in (CutoverState.CHANGED, CutoverState.MOVED)
    )
    assert standing.way_back is not None
    assert "nobody has compared" in standing.way_back.blocked
    with pytest.raises(RollbackBlocked):
        await engine.cutovers.changes.roll_back(name, accept_loss=False)
    assert await engine.cutovers.changes.roll_back(name, accept_loss=True) == "rollback done"
    standing = await seen(engine, name, lambda each: each.state is CutoverState.ROLLED_BACK)
    assert {c.says for c in grid_cells(standing) if c.kind == "server"} == {"old"}
    texts = [note.text for note in standing.notes]
    assert "change done" in texts
    assert "rollback done" in texts


async def test_a_change_that_was_broken_off_is_read_back_and_nothing_is_sent_again(
    engine: LabEngine, subject: Subject, lab: DnsLab
) -> None:
    way = Rfc2136Settings(
        EXAMPLE.rstrip("."), lab.primary.address, KEY_NAME, lab.block.port, KEY_ALGORITHM
    )
    await engine.cutovers.changes.keep_key(way, KEY_SECRET, for_this_run=True)
    name = engine.cutovers.add(subject, way)
    await last(engine.cutovers.checks.check(name))
    assert await engine.cutovers.changes.end(name) == "no change was left without an end"
    cutover = engine.cutovers._cutovers.store.find(name)
    host = subject.domain.name
    edit = PlannedChange(
        host,
        (RecordSet(f"{host}.", "CNAME", TTL, (OLD,)),),
        (RecordSet(f"{host}.", "CNAME", TTL, (NEW,)),),
    )
    with cutover.journal() as journal:
        journal.add(
            EntryKind.ASKED, ChangeRequest(edit, "the lab"), engine.clock.now(), this_operator()
        )
    lab.set(IMAGES, "CNAME", NEW)  # It was sent, and then whoever sent it was gone.
    assert engine.cutovers.find(name).unended is not None
    sent = values(EXAMPLE, "SOA", lab.primary.address, lab.block.port)

    assert await engine.cutovers.changes.end(name) == "change done"

    assert engine.cutovers.find(name).unended is None
    assert values(EXAMPLE, "SOA", lab.primary.address, lab.block.port) == sent


async def test_the_key_of_a_way_is_kept_for_good_or_for_this_run(engine: LabEngine) -> None:
    engine.connections.sources = replace(engine.connections.sources, session=SessionStore())
    update = Rfc2136Settings("example.test", "127.0.0.1", "mover")
    api = PowerDnsSettings("example.test", "https://dns.example:8081")
    assert await engine.cutovers.changes.is_key_kept(Route53Settings("Z1"))
    for way, for_this_run in ((update, True), (api, False)):
        assert not await engine.cutovers.changes.is_key_kept(way)
        await engine.cutovers.changes.keep_key(way, "c2VjcmV0", for_this_run=for_this_run)
        assert await engine.cutovers.changes.is_key_kept(way)
    engine.connections.sources = replace(engine.connections.sources, session=SessionStore())
    assert not await engine.cutovers.changes.is_key_kept(update)
    assert await engine.cutovers.changes.is_key_kept(api)


class LockedStore(SessionStore):
    """A keyring that takes nothing."""

    async def set(self, host: str, username: str, secret: str) -> None:
        raise KeyringLocked(host)


async def test_a_keyring_that_refuses_a_key_takes_none_away(engine: LabEngine) -> None:
    engine.connections.sources = replace(
        engine.connections.sources, session=SessionStore(), keyring=LockedStore()
    )
    way = Rfc2136Settings("example.test", "127.0.0.1", "mover")
    await engine.cutovers.changes.keep_key(way, "c2VjcmV0", for_this_run=True)

    with pytest.raises(KeyringLocked):
        await engine.cutovers.changes.keep_key(way, "YW5vdGhlcg==")

    assert await engine.cutovers.changes.is_key_kept(way)


async def test_a_key_that_is_kept_for_good_counts_before_that_for_this_run(
    engine: LabEngine,
) -> None:
    engine.connections.sources = replace(engine.connections.sources, session=SessionStore())
    way = Rfc2136Settings("example.test", "127.0.0.1", "mover")
    await engine.cutovers.changes.keep_key(way, "b2xk", for_this_run=True)
    await engine.cutovers.changes.keep_key(way, "bmV3")

    assert (
        await tsig_key(engine.cutovers.changes.secret_store, way.address, way.key, way.algorithm)
    ).secret == "bmV3"


async def test_how_a_record_is_changed_can_be_said_anew(
    engine: LabEngine, subject: Subject
) -> None:
    name = engine.cutovers.add(subject)
    assert engine.cutovers.find(name).applier is None
    standing = engine.cutovers.changes.set_provider(name, Route53Settings("Z1"))
    assert standing.applier is not None
    assert engine.cutovers.changes.provider(name) == Route53Settings("Z1")


async def test_checks_and_the_watch_run_beside_the_app(engine: LabEngine, subject: Subject) -> None:
    name = engine.cutovers.add(subject)
    looked: set[int] = set()
    known = engine.cutovers.checks.resolvers_of

    def resolvers_of(subject: Subject) -> tuple[Resolver, ...]:
        looked.add(threading.get_ident())
        return known(subject)

    engine.cutovers.checks.resolvers_of = resolvers_of  # type: ignore[method-assign]
    await last(engine.cutovers.checks.check(name))
    await seen(engine, name, lambda each: bool(each.history))
    assert looked
    assert threading.get_ident() not in looked


async def test_what_the_operator_says_counts(engine: LabEngine, subject: Subject) -> None:
    name = engine.cutovers.add(subject)
    await last(engine.cutovers.checks.check(name))
    before = engine.cutovers.find(name).result("P-09")
    after = engine.cutovers.answer(name, "automation", "none").result("P-09")
    assert before is not None
    assert after is not None
    assert before.needs
    assert not after.needs


async def test_fields_are_tried_one_by_one(
    engine: LabEngine, subject: Subject, lab: DnsLab
) -> None:
    cache = lab.caches["plain"]
    resolver = f"{cache.address}:{cache.port}"
    tried = await engine.cutovers.checks.try_resolver(resolver, subject.domain.name)
    assert tried.good
    assert OLD in tried.words
    domain = await engine.cutovers.checks.try_domain(subject.domain.name)
    assert domain.proposal == OLD.rstrip(".")
    new = await engine.cutovers.checks.try_new(CutoverRequest(subject.domain.name, subject.new))
    assert new.good is False


async def test_a_cutover_is_put_away(engine: LabEngine, subject: Subject) -> None:
    name = engine.cutovers.add(subject)
    engine.cutovers.forget(name)
    assert not engine.cutovers.all()
    with pytest.raises(CutoverNotFound):
        engine.cutovers.find(name)
