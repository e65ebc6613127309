"""`transship plan`: everything that a plan would do, known before a byte moves."""

from __future__ import annotations

from typing import Annotated

import typer

from transship_tui.commands.options import AsJson, CaFile, Insecure, PlainHttp, PlanName, adhoc_tls
from transship_tui.commands.preview import show_preview
from transship_tui.commands.session import open_session


def plan(
    plan: PlanName,
    everything: Annotated[
        bool,
        typer.Option("--all", help="List what is the same already and what no rule took, too."),
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Show what a plan would do, and what that costs.

    Every copy is listed with its verdict, and what no rule took with the reason. Only
    reads. Ends with 1 when something couldn't be copied, 3 when too much would be deleted.
    """
    session = open_session(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    read = session.read_plan(plan)
    return show_preview(session, read, as_json=as_json, everything=everything)
