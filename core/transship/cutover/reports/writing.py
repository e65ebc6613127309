"""A cutover's report as a file, in the form that was asked for."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

from transship.cutover.reports.document import document
from transship.cutover.reports.markdown import markdown
from transship.cutover.reports.page import page
from transship.cutover.reports.standing import Standing
from transship.errors import BadRequest
from transship.plans.file import write_text


class Form(StrEnum):
    """How a report is written."""

    MD = "md"
    HTML = "html"
    JSON = "json"


_ENDINGS = {
    "": Form.MD,
    ".md": Form.MD,
    ".markdown": Form.MD,
    ".html": Form.HTML,
    ".htm": Form.HTML,
    ".json": Form.JSON,
}


def form_of(path: Path) -> Form:
    """Return the form that a file's name asks for: Markdown if it has no ending.

    Raises BadRequest for an ending of something else.
    """
    form = _ENDINGS.get(path.suffix.lower())
    if form is None:
        raise BadRequest(
            f"{path}: no report is written as {path.suffix}",
            remedy="The ending decides: .md, .html or .json.",
        )
    return form


def report_text(standing: Standing, form: Form, now: float) -> str:
    """Return the whole report."""
    if form is Form.JSON:
        return json.dumps(document(standing, now), indent=2) + "\n"
    return "".join((page if form is Form.HTML else markdown)(standing, now))


def write_report(standing: Standing, path: Path, form: Form, now: float, *, replace: bool) -> None:
    """Write the report of a cutover: the whole file, or nothing of it.

    Raises BadRequest for a file that is there and may not be replaced, DiskFull and SystemRefused.
    """
    if path.exists() and not replace:
        raise BadRequest(f"{path} is there already", remedy="Choose another name, or replace it.")
    write_text(path, report_text(standing, form, now))
