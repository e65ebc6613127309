"""`transship demo`: a copy and its proof, on two small registries of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.account import Account, SecretSource
from transship.accounts.credentials import Sources
from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Accounts
from transship.accounts.secrets import InsteadOfKeyring
from transship.errors import JobEnded
from transship.paths import Paths
from transship.sandbox.sandbox import sandbox_in_thread
from transship.transfers import control
from transship.transfers.start import start_runner
from transship_tui.commands.output import Ink, painted, say, show
from transship_tui.commands.progress import OnInterrupt, follow, show_end
from transship_tui.commands.reported import INTERRUPTED
from transship_tui.commands.session import Session
from transship_tui.commands.verify import prove_plan, show_proof
from transship_tui.launch import can_draw, open_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.sandbox.sandbox import Sandbox
    from transship.transfers.jobs import Job

_BYTES_PER_SECOND = 16 * 1024 * 1024
_END_SECONDS = 10.0
_SOURCE, _TARGET = "old/team/web", "new/mirror/team/web"

_NEXT = """
Both registries are gone again; nothing of yours was touched. With your own:

  transship login HOST                      add a registry
  transship copy --dry-run SOURCE TARGET    see what would be done
  transship copy SOURCE TARGET              do it
  transship verify SOURCE TARGET            prove it"""


def demo(
    lines: Annotated[
        bool, typer.Option("--lines", help="Show a copy and its proof in lines, not the app.")
    ] = False,
) -> int:
    """Try it without an account, on two small registries of its own.

    They run on this machine as long as the demo does. Your files and your keyring aren't touched.
    In a terminal the app opens on them; without one, a copy and its proof are shown in lines.
    """
    story = _show if lines or not can_draw() else _open_app
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="transship-demo-") as name:
        folder = Path(name)
        with sandbox_in_thread(folder / "sandbox", bytes_per_second=_BYTES_PER_SECOND) as sandbox:
            status = story(_session(sandbox, folder))
    if sys.stdout.isatty() and status == 0:
        show(_NEXT)
    return status


def _open_app(session: Session) -> int:
    try:
        return open_app(session, guide=True)
    finally:
        for job in session.jobs.all():
            _end(job)


def _show(session: Session) -> int:
    show("Two registries run on this machine, for as long as this demo does:")
    for account in session.accounts.all():
        what = "empty, and asks for a login" if account.username else "full of sample images"
        show(f"  {account.alias:<4} {account.host:<16} {what}")
    _show_command(f"transship copy {_SOURCE} {_TARGET}")
    plan = session.plan(_SOURCE, _TARGET)
    job = session.jobs.create(plan)
    pid = start_runner(job, asyncio.run(session.accesses(plan)))
    try:
        view = follow(job, on_interrupt=OnInterrupt.LEAVE)
    finally:
        _end(job, pid)
    if view is None:
        say("the demo ends here, and nothing of it is left")
        return INTERRUPTED
    status = show_end(view)
    if status:
        return status
    _show_command(f"transship verify {_SOURCE} {_TARGET}")
    return show_proof(asyncio.run(prove_plan(session, plan, deep=False)), as_json=False)


def _session(sandbox: Sandbox, folder: Path) -> Session:
    """Return a session that knows the sandbox and nothing of the operator's own."""
    secrets = InsteadOfKeyring()
    accounts = Accounts(folder / "config" / "registries.toml")
    for alias, access in sandbox.accesses.items():
        account = Account(access.host, alias=alias, tls=access.tls)
        if access.credential:
            source: SecretSource = "session"
            username = access.credential.username
            account = replace(account, username=username, secret_source=source)
            asyncio.run(secrets.set(access.host, username, access.credential.secret))
        accounts.save(account)
    docker = DockerConfig({}, home=folder)
    sources = Sources(session=secrets, keyring=secrets, docker=docker, environ={})
    return Session(Paths(folder / "config", folder / "state"), accounts, sources)


def _show_command(line: str) -> None:
    show()
    show(painted(f"$ {line}", Ink.QUIET, sys.stdout))
    sys.stdout.flush()


def _end(job: Job, pid: int | None = None) -> None:
    """End the job's process, which must not outlive the folder that it works in."""
    with suppress(JobEnded):
        control.cancel(job)
    until = time.monotonic() + _END_SECONDS
    while job.is_held and time.monotonic() < until:
        time.sleep(0.05)
    if job.is_held and pid is not None:
        os.kill(pid, signal.SIGKILL)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a closed terminal or a plain kill end the demo as Ctrl-C does, leaving nothing behind."""
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGHUP, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
