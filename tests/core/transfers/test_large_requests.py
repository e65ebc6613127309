"""How many requests one large image makes: none for a blob that a new repository can't have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moving.jobs import new_job, plan_of, run_again
from servers.images import push_image, random_layer
from transship.transfers.copies import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from servers.docker_registry import DockerRegistry

LAYERS = [random_layer(2_000_000, f"large {number}") for number in range(3)]


async def test_no_large_blob_is_asked_for_in_a_repository_that_is_new(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "v1", LAYERS)
    mark = other_registry.mark()
    where = f"{repository}:v1"
    plan = plan_of((f"{open_registry.host}/{where}", f"{other_registry.host}/{where}"))

    done = await run_again(new_job(tmp_path, plan))

    assert done.state is JobState.DONE
    asked = [f"{each.method} {each.path}" for each in other_registry.since(mark)]
    assert not [each for each in asked if each.startswith("HEAD") and "/blobs/" in each]
    assert not [each for each in asked if "mount=" in each]
    assert sum("/tags/list" in each for each in asked) == 1


async def test_where_the_repository_is_there_they_are_asked_for(
    open_registry: DockerRegistry, other_registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    push_image(open_registry, repository, "v1", LAYERS)
    push_image(other_registry, repository, "old", LAYERS[:1])
    mark = other_registry.mark()
    where = f"{repository}:v1"
    plan = plan_of((f"{open_registry.host}/{where}", f"{other_registry.host}/{where}"))

    done = await run_again(new_job(tmp_path, plan))

    assert done.state is JobState.DONE
    finished = [e for e in other_registry.since(mark) if e.method == "PUT" and "/blobs/" in e.path]
    assert len(finished) == len(LAYERS), "two layers and the config: one layer was there"
