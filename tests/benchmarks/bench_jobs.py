"""What a job of 20,000 copies costs its watcher, while 1,000 of them change every second.

Measured are the lag of the app's event loop, and the bytes that it writes to its terminal: over
SSH they are waited for. Run it by itself: `python tests/benchmarks/bench_jobs.py`. It fails when
the 99th percentile of the lag reaches 50 ms, or when the bytes per second go over the budget.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.figures import Figure, keep
from moving.jobs import plan_of
from transship.accounts.docker_config import DockerConfig
from transship.accounts.secrets import SessionStore
from transship.accounts.sign_in import Sources
from transship.app.application import Application
from transship.oci.digest import Digest
from transship.oci.reference import Reference, parse_reference
from transship.paths import Paths
from transship.settings import Settings
from transship.transfers.copies import BlobWork, Copy, JobState, Verdict, Worklist
from transship.transfers.jobs import Job, JobStore
from transship.transfers.journal import Lane
from transship.transfers.limits import Limit, encoded
from transship_tui.app import TransshipApp

COPIES = 20_000
CHANGES_PER_SECOND = 1000
SECONDS = 10.0
LAG_LIMIT = 0.050
BUDGETS = {4.0: 13 * 1024, 2.0: 6 * 1024}
"""Bytes per second, by looks per second."""

_EVERY = 0.005
_MEBIBYTE = 1024 * 1024


def make_job(folder: Path) -> Job:
    """Make a job whose inventory has been taken."""
    job = JobStore(folder).create(plan_of(("old.example/a", "new.example/a")))
    copies = [_copy(number) for number in range(1, COPIES + 1)]
    blobs = [
        BlobWork("new.example", _digest(n), n % 977 * 4096, Reference("old.example", "a"), "a")
        for n in range(3 * COPIES)
    ]
    with job.journal() as journal:
        journal.keep(Worklist(tuple(copies), tuple(blobs), {}))
        journal.note(state=JobState.RUNNING, started=time.time())
    return job


def _copy(number: int) -> Copy:
    name = f"team/service-{number % 40}:v{number}"
    source, target = (parse_reference(f"{host}.example/{name}") for host in ("old", "new"))
    return Copy(number, source, target, _digest(number), None, Verdict.COPY)


def _digest(number: int) -> Digest:
    return Digest(f"sha256:{number:064x}")


def run_job(folder: str) -> None:
    """Do as a runner does, without moving anything: until the process is ended."""
    job = JobStore(Path(folder)).all()[0]
    with job.locked(), job.journal() as journal:
        copies = journal.copies()
        running: list[Copy] = []
        began, done = time.monotonic(), 0
        began_at = time.time()
        while True:
            elapsed = time.monotonic() - began
            while done < min(COPIES, elapsed * CHANGES_PER_SECOND / 2):
                running.append(copies[done])
                journal.begun(copies[done])
                done += 1
                if len(running) > 48:
                    journal.done(running.pop(0), time.time())
                    blob = _digest(done)
                    journal.placed("new.example", "a", blob, outcome="sent")
            lanes = [
                Lane(
                    f"team/service-{n} sha256:{n:012x}",
                    int(elapsed * (40 + n) * _MEBIBYTE) % (900 * _MEBIBYTE),
                    (900 + n) * _MEBIBYTE,
                    began,
                )
                for n in range(8)
            ]
            rate = round(300e6 + 50e6 * (elapsed % 3))
            limits = encoded([Limit("old.example", 3, until=began_at + 12, at_once=8)])
            journal.show_lanes(lanes, heartbeat=time.time(), rate=rate, pausing=0, limits=limits)
            time.sleep(0.25)


async def run_app(folder: str, looks: str, report: str) -> None:
    """Run the app on the job in this terminal, and write down how late its loop was."""
    home = Path(folder)
    sources = Sources(SessionStore(), SessionStore(), DockerConfig({}), {})
    engine = Application(Paths(home / "config", home.parent), sources)
    late: list[float] = []
    watching = asyncio.create_task(_watch(late))
    await TransshipApp(engine, Settings(guide=False, refresh=float(looks))).run_async()
    watching.cancel()
    Path(report).write_text(json.dumps(late))


async def _watch(late: list[float]) -> None:
    while True:
        due = time.perf_counter() + _EVERY
        await asyncio.sleep(_EVERY)
        late.append(max(0.0, time.perf_counter() - due))


def measure(folder: Path, looks: float, keys: str, what: str) -> int:
    """Watch the job for a while in a terminal of 80x24; print what it cost; return the status."""
    report = folder.parent / "late.json"
    arguments = [sys.executable, __file__, "app", str(folder), str(looks), str(report)]
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, arguments)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        _read(terminal, 3.0)
        for key in keys:
            os.write(terminal, key.encode())
            _read(terminal, 0.5)
        _read(terminal, 1.0)
        began = time.monotonic()
        per_second = _read(terminal, SECONDS) / (time.monotonic() - began)
        os.write(terminal, b"\x11")
        _read(terminal, 1.0)
        os.write(terminal, b"\r")
        _read(terminal, 2.0)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    late = json.loads(report.read_text())
    # What opening the app costs is another question.
    p99 = quantiles(late[400:], n=100)[98]
    what = f"jobs, {COPIES:,} copies, {what}, {looks:.0f} Hz"
    print(f"{what}: the lag was at most {max(late[400:]) * 1000:.1f} ms")
    return keep(
        Figure(f"{what}: written", per_second / 1024, "KiB/s", BUDGETS[looks] / 1024),
        Figure(f"{what}: lag, p99", p99 * 1000, "ms", LAG_LIMIT * 1000),
    )


def _read(terminal: int, seconds: float) -> int:
    """Take in what the app writes for so long; return how many bytes that was."""
    ends, count = time.monotonic() + seconds, 0
    while (left := ends - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal], [], [], left)
        if ready:
            try:
                count += len(os.read(terminal, 65536))
            except OSError:
                return count
    return count


def main() -> int:
    """Measure the list of jobs, and the job with each of its lists."""
    missed = 0
    for looks in BUDGETS:
        for what, keys in (
            ("the list of jobs", "4"),
            ("all copies", "4\r"),
            ("the last copies", "4\rG"),
            ("active copies", "4\r]"),
            ("log", "4\r["),
        ):
            with tempfile.TemporaryDirectory() as home:
                folder = Path(home) / "jobs"
                make_job(folder)
                runner = subprocess.Popen([sys.executable, __file__, "job", str(folder)])
                try:
                    missed |= measure(folder, looks, keys, what)
                finally:
                    runner.kill()
                    runner.wait()
    return missed


if __name__ == "__main__":
    if sys.argv[1:2] == ["job"]:
        run_job(sys.argv[2])
    elif sys.argv[1:2] == ["app"]:
        asyncio.run(run_app(*sys.argv[2:]))
    else:
        sys.exit(main())
