"""What was agreed to is made once, read back, journalled, and can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.delegate import MemoryEngine
from transship import errors
from transship.clock import SystemClock
from transship.engines.changes import (
    ChangeJournal,
    ChangeSet,
    ChangeStep,
    apply_changes,
    change_between,
    delegation_status,
)
from transship.engines.delegation import plan_revert
from transship.registry.credential import Credential

SECRET = "s3cr3t-of-new"
ENDPOINT = change_between(
    "endpoint", "new", None, {"url": "https://new.example"}, gives=("new.example",)
)
RULE = change_between("rule", "nightly", None, {"to": "new", "override": False})
WISH = ChangeSet("an engine in memory", "push to new", (ENDPOINT, RULE))


async def gives(host: str) -> Credential:
    return Credential(f"robot of {host}", SECRET)


@pytest.fixture
def journal(tmp_path: Path) -> ChangeJournal:
    return ChangeJournal(tmp_path / "delegations", SystemClock())


async def all_made(identity: str, engine: MemoryEngine, journal: ChangeJournal) -> list[str]:
    return [str(made.change) async for made in apply_changes(identity, engine, gives, journal)]


async def test_changes_are_made_in_order_and_kept(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    assert await all_made(identity, engine, journal) == [
        "create endpoint new",
        "create rule nightly",
    ]
    assert engine.given == ["robot of new.example"]
    assert journal.find(identity[:9]).is_whole


async def test_no_secret_is_in_the_journal(journal: ChangeJournal, tmp_path: Path) -> None:
    identity = journal.begin("memory", "here", WISH)
    await all_made(identity, MemoryEngine(), journal)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0


async def test_what_failed_is_named_and_gone_on_with(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    engine.fails = [errors.EngineRefused("not today")]
    with pytest.raises(errors.EngineRefused):
        await all_made(identity, engine, journal)
    failed = journal.read(identity)
    assert [failed.step(number) for number in range(2)] == [ChangeStep.FAILED, ChangeStep.WAITING]
    assert await all_made(identity, engine, journal) == [
        "create endpoint new",
        "create rule nightly",
    ]


async def test_a_change_is_not_made_twice_after_a_crash(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    engine.dies = True
    with pytest.raises(KeyboardInterrupt):
        await all_made(identity, engine, journal)
    assert journal.read(identity).step(0) is ChangeStep.BEGUN
    engine.dies = False
    await all_made(identity, engine, journal)
    assert engine.made == ["create endpoint new", "create rule nightly"]


async def test_what_somebody_else_made_meanwhile_is_not_taken_for_ours(
    journal: ChangeJournal,
) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    engine.has["endpoint", "new"] = {"url": "https://new.example"}
    with pytest.raises(errors.ChangedMeanwhile):
        await all_made(identity, engine, journal)
    assert not engine.made


async def test_what_somebody_else_made_is_neither_gone_on_with_nor_undone(
    journal: ChangeJournal,
) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    engine.has["endpoint", "new"] = {"url": "https://new.example"}
    for _ in range(2):
        with pytest.raises(errors.ChangedMeanwhile):
            await all_made(identity, engine, journal)

    back = await plan_revert(journal.read(identity), engine)
    assert (journal.read(identity).step(0), back.changes) == (ChangeStep.WAITING, ())


@pytest.mark.parametrize("said", [errors.AlreadyThere("409"), errors.CloudHasIt("it exists")])
async def test_where_another_was_faster_what_it_made_is_not_undone(
    journal: ChangeJournal, said: errors.TransshipError
) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    engine.fails = [said]
    with pytest.raises(type(said)):
        await all_made(identity, engine, journal)
    engine.has["endpoint", "new"] = {"url": "https://new.example"}

    back = await plan_revert(journal.read(identity), engine)

    assert (back.changes, back.refusals) == ((), ())


async def test_what_was_taken_back_is_not_gone_on_with(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    engine.dies = True
    with pytest.raises(KeyboardInterrupt):
        await all_made(identity, engine, journal)
    engine.dies = False
    back = await plan_revert(journal.read(identity), engine)
    await all_made(journal.begin("memory", "here", back, undoes=identity), engine, journal)

    with pytest.raises(errors.TakenBack, match=identity):
        await all_made(identity, engine, journal)

    assert not engine.has


async def test_an_undo_that_was_undone_takes_nothing_back_any_more(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    last = journal.begin("memory", "here", WISH)
    await all_made(last, engine, journal)
    stood = []
    for _ in range(2):
        back = await plan_revert(journal.read(last), engine)
        last = journal.begin("memory", "here", back, undoes=last)
        await all_made(last, engine, journal)
        every = journal.all()
        stood.append([str(delegation_status(each, every)) for each in every])

    assert engine.has
    assert stood == [["taken back", "made"], ["made", "taken back", "made"]]


async def test_what_the_engine_does_not_keep_is_named(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    engine.forgets = {"override"}
    identity = journal.begin("memory", "here", WISH)
    with pytest.raises(errors.NotAsAsked, match="override"):
        await all_made(identity, engine, journal)


async def test_undoing_takes_back_the_last_first(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    engine.has["rule", "of others"] = {"to": "elsewhere"}
    identity = journal.begin("memory", "here", WISH)
    await all_made(identity, engine, journal)
    back = await plan_revert(journal.read(identity), engine)
    assert [str(change) for change in back.changes] == [
        "delete rule nightly",
        "delete endpoint new",
    ]
    await all_made(journal.begin("memory", "here", back, undoes=identity), engine, journal)
    assert engine.has == {("rule", "of others"): {"to": "elsewhere"}}
    assert not (await plan_revert(journal.read(identity), engine)).changes


async def test_what_others_changed_since_is_not_undone(journal: ChangeJournal) -> None:
    engine = MemoryEngine()
    identity = journal.begin("memory", "here", WISH)
    await all_made(identity, engine, journal)
    engine.has["rule", "nightly"]["override"] = True
    back = await plan_revert(journal.read(identity), engine)
    assert [str(change) for change in back.changes] == ["delete endpoint new"]
    assert [error.detail for error in back.refusals] == ["rule nightly"]


async def test_a_line_that_a_crash_cut_off_is_not_believed(
    journal: ChangeJournal, tmp_path: Path
) -> None:
    identity = journal.begin("memory", "here", WISH)
    lines = tmp_path / "delegations" / identity / "journal.jsonl"
    journal.note(identity, 0, ChangeStep.BEGUN)
    with lines.open("ab") as file:
        file.write(b'{"at":1,"change":0,"st')
    assert journal.read(identity).step(0) is ChangeStep.BEGUN
    journal.note(identity, 0, ChangeStep.MADE)
    assert journal.read(identity).step(0) is ChangeStep.MADE


async def test_two_transships_do_not_work_on_one(journal: ChangeJournal) -> None:
    identity = journal.begin("memory", "here", WISH)
    with journal.working_on(identity), pytest.raises(errors.DelegationBusy):
        await all_made(identity, MemoryEngine(), journal)


def test_an_unknown_delegation_is_said(journal: ChangeJournal) -> None:
    with pytest.raises(errors.DelegationNotFound):
        journal.find("20")
