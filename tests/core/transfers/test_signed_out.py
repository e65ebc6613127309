"""A credential that ends in the middle of a job: said once, and only what needs it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.ending_account import Account, ending_account, fill
from moving.jobs import new_job, plan_of, run_again
from moving.judge import tags_at
from servers.images import push_image, random_layer
from transship.reports.job import open_report
from transship.reports.job_formats import markdown_report
from transship.transfers.copies import CopyState, JobState
from transship.transfers.job_view import LEVELS, events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from transship.transfers.jobs import Job

TAGS = 200
"""More than a job works on at once, several times over."""


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with ending_account(tmp_path) as account:
        yield account


def told(job: Job) -> list[tuple[str, str, str]]:
    """Return the lines of a job's log that are no mere information."""
    with job.journal() as journal:
        happened = [(e.kind, e.what, e.more) for e in events(journal) if e.kind in LEVELS]
    return [line for line in happened if line[0] != "info"]


async def test_a_target_that_refuses_its_account_is_said_once_and_a_new_login_goes_on(
    open_registry: DockerRegistry, account: Account, repository: str, tmp_path: Path
) -> None:
    fill(open_registry, repository, TAGS)
    job = new_job(tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{account.host}/app")))

    stopped = await account.ends_during(job, "PUT", "/manifests/")

    assert stopped.state is JobState.PAUSED
    assert (stopped.counts.failed, stopped.failures) == (0, ())
    assert stopped.counts.waiting > TAGS // 2
    assert stopped.signed_out == (account.host,)
    assert stopped.problem is not None
    title, detail, remedy = stopped.problem
    assert title == "User name or password not accepted"
    assert f"{stopped.counts.waiting} images wait for the account at {account.host}" in detail
    assert f"`transship login {account.host}`" in remedy
    assert f"`transship resume {job.id}`" in remedy
    assert [line[:2] for line in told(job)] == [("error", title)], "once, however many wait"
    assert 1 <= account.refused <= 6, "it isn't shown to the token server by each of two hundred"
    with open_report(job, 0.0) as report:
        words = "".join(markdown_report(report))
    assert "The job is held up: User name or password not accepted" in words
    assert words.count("images wait for the account") == 1

    account.begin_again()
    ended = await run_again(job, account.registry)

    assert ended.state is JobState.DONE, (ended.problem, ended.failures)
    assert (ended.problem, ended.signed_out, ended.counts.copied) == (None, (), TAGS)
    assert len(tags_at(account.registry, "app")) == TAGS


async def test_of_two_accounts_one_ends_and_what_needs_the_other_goes_on(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    account: Account,
    repository: str,
    tmp_path: Path,
) -> None:
    fill(open_registry, repository, TAGS)
    source = f"{open_registry.host}/{repository}"
    job = new_job(
        tmp_path,
        plan_of((source, f"{account.host}/app"), (source, f"{other_registry.host}/{repository}")),
    )

    stopped = await account.ends_during(job, "PUT", "/manifests/")

    assert (stopped.state, stopped.counts.failed) == (JobState.PAUSED, 0)
    assert len(tags_at(other_registry, repository)) == TAGS
    assert targets_left(job) == {account.host}
    assert len(told(job)) == 1

    account.begin_again()
    ended = await run_again(job, account.registry)
    assert (ended.state, ended.counts.copied) == (JobState.DONE, 2 * TAGS)


async def test_a_source_that_refuses_its_account_stops_only_what_is_read_there(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    account: Account,
    repository: str,
    tmp_path: Path,
) -> None:
    fill(open_registry, repository, TAGS)
    for number in range(TAGS // 2):
        push_image(account.behind, "app", f"v{number}", [random_layer(2000, number)])
    job = new_job(
        tmp_path,
        plan_of(
            (f"{account.host}/app", f"{other_registry.host}/{repository}/one"),
            (f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}/two"),
        ),
    )

    stopped = await account.ends_during(job, "GET", "/blobs/")

    assert stopped.state is JobState.PAUSED, (stopped.problem, stopped.failures)
    assert (stopped.signed_out, stopped.counts.failed) == ((account.host,), 0)
    assert len(tags_at(other_registry, f"{repository}/two")) == TAGS
    assert len(told(job)) == 1

    account.begin_again()
    ended = await run_again(job, account.registry)
    assert (ended.state, ended.counts.copied) == (JobState.DONE, TAGS + TAGS // 2)


@pytest.mark.parametrize("side", ["source", "target"])
async def test_an_account_that_ends_while_both_sides_are_looked_at_holds_the_job_up(
    other_registry: DockerRegistry,
    account: Account,
    repository: str,
    side: str,
    tmp_path: Path,
) -> None:
    theirs, ours = f"{account.host}/app", f"{other_registry.host}/{repository}"
    full, where = (account.behind, "app") if side == "source" else (other_registry, repository)
    fill(full, where, TAGS)
    if side == "target":
        fill(account.behind, "app", TAGS)
    source, target = (theirs, ours) if side == "source" else (ours, theirs)
    job = new_job(tmp_path, plan_of((source, target)))

    stopped = await account.ends_during(job, "GET" if side == "source" else "HEAD", "/manifests/")

    assert (stopped.state, stopped.planned) == (JobState.PAUSED, False)
    assert (stopped.signed_out, stopped.failures) == ((account.host,), ())
    assert stopped.problem is not None
    title, detail, remedy = stopped.problem
    assert title == "User name or password not accepted"
    assert f"Looking at both sides waits for the account at {account.host}" in detail
    assert f"`transship login {account.host}`" in remedy
    assert f"`transship resume {job.id}`" in remedy
    assert [line[:2] for line in told(job)] == [("error", title)]

    account.begin_again()
    ended = await run_again(job, account.registry)

    assert (ended.state, ended.problem, ended.signed_out) == (JobState.DONE, None, ())
    assert ended.counts.total == TAGS


async def test_an_account_that_was_never_taken_holds_the_job_up_before_it_begins(
    open_registry: DockerRegistry, account: Account, repository: str, tmp_path: Path
) -> None:
    fill(open_registry, repository, 3)
    job = new_job(tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{account.host}/app")))
    account.end()

    stopped = await run_again(job, account.registry)

    assert (stopped.state, stopped.signed_out) == (JobState.PAUSED, (account.host,))

    account.begin_again()
    ended = await run_again(job, account.registry)
    assert (ended.state, ended.counts.copied) == (JobState.DONE, 3)


async def test_what_one_repository_refuses_is_the_matter_of_that_one(
    open_registry: DockerRegistry,
    account: Account,
    repository: str,
    tmp_path: Path,
) -> None:
    account.tokens.forbidden = "repository:closed:pull,push"
    fill(open_registry, repository, 20)
    source = f"{open_registry.host}/{repository}"
    job = new_job(
        tmp_path, plan_of((source, f"{account.host}/open"), (source, f"{account.host}/closed"))
    )

    ended = await run_again(job, account.registry)

    assert (ended.state, ended.signed_out, ended.problem) == (JobState.FAILED, (), None)
    assert [(failure.cause, failure.count) for failure in ended.failures] == [("no-right", 20)]
    assert ended.counts.copied == 20


@pytest.mark.parametrize("status", [503, 429])
async def test_a_token_server_that_fails_for_a_while_is_waited_for(
    open_registry: DockerRegistry,
    account: Account,
    repository: str,
    status: int,
    tmp_path: Path,
) -> None:
    fill(open_registry, repository, 20)
    account.tokens.failing = [status] * 3
    job = new_job(tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{account.host}/app")))

    ended = await run_again(job, account.registry)

    assert (ended.state, ended.counts.copied) == (JobState.DONE, 20)
    assert told(job) == [] or "slow down" in told(job)[0][2]


def targets_left(job: Job) -> set[str]:
    """Return the registries that copies still wait for to be written to."""
    with job.journal() as journal:
        return {copy.target.registry for copy in journal.copies(CopyState.WAITING)}
