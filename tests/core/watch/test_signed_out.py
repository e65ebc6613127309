"""A watch whose account ends: what needs it waits and is said, and the rest goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.ending_account import Account, ending_account, fill
from moving.judge import tags_at
from moving.watching import Reaching, Watch
from servers.faults import Fault, Hold
from servers.images import push_image
from servers.process import comes_true
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

TAGS = 30


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with ending_account(tmp_path) as account:
        yield account


async def test_its_job_ends_there_others_go_on_and_a_new_login_is_taken_by_itself(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    account: Account,
    repository: str,
    tmp_path: Path,
) -> None:
    fill(open_registry, repository, TAGS)
    watch = Watch(tmp_path, Reaching((account.registry,)))
    source = Reference(open_registry.host, repository)
    targets = (Reference(account.host, "app"), Reference(other_registry.host, repository))
    watch.write(Plan(kind=Kind.REPLICATION, rules=(Rule(source, targets),)))
    hold = Hold()
    account.proxy.add(Fault(hold, method="PUT", path="/manifests/", times=None, skip=5))

    async with watch.going_on():
        await comes_true(hold.held.is_set, "the middle of a job")
        account.end()
        hold.release.set()
        await watch.is_told("needs a new login")
        await watch.rests()
        [job] = watch.all_jobs
        seen = read_job(job)
        assert (seen.state, seen.counts.failed) == (JobState.FAILED, 0)
        assert seen.counts.waiting
        assert len(tags_at(other_registry, repository)) == TAGS
        needed = [line for line in watch.told if "needs a new login" in line]
        assert len(needed) == 1
        assert f"`transship login {account.host}`" in needed[0]

        push_image(open_registry, repository, "new")
        await watch.look_again()
        assert any(
            f"{account.host} is left out" in line and "not accepted" in line for line in watch.told
        )
        assert "new" in tags_at(other_registry, repository)

        account.begin_again()
        await watch.look_again(3600)
        await comes_true(
            lambda: len(tags_at(account.registry, "app")) == TAGS + 1,
            f"all of it; told: {watch.told}",
        )
