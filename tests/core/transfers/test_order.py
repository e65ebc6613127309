"""A puller at the target never sees half an image: what a tag needs is there before the tag."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from moving.jobs import plan_of, run_here
from servers.faults import Delay, Fault
from servers.images import push_image, push_index, push_referrer, random_layer
from transship.transfers.copies import JobState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers.docker_registry import DockerRegistry
    from servers.faults import FaultProxy
    from servers.images import Pushed
    from servers.registry import Registry

ACCEPT = {
    "Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
}


def push_many(registry: Registry, repository: str) -> list[Pushed]:
    """Push images, indexes and a signature that share layers; return what tags point at."""
    base = random_layer(300_000, "base of the order")
    pushed = []
    for number in range(5):
        children = [
            push_image(
                registry, repository, None, [base, random_layer(2000, f"{number} {platform}")]
            )
            for platform in ("linux/amd64", "linux/arm64")
        ]
        pushed += [
            push_index(registry, repository, f"multi{number}", children),
            push_image(registry, repository, f"plain{number}", [base]),
        ]
    push_referrer(registry, pushed[0])
    return pushed


async def test_no_manifest_is_written_before_what_it_names(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    push_many(open_registry, repository)
    target = proxy_for(other_registry)
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))

    assert (await run_here(tmp_path, plan)).state is JobState.DONE

    there: set[str] = set()
    for request in target.requests:
        assert request.status is not None
        if request.status != 201:
            continue
        if blob := re.search(r"(?:digest|mount)=(sha256[:%].*?)(?:&|$)", request.path):
            there.add(blob[1].replace("%3A", ":"))
        elif written := re.search(r"/manifests/(.*)$", request.path):
            body = open_registry.http.get(
                f"/v2/{repository}/manifests/{written[1]}", headers=ACCEPT
            ).content
            assert named(json.loads(body)) <= there, f"{written[1]} came too early"
            there.add(written[1])


async def test_a_puller_who_looks_all_the_time_never_finds_a_tag_without_its_parts(
    open_registry: DockerRegistry,
    other_registry: DockerRegistry,
    repository: str,
    proxy_for: Callable[[Registry], FaultProxy],
    tmp_path: Path,
) -> None:
    pushed = push_many(open_registry, repository)
    target = proxy_for(other_registry)
    target.add(Fault(Delay(0.01), times=None))
    plan = plan_of((f"{open_registry.host}/{repository}", f"{target.host}/{repository}"))
    ended = asyncio.Event()

    async def pull() -> int:
        looks = 0
        while not ended.is_set():
            looks += await asyncio.to_thread(pull_all, other_registry, repository)
        return looks

    pulling = asyncio.create_task(pull())
    view = await run_here(tmp_path, plan)
    ended.set()

    assert view.state is JobState.DONE, view.failures
    assert await pulling > 0
    assert pull_all(other_registry, repository) >= len(pushed)


def named(document: dict[str, Any]) -> set[str]:
    """Return the digests that a manifest or an index names."""
    config = document.get("config")
    parts = [*document.get("layers", []), *document.get("manifests", [])]
    return {str(part["digest"]) for part in ([config] if config else []) + parts}


def pull_all(registry: Registry, repository: str) -> int:
    """Pull every tag, as far as its parts go; return how many could be pulled."""
    listing = registry.http.get(f"/v2/{repository}/tags/list")
    tags = listing.json()["tags"] or [] if listing.is_success else []
    # This registry lists a tag a moment before it can be read.
    return sum(pull(registry, repository, tag) for tag in tags)


def pull(registry: Registry, repository: str, reference: str) -> bool:
    """Pull a manifest and all that it names; return False when it isn't there itself."""
    answer = registry.http.get(f"/v2/{repository}/manifests/{reference}", headers=ACCEPT)
    if not answer.is_success:
        return False
    document = answer.json()
    for child in document.get("manifests", []):
        assert pull(registry, repository, child["digest"]), f"{reference} is there without {child}"
    for blob in () if "manifests" in document else named(document):
        head = registry.http.head(f"/v2/{repository}/blobs/{blob}")
        assert head.is_success, f"{reference} is there without {blob}"
    return True
