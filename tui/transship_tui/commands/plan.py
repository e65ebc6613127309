"""`transship plan`, `import` and `drift`: what a plan would do, where it is from, how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.app import DriftProgress, DriftState, NoteKind, tools
from transship.errors import BadRequest
from transship.text import counted, safe
from transship_tui.commands.options import (
    AsJson,
    CaFile,
    Insecure,
    PlainHttp,
    PlanName,
    adhoc_tls,
    carried_out,
    open_application,
)
from transship_tui.commands.output import Ink, painted, say, show, show_json, table, width_of
from transship_tui.commands.preview import short_name, show_preview
from transship_tui.commands.status import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transship.app import Application, Drift, DriftRow, Imported, ImportedSignIn, Plan


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
    app = open_application(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    return show_preview(app, app.plans.read(plan), as_json=as_json, everything=everything)


_STDOUT = "-"
_KINDS = {
    NoteKind.LEFT_OUT: ("left out:", Ink.BAD),
    NoteKind.CHANGED: ("changed: ", Ink.WARNING),
    NoteKind.TO_DO: ("to do:   ", Ink.WARNING),
}


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Configuration files of one tool.")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PLAN", help="The plan; - writes it here.")
    ] = "",
    tool: Annotated[
        str,
        typer.Option(
            "--from", metavar="TOOL", help=f"One of {', '.join(tools())}; left out, it shows."
        ),
    ] = "",
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="HOST[/PATH]", help="Where what names no target goes (skopeo sync)."
        ),
    ] = "",
    keyring: Annotated[
        bool,
        typer.Option("--keyring", help="Add accounts for the sign-ins in the files, and try them."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Make a plan of the configuration of another copy tool.

    Reads image-transfer, image-syncer, skopeo sync, regsync and dregsy. What a plan can't say is
    listed line by line. Passwords never go into the plan.
    """
    if as_json and output == _STDOUT:
        raise BadRequest("--json and -o - both write to the output")
    app = open_application()
    imported = app.imports.read(files, tool=tool, to=to)
    if imported.plan is not None and output != _STDOUT:
        app.imports.check_free(output)
    signs = carried_out(app, app.imports.sign_in(imported.secrets, keyring=keyring))
    if imported.plan is not None and output == _STDOUT:
        show(app.imports.text(imported.plan).rstrip("\n"))
    elif imported.plan is not None:
        app.imports.write(imported.plan, output)
    for note in imported.notes:
        words, ink = _KINDS[note.kind]
        say(f"{painted(words, ink, sys.stderr)} {safe(str(note))}")
    _tell(imported, output, signs)
    if as_json:
        show_json(_document(imported, output, signs))
    failed = any(sign.state == "failed" for sign in signs)
    # Who wants the sign-ins of a file alone asks for no plan.
    in_vain = imported.plan is None and (output != "" or not (keyring and signs))
    return 1 if failed or in_vain else 0


def _tell(imported: Imported, output: str, signs: Sequence[ImportedSignIn]) -> None:
    for sign in signs:
        match sign.state:
            case "needed":
                say(
                    f"{safe(sign.host)} has a sign-in in the file, which isn't kept: "
                    f"`transship login {safe(sign.host)}`, or import with --keyring"
                )
            case "there":
                say(f"{safe(sign.host)} is an account already; its sign-in stays as it is")
            case "added":
                say(f"{safe(sign.host)} is an account; its password is in your keyring")
            case _:
                bad = painted("error:", Ink.BAD, sys.stderr)
                say(f"{bad} {safe(sign.host)} is no account: {safe(sign.why)}")
    plan = imported.plan
    if plan is None:
        say(f"read as {imported.tool}: there is nothing to copy in it, so there is no plan")
        return
    what = (
        counted(len(plan.rules), "rule")
        if plan.rules
        else counted(len(plan.copies), "copy", "copies")
    )
    say(f"read as {imported.tool}: {what}, {counted(len(imported.notes), 'note')}")
    if output != _STDOUT:
        plan_file = safe(output)
        say(f"the plan is in {plan_file}; `transship plan {plan_file}` shows what it would do")


def _document(
    imported: Imported, output: str, signs: Sequence[ImportedSignIn]
) -> dict[str, object]:
    plan = imported.plan
    return {
        "tool": imported.tool,
        "plan": output if plan else None,
        "kind": str(plan.kind) if plan else None,
        "rules": len(plan.rules) if plan else 0,
        "copies": len(plan.copies) if plan else 0,
        "notes": [
            {
                "kind": str(note.kind),
                "file": note.file,
                "line": note.line,
                "entry": note.entry,
                "text": note.text,
            }
            for note in imported.notes
        ],
        "registries": [
            {"host": sign.host, "state": sign.state, "why": sign.why or None} for sign in signs
        ],
    }


_APART = (DriftState.DIFFERS, DriftState.MISSING, DriftState.UNKNOWN)


def drift(
    plan: PlanName,
    everything: Annotated[
        bool, typer.Option("--all", help="List what is the same on both sides, too.")
    ] = False,
    as_json: AsJson = False,
    plain_http: PlainHttp = False,
    insecure: Insecure = False,
    ca: CaFile = None,
) -> int:
    """Compare the targets of a plan with its sources, tag by tag.

    Only reads. Ends with 1 when something differs, is missing, or couldn't be compared.
    """
    app = open_application(adhoc_tls(plain_http=plain_http, insecure=insecure, ca=ca))
    found = carried_out(app, _drift_of(app, app.plans.read(plan)))
    if as_json:
        show_json(_drift_document(found))
    else:
        for line in _lines(found, width_of(sys.stdout), everything=everything):
            show(line)
    return 1 if any(found.counts[state] for state in _APART) else 0


async def _drift_of(app: Application, plan: Plan) -> Drift:
    progress = DriftProgress()

    def line() -> str:
        if not progress.to_compare:
            repositories = counted(progress.listed, "repository", "repositories")
            return f"listing both sides: {repositories} of the target so far"
        return f"comparing: {progress.compared:,} of {counted(progress.to_compare, 'tag')}"

    async with watched(line):
        return await app.plans.drift(plan, progress)


def _lines(found: Drift, width: int | None, *, everything: bool) -> Iterator[str]:
    rows = [row for row in found.rows if everything or row.state is not DriftState.SAME]
    if rows:
        yield from table(("STATE", "TARGET", "SOURCE", "WHY"), map(_row, rows), width)
        yield ""
    counts = [f"{found.counts[state]:,} {state}" for state in DriftState if found.counts[state]]
    words = f": {', '.join(counts)}" if counts else ""
    yield f"{counted(len(found.rows), 'tag')}{words}"


def _row(row: DriftRow) -> tuple[str, str, str, str]:
    source = short_name(row.wanted.source) if row.wanted else ""
    return str(row.state), short_name(row.target), source, row.why


def _drift_document(found: Drift) -> dict[str, object]:
    return {
        "tags": [
            {
                "state": str(row.state),
                "target": str(row.target),
                "source": str(row.wanted.source) if row.wanted else None,
                "target_digest": row.target_digest,
                "source_digest": row.source_digest,
                "reason": row.why or None,
            }
            for row in found.rows
        ],
        "counts": {str(state): count for state, count in found.counts.items()},
    }
