"""A preview of 1,000 repositories with 100 tags each: time and memory, without a network.

    python tests/benchmarks/bench_plan.py [REPOSITORIES] [TAGS] [SHARE THAT IS THERE ALREADY]

Both places are made up in memory and answer at once, so that the figures are those of choosing,
taking stock and judging alone.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from transship.clock import SystemClock
from transship.errors import RepositoryNotFound
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan
from transship.plans.rule import Rule, TagFilter
from transship.registries.place import Capabilities, ManifestHead
from transship.transfers.preview import preview

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LAYERS = 8


@dataclass
class MadeUp:
    """A registry whose images follow from their names; `share` of its tags are there."""

    name: str
    repositories_count: int
    tags_count: int
    share: float = 1.0
    capabilities: Capabilities = field(default_factory=Capabilities)

    @cached_property
    def _names(self) -> list[str]:
        return [f"team-{number % 40}/app-{number}" for number in range(self.repositories_count)]

    async def repositories(self) -> AsyncIterator[str]:
        for name in self._names:
            yield name

    async def tags(self, repository: str) -> AsyncIterator[str]:
        if not self.share:
            raise RepositoryNotFound(repository)
        for number in range(int(self.tags_count * self.share)):
            yield f"v1.{number}"

    async def untagged(self, repository: str) -> AsyncIterator[Digest]:
        for digest in ():
            yield digest

    async def head_manifest(self, repository: str, reference: str) -> ManifestHead | None:
        manifest = await self.get_manifest(repository, reference)
        return ManifestHead(manifest.digest, OCI_MANIFEST, manifest.size)

    async def get_manifest(self, repository: str, reference: str) -> Manifest:
        app = repository.rpartition("/")[2]
        layers = [f"{app}/{level}/{reference}"[: 12 + level] for level in range(_LAYERS)]
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(OCI_CONFIG, f"{app}:{reference}"),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", x) for x in layers],
        }
        return parse_manifest(json.dumps(document).encode(), OCI_MANIFEST)

    async def referrers(self, repository: str, digest: Digest) -> tuple[()]:
        return ()

    async def blob_size(self, repository: str, digest: Digest) -> int | None:
        return None


def _descriptor(media_type: str, of: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(of.encode()), "size": 1_000_000}


async def _measure(repositories: int, tags: int, share: float) -> None:
    old = MadeUp("old.example", repositories, tags)
    new = MadeUp("new.example", repositories, tags, share)
    target = Reference(new.name, "" if share else "mirror")
    rule = Rule(Reference(old.name), (target,), tags=TagFilter(include=("v*",)))
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    before, began = _peak(), time.perf_counter()
    places = {old.name: old, new.name: new}
    seen = await preview(plan, places, SystemClock())  # type: ignore[arg-type]
    seconds = time.perf_counter() - began
    copies = len(seen.worklist.copies)
    print(
        f"{repositories:,} repositories x {tags} tags, {share:.0%} there already: "
        f"{copies:,} copies, {len(seen.worklist.blobs):,} blobs in {seconds:.1f} s "
        f"({seconds / copies * 1e6:.0f} us a tag), peak {_peak():.0f} MiB "
        f"({_peak() - before:.0f} MiB of it for the preview)"
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    counts = [float(word) for word in sys.argv[1:]]
    repositories, tags, share = counts + [1000.0, 100.0, 0.0][len(counts) :]
    asyncio.run(_measure(int(repositories), int(tags), share))
