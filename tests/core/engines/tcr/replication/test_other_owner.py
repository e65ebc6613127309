"""A rule to another owner's instance: with a long-term token, which is nowhere but at the cloud.

The cloud can't be had here: `servers.tencent` stands in, between two registries that are real.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from delegating.tcr import PEER, TOKEN, CloudDesk, over
from moving.judge import digest_at, tags_at
from servers.docker_registry import DockerRegistry
from servers.images import push_image
from servers.registry import Registry
from servers.skopeo import SkopeoError
from servers.tencent import Instance as Stand
from servers.tencent.replication import Replication
from transship import errors
from transship.engines.changes import ChangeJournal
from transship.engines.executions import ExecutionState
from transship.engines.tcr import sync_rules
from transship.engines.tcr.sync_rules import SyncDestination, SyncRule, SyncRuleEngine
from transship.registry.credential import Credential
from transship.services.tencent_cloud import TcrInstance


async def test_another_owners_instance_is_written_to_with_its_token(
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    peer: SyncDestination,
    old: Stand,
    replication: Replication,
    open_registry: Registry,
    peer_registry: DockerRegistry,
    repository: str,
) -> None:
    rules = [SyncRule("abroad", names=f"{repository}/**", namespace="theirs")]
    shown = sync_rules.plan_rules(source, peer, rules, ())
    assert shown.gives == (PEER,)
    identity = await desk.made(shown)
    assert desk.handed == [PEER]
    assert replication.tokens_seen == [TOKEN]

    image = push_image(open_registry, f"{repository}/web", "v1")
    replication.pushed(old, f"{repository}/web", "v1")
    ended = (await over(engine, "abroad", replication))[-1]

    assert ended.state is ExecutionState.SUCCEEDED
    moved = f"theirs/{repository.partition('/')[2]}/web"
    assert digest_at(peer_registry, moved, "v1") == image.digest
    assert await desk.undone(identity) == ["delete sync rule abroad"]


async def test_a_wrong_token_is_an_execution_that_failed(
    engine: SyncRuleEngine,
    journal: ChangeJournal,
    source: TcrInstance,
    peer: SyncDestination,
    old: Stand,
    replication: Replication,
    open_registry: Registry,
    peer_registry: DockerRegistry,
    repository: str,
) -> None:
    desk = CloudDesk(engine, journal, {PEER: Credential("200000000003", "another token")})
    rules = [SyncRule("abroad", names=f"{repository}/**", namespace="theirs")]
    await desk.made(sync_rules.plan_rules(source, peer, rules, ()))

    push_image(open_registry, f"{repository}/web", "v1")
    replication.pushed(old, f"{repository}/web", "v1")
    ended = (await over(engine, "abroad", replication))[-1]

    assert (ended.state, ended.succeeded) == (ExecutionState.FAILED, 0)
    assert "0 of 1 tasks succeeded" in ended.message
    [task] = [task async for task in engine.tasks("abroad", ended.id)]
    assert task.state is ExecutionState.FAILED
    with pytest.raises(SkopeoError):
        tags_at(peer_registry, f"theirs/{repository.partition('/')[2]}/web")


@pytest.mark.parametrize(
    ("login", "says"),
    [
        (Credential("tcr$ci", "a password"), r"signs in as tcr\$ci"),
        (Credential("1", "a refresh token", identity=True), "signs in as 1"),
        (
            # {"alg":"none"}.{"exp":3600,"iat":0}.
            Credential("1", "eyJhbGciOiJub25lIn0.eyJleHAiOjM2MDAsImlhdCI6MH0.x"),
            "holds for 1 h 00 min",
        ),
    ],
)
async def test_a_login_that_is_no_long_term_token_is_not_handed_over(
    login: Credential,
    says: str,
    engine: SyncRuleEngine,
    journal: ChangeJournal,
    source: TcrInstance,
    peer: SyncDestination,
    replication: Replication,
) -> None:
    desk = CloudDesk(engine, journal, {PEER: login})
    shown = sync_rules.plan_rules(source, peer, [SyncRule("abroad", names="team/**")], ())

    with pytest.raises(errors.CantBeDelegated, match=says):
        await desk.made(shown)

    assert not replication.tokens_seen
    assert not replication.policies


async def test_a_rule_with_a_token_is_not_made_again_by_undo(
    engine: SyncRuleEngine, desk: CloudDesk, source: TcrInstance, peer: SyncDestination
) -> None:
    await desk.made(sync_rules.plan_rules(source, peer, [SyncRule("abroad", names="team/**")], ()))
    shown = sync_rules.plan_rule_removal(source, ["abroad"], await engine.rules())
    assert any("token" in warn for warn in shown.changes[0].warns)
    identity = await desk.made(shown)

    with pytest.raises(errors.CantBeDelegated, match="isn't kept"):
        await desk.undone(identity)


@pytest.mark.parametrize("repeats", [False, True])
async def test_the_token_is_nowhere_but_at_the_cloud(
    repeats: bool,
    engine: SyncRuleEngine,
    desk: CloudDesk,
    source: TcrInstance,
    peer: SyncDestination,
    replication: Replication,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    replication.repeats = repeats
    shown = sync_rules.plan_rules(source, peer, [SyncRule("abroad", names="team/**")], ())
    identity = desk.agree(shown)
    if repeats:
        with pytest.raises(errors.EngineRefused) as refused:
            await desk.make(identity)
        error: BaseException | None = refused.value
        while error is not None:
            assert TOKEN not in str(error)
            error = error.__cause__ or error.__context__
    else:
        await desk.make(identity)
        assert TOKEN not in repr(await engine.rules())

    assert replication.tokens_seen == [TOKEN]
    assert TOKEN not in repr(shown)
    assert TOKEN not in caplog.text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert TOKEN.encode() not in path.read_bytes()
