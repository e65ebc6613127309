"""How many requests a job makes, told by the access logs of both registries."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from moving.jobs import new_job, plan_of, run_again
from servers.images import push_image, random_layer
from transship.transfers.copies import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from servers.docker_registry import Access, DockerRegistry

REPOSITORIES, TAGS = 30, 3
IMAGES = REPOSITORIES * TAGS
CONFIGS = IMAGES
LAYERS = IMAGES + REPOSITORIES + 1
"""One of each image's own, one that the tags of a repository share, one that all share."""
MOUNTS = REPOSITORIES - 1
"""The layer of all goes to one repository and is mounted into the others."""


def push_all(registry: DockerRegistry) -> list[str]:
    """Push the images of the counts above; return their repositories."""
    base = random_layer(2_000_000, "base of all repositories")
    repositories = [f"team/app{number}" for number in range(REPOSITORIES)]
    for repository in repositories:
        shared = random_layer(20_000, repository)
        for tag in range(TAGS):
            own = random_layer(3_000, f"{repository}:{tag}")
            push_image(
                registry, repository, f"v{tag}", [base, shared, own], annotations={"n": str(tag)}
            )
    return repositories


def kinds(requests: Iterable[Access]) -> Counter[str]:
    """Count requests by what they are."""
    patterns = {
        "ping": r"\w+ /v2/$",
        "tags": r"GET .*/tags/list",
        "referrers": r"GET .*/referrers/",
        "head manifest": r"HEAD .*/manifests/",
        "get manifest": r"GET .*/manifests/",
        "put manifest": r"PUT .*/manifests/",
        "head blob": r"HEAD .*/blobs/",
        "get blob": r"GET .*/blobs/sha256",
        "mount": r"POST .*mount=",
        "start": r"POST .*/blobs/uploads/$",
        "put blob": r"PUT .*/blobs/uploads/",
    }
    return Counter(
        next((kind for kind, pattern in patterns.items() if re.match(pattern, line)), line)
        for line in (f"{request.method} {request.path}" for request in requests)
    )


async def test_a_job_makes_the_requests_of_its_plan_and_no_more(
    new_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    source, target = new_registry(), new_registry()
    repositories = push_all(source)
    pairs = [(f"{source.host}/{name}", f"{target.host}/moved/{name}") for name in repositories]
    plan = plan_of(*pairs)
    # Asked once, whatever the number of images: is there an API for referrers?
    probe = {"referrers": 1}

    marks = source.mark(), target.mark()
    fresh = await run_again(new_job(tmp_path, plan))
    read, written = source.since(marks[0]), target.since(marks[1])

    assert fresh.state is JobState.DONE, fresh.failures
    assert kinds(read) == {
        "ping": 1,
        "tags": REPOSITORIES,
        "get manifest": IMAGES,
        "get blob": CONFIGS + LAYERS,
        **probe,
    }
    assert kinds(written) == {
        "ping": 1,
        "tags": REPOSITORIES,
        "start": CONFIGS + LAYERS,
        "put blob": CONFIGS + LAYERS,
        "mount": MOUNTS,
        # What the tag points at, right before it is written.
        "head manifest": IMAGES,
        "put manifest": IMAGES,
    }
    assert all(request.status == 201 for request in written if "mount=" in request.path)
    sent = [re.sub(r".*digest=", "", r.path) for r in written if "digest=" in r.path]
    assert len(set(sent)) == len(sent), "a blob went up twice"

    marks = source.mark(), target.mark()
    again = await run_again(new_job(tmp_path, plan))

    assert (again.state, again.counts.same) == (JobState.DONE, IMAGES)
    unchanged = {"ping": 1, "tags": REPOSITORIES, "head manifest": IMAGES}
    assert kinds(source.since(marks[0])) == {**unchanged, **probe}
    assert kinds(target.since(marks[1])) == unchanged


async def test_a_new_tag_in_a_repository_that_is_there_sends_only_what_is_new(
    new_registry: Callable[..., DockerRegistry], tmp_path: Path
) -> None:
    source, target = new_registry(), new_registry()
    layers = [random_layer(50_000, number) for number in range(4)]
    push_image(source, "team/app", "v1", layers[:3])
    plan = plan_of((f"{source.host}/team/app", f"{target.host}/team/app"))
    assert (await run_again(new_job(tmp_path, plan))).state is JobState.DONE
    push_image(source, "team/app", "v2", layers)
    mark = target.mark()

    ended = await run_again(new_job(tmp_path, plan))

    assert (ended.state, ended.counts.copied, ended.counts.same) == (JobState.DONE, 1, 1)
    assert kinds(target.since(mark)) == {
        "ping": 1,
        "tags": 1,
        "head manifest": 2,
        # One request asks whether a blob is there, and begins the upload where it isn't.
        "mount": 5,
        "put blob": 2,
        "put manifest": 1,
    }
