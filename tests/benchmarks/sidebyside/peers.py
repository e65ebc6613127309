"""The tools, each at its defaults and at the best settings that were found: their command lines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Tool:
    """One way to run one program. `lines` are run at once; `default` tells its default settings."""

    name: str
    lines: Callable[[Task], Lines]
    default: bool
    ours: bool = False
    trusts: bool = False


def found() -> list[Tool]:
    """Return the tools that this machine has, Transship first."""
    tools = [
        Tool("transship", _transship, default=True, ours=True),
        Tool("transship --trust", _trusting, default=False, ours=True, trusts=True),
    ]
    if shutil.which("skopeo"):
        tools += [
            Tool("skopeo", lambda task: _skopeo(task, 1), default=True),
            Tool("skopeo x8", lambda task: _skopeo(task, 8), default=False),
        ]
    if shutil.which("crane"):
        tools += [
            Tool("crane", lambda task: _crane(task, 1, 0), default=True),
            Tool("crane x30", lambda task: _crane(task, 30, 8), default=False),
        ]
    if shutil.which("regsync"):
        tools += [
            Tool("regsync", lambda task: _regsync(task, 0), default=True),
            Tool("regsync 32", lambda task: _regsync(task, 32), default=False),
        ]
    if shutil.which("oras"):
        tools += [
            Tool("oras", lambda task: _oras(task, 1, 0), default=True),
            Tool("oras x8", lambda task: _oras(task, 8, 16), default=False),
        ]
    return tools


def _transship(task: Task) -> Lines:
    return [[*_program(), "run", str(_plan(task)), *_ca(task)]]


def _trusting(task: Task) -> Lines:
    return [[*_program(), "run", "--trust", str(_plan(task)), *_ca(task)]]


def _program() -> list[str]:
    return [str(Path(sys.executable).with_name("transship"))]


def _ca(task: Task) -> list[str]:
    return ["--ca", task.ca] if task.ca else []


def _plan(task: Task) -> Path:
    path = task.folder / "plan.toml"
    rule = {"from": task.source, "to": task.target, "repositories": sorted(task.repositories)}
    path.write_text(tomli_w.dumps({"version": 1, "kind": "sync", "rules": [rule]}))
    return path


def _skopeo(task: Task, processes: int) -> Lines:
    """`skopeo sync` has no setting for several images at once: several processes share the work."""
    verify = "true" if task.ca else "false"
    lines = []
    for number, names in enumerate(_shares(list(task.repositories), processes)):
        path = task.folder / f"skopeo-{number}.yaml"
        images = {name: list[str]() for name in names}
        wanted = {task.source: {"tls-verify": bool(task.ca), "images": images}}
        path.write_text(yaml.safe_dump(wanted))
        options = ["--all", "--keep-going", "--src", "yaml", "--dest", "docker"]
        tls = f"--dest-tls-verify={verify}"
        lines.append(["skopeo", "sync", *options, tls, str(path), task.target])
    return lines


def _crane(task: Task, processes: int, jobs: int) -> Lines:
    """`crane cp --all-tags` takes one repository: a shell goes through each process's share."""
    options = [
        "--all-tags",
        *([] if task.ca else ["--insecure"]),
        *(["-j", str(jobs)] if jobs else []),
    ]
    each = [
        ["crane", "cp", *options, f"{task.source}/{name}", f"{task.target}/{name}"]
        for name in task.repositories
    ]
    return [_one_after_another(share) for share in _shares(each, processes)]


def _oras(task: Task, processes: int, concurrency: int) -> Lines:
    plain = "false" if task.ca else "true"
    options = [f"--from-plain-http={plain}", f"--to-plain-http={plain}"]
    options += ["--concurrency", str(concurrency)] if concurrency else []
    each = [
        ["oras", "cp", *options, f"{task.source}/{name}:{tag}", f"{task.target}/{name}:{tag}"]
        for name, tags in task.repositories.items()
        for tag in tags
    ]
    return [_one_after_another(share) for share in _shares(each, processes)]


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


def _shares(things: list[list[str]] | list[str], processes: int) -> list[list]:  # type: ignore[type-arg]
    shares = [things[number::processes] for number in range(processes)]
    return [share for share in shares if share]


def _one_after_another(lines: list[list[str]]) -> list[str]:
    return ["sh", "-ec", "\n".join(" ".join(line) for line in lines)]
