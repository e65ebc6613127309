"""The process that a job's runner is.

Started, or standing by before there is a job; its login is renewed by whoever started it.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from transship.clock import Clock
from transship.errors import JobBusy, RunnerFailed
from transship.paths import private_file
from transship.registry.access import Access, without_secrets
from transship.registry.credential import Credential, Login
from transship.text import safe
from transship.transfers.jobs import Job


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


Work = Callable[[Path, bytes], None]
"""Does the job in a folder, with what else came through the pipe."""


class Standby:
    """A process that waits for a job, and ends with us if it gets none. `pid` is its id."""

    def __init__(self, pid: int, asks: int, answers: int) -> None:
        self.pid = pid
        self._asks = asks
        self._answers = answers

    def begin(self, folder: Path, accesses: Iterable[Access]) -> bytes:
        """Give it the job in a folder, with what it takes to reach the places; return its word.

        That is empty when it ended before it said one. It can be called once.
        """
        lines = (os.fsencode(folder), *(access.encode() for access in accesses))
        try:
            with os.fdopen(self._asks, "wb") as pipe:
                pipe.writelines(line + b"\n" for line in lines)
        except BrokenPipeError:
            pass  # It has ended already.
        with os.fdopen(self._answers, "rb") as pipe:
            return pipe.readline()


def stand_by(prepare: Callable[[], Work]) -> Standby | None:
    """Leave a process standing by that does the work on the job it is given, then ends.

    It gets ready by `prepare`, which returns the work; that answers on standard output.
    None where that can't be done, and a process must be started anew: elsewhere than on Linux, in
    a process with several threads, and with a secret in the environment, which a fork would keep.
    """
    if (
        sys.platform != "linux"
        or threading.active_count() > 1
        or without_secrets(os.environ) != dict(os.environ)
    ):
        return None
    sys.stdout.flush()
    sys.stderr.flush()
    asked, asks = os.pipe()
    answers, answered = os.pipe()
    pid = os.fork()
    if pid:
        os.close(asked)
        os.close(answered)
        return Standby(pid, asks, answers)
    # From here on this is the other process; whatever happens, it doesn't go back to the caller.
    status = 1
    try:
        os.setsid()
        os.close(asks)
        os.close(answers)
        _wait(asked, answered, prepare)
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def _wait(asked: int, answered: int, prepare: Callable[[], Work]) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    gc.disable()  # Nothing that is imported becomes garbage.
    work = prepare()
    gc.freeze()
    gc.enable()
    with os.fdopen(asked, "rb") as pipe:
        folder, _, rest = pipe.read().partition(b"\n")
    if folder:
        os.dup2(answered, 1)
        os.close(answered)
        work(Path(os.fsdecode(folder)), rest)


def stand_by_to_run() -> Standby | None:
    """Leave a runner standing by, where that can be done, to be given to `start_runner`.

    What it has in common with who starts it is imported first, once for both.
    """
    import asyncio  # noqa: F401

    from transship.services import table  # noqa: F401
    from transship.transfers import (
        worklist,  # noqa: F401
    )

    return stand_by(_runner)


def _runner() -> Work:
    # What opens a registry is needed for every job, too, and isn't imported before that.
    from transship.paths import private_file
    from transship.registry import distribution  # noqa: F401
    from transship.registry.credential import Tls
    from transship.registry.http.tls import tls_context
    from transship.transfers.__main__ import work
    from transship.transfers.jobs import Job

    tls_context(Tls())  # It is kept, and takes as long to make as hundreds of requests.

    def begin(folder: Path, accesses: bytes) -> None:
        with private_file(Job(folder).runner_log).open("ab") as log:
            os.dup2(log.fileno(), 2)
        work(folder, accesses)

    return begin


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
