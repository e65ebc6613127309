"""What one run of a tool costs: time, CPU and memory of all its processes."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_SECONDS = 0.1
_LEFT_SECONDS = 30.0
"""How long what a tool leaves behind is waited for."""
STOPPED = -1
"""The status of what took too long."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SUBREAPER = 36
"""prctl's PR_SET_CHILD_SUBREAPER: what a tool leaves behind is ours to wait for."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the clock and of CPU, the most memory at once (bytes), and how it ended."""

    wall: float
    cpu: float
    memory: int
    status: int
    output: str


def adopt() -> None:
    """Become the parent of what a tool's processes leave behind, so that their CPU is counted."""
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)


def run(
    lines: Sequence[Sequence[str]], environment: Mapping[str, str], log: Path, limit: float
) -> Cost:
    """Run the command lines at once, and return what they cost together.

    They have ended when what they left behind has ended, too. What takes longer than `limit`
    seconds is ended, and the status is `STOPPED`.
    """
    sampler = _Sampler()
    others = _children()
    began = time.perf_counter()
    with log.open("wb") as output:
        processes = [
            subprocess.Popen(
                line, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            for line in lines
        ]
        sampler.watch([process.pid for process in processes])
        statuses, cpu = [], 0.0
        for process in processes:
            ended = _ended(process, began + limit)
            statuses.append(ended[0])
            cpu += ended[1]
    deadline = time.perf_counter() + _LEFT_SECONDS
    while left := _children() - others:
        cpu += sum(_left_behind(pid, deadline) for pid in left)
    sampler.end()
    wall = time.perf_counter() - began
    status = STOPPED if STOPPED in statuses else max(statuses, key=abs)
    return Cost(wall, cpu, sampler.peak, status, log.read_text(errors="replace"))


def _ended(process: subprocess.Popen[bytes], deadline: float) -> tuple[int, float]:
    """Wait for a process; return its status, and the CPU of it and of those it waited for."""
    killed = False
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return STOPPED if killed else process.returncode, usage.ru_utime + usage.ru_stime
        if time.perf_counter() > deadline and not killed:
            process.kill()
            killed = True
        time.sleep(0.002)


class _Sampler(threading.Thread):
    """Looks at a tree of processes until told to end: the memory of all of them at once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._roots: set[int] = set()
        self._over = threading.Event()

    def watch(self, roots: Sequence[int]) -> None:
        self._roots = set(roots)
        self.start()

    def run(self) -> None:
        while not self._over.is_set():
            self.peak = max(self.peak, sum(map(_resident, self._tree())))
            self._over.wait(_SAMPLE_SECONDS)

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()

    def _tree(self) -> set[int]:
        parents = dict(_parents())
        tree = set(self._roots)
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in tree} - tree
            tree |= more
            grown = bool(more)
        return tree


def _children() -> set[int]:
    """Return our own processes: also those that a tool left behind, once it has ended."""
    return {pid for pid, parent in _parents() if parent == os.getpid()}


def _left_behind(pid: int, deadline: float) -> float:
    """Wait for a process that has become ours, and end it at the deadline; return its CPU."""
    while True:
        ended, _, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return usage.ru_utime + usage.ru_stime
        if time.perf_counter() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _parents() -> list[tuple[int, int]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            found.append((int(entry.name), int(text.rpartition(")")[2].split()[1])))
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
