"""The tools, each at its defaults and at the best settings that were found: their command lines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import tomli_w
import yaml


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be copied: every tag of `repositories` (with their tags) from one host to another.

    `folder` is the tool's own, kept from run to run; `ca` is who signed for the hosts' https.
    """

    source: str
    target: str
    repositories: Mapping[str, Sequence[str]]
    folder: Path
    ca: str = ""


Lines = Sequence[Sequence[str]]

_JOBS = 8
"""How much each of several processes does at once, of those that can do more than one thing."""


def is_listing(tag: str) -> bool:
    """Tell whether a tag stands in for the referrers API: it lists what refers to an image."""
    return tag.startswith("sha256-")


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to run one program. `lines` are run at once; `default` tells its default settings."""

    name: str
    lines: Callable[[Task], Lines]
    default: bool
    ours: bool = False
    trusts: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """Another program. It did best with `near` at once at registries on this machine, or `far`.

    `at_once` makes its lines for such a number; for 0 it is run as somebody does who sets nothing.
    Where another number is best for other images, there are several. For image-syncer and ocync,
    which couldn't be had, nothing was searched: they have what is mostly best for the others.
    """

    name: str
    at_once: Callable[[Task, int], Lines]
    near: Sequence[int]
    far: Sequence[int]


TRIED = (4, 8, 16, 32, 64)
"""What is tried to find the best settings of each peer."""


def found(*, far: bool = False, defaults: bool = True) -> list[Tool]:
    """Return the tools that this machine has, Transship first, and each peer at its best.

    With `defaults` each peer is there as somebody runs it who sets nothing, too.
    """
    tools = [
        Tool("transship", _transship, default=True, ours=True),
        Tool("transship --trust", _trusting, default=False, ours=True, trusts=True),
    ]
    for peer in _peers():
        tools += [_set(peer, 0)] if defaults else []
        tools += [_set(peer, number) for number in (peer.far if far else peer.near)]
    return tools


def at_every_setting() -> list[Tool]:
    """Return the peers that this machine has, each at everything that is tried."""
    return [_set(peer, number) for peer in _peers() for number in (0, *TRIED)]


def _peers() -> list[Peer]:
    known = [
        Peer("skopeo", _skopeo, near=(16,), far=(64,)),
        Peer("crane", _crane, near=(8,), far=(64,)),
        Peer("regsync", _regsync, near=(8,), far=(32, 64)),
        Peer("image-syncer", _image_syncer, near=(8,), far=(64,)),
        Peer("ocync", _ocync, near=(8,), far=(64,)),
        Peer("oras", _oras, near=(8,), far=(64,)),
    ]
    return [peer for peer in known if shutil.which(peer.name)]


def _set(peer: Peer, number: int) -> Tool:
    name = f"{peer.name} x{number}" if number else peer.name
    return Tool(name, lambda task: peer.at_once(task, number), default=not number)


def _transship(task: Task) -> Lines:
    return [[*_program(), "run", str(_plan(task)), *_tls(task)]]


def _trusting(task: Task) -> Lines:
    return [[*_program(), "run", "--trust", str(_plan(task)), *_tls(task)]]


def _program() -> list[str]:
    return [str(Path(sys.executable).with_name("transship"))]


def _tls(task: Task) -> list[str]:
    """Return what every peer is told, too: who signed for the hosts, or that they speak http."""
    return ["--ca", task.ca] if task.ca else ["--plain-http"]


def _plan(task: Task) -> Path:
    path = task.folder / "plan.toml"
    rule = {"from": task.source, "to": task.target, "repositories": sorted(task.repositories)}
    path.write_text(tomli_w.dumps({"version": 1, "kind": "sync", "rules": [rule]}))
    return path


def _skopeo(task: Task, at_once: int) -> Lines:
    """`skopeo sync` has no setting for several images at once: several processes share the work."""
    verify = "true" if task.ca else "false"
    lines = []
    for number, names in enumerate(_shares(list(task.repositories), at_once or 1)):
        path = task.folder / f"skopeo-{number}.yaml"
        images = {name: list[str]() for name in names}
        wanted = {task.source: {"tls-verify": bool(task.ca), "images": images}}
        path.write_text(yaml.safe_dump(wanted))
        options = ["--all", "--keep-going", "--src", "yaml", "--dest", "docker"]
        tls = f"--dest-tls-verify={verify}"
        lines.append(["skopeo", "sync", *options, tls, str(path), task.target])
    return lines


def _crane(task: Task, at_once: int) -> Lines:
    """`crane cp --all-tags` takes one repository: a shell goes through each process's share."""
    options = [
        "--all-tags",
        *([] if task.ca else ["--insecure"]),
        *(["-j", str(_JOBS)] if at_once else []),
    ]
    each = [
        ["crane", "cp", *options, f"{task.source}/{name}", f"{task.target}/{name}"]
        for name in task.repositories
    ]
    return [_one_after_another(share) for share in _shares(each, at_once or 1)]


def _oras(task: Task, at_once: int) -> Lines:
    """`oras cp` takes one tag. What refers to it comes with `-r`, and not as a tag of its own."""
    plain = "false" if task.ca else "true"
    options = [f"--from-plain-http={plain}", f"--to-plain-http={plain}"]
    options += ["--concurrency", str(_JOBS)] if at_once else []
    if any(map(is_listing, chain.from_iterable(task.repositories.values()))):
        options.append("-r")
    each = [
        ["oras", "cp", *options, f"{task.source}/{name}:{tag}", f"{task.target}/{name}:{tag}"]
        for name, tags in task.repositories.items()
        for tag in tags
        if not is_listing(tag)
    ]
    return [_one_after_another(share) for share in _shares(each, at_once or 1)]


def _regsync(task: Task, at_once: int) -> Lines:
    path = task.folder / "regsync.yaml"
    tls = "enabled" if task.ca else "disabled"
    limit = {"reqConcurrent": at_once} if at_once else {}
    creds = [{"registry": host, "tls": tls, **limit} for host in (task.source, task.target)]
    sync = [
        {"source": f"{task.source}/{name}", "target": f"{task.target}/{name}", "type": "repository"}
        for name in task.repositories
    ]
    parallel = {"defaults": {"parallel": at_once}} if at_once else {}
    path.write_text(yaml.safe_dump({"version": 1, "creds": creds, **parallel, "sync": sync}))
    return [["regsync", "once", "-c", str(path)]]


def _image_syncer(task: Task, at_once: int) -> Lines:
    auth, images = task.folder / "auth.yaml", task.folder / "images.yaml"
    insecure = {"insecure": not task.ca}
    auth.write_text(yaml.safe_dump({task.source: insecure, task.target: insecure}))
    copies = {f"{task.source}/{name}": f"{task.target}/{name}" for name in task.repositories}
    images.write_text(yaml.safe_dump(copies))
    options = ["--auth", str(auth), "--images", str(images)]
    return [["image-syncer", *options, *(["--proc", str(at_once)] if at_once else [])]]


def _ocync(task: Task, at_once: int) -> Lines:
    path = task.folder / "ocync.yaml"
    scheme = "https" if task.ca else "http"
    limit = {"max_concurrent": at_once} if at_once else {}
    both = {"source": task.source, "target": task.target}
    config = {
        **({"global": {"max_concurrent_transfers": at_once}} if at_once else {}),
        "registries": {name: {"url": f"{scheme}://{at}", **limit} for name, at in both.items()},
        "defaults": {"source": "source", "targets": ["target"], "tags": {"glob": "*"}},
        "mappings": [{"from": name, "to": name} for name in task.repositories],
    }
    path.write_text(yaml.safe_dump(config))
    return [["ocync", "sync", "-c", str(path)]]


def _shares(things: list[list[str]] | list[str], processes: int) -> list[list]:  # type: ignore[type-arg]
    shares = [things[number::processes] for number in range(processes)]
    return [share for share in shares if share]


def _one_after_another(lines: list[list[str]]) -> list[str]:
    return ["sh", "-ec", "\n".join(" ".join(line) for line in lines)]
