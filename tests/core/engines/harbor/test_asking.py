"""What Harbor is asked and what it answers: lists, executions, refusals in words.

Harbor can't be had here: `servers.harbor_replication` stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.desk import Desk
from servers.faults import Answer
from servers.harbor_replication.server import DEVELOPER, ReplicatingHarbor, Trouble
from servers.harbor_replication.state import Execution, Policy, Task
from transship import errors
from transship.engines.executions import ExecutionState
from transship.engines.filters import PolicySelection
from transship.engines.harbor import replication
from transship.engines.harbor.adapters import RemoteRegistry
from transship.engines.harbor.api import HarborEndpoint as Registry
from transship.engines.harbor.api import HarborFilter, PolicyTrigger, TriggerSettings
from transship.engines.harbor.api import HarborPolicy as Shape
from transship.engines.harbor.engine import HarborEngine, tags_left_alone
from transship.engines.harbor.policy import (
    POLICY,
    PolicyTerms,
    check_harbor_cron,
    harbor_cron_of,
    longest_interval,
    policy_body,
    policy_settings,
)
from transship.plans.plan import Schedule


@pytest.fixture
async def nightly(engine: HarborEngine, desk: Desk, target: RemoteRegistry) -> str:
    """A policy that takes what isn't there."""
    await desk.made(
        await replication.plan_push(engine, "nightly", target, [PolicySelection("nowhere/**")])
    )
    return "nightly"


def fill(server: ReplicatingHarbor, count: int, **more: object) -> None:
    """Let the only policy have been executed so often."""
    [policy] = server.policies.values()
    for number in range(1000, 1000 + count):
        execution = Execution(number, policy, "manual", server.now() + number, **more)  # type: ignore[arg-type]
        server.executions[number] = execution


async def test_what_harbor_is_is_asked(engine: HarborEngine, server: ReplicatingHarbor) -> None:
    assert await engine.version() == server.version
    assert await engine.adapters() == tuple(server.adapters)
    assert engine.name == f"Harbor at {server.host}"
    server.version = "v2.14\x1b[31m"
    assert "\x1b" not in await engine.version()


@pytest.mark.parametrize("links_only", [False, True])
async def test_lists_are_read_to_their_end(
    links_only: bool, engine: HarborEngine, server: ReplicatingHarbor, nightly: str
) -> None:
    server.links_only = links_only
    fill(server, 250)
    found = [each.id async for each in engine.executions(nightly)]
    assert found == [str(number) for number in range(1249, 999, -1)]


async def test_a_name_is_found_among_those_that_hold_it(
    engine: HarborEngine, server: ReplicatingHarbor, nightly: str
) -> None:
    [policy] = server.policies.values()
    for number in range(500, 700):
        name = f"{nightly}-{number}"
        server.policies[number] = Policy(number, name, None, policy.target, policy.settings)
    server.policies = dict(reversed(server.policies.items()))
    found = await engine.read(POLICY, nightly)
    assert found is not None
    assert found.id == str(policy.id)
    assert await engine.read(POLICY, "night") is None
    assert await engine.read("registry endpoint", "x") is None


async def test_an_execution_is_told_with_its_counts(
    engine: HarborEngine, server: ReplicatingHarbor, nightly: str
) -> None:
    tasks = [
        Task(number, "team/web", "mirror/web", ["v1"], status)
        for number, status in enumerate(
            ["Pending", "InProgress", "Succeed", "Succeed", "Failed", "Stopped"], 1
        )
    ]
    fill(server, 1, tasks=tasks, status="Stopped", text="stopped\x07by hand", ended=1e9)
    found = await engine.execution(nightly, "1000")
    assert found.state is ExecutionState.STOPPED
    assert found.message == "stopped by hand"
    assert found.ended == datetime.fromtimestamp(1e9, UTC)
    counts = (found.total, found.succeeded, found.failed, found.running, found.stopped)
    assert counts == (6, 2, 1, 2, 1)
    told = [task async for task in engine.tasks(nightly, "1000")]
    assert [(task.state, task.has_log) for task in told] == [
        (ExecutionState.WAITING, False),
        (ExecutionState.RUNNING, True),
        (ExecutionState.SUCCEEDED, True),
        (ExecutionState.SUCCEEDED, True),
        (ExecutionState.FAILED, True),
        (ExecutionState.STOPPED, True),
    ]
    assert told[0].started is None


async def test_a_word_that_is_not_known_is_shown_as_it_is(
    engine: HarborEngine, server: ReplicatingHarbor, nightly: str
) -> None:
    fill(server, 1, status="Scheduled")
    found = await engine.execution(nightly, "1000")
    assert (found.state, found.said) == (ExecutionState.UNKNOWN, "Scheduled")


async def test_a_log_steers_no_terminal_and_a_missing_one_is_empty(
    engine: HarborEngine, server: ReplicatingHarbor, nightly: str
) -> None:
    fill(server, 1, tasks=[Task(7, "a/b", "a/b", ["v1"], "Succeed", ["one\x1b[2J", "two"])])
    assert await engine.log(nightly, "1000", "7") == "one [2J\ntwo"
    assert await engine.log(nightly, "1000", "8") == ""


@pytest.mark.parametrize("name", ["77", "../policies/1", "", "1?x=1", "9" * 30])
async def test_an_execution_that_is_not_there_is_said(
    name: str, engine: HarborEngine, nightly: str
) -> None:
    with pytest.raises(errors.ExecutionNotFound):
        await engine.execution(nightly, name)
    with pytest.raises(errors.ExecutionNotFound):
        await engine.stop(nightly, name)


async def test_nothing_to_copy_is_an_execution_too(
    engine: HarborEngine, desk: Desk, nightly: str
) -> None:
    ended = await desk.over(nightly, await engine.start(nightly))
    assert (ended.state, ended.total) == (ExecutionState.SUCCEEDED, 0)
    assert ended.message == "no resources need to be replicated"


async def test_a_disabled_policy_is_not_started(
    engine: HarborEngine, desk: Desk, target: RemoteRegistry
) -> None:
    shown = await replication.plan_push(
        engine, "off", target, [PolicySelection("team/**")], PolicyTerms(enabled=False)
    )
    assert any("disabled" in note for note in shown.notes)
    await desk.made(shown)
    with pytest.raises(errors.EngineRefused) as refused:
        await engine.start("off")
    assert "is disabled" in refused.value.detail
    assert refused.value.remedy == "Enable the policy first."
    with pytest.raises(errors.EngineRefused, match="no replication policy on"):
        await engine.start("on")


async def test_a_start_that_does_not_say_where_it_is_is_found(
    engine: HarborEngine, server: ReplicatingHarbor, nightly: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a proxy that takes the field Location away."""
    first = await engine.start(nightly)
    server.advance(60)
    answered = server._answered

    def without_location(*asked: Any) -> Answer:
        answer = answered(*asked)
        headers = {name: each for name, each in answer.headers.items() if name != "Location"}
        return replace(answer, headers=headers)

    monkeypatch.setattr(server, "_answered", without_location)

    begun = await engine.start(nightly)

    assert sorted((first.id, begun.id)) == sorted(map(str, server.executions))
    assert first.id != begun.id


async def test_a_start_whose_answer_is_lost_is_not_begun_twice(
    engine: HarborEngine, server: ReplicatingHarbor, nightly: str
) -> None:
    server.troubles = [Trouble("POST", "/replication/executions")]
    with pytest.raises(errors.ConnectionLost):
        await engine.start(nightly)
    assert len([each async for each in engine.executions(nightly)]) == 1


async def test_a_second_execution_is_skipped_where_only_one_may_run(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    parts = [PolicySelection("nowhere/**")]
    await desk.made(
        await replication.plan_push(engine, "one", target, parts, PolicyTerms(single_active=True))
    )
    fill(server, 1)
    skipped = await engine.start("one")
    assert skipped.state is ExecutionState.FAILED
    assert "active replication still in progress" in skipped.message


async def test_who_may_not_follow_is_told_who_may(
    as_user: Callable[[str], HarborEngine], nightly: str
) -> None:
    with pytest.raises(errors.NoRight) as refused:
        await as_user(DEVELOPER).start(nightly)
    assert "robot of the system" in refused.value.remedy


async def test_a_path_that_is_not_there_is_no_harbor_of_version_two(
    engine: HarborEngine, server: ReplicatingHarbor
) -> None:
    server.troubles = [Trouble("GET", "/replication/adapters", "failed")] * 2
    with pytest.raises(errors.ServerFailed):
        await engine.adapters()


def test_a_log_names_what_was_left_alone() -> None:
    log = (
        "2026-01-05T00:00:30Z [WARNING] [/a/transfer.go:1]: the same name artifact a/b:v1 exists "
        'on the destination registry, but the "override" is set to false, skip\n'
        "2026-01-05T00:00:30Z [INFO] [/a/transfer.go:1]: the artifact a/b:v2 already exists on "
        "the destination registry, skip\n"
    )
    assert tags_left_alone(log * 2) == ("a/b:v1",)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("0 */15 * * * *", 900),
        ("0 0 * * * *", 3600),
        ("0 30 2 * * *", 86_400),
        ("0 0 9-17 * * 1-5", 64 * 3600),
        ("0 0 0 1 * *", 31 * 86_400),
    ],
)
def test_the_longest_pause_bounds_the_freshness(line: str, seconds: float) -> None:
    check_harbor_cron(line)
    assert longest_interval(line) == seconds


@pytest.mark.parametrize(
    ("schedule", "line"),
    [
        (Schedule(every=300), "0 */5 * * * *"),
        (Schedule(every=60), "0 */1 * * * *"),
        (Schedule(every=3600), "0 0 */1 * * *"),
        (Schedule(every=6 * 3600), "0 0 */6 * * *"),
        (Schedule(every=86_400), "0 0 0 * * *"),
        (Schedule(cron="30 2 * * 1"), "0 30 2 * * 1"),
    ],
)
def test_the_schedule_of_a_plan_is_a_cron_line(schedule: Schedule, line: str) -> None:
    assert harbor_cron_of(schedule) == line
    check_harbor_cron(line)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(every=10),
        Schedule(every=420),
        Schedule(cron="* * * * *"),
        Schedule(cron="0 1 * * 7"),
    ],
)
def test_a_schedule_that_no_such_line_says_is_refused(schedule: Schedule) -> None:
    with pytest.raises(errors.CantBeDelegated) as refused:
        harbor_cron_of(schedule)
    assert refused.value.remedy.endswith("let Transship move it.")


def test_what_harbor_writes_in_other_ways_is_read_alike() -> None:
    old = policy_settings(Shape(1, "a", replicate_deletion=True, speed=-1))
    assert old["deletion"] is True
    assert old["dest_namespace_replace_count"] == -1
    assert old["speed"] == 0
    assert old["trigger"] == "manual"
    empty = PolicyTrigger("manual", TriggerSettings(""))
    assert policy_settings(Shape(1, "a", trigger=empty))["cron"] == ""


FILTERS = (
    HarborFilter("name", "a/**"),
    HarborFilter("tag", "v*"),
    HarborFilter("tag", "*-rc*", "excludes"),
    HarborFilter("label", ["x"], "matches"),
)


@given(st.permutations(FILTERS))
def test_filters_are_the_same_in_any_order(filters: list[HarborFilter]) -> None:
    settings = policy_settings(Shape(1, "a", filters=filters))
    assert settings == policy_settings(Shape(1, "a", filters=list(FILTERS)))
    assert {"type": "tag", "value": "v*", "decoration": "matches"} in settings["filters"]


def test_all_of_a_policy_is_sent_because_the_rest_would_be_reset() -> None:
    settings = policy_settings(
        Shape(1, "a", dest_registry=Registry(7, "new"), trigger=PolicyTrigger("manual"))
    )
    body = policy_body("a", settings, {"new": 7})
    assert body["dest_registry"] == {"id": 7}
    assert "src_registry" not in body
    assert body["dest_namespace_replace_count"] == -1
    assert "deletion" in body
    assert "replicate_deletion" not in body
