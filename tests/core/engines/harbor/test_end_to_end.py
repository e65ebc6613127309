"""From a wish to images that have arrived, judged by skopeo; and back again.

Harbor can't be had here: `servers.harbor_replication` stands in, in front of a real registry, and
copies with skopeo to another that is real too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from delegating.desk import Desk
from moving.judge import digest_at, tags_at
from servers.docker_registry import DockerRegistry
from servers.harbor_replication.server import ReplicatingHarbor, Trouble
from servers.images import make_layer, push_image, push_index
from servers.process import eventually
from servers.registry import Registry
from servers.skopeo import SkopeoError
from transship import errors
from transship.engines.changes import ChangeSet
from transship.engines.executions import ExecutionState
from transship.engines.filters import PolicySelection, TagPattern
from transship.engines.harbor import replication
from transship.engines.harbor.adapters import RemoteRegistry
from transship.engines.harbor.engine import HarborEngine
from transship.engines.harbor.policy import PolicyTerms, TriggerKind
from transship.oci.reference import Reference
from transship.plans.plan import Kind, OnConflict, Plan, Rule, TagFilter

BY_EVENTS = PolicyTerms(begins=TriggerKind.EVENT)


@pytest.fixture
def pushed(open_registry: DockerRegistry, fresh_name: Callable[[], str]) -> str:
    """A path in Harbor below which are two repositories, one of them of several platforms."""
    path = fresh_name()
    push_image(open_registry, f"{path}/web", "v1")
    push_image(open_registry, f"{path}/web", "v2-rc1")
    children = [
        push_image(open_registry, f"{path}/shop/api", platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    push_index(open_registry, f"{path}/shop/api", "v1", children)
    return path


def plan_of(path: str, source: str, target: Reference, **more: object) -> Plan:
    rule = Rule(
        Reference(source, path),
        (target,),
        repositories=("*/**",),
        tags=TagFilter(include=("v*",), exclude=("*-rc*",)),
    )
    return replace(Plan(kind=Kind.SYNC, rules=(rule,)), **more)  # type: ignore[arg-type]


def same(old: Registry, new: Registry, names: dict[str, str], tag: str = "v1") -> bool:
    return all(digest_at(old, a, tag) == digest_at(new, b, tag) for a, b in names.items())


async def test_a_plan_is_pushed_by_harbor_and_can_be_taken_back(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    pushed: str,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    plan = plan_of(pushed, server.host, Reference(target.host, f"mirror/{pushed}"))
    shown = await replication.plan_replication(
        engine, "nightly", plan, target=target, examples=(f"{pushed}/web", f"{pushed}/shop/api")
    )
    assert [str(change) for change in shown.changes] == [
        f"create registry endpoint {target.host.replace(':', '-')}",
        "create replication policy nightly",
    ]
    assert shown.gives == (target.host,)
    assert f"{pushed}/web becomes mirror/{pushed}/web." in shown.notes

    identity = await desk.made(shown)
    assert desk.handed == [target.host]
    execution = await desk.over("nightly", await engine.start("nightly"))

    assert (execution.state, execution.total, execution.succeeded) == (
        ExecutionState.SUCCEEDED,
        2,
        2,
    )
    names = {f"{pushed}/{name}": f"mirror/{pushed}/{name}" for name in ("web", "shop/api")}
    assert same(open_registry, htpasswd_registry, names)
    assert tags_at(htpasswd_registry, f"mirror/{pushed}/web") == ["v1"]
    tasks = [task async for task in engine.tasks("nightly", execution.id)]
    assert [task.target for task in tasks] == [
        f"mirror/{pushed}/shop/api [1 item(s) in total]",
        f"mirror/{pushed}/web [1 item(s) in total]",
    ]
    assert "completed" in await engine.log("nightly", execution.id, tasks[0].id)

    assert await desk.undone(identity) == [
        "delete replication policy nightly",
        f"delete registry endpoint {target.host.replace(':', '-')}",
    ]
    assert not server.policies
    assert not server.endpoints
    assert tags_at(htpasswd_registry, f"mirror/{pushed}/web") == ["v1"]


async def test_what_is_pushed_is_sent_at_once(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    fresh_name: Callable[[], str],
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    name = fresh_name()
    parts = [PolicySelection(f"{name}/**")]
    await desk.made(await replication.plan_push(engine, "at-once", target, parts, BY_EVENTS))
    for repository in (f"{name}/web", f"{name}-other/web"):
        push_image(open_registry, repository, "v1")
        server.push_event(repository, "v1")
    server.settle()

    [execution] = [each async for each in engine.executions("at-once")]
    assert execution.trigger == "event_based"
    assert same(open_registry, htpasswd_registry, {f"{name}/web": f"{name}/web"})
    with pytest.raises(SkopeoError):
        tags_at(htpasswd_registry, f"{name}-other/web")


@pytest.mark.parametrize("deletion", [False, True])
async def test_what_is_deleted_vanishes_only_where_that_was_asked_for(
    deletion: bool,
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    fresh_name: Callable[[], str],
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    name = fresh_name()
    push_image(open_registry, f"{name}/web", "v1")
    push_image(open_registry, f"{name}/web", "v2")
    terms = PolicyTerms(begins=TriggerKind.EVENT, deletion=deletion)
    shown = await replication.plan_push(
        engine, "mirror", target, [PolicySelection(f"{name}/**")], terms
    )
    assert any("no way back" in note for note in shown.notes) is deletion
    await desk.made(shown)
    await desk.over("mirror", await engine.start("mirror"))
    server.delete_event(f"{name}/web", "v1")
    server.settle()

    left = ["v2"] if deletion else ["v1", "v2"]
    assert tags_at(htpasswd_registry, f"{name}/web") == left
    newest, *_ = [each async for each in engine.executions("mirror")]
    told = [task.operation async for task in engine.tasks("mirror", newest.id)]
    assert told == ["deletion" if deletion else "copy"]


async def test_harbor_pulls_by_the_clock(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    fresh_name: Callable[[], str],
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    name = fresh_name()
    push_image(htpasswd_registry, f"{name}/web", "v1")
    terms = PolicyTerms(begins=TriggerKind.SCHEDULED, cron="0 */15 * * * *")
    parts = [PolicySelection(f"{name}/**", namespace="pulled", replaces=0)]
    shown = await replication.plan_pull(engine, "hourly", target, parts, terms)
    assert any("waits for 15 min at most" in note for note in shown.notes)
    await desk.made(shown)

    server.advance(14 * 60)
    assert not [each async for each in engine.executions("hourly")]
    server.advance(16 * 60)
    server.settle()

    found = [each async for each in engine.executions("hourly")]
    assert [each.trigger for each in found] == ["scheduled", "scheduled"]
    assert found[0].started
    assert found[1].started
    assert found[0].started > found[1].started
    assert same(htpasswd_registry, open_registry, {f"{name}/web": f"pulled/{name}/web"})


async def test_two_registries_are_joined_by_a_harbor_in_between(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    fresh_name: Callable[[], str],
    other_registry: DockerRegistry,
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    name = fresh_name()
    pushed_image = push_image(other_registry, f"{name}/web", "v1")
    source = RemoteRegistry(other_registry.host, plain_http=True)
    plan = plan_of(name, other_registry.host, Reference(target.host, f"final/{name}"))
    terms = PolicyTerms(cron="0 0 * * * *")
    shown = await replication.plan_replication(
        engine, "relay", plan, source=source, target=target, terms=terms, via="transit",
        examples=(f"{name}/web",),
    )  # fmt: skip
    assert [change.name for change in shown.changes if "policy" in change.kind] == [
        "relay-out",
        "relay-in",
    ]
    assert shown.gives == (target.host,)
    assert "1 h 00 min at most" in shown.notes[0]
    assert f"{name}/web becomes transit/{name}/web." in shown.notes
    assert f"transit/{name}/web becomes final/{name}/web." in shown.notes

    identity = await desk.made(shown)
    server.advance(3600)
    server.settle()

    assert digest_at(open_registry, f"transit/{name}/web", "v1") == pushed_image.digest
    assert digest_at(htpasswd_registry, f"final/{name}/web", "v1") == pushed_image.digest
    [onward] = [each async for each in engine.executions("relay-out")]
    assert (onward.trigger, onward.state) == ("event_based", ExecutionState.SUCCEEDED)
    assert len(await desk.undone(identity)) == 4
    assert not server.endpoints


async def test_an_execution_is_stopped_in_the_middle(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    fresh_name: Callable[[], str],
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
) -> None:
    name = fresh_name()
    for tag in ("v1", "v2", "v3"):
        push_image(open_registry, f"{name}/web", tag)
    await desk.made(
        await replication.plan_push(engine, "slow", target, [PolicySelection(f"{name}/**")])
    )
    server.gate.hold_after(1)
    begun = await engine.start("slow")
    eventually(server.gate.reached.is_set, "the gate")
    assert (await engine.execution("slow", begun.id)).running == 1

    await engine.stop("slow", begun.id)

    ended = await desk.over("slow", begun)
    assert (ended.state, ended.stopped) == (ExecutionState.STOPPED, 1)
    assert tags_at(htpasswd_registry, f"{name}/web") == ["v1"]


async def test_tags_that_were_left_alone_are_named_though_all_went_well(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    pushed: str,
    htpasswd_registry: DockerRegistry,
) -> None:
    kept = push_image(htpasswd_registry, f"mirror/{pushed}/web", "v1", [make_layer(b"another")])
    plan = plan_of(
        pushed,
        server.host,
        Reference(target.host, f"mirror/{pushed}"),
        on_conflict=OnConflict.SKIP,
    )
    shown = await replication.plan_replication(engine, "careful", plan, target=target)
    assert any("left alone" in note for note in shown.notes)
    await desk.made(shown)
    execution = await desk.over("careful", await engine.start("careful"))

    assert execution.state is ExecutionState.SUCCEEDED
    assert await engine.left_alone("careful", execution.id) == (f"mirror/{pushed}/web:v1",)
    assert digest_at(htpasswd_registry, f"mirror/{pushed}/web", "v1") == kept.digest


@pytest.mark.parametrize("kind", ["lost", "cut", "failed"])
@pytest.mark.parametrize("path", ["/registries", "/replication/policies"])
async def test_a_fault_in_the_middle_is_gone_on_from(
    kind: str,
    path: str,
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
) -> None:
    shown = await replication.plan_push(engine, "nightly", target, [PolicySelection("team/**")])
    identity = desk.agree(shown)
    server.troubles = [Trouble("POST", path, kind)]  # type: ignore[arg-type]
    with pytest.raises((errors.ConnectionLost, errors.ServerFailed)):
        await desk.make(identity)
    await desk.make(identity)

    assert desk.journal.read(identity).is_whole
    assert [each.name for each in server.policies.values()] == ["nightly"]
    assert len(server.endpoints) == 1
    assert len(await desk.undone(identity)) == 2


async def test_the_login_is_nowhere_but_at_harbor(
    engine: HarborEngine,
    desk: Desk,
    server: ReplicatingHarbor,
    target: RemoteRegistry,
    htpasswd_registry: DockerRegistry,
    tmp_path: Path,
) -> None:
    secret = htpasswd_registry.password or ""
    shown = await replication.plan_push(engine, "nightly", target, [PolicySelection("team/**")])
    await desk.made(shown)

    assert secret in server.secrets_seen
    assert secret not in repr(shown)
    found = await engine.read("registry endpoint", shown.changes[0].name)
    assert secret not in repr(found)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def policies_of(shown: ChangeSet) -> list[str]:
    return [change.name for change in shown.changes if change.kind == "replication policy"]


async def test_several_patterns_are_several_policies_and_one_endpoint(
    engine: HarborEngine, desk: Desk, server: ReplicatingHarbor, target: RemoteRegistry
) -> None:
    parts = [PolicySelection("team/**"), PolicySelection("base/*", (TagPattern("v*"),))]
    shown = await replication.plan_push(engine, "two", target, parts)
    assert policies_of(shown) == ["two", "two-2"]
    await desk.made(shown)
    assert len(server.endpoints) == 1
    assert len(await desk.undone(desk.journal.all()[0].id)) == 3
