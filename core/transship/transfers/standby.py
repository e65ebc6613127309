"""A runner that stands by: forked off before there is a job, so that it is ready when there is one.

Imported before all else, so it imports nothing of its own before it must.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transship.registry.access import Access

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
    from transship.registry.access import without_secrets

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

    from transship.registry.service import service_of

    service_of("docker.io")  # With it come all services.
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
