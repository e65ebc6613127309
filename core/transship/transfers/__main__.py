"""The runner's process: `python -m transship.transfers FOLDER`.

Reads what it needs to reach the places from standard input, one line of JSON each: a pipe, so that
no secret is in the arguments, the environment or a file. Says one line on standard output once it
holds the job, and then nothing more.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

from transship.clock import Clock, SystemClock
from transship.errors import JobBusy, TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import Plan
from transship.registry.access import Access, open_registry
from transship.registry.http.rate_limiter import PERSISTENT
from transship.registry.registry import Registry
from transship.transfers.jobs import Job
from transship.transfers.process import Renewal
from transship.transfers.runner import Runner

_UNTIL_COLLECTED = 20_000
"""After how many new objects garbage is looked for. Requests leave next to none, and to look for it
as often as Python does by itself takes a tenth of a job of small images."""

READY = b"ready\n"
BUSY = b"busy\n"


async def _run(job: Job, accesses: dict[str, Access]) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    clock = SystemClock()
    with job.journal() as journal:
        async with AsyncExitStack() as stack:
            try:
                plan = job.plan()
                places = await _open(plan, accesses, stack, clock)
            except TransshipError as error:
                journal.note(
                    state="failed",
                    ended=clock.now(),
                    problem=error.title,
                    problem_detail=error.detail,
                    problem_remedy=error.remedy,
                )
                return
            await Runner(plan, places, journal, clock).run()


async def _open(
    plan: Plan, accesses: dict[str, Access], stack: AsyncExitStack, clock: Clock
) -> dict[str, Registry]:
    places: dict[str, Registry] = {}
    targets = {target.registry for target in plan.targets}
    for reference in plan.places:
        place = open_registry(
            reference,
            accesses.get(reference.registry),
            create=reference.registry in targets,
            patience=PERSISTENT,
            again=_renewal(reference, accesses.get(reference.registry), clock),
        )
        places[reference.registry] = await stack.enter_async_context(aclosing(place))
    return places


def _renewal(reference: Reference, access: Access | None, clock: Clock) -> Renewal | None:
    if access is None or access.credential is None or not access.kept:
        return None
    place = Reference(reference.registry, reference.repository)
    return Renewal(str(place), access.credential, clock)


def work(folder: Path, accesses: bytes) -> None:
    """Run the job in a folder. `accesses` has a line for each place."""
    gc.set_threshold(_UNTIL_COLLECTED)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    job = Job(folder)
    known = {access.host: access for access in map(Access.decode, accesses.splitlines())}
    try:
        with job.locked():
            _say(READY)
            asyncio.run(_run(job, known))
    except JobBusy:
        _say(BUSY)


def _say(word: bytes) -> None:
    """Tell who started us, once; later output has nowhere to go but the job's log."""
    os.write(1, word)
    os.dup2(2, 1)


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.stdin.buffer.read())
