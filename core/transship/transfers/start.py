"""Starts a job's runner as a process of its own, which outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress

from transship.errors import JobBusy, RunnerFailed
from transship.paths import private_file
from transship.registries.access import Access, without_secrets
from transship.text import safe
from transship.transfers.jobs import Job
from transship.transfers.standby import Standby


def start_runner(job: Job, accesses: Iterable[Access], standby: Standby | None = None) -> int:
    """Start the runner of a job and return its process id once it holds the job.

    Secrets go through a pipe. One that stands by is used, where there is one. Raises JobBusy when
    another process works on the job, and RunnerFailed when the process ends before it begins.
    """
    if standby is not None:
        pid, word = standby.pid, standby.begin(job.folder, accesses)
    else:
        pid, word = _started_anew(job, accesses)
    if word == b"ready\n":
        # Waited for, so that it doesn't stay behind as a zombie of whoever lives longer.
        threading.Thread(target=_wait_for, args=(pid,), name=f"job {job.id}", daemon=True).start()
        return pid
    _wait_for(pid)
    if word == b"busy\n":
        raise JobBusy(job.id)
    raise RunnerFailed(f"{job.id}: {last_words(job)}")


def _started_anew(job: Job, accesses: Iterable[Access]) -> tuple[int, bytes]:
    with private_file(job.runner_log).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "transship.transfers", str(job.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=without_secrets(os.environ),
            start_new_session=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin:
            process.stdin.write(b"".join(access.encode() + b"\n" for access in accesses))
    except BrokenPipeError:
        pass  # It has ended already; what it says below tells why.
    with process.stdout:
        word = process.stdout.readline()
    process.returncode = 0  # It is waited for by its id, as one that stood by is.
    return process.pid, word


def _wait_for(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def last_words(job: Job) -> str:
    """Return the last line that a runner wrote to its log, for a process that ended by itself."""
    try:
        lines = job.runner_log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return safe(lines[-1]) if lines else ""
