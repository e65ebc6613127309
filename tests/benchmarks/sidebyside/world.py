"""The two registries of a scenario, far or near, and what can be read off them afterwards."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.certificates import make_certificates
from servers.docker_registry import Access, DockerRegistry, docker_registry
from servers.process import LOOPBACK, free_port, listening, running
from sidebyside.images import Store
from sidebyside.peers import is_listing
from sidebyside.scenarios import Has, Scenario

_FINISHED = re.compile(r"/v2/.+/blobs/uploads/[^?]*\?.*digest=(sha256(?::|%3A)[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the registries were asked for in one run.

    `twice` are the digests of blobs that were uploaded to the target more than once.
    """

    source: int
    target: int
    bytes_up: int
    twice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The storages of a scenario: the source before and after its tags move, and blobs' sizes.

    `ports` are of the two registries and their far sides: the same in every run, because a tool
    may know from its last run what is where.
    """

    before: Path
    after: Path
    sizes: Mapping[str, int]
    repositories: Mapping[str, Sequence[str]]
    ports: Sequence[int]


def prepare(scenario: Scenario, folder: Path) -> Prepared:
    """Write the images of a scenario, once for all runs."""
    before, after = folder / "before", folder / "after"
    sizes: dict[str, int] = {}
    with docker_registry(folder / "filling", storage=before) as registry:
        store = Store(_port(registry), sizes)
        store.fill(scenario.images())
    if scenario.has is Has.BUT_MOVED:
        shutil.copytree(before, after)
        with docker_registry(folder / "moving", storage=after) as registry:
            Store(_port(registry), sizes).fill(scenario.changed())
    else:
        after = before
    repositories = {name: sorted(tags) for name, tags in tags_of(after).items()}
    return Prepared(before, after, sizes, repositories, [free_port() for _ in range(4)])


def tags_of(storage: Path) -> dict[str, dict[str, str]]:
    """Return what every tag of every repository points at, read off the registry's own files.

    A tag that stands in for the referrers API is a list, which a tool may write anew: of it the
    digests count that it lists.
    """
    root = storage / "docker" / "registry" / "v2" / "repositories"
    found: dict[str, dict[str, str]] = {}
    for link in root.glob("*/_manifests/tags/*/current/link"):
        repository, tag, digest = link.parts[-6], link.parts[-3], link.read_text().strip()
        listed = _listed(root.parent / "blobs", digest) if is_listing(tag) else digest
        found.setdefault(repository, {})[tag] = listed
    return found


def _listed(blobs: Path, digest: str) -> str:
    sha = digest.removeprefix("sha256:")
    index = json.loads((blobs / "sha256" / sha[:2] / sha / "data").read_bytes())
    return " ".join(sorted(each["digest"] for each in index["manifests"]))


@dataclass(frozen=True, slots=True)
class World:
    """Two registries that run, at which hosts tools reach them, and who signed for these."""

    source: DockerRegistry
    target: DockerRegistry
    hosts: tuple[str, str]
    ca: Path | None

    def mark(self) -> tuple[int, int]:
        """Return a place in both access logs."""
        return self.source.mark(), self.target.mark()

    def traffic(self, marks: tuple[int, int], sizes: Mapping[str, int]) -> Traffic:
        """Return what was asked for since."""
        reads, writes = self.source.since(marks[0]), self.target.since(marks[1])
        uploaded = [digest for access in writes if (digest := _uploaded(access))]
        twice = {digest for digest in uploaded if uploaded.count(digest) > 1}
        total = sum(sizes.get(digest, 0) for digest in uploaded)
        return Traffic(len(reads), len(writes), total, tuple(sorted(twice)))


@contextmanager
def world(
    scenario: Scenario, ports: Sequence[int], source: Path, target: Path, folder: Path
) -> Iterator[World]:
    """Run the registries with these storages, as far away as the scenario says."""
    with ExitStack() as stack:
        certificates = make_certificates(folder) if scenario.tls else None
        source_at, target_at = (
            stack.enter_context(
                docker_registry(
                    folder / name, storage=storage, tls=certificates, port=port, remembers=True
                )
            )
            for name, storage, port in (("source", source, ports[0]), ("target", target, ports[1]))
        )
        hosts = (source_at.host, target_at.host)
        if scenario.seconds:
            for registry, port in ((source_at, ports[2]), (target_at, ports[3])):
                stack.enter_context(far(_port(registry), port, folder, scenario.seconds))
            hosts = (f"{LOOPBACK}:{ports[2]}", f"{LOOPBACK}:{ports[3]}")
        yield World(source_at, target_at, hosts, certificates.ca_file if certificates else None)


@contextmanager
def far(to: int, port: int, folder: Path, seconds: float) -> Iterator[None]:
    """Let what listens at the port `to` be found at another one, a round trip of `seconds` away."""
    program = Path(__file__).with_name("delay.py")
    line = [sys.executable, program, str(port), str(to), str(seconds)]
    with running(line, folder / f"far-{port}.log", ready=lambda: listening(port)):
        yield


def _port(registry: DockerRegistry) -> int:
    return int(registry.host.rpartition(":")[2])


def _uploaded(access: Access) -> str:
    found = _FINISHED.match(access.path)
    if access.method != "PUT" or access.status != 201 or found is None:
        return ""
    return found[1].replace("%3A", ":")
