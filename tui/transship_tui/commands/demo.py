"""`transship demo`: a copy, its proof, and a domain moved, on registries and a DNS of its own."""

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

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts, SecretSource
from transship.accounts.secrets import InsteadOfKeyring
from transship.accounts.sign_in import Sources
from transship.cutover.folder import CutoverStore
from transship.errors import JobEnded
from transship.paths import Paths, private_folder
from transship.plans.file import write_text
from transship.sandbox.sandbox import has_two_addresses, sandbox_in_thread
from transship.transfers import control
from transship.transfers.process import start_runner
from transship_tui.commands.demo_domain import REPOSITORY, show_cutover, with_domain
from transship_tui.commands.output import say, show, show_command
from transship_tui.commands.progress import OnInterrupt, follow, show_end
from transship_tui.commands.reported import INTERRUPTED
from transship_tui.commands.session import Session
from transship_tui.commands.verify import prove_plan, show_proof
from transship_tui.launch import can_draw, open_app, open_plain, wants_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transship.plans.plan import Plan
    from transship.sandbox.sandbox import Sandbox
    from transship.transfers.jobs import Job

_MIB = 1024 * 1024
_TO_BE_WATCHED, _TO_BE_READ = 16 * _MIB, 32 * _MIB  # Bytes per second.
_END_SECONDS = 10.0
_SOURCE, _TARGET = f"old/{REPOSITORY}", f"new/{REPOSITORY}"
_EVERYTHING = "everything"
_RULES = """\
version = 1
kind = "sync"

[[rules]]
from = "old"
repositories = ["**"]
to = ["new"]
"""

_ONE_ADDRESS = """
Moving a domain is left out: it takes a second loopback address, 127.0.0.2, which this machine
doesn't have. On macOS: sudo ifconfig lo0 alias 127.0.0.2"""

_GONE = "The demo ends here, and nothing of it is left."

_NEXT = """
All of it is gone again; nothing of yours was touched. With your own registries:

  transship login HOST                      add a registry
  transship copy --dry-run SOURCE TARGET    see what would be done
  transship copy SOURCE TARGET              do it
  transship verify SOURCE TARGET            prove it
  transship check DOMAIN --to HOST          see whether a domain can move"""


def demo(
    lines: Annotated[
        bool, typer.Option("--lines", help="Show all of it in lines, not the app.")
    ] = False,
) -> int:
    """Try it without an account, in a small world of its own.

    Two registries and a DNS run on this machine as long as the demo does. Your files and your
    keyring aren't touched. In a terminal the app opens on them; with ACCESSIBLE=1 questions are
    asked in plain lines. Without a terminal, a copy, its proof, and the move of a domain and back
    are shown in lines.
    """
    if not lines and wants_plain() and sys.stdin.isatty():
        story = _ask_and_answer
    else:
        story = _show if lines or not can_draw() else _open_app
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="transship-demo-") as name:
        folder = Path(name)
        pace = _TO_BE_READ if story is _show else _TO_BE_WATCHED
        domain = has_two_addresses()
        with sandbox_in_thread(folder / "sandbox", bytes_per_second=pace, domain=domain) as sandbox:
            status = story(session_of(sandbox, folder))
    if not domain:
        say(_ONE_ADDRESS)
    if sys.stdout.isatty() and status == 0:
        show(_NEXT)
    return status


def _open_app(session: Session) -> int:
    return _with_jobs_ended(session, lambda: open_app(session, guide=True))


def _ask_and_answer(session: Session) -> int:
    return _with_jobs_ended(session, lambda: open_plain(session, farewell=_GONE))


def _with_jobs_ended(session: Session, story: Callable[[], int]) -> int:
    try:
        return story()
    finally:
        for job in session.jobs.all():
            _end(job)


def _show(session: Session) -> int:
    show("Two registries run on this machine, for as long as this demo does:")
    for account in session.accounts.all():
        what = "empty, and asks for a login" if account.username else "full of sample images"
        show(f"  {account.alias:<4} {account.host:<16} {what}")
    cutovers = CutoverStore(session.paths.cutovers).all()
    for each in cutovers:
        show(f"  {each.subject().domain.host} leads to the old one, by a small DNS")
    show_command(f"transship copy {_SOURCE} {_TARGET}")
    plan = session.plan(_SOURCE, _TARGET)
    status = _copy(session, plan)
    if status:
        return status
    show_command(f"transship verify {_SOURCE} {_TARGET}")
    status = show_proof(asyncio.run(prove_plan(session, plan, deep=False)), as_json=False)
    if status or not cutovers:
        return status
    return _copy_the_rest(session) or show_cutover(session)


def _copy_the_rest(session: Session) -> int:
    """Copy all that the domain serves: a cutover waits for every tag of it."""
    write_text(private_folder(session.paths.plans) / f"{_EVERYTHING}.toml", _RULES)
    show_command(f"transship run {_EVERYTHING}")
    return _copy(session, session.read_plan(_EVERYTHING))


def _copy(session: Session, plan: Plan) -> int:
    job = session.jobs.create(plan)
    pid = start_runner(job, asyncio.run(session.accesses(plan)))
    try:
        view = follow(job, on_interrupt=OnInterrupt.LEAVE)
    finally:
        _end(job, pid)
    if view is None:
        say("the demo ends here, and nothing of it is left")
        return INTERRUPTED
    return show_end(view)


def session_of(sandbox: Sandbox, folder: Path) -> Session:
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
    session = Session(Paths(folder / "config", folder / "state"), accounts, sources)
    return with_domain(session, sandbox) if sandbox.names else session


def _end(job: Job, pid: int | None = None) -> None:
    """End the job's process, which must not outlive the folder that it works in."""
    with suppress(JobEnded):
        control.cancel_job(job)
    until = time.monotonic() + _END_SECONDS
    while job.is_held and time.monotonic() < until:
        time.sleep(0.05)
    if job.is_held and pid is not None:
        os.kill(pid, signal.SIGKILL)


_HANG_UPS = (signal.SIGHUP, signal.SIGTERM)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a closed terminal or a plain kill end the demo as Ctrl-C does, leaving nothing behind.

    A window that is closed may say so several times; what comes after the first time interrupts
    nothing.
    """

    def end(*_: object) -> None:
        for number in _HANG_UPS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in _HANG_UPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
