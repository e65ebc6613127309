"""Options that several commands have, what follows from them, and questions on the terminal."""

from __future__ import annotations

import asyncio
import getpass
import shlex
import signal
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from transship.app.application import Application
from transship.errors import BadRequest, SecretUnavailable
from transship_tui.commands.output import is_screen, say

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from transship.app import Account, Tls

_T = TypeVar("_T")

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document to the output.")]

Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the job's log too, from its first line.")
]

PlainHttp = Annotated[
    bool, typer.Option("--plain-http", help="Use http for hosts that are no account.")
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Don't verify certificates of hosts that are no account.")
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Trust this authority too, for hosts that are no account.",
    ),
]
Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        "-p",
        metavar="OS/ARCH[/VARIANT]",
        help="Only this platform; can be repeated. Changes an index's digest.",
    ),
]
Referrers = Annotated[
    bool,
    typer.Option(
        "--referrers/--no-referrers", help="Signatures and whatever else refers to an image."
    ),
]
JobName = Annotated[
    str, typer.Argument(metavar="JOB", help="A job's id, or enough of its beginning.")
]

PlanName = Annotated[
    str, typer.Argument(metavar="PLAN", help="A plan's file, or the name of one of your plans.")
]


def adhoc_tls(*, plain_http: bool, insecure: bool, ca: Path | None) -> Tls | None:
    """Return how hosts that are no account are reached, or None if nothing was said.

    Raises BadRequest when the options don't go together.
    """
    if plain_http and (insecure or ca):
        raise BadRequest("--plain-http has no certificates, so --insecure and --ca say nothing")
    if insecure and ca:
        raise BadRequest("--insecure trusts everybody, so --ca says nothing")
    if not (plain_http or insecure or ca):
        return None
    from transship.app import Tls

    return Tls(plain_http, insecure, str(ca.absolute()) if ca else "")


def check_dry_run(*, dry_run: bool, yes: bool) -> None:
    """Raise BadRequest where nothing is done, and yes is said to it."""
    if dry_run and yes:
        raise BadRequest("--dry-run does nothing that is asked about, so --yes says nothing")


def adhoc_words(tls: Tls | None) -> str:
    """Return the options that `tls` came from, with a space before them, for a command line."""
    if tls is None:
        return ""
    plain_http = " --plain-http" if tls.plain_http else ""
    insecure = " --insecure" if tls.insecure else ""
    ca = f" --ca {shlex.quote(tls.ca_file)}" if tls.ca_file else ""
    return plain_http + insecure + ca


def open_application(adhoc: Tls | None = None) -> Application:
    """Return the use cases of whoever runs this command, on their accounts, secrets and files."""
    waiting = _say_keyring_waits if is_screen(sys.stderr) else None
    return Application.of_operator(adhoc, ask=_ask_secret, waiting=waiting)


def carried_out(app: Application, work: Coroutine[None, None, _T]) -> _T:
    """Do some work of an application, close its connections, and return what came of the work."""

    async def done() -> _T:
        async with aclosing(app):
            return await work

    return asyncio.run(done())


def _say_keyring_waits() -> None:
    say("waiting for your keyring to unlock; it may be asking on another screen")


def _ask_secret(account: Account) -> str:
    """Ask for a secret that is kept for one run only."""
    who = f"{account.username} at {account.host}"
    if not sys.stdin.isatty():
        from transship.app import variables_of

        raise SecretUnavailable(
            f"{who}: it isn't kept, and there is no terminal to ask on",
            remedy=f"Set {' and '.join(variables_of(account.host))}.",
        )
    return ask(f"Password of {who}: ", hidden=True)


def ask(question: str, *, hidden: bool = False) -> str:
    """Return what the operator answers; `hidden` keeps it off the screen.

    Ctrl-C ends the question, and the command. Left to a running event loop, it would be kept
    until an answer had been given.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if hidden:
            return getpass.getpass(question)
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip()
    finally:
        signal.signal(signal.SIGINT, before)
