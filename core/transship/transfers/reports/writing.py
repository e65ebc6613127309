"""A report as a file, in the form that was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from transship.errors import BadRequest, SystemRefused
from transship.transfers.jobs import Job
from transship.transfers.reports.document import document
from transship.transfers.reports.gathering import open_report
from transship.transfers.reports.markdown import markdown
from transship.transfers.reports.page import page
from transship.transfers.reports.report import Report


class Form(StrEnum):
    """How a report is written."""

    MD = "md"
    HTML = "html"
    JSON = "json"


WRITERS: dict[Form, Callable[[Report], Iterator[str]]] = {
    Form.MD: markdown,
    Form.HTML: page,
    Form.JSON: document,
}

_ENDINGS = {".html": Form.HTML, ".htm": Form.HTML, ".json": Form.JSON}


def form_of(path: Path) -> Form:
    """Return the form that a file's name asks for."""
    return _ENDINGS.get(path.suffix.lower(), Form.MD)


def write_report(job: Job, path: Path, form: Form, now: float, *, replace: bool) -> None:
    """Write the report of a job as it is `now`: the whole file, or nothing of it.

    Raises BadFile, BadRequest for a file that is there and may not be replaced, and SystemRefused
    where nothing can be written.
    """
    if path.exists() and not replace:
        raise BadRequest(f"{path} is there already", remedy="Choose another name, or replace it.")
    with open_report(job, now) as report:
        try:
            write_whole(path, WRITERS[form](report))
        except OSError as error:
            raise SystemRefused(f"{path}: {error.strerror}") from error


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Write a file whole, or leave what is there as it is. An OSError names `path`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
