"""Logins that end in the middle of a job, and are renewed without anybody noticing."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from moving.ending_account import PASSWORD, USER, Account, ending_account, fill
from moving.jobs import access_to, ends, new_job, plan_of, run_again
from moving.judge import tags_at
from servers.faults import Delay, Fault, Hold
from servers.process import eventually
from servers.registry import Registry
from transship.plans.plan import Limits
from transship.registry.credential import Credential
from transship.transfers.copies import JobState
from transship.transfers.process import Renewal, start_runner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

TAGS = 120
NEW = "another password"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with ending_account(tmp_path) as account:
        yield account


@pytest.fixture
def docker_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration of a home of the test's own."""
    file = tmp_path / "docker" / "config.json"
    file.parent.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(file.parent))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return file


def write(file: Path, host: str, secret: str) -> None:
    auth = base64.b64encode(f"{USER}:{secret}".encode()).decode()
    file.write_text(json.dumps({"auths": {host: {"auth": auth}}}))


async def test_tokens_that_live_a_second_carry_a_job_of_many(
    open_registry: DockerRegistry, account: Account, repository: str, tmp_path: Path
) -> None:
    account.tokens.lifetime = 1
    account.proxy.add(Fault(Delay(0.1), method="PUT", path="/manifests/", times=None))
    fill(open_registry, repository, TAGS)
    plan = plan_of((f"{open_registry.host}/{repository}", f"{account.host}/app"))
    job = new_job(tmp_path, replace(plan, limits={account.host: Limits(concurrency=4)}))

    ended = await run_again(job, account.registry)

    assert (ended.state, ended.counts.copied) == (JobState.DONE, TAGS), ended.failures
    asked = [request.scopes for request in account.tokens.requests]
    assert asked.count(("repository:app:pull,push",)) >= 3, "one outlives no more than its second"


@pytest.mark.parametrize("kept", [True, False], ids=["kept by docker", "for one run"])
def test_a_password_that_docker_was_told_meanwhile_is_taken_up(
    kept: bool,
    open_registry: DockerRegistry,
    account: Account,
    docker_file: Path,
    repository: str,
    tmp_path: Path,
) -> None:
    fill(open_registry, repository, TAGS)
    write(docker_file, account.host, PASSWORD)
    hold = Hold()
    account.proxy.add(Fault(hold, method="PUT", path="/manifests/", times=None, skip=20))
    job = new_job(tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{account.host}/app")))
    start_runner(job, [replace(access_to(account.registry), kept=kept)])
    eventually(hold.held.is_set, "the middle of the job")

    account.end(challenges=1)
    account.tokens.users[USER] = NEW
    write(docker_file, account.host, NEW)
    hold.release.set()
    ended = ends(job)

    if kept:
        assert (ended.state, ended.counts.copied) == (JobState.DONE, TAGS), ended.problem
        assert len(tags_at(Registry(account.behind.url, USER, NEW), "app")) == TAGS
    else:
        assert (ended.state, ended.signed_out) == (JobState.PAUSED, (account.host,))


async def test_what_is_kept_is_read_once_for_all_who_ask_at_the_same_time(
    docker_file: Path,
) -> None:
    clock, before = FakeClock(), Credential(USER, PASSWORD)
    write(docker_file, "new.example", NEW)
    renewal = Renewal("new.example", before, clock)

    assert (await renewal()).credential == Credential(USER, NEW)
    write(docker_file, "new.example", "a third one")
    assert (await renewal()).credential == Credential(USER, NEW)
    clock.advance(60)
    assert (await renewal()).credential == Credential(USER, "a third one")


async def test_where_nothing_can_be_read_the_login_stays_what_it_was(docker_file: Path) -> None:
    before = Credential(USER, PASSWORD)
    docker_file.write_text("{ no json")

    assert (await Renewal("new.example", before, FakeClock())()).credential == before


def test_a_login_is_told_to_nobody_but_a_pipe(docker_file: Path, tmp_path: Path) -> None:
    write(docker_file, "new.example", NEW)
    told = tmp_path / "told"
    with told.open("w") as file:
        status = subprocess.run(
            [sys.executable, "-m", "transship.accounts", "new.example"], stdout=file, check=False
        ).returncode

    assert (status, told.read_text()) == (2, "")
