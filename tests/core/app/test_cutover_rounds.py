"""The engine that keeps two registries in step while their domain moves: all of it for real.

The domain is the lab's; both registries are docker-registries of the test's own, and skopeo says
what is where.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cutovers.between import APP, DOMAIN, QuickEngine, checked, domain_between, push, seen
from moving.judge import digest_at
from servers.dns.knot import KEY_ALGORITHM, KEY_NAME, KEY_SECRET
from servers.dns.lab import EXAMPLE
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app import cutovers
from transship.cutover.catchup import QUIET_ROUNDS
from transship.cutover.change.provider import TsigKey, store_tsig_key
from transship.cutover.change.settings import Rfc2136Settings
from transship.cutover.domain import Domain, Subject
from transship.cutover.progress import CutoverState
from transship.errors import BadRequest, LossUnknown, RollbackBlocked, WritesOff
from transship.oci.reference import Reference
from transship.paths import Paths
from transship.plans.plan import Plan, wanted
from transship.reports.cutover import cutover_document
from transship.transfers.copies import JobState
from transship.views.cutover import undecided_tags

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from servers.dns.lab import DnsLab
    from servers.docker_registry import DockerRegistry
    from transship.cutover.status import CutoverStatus


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[QuickEngine]:
    session, keyring = SessionStore(), SessionStore()
    sources = Sources(session, keyring, DockerConfig({}, home=tmp_path), {})
    engine = QuickEngine(Paths(tmp_path / "config", tmp_path / "state"), sources)
    yield engine
    await engine.aclose()


@pytest.fixture
def old(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


@pytest.fixture
def new(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


@pytest.fixture
def subject(lab: DnsLab, old: DockerRegistry, new: DockerRegistry) -> Subject:
    """A domain that is to move between registries which hold the same: one tag."""
    return domain_between(lab, old, new)


def changed(standing: CutoverStatus) -> bool:
    return standing.state in (CutoverState.CHANGED, CutoverState.MOVED)


async def test_from_the_first_check_to_two_rounds_that_find_nothing(
    engine: QuickEngine,
    subject: Subject,
    lab: DnsLab,
    old: DockerRegistry,
    new: DockerRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cutovers, "FRESH", 0.0)
    key = TsigKey(KEY_NAME, KEY_SECRET, KEY_ALGORITHM)
    await store_tsig_key(engine.cutovers.changes.secret_store, lab.primary.address, key)
    way = Rfc2136Settings(
        EXAMPLE.rstrip("."), lab.primary.address, KEY_NAME, lab.block.port, KEY_ALGORITHM
    )
    name = engine.cutovers.add(subject, way)
    before = await checked(engine, name)
    assert before.result("P-27").seen == "1 tag, the same on both sides"  # type: ignore[union-attr]
    assert not engine.jobs.all(), "a check copies nothing"

    await seen(engine, name, lambda each: bool(each.history))
    await engine.cutovers.changes.change(name)
    early, late = push(old, "1", "by a node that is late"), push(new, "2", "by the domain")
    await seen(engine, name, changed)

    # Only looked: what is to be copied is named, and so is what going back would hide.
    standing = await checked(engine, name)
    assert [each.tag for each in standing.rounds[-1].left.copies] == ["1"]
    assert standing.way_back is not None
    assert [each.tag for each in standing.way_back.lost] == ["2"]
    assert standing.result("V-03").findings[0].id == "pushed-to-old"  # type: ignore[union-attr]
    with pytest.raises(RollbackBlocked, match=f"would hide 1 tag: {APP}:2"):
        await engine.cutovers.changes.roll_back(name, accept_loss=False)

    # Rounds go on beside the watch, until everybody has followed.
    watching = asyncio.create_task(seen(engine, name, lambda _: False))
    async with aclosing(engine.cutovers.rounds.run(name)) as going:
        states = [each.state async for each in going]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert states[-1] is CutoverState.MOVED
    standing = engine.cutovers.find(name)
    assert standing.quiet >= QUIET_ROUNDS
    assert digest_at(new, APP, "1") == early
    made = engine.jobs.all()
    assert [(job.state, job.counts.copied) for job in made] == [(JobState.DONE, 1)], standing.rounds
    (job,) = made
    written = cutover_document(standing, engine.clock.now())["delta"]
    assert written["in_step"] is True  # type: ignore[index]
    assert any(job.id in note.text for note in standing.notes)

    # And back: what only the new one has goes first.
    await engine.cutovers.rounds.copy_back(name)
    assert digest_at(old, APP, "2") == late
    assert await engine.cutovers.changes.roll_back(name, accept_loss=False) == "rollback done"


async def test_a_comparison_that_is_old_does_not_hide_what_was_pushed_since(
    engine: QuickEngine,
    subject: Subject,
    lab: DnsLab,
    old: DockerRegistry,
    new: DockerRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cutovers, "FRESH", 0.0)
    key = TsigKey(KEY_NAME, KEY_SECRET, KEY_ALGORITHM)
    await store_tsig_key(engine.cutovers.changes.secret_store, lab.primary.address, key)
    way = Rfc2136Settings(
        EXAMPLE.rstrip("."), lab.primary.address, KEY_NAME, lab.block.port, KEY_ALGORITHM
    )
    name = engine.cutovers.add(subject, way)
    await checked(engine, name)
    await seen(engine, name, lambda each: bool(each.history))
    await engine.cutovers.changes.change(name)
    await seen(engine, name, changed)
    standing = await engine.cutovers.rounds.compare(name)
    assert standing.way_back is not None
    assert not standing.way_back.blocked
    push(new, "2", "by the domain, after it was compared")
    old.stop()

    with pytest.raises(LossUnknown, match=r"can't be compared anew: .*refused"):
        await engine.cutovers.changes.roll_back(name, accept_loss=False)

    assert changed(engine.cutovers.find(name)), "nothing was changed"
    # Whoever can't wait for the old registry goes back without knowing.
    assert await engine.cutovers.changes.roll_back(name, accept_loss=True) == "rollback done"


async def test_a_tag_that_both_have_pushed_is_decided_by_somebody(
    engine: QuickEngine, subject: Subject, old: DockerRegistry, new: DockerRegistry
) -> None:
    name = engine.cutovers.add(subject)
    await checked(engine, name)
    theirs, ours = push(old, "1", "old"), push(new, "1", "new")
    standing = await engine.cutovers.rounds.catch_up(name)
    assert [(each.old, each.new) for each in undecided_tags(standing)] == [(theirs, ours)]
    with pytest.raises(BadRequest, match="nobody has asked about team/app:2"):
        engine.cutovers.rounds.keep_tag(name, f"{APP}:2", "old")

    engine.cutovers.rounds.keep_tag(name, f"{APP}:1", "old")
    standing = await engine.cutovers.rounds.catch_up(name)

    assert digest_at(new, APP, "1") == theirs
    assert not undecided_tags(standing)
    assert "chosen for team/app:1: what the old registry has" in [n.text for n in standing.notes]


async def test_with_read_only_nothing_is_copied_either(
    engine: QuickEngine, subject: Subject, old: DockerRegistry
) -> None:
    name = engine.cutovers.add(subject)
    push(old, "2", "two")
    engine.cutovers.read_only = True
    with pytest.raises(WritesOff):
        await engine.cutovers.rounds.catch_up(name)
    with pytest.raises(WritesOff):
        await engine.cutovers.rounds.copy_back(name)
    assert (await engine.cutovers.rounds.compare(name)).rounds[-1].left.copies
    assert not engine.jobs.all()


async def test_without_the_old_registry_there_are_no_rounds(
    engine: QuickEngine, lab: DnsLab, new: DockerRegistry
) -> None:
    name = engine.cutovers.add(Subject(Domain(DOMAIN), new.host, served=lab.served))
    with pytest.raises(BadRequest, match="isn't named"):
        await engine.cutovers.rounds.compare(name)


async def test_a_check_goes_by_what_a_job_has_copied(
    engine: QuickEngine, subject: Subject, old: DockerRegistry, new: DockerRegistry
) -> None:
    push(old, "2", "two")
    source, target = Reference(old.host, APP, "2"), Reference(new.host, APP, "2")
    job = await engine.jobs.start(Plan(copies=(wanted(source, target),)))
    while not engine.jobs.find(job).state.ended:
        await engine.clock.sleep(0.05)
    push(old, "3", "left out on purpose")
    name = engine.cutovers.add(replace(subject, job=job))

    standing = await checked(engine, name)
    assert standing.evidence is not None
    assert standing.evidence.parity is not None
    assert (standing.evidence.parity.source, standing.evidence.parity.compared) == (job, 1)
    assert standing.result("P-27").seen == f"1 tag of {job}, the same on both sides"  # type: ignore[union-attr]

    moved = push(old, "2", "two, anew")
    await engine.cutovers.rounds.catch_up(name)
    assert digest_at(new, APP, "2") == moved, "the job tells that only the old one was pushed to"
