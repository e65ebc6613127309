"""What failed is looked at again as the plan names it, and nothing holds up the loop meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from moving.memory import MemoryPlace
from samples.manifests import image
from transship import errors
from transship.clock import SystemClock
from transship.oci.reference import parse_reference
from transship.plans.plan import Plan, Terms, Wanted
from transship.transfers import executor as module
from transship.transfers.copies import CopyState, Verdict
from transship.transfers.executor import JobScan
from transship.transfers.journal import JobLog, Journal
from transship.transfers.worklist import WorklistDraft

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from transship.transfers.worklist import StoredWorklist

SOURCE, TARGET = "old.example", "new.example"
FRESH, STALE = image("fresh").manifest, image("stale").manifest


class Counted(tuple[Wanted, ...]):
    """The copies of a plan, which count how often somebody walks through them."""

    walks = 0

    def __iter__(self) -> Iterator[Wanted]:
        Counted.walks += 1
        return super().__iter__()

    def __reversed__(self) -> Iterator[Wanted]:
        Counted.walks += 1
        return iter(self[::-1])


def places(*tags: str) -> dict[str, MemoryPlace]:
    """Return a source with these tags, and a target that has them from before."""
    old, new = MemoryPlace(SOURCE), MemoryPlace(TARGET)
    old.manifests["app"] = dict.fromkeys((*tags, FRESH.digest), FRESH)
    new.manifests["app"] = dict.fromkeys(tags, STALE)
    return {SOURCE: old, TARGET: new}


def wanted(tag: str, **more: object) -> Wanted:
    source, target = (parse_reference(f"{host}/app:{tag}") for host in (SOURCE, TARGET))
    return Wanted(source, target, **more)  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sqlite")
    yield journal
    journal.close()


async def take(plan: Plan, there: dict[str, MemoryPlace], journal: Journal) -> None:
    clock = SystemClock()
    await JobScan(plan, dict(there), journal, JobLog(journal, clock), clock).take()


def fail_all(journal: Journal) -> None:
    for copy in journal.copies(CopyState.WAITING):
        journal.failed(copy, errors.TimedOut("once"), 1.0)


async def test_a_copy_that_may_replace_something_may_do_so_when_it_is_tried_again(
    journal: Journal,
) -> None:
    copy = wanted("v1", terms=Terms(immutable=True), replaces=STALE.digest)
    plan, there = Plan((copy,)), places("v1")
    await take(plan, there, journal)
    assert [c.verdict for c in journal.copies()] == [Verdict.OVERWRITE]
    fail_all(journal)

    await take(plan, there, journal)

    (again,) = journal.copies()
    assert (again.verdict, again.previous) == (Verdict.OVERWRITE, STALE.digest)


async def test_a_plan_is_walked_through_as_often_however_much_failed(journal: Journal) -> None:
    tags = [f"v{number}" for number in range(60)]
    plan, there = Plan(Counted(map(wanted, tags))), places(*tags)
    await take(plan, there, journal)
    fail_all(journal)
    Counted.walks = 0

    await take(plan, there, journal)

    assert len(journal.copies(CopyState.WAITING)) == 60
    assert Counted.walks < 10


async def test_a_worklist_is_sorted_out_beside_the_loop(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    class Watched(WorklistDraft):
        def finished(self) -> StoredWorklist:
            threads.append(threading.current_thread())
            return super().finished()

    monkeypatch.setattr(module, "WorklistDraft", Watched)
    await take(Plan((wanted("v1"),)), places("v1"), journal)

    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()
