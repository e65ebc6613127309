"""Whole copies from one registry to another, judged by skopeo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, outcomes, plan_of, proof_of, run_again, run_here
from moving.judge import digest_at, tags_at
from moving.manifests import image_of, put_manifest
from servers import skopeo
from servers.faults import Delay, Fault
from servers.images import (
    OCI_INDEX,
    make_layer,
    push_artifact,
    push_blob,
    push_image,
    push_index,
    random_layer,
)
from servers.registry import Registry
from transship.transfers.copies import CopyState, JobState, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.token_server import TokenServer


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("open_registry", "htpasswd_registry"),
        ("htpasswd_registry", "tls_registry"),
        ("tls_registry", "token_registry"),
        ("token_registry", "open_registry"),
        ("zuul", "other_registry"),
        ("other_registry", "zuul"),
    ],
)
async def test_every_tag_arrives_with_its_digest(
    source: str, target: str, repository: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    old: Registry = request.getfixturevalue(source)
    new: Registry = request.getfixturevalue(target)
    base = random_layer(3_000_000, "base of all")
    children = [
        push_image(old, repository, None, [base, random_layer(5_000, platform)], platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    expected = {
        "plain": push_image(old, repository, "plain", [base]).digest,
        "docker": push_image(old, repository, "docker", [base], docker=True).digest,
        "multi": push_index(old, repository, "multi", children).digest,
        "chart": push_artifact(old, repository, "chart").digest,
    }
    plan = plan_of((f"{old.host}/{repository}", f"{new.host}/moved/{repository}"))

    view = await run_here(tmp_path, plan, old, new)

    assert view.state is JobState.DONE, view
    assert view.counts.copied == len(expected)
    for tag, digest in expected.items():
        assert digest_at(new, f"moved/{repository}", tag) == digest
    assert (await proof_of(plan, old, new, deep=True)).holds
    again = await run_here(tmp_path, plan, old, new)
    assert (again.counts.same, again.bytes.sent) == (len(expected), 0)


async def test_one_tag_is_copied_under_another_name(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1.4")
    push_image(open_registry, repository, "1.5")
    plan = plan_of(
        (f"{open_registry.host}/{repository}:1.4", f"{other_registry.host}/{repository}/web:stable")
    )

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.DONE
    assert tags_at(other_registry, f"{repository}/web") == ["stable"]
    assert digest_at(other_registry, f"{repository}/web", "stable") == image.digest


async def test_a_digest_is_copied_without_a_tag(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository)
    name = f"{repository}@{image.digest}"

    view = await run_here(
        tmp_path, plan_of((f"{open_registry.host}/{name}", f"{other_registry.host}/{repository}"))
    )

    assert view.state is JobState.DONE, view.failures
    assert skopeo.digest(f"docker://{other_registry.host}/{name}", other_registry) == image.digest


async def test_a_digest_with_a_tag_is_copied_to_that_tag_wherever_the_tag_points(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    old = push_image(open_registry, repository, "1.4")
    push_image(open_registry, repository, "1.4", [make_layer(b"newer")])

    view = await run_here(
        tmp_path,
        plan_of(
            (
                f"{open_registry.host}/{repository}:1.4@{old.digest}",
                f"{other_registry.host}/{repository}",
            )
        ),
    )

    assert view.state is JobState.DONE
    assert digest_at(other_registry, repository, "1.4") == old.digest


async def test_a_tag_gets_a_second_name_in_its_own_repository(
    open_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1.4")
    name = f"{open_registry.host}/{repository}"

    view = await run_here(tmp_path, plan_of((f"{name}:1.4", f"{name}:stable")), open_registry)

    assert (view.state, view.bytes.sent) == (JobState.DONE, 0)
    assert digest_at(open_registry, repository, "stable") == image.digest


async def test_indexes_in_indexes_and_the_blobs_that_an_index_names_come_along(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm/v7", "linux/arm64")
    ]
    inner = push_index(open_registry, repository, None, children[:2])
    # An entry without a platform, and one child that two indexes share.
    outer = push_index(open_registry, repository, "outer", [inner, *children[1:]])
    plan = plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.DONE, view.failures
    assert digest_at(other_registry, repository, "outer") == outer.digest
    assert (await proof_of(plan, deep=True)).holds


async def test_empty_and_repeated_layers_are_copied(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    layer = random_layer(2_000_000, repository)
    document = image_of(open_registry, repository, [b"", layer, b"", layer])
    image = put_manifest(open_registry, repository, "odd", document)
    plan = plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.DONE, view.failures
    assert digest_at(other_registry, repository, "odd") == image.digest
    assert (await proof_of(plan, deep=True)).holds


async def test_only_one_platform_is_copied_with_its_own_digest(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64", "linux/s390x")
    ]
    push_index(open_registry, repository, "multi", children)
    pair = (f"{open_registry.host}/{repository}:multi", f"{other_registry.host}/{repository}")

    one = plan_of((pair[0], f"{pair[1]}:one"), platforms=["linux/arm64"])
    two = plan_of((pair[0], f"{pair[1]}:two"), platforms=["linux/arm64", "linux/amd64"])

    assert (await run_here(tmp_path, one)).state is JobState.DONE
    assert digest_at(other_registry, repository, "one") == children[1].digest
    assert (await run_here(tmp_path, two)).state is JobState.DONE
    raw = skopeo.inspect_raw(f"docker://{other_registry.host}/{repository}:two", other_registry)
    assert [child.digest.encode() in raw for child in children] == [True, True, False]
    for plan in (one, two):
        assert (await proof_of(plan)).holds
        assert (await run_here(tmp_path, plan)).counts.same == 1


async def test_an_image_without_the_platform_fails_and_the_others_are_copied(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "amd", platform="linux/amd64")
    push_image(open_registry, repository, "arm", platform="linux/arm64")
    plan = plan_of(
        (f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"),
        platforms=["linux/arm64"],
    )

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.FAILED
    assert [failure.cause for failure in view.failures] == ["platform-missing"]
    assert tags_at(other_registry, repository) == ["arm"]


async def test_a_token_that_ends_in_the_middle_of_an_upload_is_replaced(
    token_registry: DockerRegistry,
    token_server: TokenServer,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    layers = [random_layer(4_000_000, f"{repository} {number}") for number in range(2)]
    image = push_image(other_registry, repository, "1", layers)
    proxy = proxy_for(token_registry)
    slow = Fault(Delay(1.6), method="PUT", path="/blobs/uploads/", times=3)
    proxy.add(slow)
    # The client believes a token for a minute; the registry takes it for a second or so.
    token_server.lifetime, token_server.announced = 0.5, 60
    target = Registry(proxy.url, token_registry.username, token_registry.password)
    plan = plan_of((f"{other_registry.host}/{repository}", f"{proxy.host}/{repository}"))

    view = await run_here(tmp_path, plan, target)

    assert view.state is JobState.DONE, view.failures
    assert 401 in {request.status for request in proxy.requests if request.method == "PUT"}
    token_server.reset()
    assert digest_at(token_registry, repository, "1") == image.digest


async def test_a_blob_that_an_index_names_is_sent_before_it(
    open_registry: DockerRegistry, zuul: Registry, repository: str, tmp_path: Path
) -> None:
    # Registries differ in what they let an index name; this one doesn't look.
    blob = push_blob(
        zuul, repository, b"a cache of a build", "application/vnd.buildkit.cacheconfig.v0"
    )
    index = put_manifest(
        zuul,
        repository,
        "cache",
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [blob]},
        OCI_INDEX,
    )
    plan = plan_of((f"{zuul.host}/{repository}", f"{open_registry.host}/{repository}"))

    view = await run_here(tmp_path, plan, zuul)

    assert view.state is JobState.DONE, view.failures
    assert digest_at(open_registry, repository, "cache") == index.digest


async def test_an_empty_repository_is_an_error_and_no_success(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    plan = plan_of((f"{open_registry.host}/{repository}", f"{other_registry.host}/{repository}"))

    view = await run_here(tmp_path, plan)

    assert view.state is JobState.FAILED
    assert [failure.cause for failure in view.failures] == ["repository-not-found"]


async def test_one_repository_that_is_missing_never_stops_the_others(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    fresh_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    missing, there = fresh_name(), fresh_name()
    image = push_image(open_registry, there, "1")
    pairs = [
        (f"{open_registry.host}/{name}", f"{other_registry.host}/{name}")
        for name in (missing, there)
    ]
    job = new_job(tmp_path, plan_of(*pairs))

    view = await run_again(job)

    assert (view.state, view.counts.failed, view.counts.copied) == (JobState.FAILED, 1, 1)
    assert digest_at(other_registry, there, "1") == image.digest
    copy, state = outcomes(job)[""]
    assert (copy.source.repository, copy.verdict, state) == (
        missing,
        Verdict.BLOCKED,
        CopyState.FAILED,
    )


@pytest.mark.parametrize("kind", ["open_registry", "token_registry"])
async def test_within_one_registry_layers_are_mounted_and_none_is_sent(
    kind: str,
    repository: str,
    fresh_name: Callable[[], str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    registry: DockerRegistry = request.getfixturevalue(kind)
    elsewhere = fresh_name()
    pushed = push_image(registry, repository, "1", [random_layer(2_000_000, repository)])
    plan = plan_of((f"{registry.host}/{repository}", f"{registry.host}/{elsewhere}"))

    ended = await run_here(tmp_path, plan, registry)

    assert (ended.state, ended.bytes.sent) == (JobState.DONE, 0)
    assert digest_at(registry, elsewhere, "1") == pushed.digest
