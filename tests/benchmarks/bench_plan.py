"""A preview of 20,000 repositories with a million tags: time and memory, without a network.

    python tests/benchmarks/bench_plan.py [--tags 1000000] [--repositories 20000] [--there 0]

A tenth and three tenths of it are measured before, each in its own process, so that it shows
whether a tag costs more where there are more of them: it exits with 1 when it does. `--there` is
the share of the tags that the target has already, from 0 to 1.

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
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.figures import Figure, keep
from transship.clock import SystemClock
from transship.errors import RepositoryNotFound
from transship.oci.digest import Digest, digest_of
from transship.oci.manifest import Manifest, parse_manifest
from transship.oci.media_types import OCI_CONFIG, OCI_MANIFEST
from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule, TagFilter
from transship.registry.registry import Capabilities, ManifestHead
from transship.transfers.preview import preview_plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

_LAYERS = 8
_SHARES = (0.1, 0.3, 1.0)
_MOST_GROWTH = 1.2
"""How much dearer a tag may be among the most than among the fewest: that much is noise."""
_MOST_MEMORY = 1024.0


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


@dataclass(frozen=True, slots=True)
class Sight:
    """What a preview came to, and what it took: seconds of CPU, and MiB.

    `made_up` are the seconds that it takes to make up one image, which counts in `seconds`.
    """

    copies: int
    blobs: int
    seconds: float
    made_up: float
    peak: float
    grown: float

    @property
    def each(self) -> float:
        """The microseconds of CPU that a tag takes."""
        return self.seconds / self.copies * 1e6


async def _measure(repositories: int, tags: int, share: float) -> Sight:
    old = MadeUp("old.example", repositories, tags)
    new = MadeUp("new.example", repositories, tags, share)
    target = Reference(new.name, "" if share else "mirror")
    rule = Rule(Reference(old.name), (target,), tags=TagFilter(include=("v*",)))
    plan = Plan(kind=Kind.SYNC, rules=(rule,))
    places = {old.name: old, new.name: new}
    before, began = _peak(), time.process_time()
    seen = await preview_plan(plan, places, SystemClock())  # type: ignore[arg-type]
    seconds = time.process_time() - began
    copies, blobs = len(seen.worklist.copies), len(seen.worklist.blobs)
    made_up = await _to_make_up(old)
    return Sight(copies, blobs, seconds, made_up, _peak(), _peak() - before)


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
    parser.add_argument("--alone", action="store_true", help="only this many, as a JSON document")
    return parser.parse_args()


def _main(asked: argparse.Namespace) -> int:
    if asked.alone:
        each = max(1, asked.tags // asked.repositories)
        sight = asyncio.run(_measure(asked.repositories, each, asked.there))
        print(json.dumps(asdict(sight)))
        return 0
    seen = [_in_its_own_process(asked, share) for share in _SHARES]
    return keep(*_figures(seen))


def _in_its_own_process(asked: argparse.Namespace, share: float) -> Sight:
    tags, repositories = int(asked.tags * share), max(1, int(asked.repositories * share))
    size = [f"--tags={tags}", f"--repositories={repositories}", f"--there={asked.there}"]
    line = [sys.executable, __file__, *size, "--alone"]
    ended = subprocess.run(line, check=True, stdout=subprocess.PIPE)
    return Sight(**json.loads(ended.stdout))


def _figures(seen: Sequence[Sight]) -> Iterator[Figure]:
    smallest, largest = seen[0].each, seen[-1].each
    for sight in seen:
        what = f"preview, {sight.copies:,} tags"
        yield Figure(f"{what}: CPU a tag", sight.each, "us")
        yield Figure(f"{what}: most memory", sight.peak, "MiB", _MOST_MEMORY)
    yield Figure("preview: making an image up, of that", seen[-1].made_up * 1e6, "us")
    yield Figure(
        "preview: CPU a tag, most to fewest tags", largest / smallest, "times", _MOST_GROWTH
    )


if __name__ == "__main__":
    sys.exit(_main(_arguments()))
