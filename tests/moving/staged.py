"""A source of small images and an empty target, both in memory, and a run of a job between them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from moving.jobs import plan_of
from moving.memory import MemoryPlace
from transship.clock import SystemClock
from transship.oci.digest import digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.registry.http.rate_limiter import RetryPolicy
from transship.transfers.runner import Runner, RunnerSettings

if TYPE_CHECKING:
    from transship.transfers.copies import JobState
    from transship.transfers.jobs import Job

SOURCE, TARGET = "source.example", "target.example"
PLAN = plan_of((f"{SOURCE}/app", f"{TARGET}/app"))


def add_image(place: MemoryPlace, tag: str, repository: str = "app", **more: object) -> Manifest:
    """Put an image of one layer into a place."""
    config, layer = b"{}", f"layer of {tag}".encode()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "layer", "digest": digest_of(layer), "size": len(layer)}],
        **more,
    }
    for content in (config, layer):
        place.add(repository, content)
    manifest = parse_manifest(json.dumps(document).encode())
    for reference in (tag, manifest.digest):
        place.manifests[repository][reference] = manifest
    return manifest


def stage(tags: int = 6) -> dict[str, MemoryPlace]:
    """Return a source with some images, and an empty target."""
    places = {name: MemoryPlace(name) for name in (SOURCE, TARGET)}
    for number in range(tags):
        add_image(places[SOURCE], f"v{number}")
        places[SOURCE].manifests["app"].pop(next(reversed(places[SOURCE].manifests["app"])))
    return places


async def run(
    job: Job, places: dict[str, MemoryPlace], clock: SystemClock | None = None
) -> JobState:
    """Run a job as its process does."""
    settings = RunnerSettings(patience=RetryPolicy(attempts=2, seconds=5))
    with job.locked(), job.journal() as journal:
        return await Runner(job.plan(), places, journal, clock or SystemClock(), settings).run()
