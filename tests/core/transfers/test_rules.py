"""Plans with rules, against real registries: what they take is what moves, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import opened, proof_of, run_here
from servers import skopeo
from servers.images import push_artifact, push_image, push_index, push_referrer
from transship import errors
from transship.clock import SystemClock
from transship.oci.artifact import Artifact
from transship.oci.digest import Digest
from transship.oci.platform import parse_platform
from transship.oci.reference import Reference
from transship.plans.plan import Kind, NewestBy, Plan, Rule, TagFilter, Terms, Wanted
from transship.transfers.copies import JobState, Verdict
from transship.transfers.preview import Preview, preview_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry


@pytest.fixture
def old(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


@pytest.fixture
def new(new_registry: Callable[..., DockerRegistry]) -> DockerRegistry:
    return new_registry()


def sync(*rules: Rule, kind: Kind = Kind.SYNC) -> Plan:
    return Plan(kind=kind, rules=rules)


def rule(old: DockerRegistry, *new: DockerRegistry, **options: object) -> Rule:
    targets = tuple(Reference(registry.host, "mirror") for registry in new)
    return replace(Rule(Reference(old.host), targets), **options)  # type: ignore[arg-type]


async def seen(plan: Plan) -> Preview:
    async with opened(plan) as places:
        return await preview_plan(plan, places, SystemClock())


def moved(preview: Preview) -> set[str]:
    return {
        f"{copy.target.repository}:{copy.target.tag}"
        for copy in preview.worklist.copies
        if copy.verdict.moves
    }


def why(preview: Preview) -> dict[str, str]:
    return {str(drop.source).partition("/")[2]: drop.why for drop in preview.dropped}


async def test_what_rules_take_is_at_the_target_afterwards_and_nothing_else(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    for repository in ("team/web", "team/tmp-x", "other/db"):
        for tag in ("v1.9", "v1.10", "v1.11-rc1", "latest"):
            push_image(old, repository, tag)
    tags = TagFilter(include=("v*",), exclude=("*-rc*",), newest=1, newest_by=NewestBy.VERSION)
    plan = sync(rule(old, new, repositories=("team/**", "!team/tmp-*"), tags=tags))

    foreseen = await seen(plan)
    ended = await run_here(tmp_path, plan)

    assert moved(foreseen) == {"mirror/team/web:v1.10"}
    assert why(foreseen).keys() == {
        "team/web:v1.9",
        "team/web:v1.11-rc1",
        "team/web:latest",
        "team/tmp-x",
        "other/db",
    }
    assert foreseen.new_repositories == {(new.host, "mirror/team/web")}
    assert (ended.state, ended.counts.copied) == (JobState.DONE, 1)
    assert skopeo.list_tags(f"docker://{new.host}/mirror/team/web", new) == ["v1.10"]
    assert skopeo.digest(f"docker://{new.host}/mirror/team/web:v1.10", new) == skopeo.digest(
        f"docker://{old.host}/team/web:v1.10", old
    )


async def test_a_rule_sends_to_each_of_its_targets(
    old: DockerRegistry, new: DockerRegistry, open_registry: DockerRegistry, tmp_path: Path
) -> None:
    pushed = push_image(old, "team/web", "1")

    ended = await run_here(tmp_path, sync(rule(old, new, open_registry)))

    assert ended.counts.copied == 2
    for registry in (new, open_registry):
        digest = skopeo.digest(f"docker://{registry.host}/mirror/team/web:1", registry)
        assert digest == pushed.digest


async def test_two_rules_that_send_the_same_to_one_place_make_one_copy(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    push_image(old, "team/web", "v1")
    plan = sync(rule(old, new), rule(old, new, tags=TagFilter(include=("v*",))))

    assert [copy.verdict for copy in (await seen(plan)).worklist.copies] == [Verdict.COPY]


async def test_two_sources_that_would_become_one_tag_are_both_named_and_nothing_moves(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    for repository in ("a/web", "b/web"):
        push_image(old, repository, "1")

    copies = (await seen(sync(rule(old, new, map="{name}")))).worklist.copies

    assert {copy.source.repository for copy in copies} == {"a/web", "b/web"}
    assert {copy.verdict for copy in copies} == {Verdict.BLOCKED}


async def test_created_since_reads_what_the_images_say_of_themselves(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    push_image(old, "team/web", "1")

    recent = await seen(sync(rule(old, new, tags=TagFilter(since=90 * 86400.0))))
    since_2020 = TagFilter(since=1577836800.0, since_is_moment=True)
    of_this_age = await seen(sync(rule(old, new, tags=since_2020)))

    assert (moved(recent), why(recent)) == (set(), {"team/web:1": "older than 90 days"})
    assert moved(of_this_age) == {"mirror/team/web:1"}


async def test_only_some_kinds_of_artifacts(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    image = push_image(old, "team/web", "1")
    push_referrer(old, image, artifact_type="application/vnd.cncf.notary.signature")
    push_artifact(old, "team/web", "report")

    plan = sync(rule(old, new, artifacts=frozenset({Artifact.IMAGE})))
    foreseen = await seen(plan)
    ended = await run_here(tmp_path, plan)

    skipped = [c for c in foreseen.worklist.copies if c.verdict is Verdict.SKIP]
    assert moved(foreseen) == {"mirror/team/web:1"}
    assert any("a signature" in copy.reason for copy in skipped)
    assert any("another kind" in copy.reason for copy in skipped)
    assert ended.state is JobState.DONE
    assert skopeo.list_tags(f"docker://{new.host}/mirror/team/web", new) == ["1"]


async def test_platforms_of_one_rule_leave_the_other_rules_images_whole(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    for repository in ("team/web", "team/api"):
        children = [
            push_image(old, repository, platform=platform)
            for platform in ("linux/amd64", "linux/arm64", "linux/s390x")
        ]
        push_index(old, repository, "1", children)
    few = tuple(map(parse_platform, ("linux/amd64", "linux/arm64")))
    plan = sync(
        rule(old, new, repositories=("team/web",), platforms=few),
        rule(old, new, repositories=("team/api",)),
    )

    reasons = {c.source.repository: c.reason for c in (await seen(plan)).worklist.copies}

    assert "a new digest" in reasons["team/web"]
    assert reasons["team/api"] == ""


async def test_a_tag_that_is_immutable_and_there_is_not_asked_for(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    for tag in ("v1", "v2", "latest"):
        push_image(old, "team/web", tag)
    plan = sync(rule(old, new, immutable=("v*",)))
    await run_here(tmp_path, plan)
    mark = old.mark()

    again = await run_here(tmp_path, plan)

    heads = [r.path for r in old.since(mark) if r.method == "HEAD"]
    assert again.counts.same == 3
    assert heads == ["/v2/team/web/manifests/latest"]


async def test_a_tag_that_is_immutable_stays_as_it_is_whether_one_or_many_are_copied(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    push_image(old, "team/web", "v1")
    there = push_image(new, "mirror/team/web", "v1", annotations={"other": "one"})
    by_rule = sync(rule(old, new, immutable=("v*",)))
    by_name = Plan(
        (
            Wanted(
                Reference(old.host, "team/web", "v1"),
                Reference(new.host, "mirror/team/web", "v1"),
                Terms(immutable=True),
            ),
        )
    )

    for number, plan in enumerate((by_rule, by_name)):
        foreseen = (await seen(plan)).worklist.copies
        ended = await run_here(tmp_path / str(number), plan)

        assert [copy.verdict for copy in foreseen] == [Verdict.SAME]
        assert (ended.counts.same, ended.counts.copied) == (1, 0)
        assert not (await proof_of(plan)).holds, "a proof believes nothing"
    async with opened(by_name) as places:
        head = await places[new.host].head_manifest("mirror/team/web", "v1")
    assert head is not None
    assert head.digest == there.digest


async def test_an_unchanged_tag_costs_one_head_on_each_side(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    tags = [f"v{number}" for number in range(5)]
    for tag in tags:
        push_image(old, "team/web", tag)
    plan = sync(rule(old, new))
    await run_here(tmp_path, plan)
    marks = old.mark(), new.mark()

    await run_here(tmp_path, plan)

    for registry, mark in zip((old, new), marks, strict=True):
        asked = [r.method for r in registry.since(mark) if "/manifests/v" in r.path]
        assert asked == ["HEAD"] * len(tags)


async def test_what_a_rule_names_and_is_not_there_fails_by_name(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    push_image(old, "team/web", "1")
    plan = sync(rule(old, new, repositories=("team/web", "team/lost")))

    ended = await run_here(tmp_path, plan)

    assert (ended.state, ended.counts.copied, ended.counts.failed) == (JobState.FAILED, 1, 1)
    assert "team/lost" in ended.failures[0].examples[0][1]


async def test_rules_that_take_nothing_say_so(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    push_image(old, "team/web", "1")
    plan = sync(rule(old, new, repositories=("nobody/**",)))

    foreseen = await seen(plan)
    ended = await run_here(tmp_path, plan)

    assert foreseen.worklist.copies == ()
    assert "nobody/** matches no repository" in {drop.why for drop in foreseen.dropped}
    assert ended.problem is not None
    assert ended.problem[0] == errors.NothingSelected.title


async def test_a_replication_takes_everything_below_its_path(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    for repository in ("team/web", "team/deep/api", "other/db"):
        push_image(old, repository, "1")
        push_image(old, repository, "latest")
    plan = sync(
        Rule(Reference(old.host, "team"), (Reference(new.host, "copy"),)), kind=Kind.REPLICATION
    )

    ended = await run_here(tmp_path, plan)

    assert ended.counts.copied == 4
    for repository in ("web", "deep/api"):
        there = skopeo.list_tags(f"docker://{new.host}/copy/{repository}", new)
        assert there == ["1", "latest"]


async def test_a_name_that_the_target_can_not_have_blocks_only_what_is_called_so(
    old: DockerRegistry, new: DockerRegistry
) -> None:
    push_image(old, "web", "1")
    push_image(old, "team/api", "1")
    plan = sync(Rule(Reference(old.host), (Reference(new.host),)))

    async with opened(plan) as places:
        target = places[new.host]
        target.service = replace(  # type: ignore[attr-defined]
            target.service,  # type: ignore[attr-defined]
            capabilities=replace(target.capabilities, parts=(2, 2)),
        )
        copies = (await preview_plan(plan, places, SystemClock())).worklist.copies

    verdicts = {copy.source.repository: copy.verdict for copy in copies}
    assert verdicts == {"web": Verdict.BLOCKED, "team/api": Verdict.COPY}


@pytest.mark.parametrize("repositories", [("team/**",), ("team/web", "team/api")])
async def test_a_digest_is_taken_from_where_it_is(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path, repositories: tuple[str, ...]
) -> None:
    pushed = push_image(old, "team/web", "1")
    push_image(old, "team/api", "1")
    digest = Digest(pushed.digest)
    plan = sync(rule(old, new, repositories=repositories, tags=TagFilter(digests=(digest,))))

    ended = await run_here(tmp_path, plan)

    assert (ended.state, ended.counts.copied) == (JobState.DONE, 1)
    assert skopeo.digest(f"docker://{new.host}/mirror/team/web@{digest}", new) == digest


async def test_a_digest_that_is_nowhere_fails_by_name(
    old: DockerRegistry, new: DockerRegistry, tmp_path: Path
) -> None:
    push_image(old, "team/web", "1")
    tags = TagFilter(include=("1",), digests=(Digest(f"sha256:{'0' * 64}"),))

    ended = await run_here(tmp_path, sync(rule(old, new, tags=tags)))

    assert (ended.state, ended.counts.copied, ended.counts.failed) == (JobState.FAILED, 1, 1)
