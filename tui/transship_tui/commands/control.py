"""`transship attach`, `pause`, `resume`, `cancel`, `retry` and `limit`: what a job can be told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from transship.errors import BadRequest
from transship.paths import default_paths
from transship.transfers import control
from transship.transfers.jobs import JobStore
from transship.transfers.limits import held_words, limit_request
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    JobName,
    PlainHttp,
    Verbose,
    adhoc_tls,
    adhoc_words,
)
from transship_tui.commands.output import say
from transship_tui.commands.progress import OnInterrupt, finish, follow
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from transship.registry.access import Access
    from transship.registry.credential import Tls
    from transship.transfers.jobs import Job


def attach(job: JobName, as_json: AsJson = False, verbose: Verbose = False) -> int:
    """Follow a job to its end. Ctrl-C leaves it running."""
    found = _find(job)
    ended = follow(found, on_interrupt=OnInterrupt.LEAVE, verbose=verbose)
    return finish(found, ended, as_json=as_json, adhoc="")


def pause(job: JobName) -> int:
    """Let a running job come to a stop at its next good point. Twice: at once."""
    found = _find(job)
    control.pause_job(found)
    say(f"pausing {found.id}; `transship resume {found.id}` goes on")
    return 0


def cancel(job: JobName) -> int:
    """End a job for good. What was copied stays."""
    found = _find(job)
    control.cancel_job(found)
    say(f"cancelling {found.id}; what was copied stays")
    return 0


def resume(
    job: JobName,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Go on with a job that stopped, and follow it.

    It was paused or interrupted. Ctrl-C pauses it again.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    return _go_on(_find(job), control.resume_job, adhoc, as_json=as_json)


def retry(
    job: JobName,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Try again what failed in a job, and follow it.

    Both sides are looked at anew for that. Ctrl-C pauses it.
    """
    adhoc = adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca)
    return _go_on(_find(job), control.retry_job, adhoc, as_json=as_json)


def limit(
    job: JobName,
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="A registry of the job, or an account's alias.")
    ],
    rate: Annotated[
        str, typer.Option(metavar="RATE", help="Bytes per second: 20MiB/s; none takes it away.")
    ] = "",
    concurrency: Annotated[
        str, typer.Option(metavar="N", help="Requests at once; none takes the limit away.")
    ] = "",
    window: Annotated[
        str,
        typer.Option(metavar="FROM-TO", help="When anything is moved: 22:00-06:00; none: always."),
    ] = "",
) -> int:
    """Change how hard a job may ask a registry, and when.

    It holds until the job ends, also over a pause. What isn't named stays as it is.
    """
    found = _find(job)
    if not (rate or concurrency or window):
        raise BadRequest(
            "say what is to change: --rate, --concurrency or --window",
            remedy=f"For example `transship limit {found.id} HOST --rate 20MiB/s "
            "--concurrency 4 --window 22:00-06:00`.",
        )
    registry = open_session().reference(host).registry
    control.set_limit(found, limit_request(registry, rate, concurrency, window))
    limits = control.current_limits(found)[registry]
    words = held_words(limits.rate, limits.concurrency, limits.window)
    say(f"{found.id}: {registry} {f'is held to {words}' if words else 'has no limit'}")
    return 0


def _go_on(
    job: Job,
    start: Callable[[Job, Iterable[Access]], int],
    adhoc: Tls | None,
    *,
    as_json: bool,
) -> int:
    start(job, asyncio.run(open_session(adhoc).accesses(job.plan())))
    ended = follow(job, on_interrupt=OnInterrupt.PAUSE)
    return finish(job, ended, as_json=as_json, adhoc=adhoc_words(adhoc))


def _find(name: str) -> Job:
    return JobStore(default_paths().jobs).find(name)
