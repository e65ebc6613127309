"""Whole copies into and out of pulp-container, the real one, judged by skopeo."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from moving.jobs import access_to, ends, new_job, plan_of, proof_of, run_here
from moving.judge import digest_at, tags_at
from servers import skopeo
from servers.faults import Delay, Fault, Hold
from servers.images import (
    OCI_INDEX,
    push_artifact,
    push_image,
    push_index,
    push_referrer,
    random_layer,
)
from servers.process import eventually
from servers.registry import Registry
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.images import Pushed
    from servers.pulp import Pulp, PulpRegistry

pytestmark = pytest.mark.pulp

LIFE = 2  # seconds


def push_all_kinds(registry: Registry, repository: str) -> dict[str, Pushed]:
    """Push an image of each kind that shares a layer; return what each tag points at."""
    base = random_layer(3_000_000, "base of all")
    children = [
        push_image(
            registry, repository, None, [base, random_layer(5_000, platform)], platform=platform
        )
        for platform in ("linux/amd64", "linux/arm64")
    ]
    index = push_index(registry, repository, "multi", children)
    signature = push_referrer(registry, index)
    return {
        "plain": push_image(registry, repository, "plain", [base]),
        "docker": push_image(registry, repository, "docker", [base], docker=True),
        "multi": index,
        "chart": push_artifact(registry, repository, "chart"),
        index.digest.replace(":", "-"): signature,
    }


@pytest.mark.parametrize("into", [True, False], ids=["into", "out of"])
async def test_all_kinds_of_images_arrive_with_their_digests_and_nothing_moves_twice(
    into: bool,
    pulp_registry: PulpRegistry,
    other_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
) -> None:
    old, new = (other_registry, pulp_registry) if into else (pulp_registry, other_registry)
    expected = push_all_kinds(old, repository)
    moved = f"moved/{repository}"
    plan = plan_of((f"{old.host}/{repository}", f"{new.host}/{moved}"))

    ended = await run_here(tmp_path, plan, old, new)

    assert ended.state is JobState.DONE, ended.failures
    assert tags_at(new, moved) == sorted(expected)
    for tag, pushed in expected.items():
        if not tag.startswith("sha256-"):
            assert digest_at(new, moved, tag) == pushed.digest
    (listing,) = [tag for tag in expected if tag.startswith("sha256-")]
    listed = new.http.get(f"/v2/{moved}/manifests/{listing}", headers={"Accept": OCI_INDEX})
    assert [entry["digest"] for entry in listed.json()["manifests"]] == [expected[listing].digest]
    skopeo.copy(f"docker://{new.host}/{moved}:multi", f"oci:{tmp_path}/read-back:multi", new)
    assert (await proof_of(plan, old, new, deep=True)).holds
    again = await run_here(tmp_path, plan, old, new)
    assert (again.counts.same, again.bytes.sent) == (again.counts.total, 0)


async def test_within_it_layers_are_mounted_and_nothing_is_sent(
    pulp_registry: PulpRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(pulp_registry, f"{repository}/one", "v1")
    at = f"{pulp_registry.host}/{repository}"
    before = len(pulp_registry.requests())

    ended = await run_here(tmp_path, plan_of((f"{at}/one:v1", f"{at}/two:v1")), pulp_registry)

    assert (ended.state, ended.bytes.sent) == (JobState.DONE, 0)
    mounts = [each for each in pulp_registry.requests()[before:] if "mount=" in each.path]
    assert {each.status for each in mounts if each.scheme and "%2Fone" in each.path} == {201}
    assert digest_at(pulp_registry, f"{repository}/two", "v1") == image.digest


async def test_what_it_does_not_mount_is_sent_again(
    pulp_registry: PulpRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    # It mounts only what a tag leads to, and layers go before their tag.
    shared = random_layer(2_000_000, repository)
    images = {
        name: push_image(
            other_registry, f"{repository}/{name}", "v1", [shared], annotations={"name": name}
        )
        for name in ("one", "two", "three")
    }
    plan = plan_of(
        *(
            (
                f"{other_registry.host}/{repository}/{name}",
                f"{pulp_registry.host}/{repository}/{name}",
            )
            for name in images
        )
    )

    ended = await run_here(tmp_path, plan, pulp_registry)

    assert ended.state is JobState.DONE, ended.failures
    for name, image in images.items():
        assert digest_at(pulp_registry, f"{repository}/{name}", "v1") == image.digest


async def test_tokens_that_end_in_the_middle_of_a_run_are_renewed(
    pulp: Pulp,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    layers = [random_layer(1_000_000, f"{repository} {number}") for number in range(2)]
    image = push_image(other_registry, repository, "v1", layers)
    with pulp.registry(token_seconds=LIFE) as registry:
        proxy = proxy_for(registry)
        # What arrives so late has a token that was good when it was sent.
        proxy.add(Fault(Delay(LIFE + 1), method="PUT", path="/blobs/uploads/", times=2))
        target = Registry(proxy.url, registry.username, registry.password)
        plan = plan_of((f"{other_registry.host}/{repository}", f"{proxy.host}/{repository}"))

        ended = await run_here(tmp_path, plan, target)

        assert ended.state is JobState.DONE, ended.failures
        uploads = [each.status for each in proxy.requests if each.method == "PUT"]
        assert 401 in uploads
        assert digest_at(registry, repository, "v1") == image.digest


def test_a_runner_that_is_killed_is_gone_on_with_from_the_last_piece(
    pulp_registry: PulpRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    mebibyte = 1024 * 1024
    layer = random_layer(80 * mebibyte, repository)
    image = push_image(other_registry, repository, "large", [layer])
    proxy = proxy_for(pulp_registry)
    target = Registry(proxy.url, pulp_registry.username, pulp_registry.password)
    hold = Hold()
    proxy.add(Fault(hold, method="PATCH", skip=1))
    job = new_job(
        tmp_path,
        plan_of((f"{other_registry.host}/{repository}:large", f"{proxy.host}/{repository}:large")),
    )

    pid = start_runner(job, [access_to(target)])
    eventually(hold.held.is_set, "the second piece")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not job.is_held, "the runner to be gone")
    proxy.cut_connections()
    hold.release.set()
    assert read_job(job).state is JobState.INTERRUPTED
    control.resume_job(job, [access_to(target)])

    assert ends(job).state is JobState.DONE
    assert digest_at(pulp_registry, repository, "large") == image.digest
    pieces = [each.sent for each in proxy.requests if each.method == "PATCH" and each.status == 202]
    assert sum(pieces) == len(layer)
