"""Copies from and into OCI layout folders, with skopeo on the other side."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from moving.jobs import new_job, plan_of, proof_of, run_again, run_here
from moving.judge import digest_at, tags_at
from servers import skopeo
from servers.faults import CutResponse, Fault, Hold
from servers.images import make_layer, push_artifact, push_image, push_index, random_layer
from servers.process import eventually
from transship.transfers import control
from transship.transfers.copies import JobState
from transship.transfers.job_view import read_job
from transship.transfers.process import start_runner

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.registry import Registry


async def test_skopeo_reads_what_was_copied_into_a_folder(
    open_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    children = [
        push_image(open_registry, repository, platform=platform)
        for platform in ("linux/amd64", "linux/arm64")
    ]
    images = {
        "1": push_image(open_registry, repository, "1"),
        "multi": push_index(open_registry, repository, "multi", children),
    }
    folder = tmp_path / "folder"
    plan = plan_of((f"{open_registry.host}/{repository}", f"layout:{folder}"))

    ended = await run_here(tmp_path, plan)

    assert ended.state is JobState.DONE, ended.failures
    assert (await proof_of(plan, deep=True)).holds
    for tag, image in images.items():
        name = f"oci:{folder}:{repository}:{tag}"
        assert skopeo.inspect_raw(name) == image.content
        skopeo.copy(name, f"dir:{tmp_path / tag}")


async def test_what_skopeo_wrote_into_a_folder_is_copied_to_a_registry(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    folder = tmp_path / "folder"
    skopeo.copy(f"docker://{open_registry.host}/{repository}:1", f"oci:{folder}:1", open_registry)
    plan = plan_of((f"layout:{folder}", f"{other_registry.host}/{repository}"))

    ended = await run_here(tmp_path, plan)

    assert ended.state is JobState.DONE, ended.failures
    assert digest_at(other_registry, repository, "1") == image.digest
    assert (await proof_of(plan)).holds


async def test_a_folder_of_several_repositories_goes_under_a_prefix_and_back(
    api_registry: Registry,
    other_registry: DockerRegistry,
    fresh_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    names, prefix = [fresh_name(), fresh_name()], fresh_name()
    base = random_layer(200_000, "shared by all repositories")
    images = {name: push_image(api_registry, name, "1", [base]) for name in names}
    signature = push_artifact(api_registry, names[0], subject=images[names[0]])
    one, two = tmp_path / "one", tmp_path / "two"
    there = plan_of(*((f"{api_registry.host}/{name}", f"layout:{one}") for name in names))
    onward = plan_of((f"layout:{one}", f"{other_registry.host}/{prefix}"))
    back = plan_of(
        *((f"{other_registry.host}/{prefix}/{name}", f"layout:{two}//{name}") for name in names)
    )

    for plan in (there, onward, back):
        ended = await run_here(tmp_path, plan)
        assert ended.state is JobState.DONE, ended.failures
        assert (await proof_of(plan, deep=True)).holds

    for name, image in images.items():
        assert digest_at(other_registry, f"{prefix}/{name}", "1") == image.digest
        assert skopeo.inspect_raw(f"oci:{two}:{name}:1") == image.content
    blobs = [sorted(p.name for p in (f / "blobs/sha256").iterdir()) for f in (one, two)]
    # The way over a registry without a referrers API leaves the list that stands in for it.
    assert set(blobs[0]) <= set(blobs[1])
    assert signature.digest.removeprefix("sha256:") in blobs[1]


async def test_one_folder_is_copied_into_another(
    open_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    plans = [
        plan_of((f"{open_registry.host}/{repository}:1", f"layout:{tmp_path / 'a'}//x:2")),
        plan_of((f"layout:{tmp_path / 'a'}", f"layout:{tmp_path / 'b'}")),
    ]

    for plan in plans:
        assert (await run_here(tmp_path, plan)).state is JobState.DONE

    assert skopeo.inspect_raw(f"oci:{tmp_path / 'b'}:x:2") == image.content


async def test_what_has_no_name_in_a_folder_is_copied_by_its_digest(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1")
    folder = tmp_path / "folder"
    skopeo.copy(f"docker://{open_registry.host}/{repository}:1", f"oci:{folder}", open_registry)
    plan = plan_of((f"layout:{folder}", f"{other_registry.host}/{repository}"))

    ended = await run_here(tmp_path, plan)

    assert ended.state is JobState.DONE, ended.failures
    reference = f"docker://{other_registry.host}/{repository}@{image.digest}"
    assert skopeo.digest(reference, other_registry) == image.digest
    assert (await proof_of(plan)).holds


def test_a_runner_that_is_killed_while_it_writes_a_folder_goes_on_in_the_same_file(
    open_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    layer = random_layer(80_000_000, repository)
    image = push_image(open_registry, repository, "1", [layer])
    source = proxy_for(open_registry)
    path = f"/blobs/{image.blobs[1]}"
    hold = Hold()
    # The second read is held when a good part has been written, though no whole piece.
    source.add(Fault(CutResponse(30_000_000), method="GET", path=path))
    source.add(Fault(hold, method="GET", path=path))
    folder = tmp_path / "folder"
    job = new_job(tmp_path, plan_of((f"{source.host}/{repository}", f"layout:{folder}")))

    pid = start_runner(job, [])
    eventually(hold.held.is_set, "a part to be written")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not job.is_held, "the runner to be gone")
    hold.release.set()
    control.resume_job(job, [])
    eventually(lambda: not job.is_held, "the end")

    assert read_job(job).state is JobState.DONE, read_job(job)
    assert skopeo.inspect_raw(f"oci:{folder}:{repository}:1") == image.content
    assert sum(r.received for r in source.requests if path in r.path) < 1.4 * len(layer)
    assert not list(folder.glob(".transship-upload-*"))


async def test_a_damaged_folder_is_named_and_nothing_wrong_is_written(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    image = push_image(open_registry, repository, "1", [make_layer(b"x" * 100_000)])
    folder = tmp_path / "folder"
    job = new_job(tmp_path, plan_of((f"{open_registry.host}/{repository}", f"layout:{folder}")))
    assert (await run_again(job)).state is JobState.DONE
    layer = folder / "blobs" / "sha256" / image.blobs[1].removeprefix("sha256:")
    layer.write_bytes(layer.read_bytes()[:-1] + b"!")

    ended = await run_here(
        tmp_path, plan_of((f"layout:{folder}", f"{other_registry.host}/{repository}/copied"))
    )

    assert [failure.cause for failure in ended.failures] == ["digest-mismatch"]
    assert tags_at(open_registry, repository) == ["1"]
    assert json.loads((folder / "index.json").read_bytes())["manifests"]
