"""The process that a job's runner is: started, with its login renewed by whoever started it."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from transship.clock import Clock
from transship.errors import JobBusy, RunnerFailed
from transship.paths import private_file
from transship.registry.access import Access, without_secrets
from transship.registry.credential import Credential, Login
from transship.text import safe
from transship.transfers.jobs import Job

if TYPE_CHECKING:
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


_SECONDS = 60.0
"""How long it may take: a keyring may have to be woken, a helper may ask its cloud."""

_BELIEVED_SECONDS = 10.0
"""For so long what was read is the answer to all who ask: fifty may meet the same refusal."""


class Renewal:
    """Reads the login of a place again. `place` is `HOST[/REPOSITORY]`, `before` what it was."""

    def __init__(self, place: str, before: Credential, clock: Clock) -> None:
        self._place = place
        self._known = before
        self._clock = clock
        self._read_at = -math.inf

    async def __call__(self) -> Login:
        """Return the login that is kept now: the one before, where none can be read."""
        now = self._clock.monotonic()
        if now - self._read_at >= _BELIEVED_SECONDS:
            self._read_at = now
            self._known = await _kept(self._place) or self._known
        return Login(self._known, math.inf)


async def _kept(place: str) -> Credential | None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "transship.accounts",
        place,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=without_secrets(os.environ),
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
        return msgspec.json.decode(said, type=Credential | None)
    except (TimeoutError, msgspec.MsgspecError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
