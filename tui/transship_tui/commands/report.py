"""`transship report`: what a job was asked, what it did, and the proof."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from transship.paths import default_paths
from transship.reports.job import open_report
from transship.reports.job_formats import WRITERS, Form, form_of, write_whole
from transship.text import safe
from transship.transfers.jobs import JobStore
from transship_tui.commands.options import JobName
from transship_tui.commands.output import say


def report(
    job: JobName,
    form: Annotated[
        Form | None,
        typer.Option("--format", "-f", help="Left out: as the name of FILE ends, else md."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Write it there."),
    ] = None,
) -> int:
    """Tell what a job was asked, what it did, and the proof.

    For a person (html), a ticket (md) or a script (json). What `transship verify JOB` found last
    is the proof.
    """
    found = JobStore(default_paths().jobs).find(job)
    write = WRITERS[form or (form_of(output) if output else Form.MD)]
    with open_report(found, time.time()) as told:
        if output is None:
            sys.stdout.writelines(write(told))
        else:
            write_whole(output, write(told))
            say(f"the report of job {found.id} is in {safe(str(output))}")
    return 0
