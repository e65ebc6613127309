"""What can't be copied fails alone, under the name of its cause, and can be tried again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from moving.jobs import new_job, outcomes, plan_of, run_again, run_here
from moving.judge import digest_at, tags_at
from moving.manifests import image_of, put_manifest
from moving.storage import blob_file
from servers.faults import Answer, CutResponse, Fault, Hold
from servers.images import push_image, push_index, random_layer
from servers.process import eventually
from servers.registry import Registry
from transship.oci.platform import parse_platform
from transship.plans.plan import Terms
from transship.registry.http.rate_limiter import RetryPolicy
from transship.transfers import control
from transship.transfers.copies import CopyState, JobState, Verdict
from transship.transfers.job_view import read_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy

SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def errors(code: str, message: str = "") -> bytes:
    """Return the body of a registry's refusal."""
    return json.dumps({"errors": [{"code": code, "message": message or code}]}).encode()


async def test_a_schema_1_image_is_blocked_with_its_reason_and_the_others_are_copied(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    image = push_image(open_registry, repository, "new")
    push_image(open_registry, repository, "old")
    source = proxy_for(open_registry)
    old = json.dumps({"schemaVersion": 1, "name": repository, "tag": "old"}).encode()
    source.add(
        Fault(Answer(200, {"Content-Type": SCHEMA1}, old), path="/manifests/old$", times=None)
    )
    plan = plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))
    job = new_job(tmp_path, plan)

    ended = await run_again(job)

    assert ended.state is JobState.FAILED
    assert digest_at(other_registry, repository, "new") == image.digest
    copy, state = outcomes(job)["old"]
    assert (copy.verdict, state) == (Verdict.BLOCKED, CopyState.FAILED)
    assert "schema 1" in copy.reason
    assert ended.failures[0].cause == "unsupported-manifest"


async def test_foreign_layers_are_left_where_they_are(
    zuul: Registry, api_registry: Registry, repository: str, tmp_path: Path
) -> None:
    document = image_of(zuul, repository, [random_layer(1000, repository)])
    document["layers"].append(
        {
            "mediaType": FOREIGN,
            "size": 1,
            "digest": f"sha256:{'0' * 64}",
            "urls": ["https://layers.example/windows"],
        }
    )
    image = put_manifest(zuul, repository, "windows", document)
    plan = plan_of((f"{zuul.host}/{repository}", f"{api_registry.host}/{repository}"))

    ended = await run_here(tmp_path, plan, zuul)

    assert ended.state is JobState.DONE, ended.failures
    assert digest_at(api_registry, repository, "windows") == image.digest


async def test_an_image_with_a_missing_layer_fails_alone_and_a_retry_copies_it_once_it_is_mended(
    new_registry: Callable[..., DockerRegistry],
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    source = new_registry()
    images = {tag: push_image(source, repository, tag) for tag in ("a", "b", "c")}
    layer = blob_file(source, images["b"].blobs[1])
    kept = layer.read_bytes()
    layer.unlink()
    job = new_job(
        tmp_path, plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))
    )

    ended = await run_again(job)
    layer.write_bytes(kept)
    before = other_registry.mark()
    control.retry_job(job, [])
    eventually(lambda: not job.is_held, "the end of the retry")

    assert (ended.state, ended.counts.copied, ended.counts.failed) == (JobState.FAILED, 2, 1)
    assert [failure.cause for failure in ended.failures] == ["blob-not-found"]
    again = read_job(job)
    assert (again.state, again.counts.copied) == (JobState.DONE, 3), again.failures
    assert (again.bytes.done, again.bytes.total) == (again.bytes.total, again.bytes.total)
    for tag, image in images.items():
        assert digest_at(other_registry, repository, tag) == image.digest
    retried = [r for r in other_registry.since(before) if r.method == "PUT"]
    assert not [r for r in retried if r.path.endswith(("/manifests/a", "/manifests/c"))]


async def test_a_retry_takes_the_platforms_that_this_one_copy_was_asked_for(
    new_registry: Callable[..., DockerRegistry],
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    source = new_registry()
    amd64, arm64 = (
        push_image(source, repository, platform=name) for name in ("linux/amd64", "linux/arm64")
    )
    push_index(source, repository, "1", [amd64, arm64])
    layer = blob_file(source, arm64.blobs[1])
    kept = layer.read_bytes()
    layer.unlink()
    plan = plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))
    terms = Terms(platforms=(parse_platform("linux/arm64"),))
    job = new_job(tmp_path, replace(plan, copies=(replace(plan.copies[0], terms=terms),)))

    assert (await run_again(job)).counts.failed == 1
    layer.write_bytes(kept)
    control.retry_job(job, [])
    eventually(lambda: not job.is_held, "the end of the retry")

    assert read_job(job).state is JobState.DONE
    assert digest_at(other_registry, repository, "1") == arm64.digest


@pytest.mark.parametrize(
    ("answer", "method", "path", "cause"),
    [
        (Answer(413), "PUT", "/blobs/uploads/", "too-large"),
        (
            Answer(403, body=errors("DENIED", "adding 1 MiB will exceed the quota of 1 MiB")),
            "PUT",
            "/blobs/uploads/",
            "quota-exceeded",
        ),
        (
            Answer(412, body=errors("PRECONDITION", "tag 1 is immutable")),
            "PUT",
            "/manifests/1$",
            "immutable-tag",
        ),
        (Answer(400, body=errors("MANIFEST_INVALID")), "PUT", "/manifests/1$", "manifest-rejected"),
        (Answer(403, body=errors("DENIED")), "PUT", "/manifests/1$", "sign-in-needed"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
async def test_a_refusal_of_the_target_fails_what_it_concerns_under_its_own_name(
    answer: Answer,
    method: str,
    path: str,
    cause: str,
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    # Larger than what sockets hold, so that the answer comes while it is still being sent.
    push_image(open_registry, repository, "1", [random_layer(12_000_000, repository)])
    target = proxy_for(other_registry)
    refused = Fault(answer, method=method, path=path, times=None)
    target.add(refused)
    job = new_job(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    ended = await run_again(job)

    assert ended.state is JobState.FAILED
    assert [(failure.cause, failure.count) for failure in ended.failures] == [(cause, 1)]
    assert ended.failures[0].remedy
    assert refused.struck <= 2, "a refusal isn't asked for again"


async def test_a_read_only_target_is_named(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "1")
    target = new_registry(readonly=True)

    ended = await run_here(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    assert ended.state is JobState.FAILED
    assert [failure.cause for failure in ended.failures] == ["read-only"]


async def test_failures_are_grouped_by_their_cause_the_most_frequent_first(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    for number in range(6):
        push_image(open_registry, repository, f"v{number}")
    target = proxy_for(other_registry)
    target.add(Fault(Answer(413), method="PUT", path="/manifests/v5", times=None))
    target.add(
        Fault(
            Answer(412, body=errors("PRECONDITION", "is immutable")),
            method="PUT",
            path="/manifests/v[0-3]",
            times=None,
        )
    )

    ended = await run_here(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    assert [(failure.cause, failure.count) for failure in ended.failures] == [
        ("immutable-tag", 4),
        ("too-large", 1),
    ]
    assert len(ended.failures[0].examples) == 3
    assert tags_at(other_registry, repository) == ["v4"]


async def test_what_the_target_s_clean_up_took_away_is_sent_again_once(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    base = random_layer(2_000_000, repository)
    images = {tag: push_image(open_registry, repository, tag, [base]) for tag in ("a", "b")}
    target = proxy_for(other_registry)
    unknown = Fault(
        Answer(400, body=errors("MANIFEST_BLOB_UNKNOWN")), method="PUT", path="/manifests/"
    )
    target.add(unknown)

    ended = await run_here(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    assert ended.state is JobState.DONE, ended.failures
    assert unknown.struck == 1
    for tag, image in images.items():
        assert digest_at(other_registry, repository, tag) == image.digest


async def test_a_target_that_never_finds_the_parts_is_believed_after_the_second_time(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    push_image(open_registry, repository, "1")
    target = proxy_for(other_registry)
    unknown = Fault(
        Answer(400, body=errors("MANIFEST_BLOB_UNKNOWN")),
        method="PUT",
        path="/manifests/",
        times=None,
    )
    target.add(unknown)

    ended = await run_here(
        tmp_path, plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    )

    assert [failure.cause for failure in ended.failures] == ["manifest-blob-unknown"]
    assert unknown.struck == 2


@pytest.mark.parametrize("size", [200_000, 3_000_000])
async def test_wrong_bytes_at_the_source_never_become_a_blob_at_the_target(
    size: int,
    new_registry: Callable[..., DockerRegistry],
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    source = new_registry()
    image = push_image(source, repository, "1", [random_layer(size, repository)])
    layer = blob_file(source, image.blobs[1])
    content = bytearray(layer.read_bytes())
    content[len(content) // 2] ^= 1
    layer.write_bytes(content)

    ended = await run_here(
        tmp_path, plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))
    )

    assert [failure.cause for failure in ended.failures] == ["digest-mismatch"]
    there = other_registry.http.head(f"/v2/{repository}/blobs/{image.blobs[1]}")
    assert there.status_code == 404


async def test_a_blob_whose_connection_is_cut_again_and_again_still_arrives(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    layer = random_layer(6_000_000, repository)
    image = push_image(open_registry, repository, "1", [layer])
    source = proxy_for(open_registry)
    source.add(
        Fault(CutResponse(1_000_000), method="GET", path=f"/blobs/{image.blobs[1]}", times=4)
    )

    ended = await run_here(
        tmp_path, plan_of((f"{source.host}/{repository}", f"{other_registry.host}/{repository}"))
    )

    assert ended.state is JobState.DONE, ended.failures
    assert digest_at(other_registry, repository, "1") == image.digest
    read = [r for r in source.requests if image.blobs[1] in r.path]
    assert len(read) == 5
    # Each goes on where the one before was cut.
    assert sum(r.received for r in read) < len(layer) * 1.2


async def test_a_place_that_is_gone_for_good_ends_the_job_and_not_each_image(
    open_registry: DockerRegistry,
    new_registry: Callable[..., DockerRegistry],
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    images = {f"v{n}": push_image(open_registry, repository, f"v{n}") for n in range(6)}
    target = new_registry()
    source = proxy_for(open_registry)
    hold = Hold()
    source.add(Fault(hold, method="GET", path="/blobs/", times=None))
    job = new_job(tmp_path, plan_of((f"{source.host}/{repository}", f"{target.host}/{repository}")))

    running = asyncio.create_task(run_again(job, patience=RetryPolicy(attempts=2, seconds=1)))
    await asyncio.to_thread(eventually, hold.held.is_set, "a blob to be read")
    await asyncio.to_thread(target.stop)
    hold.release.set()
    ended = await running

    assert ended.state is JobState.FAILED
    assert ended.problem is not None
    assert ended.problem[0] == "Connection refused"
    assert (ended.counts.failed, ended.counts.waiting) == (0, 6)
    target.start()
    control.retry_job(job, [])
    eventually(lambda: not job.is_held, "the end of the retry")
    assert (read_job(job).state, read_job(job).counts.total) == (JobState.DONE, 6)
    assert read_job(job).problem is None
    for tag, image in images.items():
        assert digest_at(target, repository, tag) == image.digest


async def test_a_wrong_password_holds_the_job_up_at_once(
    open_registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    for number in range(10):
        push_image(open_registry, repository, f"v{number}")
    target = Registry(htpasswd_registry.url, "operator", "not the password")
    before = htpasswd_registry.mark()

    ended = await run_here(
        tmp_path,
        plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}")),
        target,
    )

    assert ended.state is JobState.PAUSED
    assert ended.signed_out == (target.host,)
    assert ended.problem is not None
    assert "not accepted" in ended.problem[0]
    assert len(htpasswd_registry.since(before)) < 5
