"""A preview of 20,000 repositories with a million tags: time and memory, without a network.

    python tests/benchmarks/bench_plan.py [--tags 1000000] [--repositories 20000] [--there 0]

A tenth and a hundredth of it are measured before, each in a process of its own, so that it shows
whether a tag costs more where there are more of them. `--there` is the share of the tags that the
target has already, from 0 to 1.

Both places are made up in memory and answer at once, so that the figures are those of choosing,
taking stock and judging alone, but for the making up, which is named beside them. Memory is the
peak of the whole process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
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
    places = {old.name: old, new.name: new}
    before, began = _peak(), time.process_time()
    seen = await preview(plan, places, SystemClock())  # type: ignore[arg-type]
    seconds = time.process_time() - began
    copies, blobs = len(seen.worklist.copies), len(seen.worklist.blobs)
    made_up = await _to_make_up(old)
    print(
        f"{copies:>9,} tags in {repositories:,} repositories, {share:.0%} there already: "
        f"{blobs:,} blobs; {seconds:.1f} s of CPU, {seconds / copies * 1e6:.0f} us a tag "
        f"({made_up * 1e6:.0f} us of it to make it up); peak {_peak():.0f} MiB, "
        f"{(_peak() - before) * 1024 / copies:.2f} KiB a tag",
        flush=True,
    )


async def _to_make_up(place: MadeUp, count: int = 1_000) -> float:
    """Return how many seconds it takes to make one image up, and to read it as a client does."""
    began = time.process_time()
    for number in range(count):
        await place.get_manifest("team-1/app-1", f"v1.{number}")
    return (time.process_time() - began) / count


def _peak() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tags", type=int, default=1_000_000)
    parser.add_argument("--repositories", type=int, default=20_000)
    parser.add_argument("--there", type=float, default=0.0)
    parser.add_argument("--alone", action="store_true", help="without a tenth and a hundredth")
    return parser.parse_args()


def _main(asked: argparse.Namespace) -> None:
    if asked.alone:
        each = max(1, asked.tags // asked.repositories)
        asyncio.run(_measure(asked.repositories, each, asked.there))
        return
    for part in (100, 10, 1):
        size = f"--tags={asked.tags // part} --repositories={max(1, asked.repositories // part)}"
        words = [*size.split(), f"--there={asked.there}", "--alone"]
        subprocess.run([sys.executable, __file__, *words], check=True)


if __name__ == "__main__":
    _main(_arguments())
