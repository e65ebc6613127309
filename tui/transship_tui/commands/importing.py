"""`transship import`: the configuration of another tool, made into a plan."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.registry_file import Account
from transship.accounts.sign_in import sign_in_to
from transship.errors import BadFile, BadRequest, KeyringAbsent, KeyringInsecure, TransshipError
from transship.plans.encode import document_text, encode_plan
from transship.plans.file import write_plan
from transship.plans.importers.document import MOST_BYTES
from transship.plans.importers.draft import NoteKind, one_for_each
from transship.plans.importers.importer import TOOLS, import_files
from transship.text import counted, safe
from transship_tui.commands.options import AsJson
from transship_tui.commands.output import Ink, painted, say, show, show_json
from transship_tui.commands.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transship.oci.reference import Reference
    from transship.plans.importers.draft import Imported, ImportedLogin
    from transship.plans.plan import Plan
    from transship_tui.commands.session import Session

_STDOUT = "-"
_KINDS = {
    NoteKind.LEFT_OUT: ("left out:", Ink.BAD),
    NoteKind.CHANGED: ("changed: ", Ink.WARNING),
    NoteKind.TO_DO: ("to do:   ", Ink.WARNING),
}


@dataclass(frozen=True, slots=True)
class _SignIn:
    """What became of a sign-in: `needed`, `there` (an account has the host), `added`, `failed`."""

    host: str
    state: str
    why: str = ""


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
            "--from", metavar="TOOL", help=f"One of {', '.join(TOOLS)}; left out, it shows."
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
    if tool and tool not in TOOLS:
        raise BadRequest(f"{tool!r} is no tool", remedy=f"Known are {', '.join(TOOLS)}.")
    if as_json and output == _STDOUT:
        raise BadRequest("--json and -o - both write to the output")
    session = open_session()
    contents = [(str(path), _content(path)) for path in files]
    imported = import_files(contents, tool=tool, to=_place(session, to))
    _check_output(output, imported.plan)
    signs = asyncio.run(_sign_ins(session, imported.secrets, keyring=keyring))
    _write(output, imported.plan)
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


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}", remedy="Make the file readable.") from None


def _place(session: Session, text: str) -> Reference | None:
    if not text:
        return None
    reference = session.reference(text)
    if reference.version or reference.layout is not None:
        raise BadRequest(f"--to {text} is no place in a registry", remedy="Write HOST[/PATH].")
    return reference


def _check_output(output: str, plan: Plan | None) -> None:
    if plan is None or output == _STDOUT:
        return
    if not output:
        raise BadRequest(
            "It isn't said where the plan goes", remedy="Say it with -o PLAN; - is the output."
        )
    if Path(output).exists():
        raise BadRequest(f"{output} is there already", remedy="Choose another name, or remove it.")


def _write(output: str, plan: Plan | None) -> None:
    if plan is None:
        return
    if output == _STDOUT:
        show(document_text(encode_plan(plan)).rstrip("\n"))
    else:
        write_plan(Path(output), plan)


async def _sign_ins(
    session: Session, secrets: Sequence[ImportedLogin], *, keyring: bool
) -> tuple[_SignIn, ...]:
    logins = one_for_each(secrets)
    if keyring and logins:
        status = await session.sources.keyring.probe()
        if status.state in ("absent", "insecure"):
            kind = KeyringAbsent if status.state == "absent" else KeyringInsecure
            raise kind(status.detail, remedy=status.remedy)
    return tuple(
        [await _sign_in(session, host, login, keyring=keyring) for host, login in logins.items()]
    )


async def _sign_in(
    session: Session, host: str, login: ImportedLogin | None, *, keyring: bool
) -> _SignIn:
    if session.accounts.find(host):
        return _SignIn(host, "there")
    if not keyring:
        return _SignIn(host, "needed")
    if login is None:
        return _SignIn(host, "failed", "there are several sign-ins for parts of it")
    account = Account(host, username=login.username, tls=login.tls, secret_source="keyring")
    try:
        await sign_in_to(account, login.secret, accounts=session.accounts, sources=session.sources)
    except TransshipError as error:
        return _SignIn(host, "failed", f"{error}. {error.remedy}")
    return _SignIn(host, "added")


def _tell(imported: Imported, output: str, signs: Sequence[_SignIn]) -> None:
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


def _document(imported: Imported, output: str, signs: Sequence[_SignIn]) -> dict[str, object]:
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
