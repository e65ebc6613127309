"""`transship demo`: a copy, its proof, and a domain moved, on registries and a DNS of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections import Counter
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Account, Accounts, SecretSource
from transship.accounts.secrets import InsteadOfKeyring, variables_of
from transship.accounts.sign_in import Sources
from transship.app import Application, CopyRequest, VerifyProgress
from transship.cutover.change.provider import store_tsig_key
from transship.cutover.domain import Domain, Subject
from transship.cutover.evidence import Statement
from transship.cutover.folder import CutoverStore
from transship.cutover.journal import EntryKind
from transship.cutover.observe.dns_queries import DnsClient
from transship.cutover.observe.endpoint import TargetOptions, TrialCredential
from transship.cutover.observe.image_pulls import pull_by_name
from transship.errors import ChangeBlocked, PullFailed, TimedOut, TransshipError
from transship.oci.reference import Reference
from transship.operator import Operator
from transship.paths import Paths, private_folder
from transship.plans.file import write_text
from transship.sandbox.name_server import DOMAIN, NEW, TTL
from transship.sandbox.sandbox import has_two_addresses, sandbox_in_thread
from transship.text import bytes_text, safe
from transship.views.cutover import waits_for
from transship.views.cutover_news import followed, news
from transship_tui.commands.check import last_of, show_standing
from transship_tui.commands.cutover import edit_lines
from transship_tui.commands.job import show_proof, watched_proof
from transship_tui.commands.options import carried_out
from transship_tui.commands.output import (
    INTERRUPTED,
    Ink,
    painted,
    say,
    show,
    show_command,
    show_error,
)
from transship_tui.commands.progress import OnInterrupt, follow, show_end
from transship_tui.launch import can_draw, open_app, open_plain, wants_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transship.cutover.evidence import NamedPull
    from transship.cutover.status import CutoverStatus
    from transship.plans.plan import Plan
    from transship.registry.credential import Credential
    from transship.sandbox.name_server import SandboxNames
    from transship.sandbox.sandbox import Sandbox

REPOSITORY, _IMAGE = "team/web", "team/web:2.0"

_BY = Operator("the demo", "")
_TOLD = {
    "ttl-before": str(TTL),
    "automation": "none",
    "renewal": "service",
    "push-path": "no",
    "node-overrides": "done",
    "consumers": "none",
}
"""What nobody but the demo can know of its world."""

_AGREED = {"old-kept": "until the demo ends", "pushes": "frozen"}
"""What is left to the operator to say, before the change."""

_WATCH_SECONDS = 180.0
_PULL_SECONDS = 0.5


def _add_domain(app: Application, sandbox: Sandbox, names: SandboxNames) -> None:
    """Let a cutover of the sandbox's domain wait for its operator."""
    domain = _domain_of(sandbox)
    subject = Subject(
        domain,
        sandbox.new.host,
        sandbox.old.host,
        record=NEW,
        resolvers=names.resolvers,
        repositories=(REPOSITORY,),
        node_ca=str(sandbox.ca_file),
        served=names.served,
        public=False,
        system=False,
        ttl=TTL,
    )
    keyring = app.connections.sources.keyring
    asyncio.run(store_tsig_key(keyring, names.way.address, names.key))
    cutover = CutoverStore(app.paths.cutovers).create(subject, names.way)
    now = names.clock.now()
    with cutover.journal() as journal:
        for question, answer in _TOLD.items():
            statement = Statement(question, answer, now, str(_BY))
            journal.add(EntryKind.STATEMENT, statement, now, _BY)


def _domain_of(sandbox: Sandbox) -> Domain:
    return Domain(DOMAIN, sandbox.port, DOMAIN)


def show_cutover(app: Application) -> int:
    """Walk the cutover to its end and back again, in lines; return an exit status."""
    return carried_out(app, _walk(app))


async def _walk(app: Application) -> int:
    (standing,) = app.cutovers.all()
    try:
        access = await app.connections.access(Reference(standing.subject.domain.host))
        assert access.credential is not None
        walk = _Walk(app, standing.name, standing.subject, access.credential)
        return await walk.walk()
    except TransshipError as error:
        show_error(error)
        return error.exit_status


class _Walk:
    """The walk, step by step. Each shows the line that does the same with one's own domain."""

    def __init__(
        self, engine: Application, name: str, subject: Subject, credential: Credential
    ) -> None:
        self._engine = engine
        self._name = name
        self._subject = subject
        self._credential = credential
        self._pulls: Counter[str] = Counter()

    async def walk(self) -> int:
        await self._show_pull()
        status = await self._check()
        if status:
            return status
        meanwhile = asyncio.create_task(self._pull_on())
        try:
            await self._change()
            await self._show_pull()
            await self._watch()
            await self._show_pull()
            status = await self._check_anew()
            if status:
                return status
            await self._roll_back()
            await self._watch()
        finally:
            meanwhile.cancel()
            (ended,) = await asyncio.gather(meanwhile, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended
        await self._show_pull()
        show()
        sides = " and ".join(f"{count} from the {side}" for side, count in self._pulls.items())
        words = f"moved, and back again: pulls meanwhile, {sides} registry, and none has failed"
        show(painted(words, Ink.GOOD, sys.stdout))
        return 0

    async def _check(self) -> int:
        """Make all checks, and say what is left to say."""
        show_command(f"transship cutover plan {self._subject.domain.host} {self._sides}")
        status = show_standing(await last_of(self._engine.cutovers.checks.check(self._name)))
        if status:
            return status
        for question, answer in _AGREED.items():
            self._engine.cutovers.answer(self._name, question, answer)
        return 0

    async def _change(self) -> None:
        standing = self._engine.cutovers.find(self._name)
        if why := waits_for(standing):
            raise ChangeBlocked(f"{DOMAIN} {why}")
        agreed = " ".join(f"--answer {name}='{answer}'" for name, answer in _AGREED.items())
        show_command(f"transship cutover apply {DOMAIN} {agreed} --confirm {DOMAIN}")
        for line in edit_lines(standing, back=False):
            show(line)
        show(safe(await self._engine.cutovers.changes.change(self._name)))

    async def _check_anew(self) -> int:
        """Make the checks anew: before the way back it has to be known what that would hide."""
        subject = self._subject
        show_command(f"transship check {subject.domain.host} {self._sides}")
        standing = await last_of(self._engine.cutovers.checks.check(self._name))
        return show_standing(standing)

    async def _roll_back(self) -> None:
        standing = self._engine.cutovers.find(self._name)
        show_command(f"transship cutover rollback {DOMAIN} --confirm {DOMAIN}")
        for line in edit_lines(standing, back=True):
            show(line)
        show(safe(await self._engine.cutovers.changes.roll_back(self._name, accept_loss=False)))

    async def _watch(self) -> None:
        """Watch until every resolver has followed."""
        show_command(f"transship cutover watch {DOMAIN}")
        try:
            async with asyncio.timeout(_WATCH_SECONDS):
                await self._follow()
        except TimeoutError:
            raise TimedOut(f"not every resolver has followed in {_WATCH_SECONDS:g} s") from None

    async def _follow(self) -> None:
        before: CutoverStatus | None = None
        async with aclosing(self._engine.cutovers.checks.watch(self._name)) as standings:
            async for now in standings:
                for line in news(before, now):
                    show(f"  {line}")
                sys.stdout.flush()
                before = now
                if followed(now):
                    return

    @property
    def _sides(self) -> str:
        return f"--from {self._subject.old} --to {self._subject.new} --record {NEW}"

    async def _show_pull(self) -> None:
        """Pull by the domain, as each resolver leads, and show which registry has answered."""
        show()
        show(f"Pulls of {self._subject.domain.host}/{_IMAGE}:")
        for pull in await self._pull(_IMAGE):
            size, side = bytes_text(pull.bytes), self._side(pull)
            show(f"  by {' and '.join(pull.by)}: {size} from {pull.address}, the {side} registry")
        sys.stdout.flush()

    async def _pull_on(self) -> None:
        """Pull the smallest image again and again, and count where it came from."""
        while True:
            for pull in await self._pull(REPOSITORY):
                self._pulls[self._side(pull)] += len(pull.by)
            await self._engine.clock.sleep(_PULL_SECONDS)

    async def _pull(self, reference: str) -> tuple[NamedPull, ...]:
        """Pull once by the domain. Raises PullFailed."""
        subject = self._subject
        dns_client = DnsClient(self._engine.clock, served=subject.served)
        wishes = TargetOptions((TrialCredential(self._credential),), (reference,))
        pulls = await pull_by_name(subject, dns_client, subject.resolvers, wishes)
        for pull in pulls:
            if pull.error:
                raise PullFailed(f"{' and '.join(pull.by)}, {pull.address}: {pull.error}")
        return pulls

    def _side(self, pull: NamedPull) -> str:
        return "new" if self._subject.new.startswith(f"{pull.address}:") else "old"


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
            status = story(application_of(sandbox, folder))
    if not domain:
        say(_ONE_ADDRESS)
    if sys.stdout.isatty() and status == 0:
        show(_NEXT)
    return status


def _open_app(app: Application) -> int:
    return _with_jobs_ended(app, lambda: open_app(app, guide=True))


def _ask_and_answer(app: Application) -> int:
    return _with_jobs_ended(app, lambda: open_plain(app, farewell=_GONE))


def _with_jobs_ended(app: Application, story: Callable[[], int]) -> int:
    """End all jobs with a story: none may outlive the folder that it works in."""
    try:
        return story()
    finally:
        app.jobs.cancel_all(_END_SECONDS)


def _show(app: Application) -> int:
    show("Two registries run on this machine, for as long as this demo does:")
    for account in app.registries.all():
        what = "empty, and asks for a login" if account.username else "full of sample images"
        show(f"  {account.alias:<4} {account.host:<16} {what}")
    cutovers = app.cutovers.all()
    for each in cutovers:
        show(f"  {each.subject.domain.host} leads to the old one, by a small DNS")
    show_command(f"transship copy {_SOURCE} {_TARGET}")
    plan = app.copies.plan(CopyRequest(_SOURCE, _TARGET))
    status = _copy(app, plan)
    if status:
        return status
    show_command(f"transship verify {_SOURCE} {_TARGET}")
    progress = VerifyProgress()
    proving = watched_proof(app.plans.verify(plan, progress), progress)
    status = show_proof(carried_out(app, proving), as_json=False)
    if status or not cutovers:
        return status
    return _copy_the_rest(app) or show_cutover(app)


def _copy_the_rest(app: Application) -> int:
    """Copy all that the domain serves: a cutover waits for every tag of it."""
    write_text(private_folder(app.paths.plans) / f"{_EVERYTHING}.toml", _RULES)
    show_command(f"transship run {_EVERYTHING}")
    return _copy(app, app.plans.read(_EVERYTHING))


def _copy(app: Application, plan: Plan) -> int:
    job = carried_out(app, app.jobs.start(plan))
    try:
        view = follow(app, job, on_interrupt=OnInterrupt.LEAVE)
    finally:
        app.jobs.cancel_all(_END_SECONDS)
    if view is None:
        say("the demo ends here, and nothing of it is left")
        return INTERRUPTED
    return show_end(view)


def application_of(sandbox: Sandbox, folder: Path) -> Application:
    """Return an application that knows the sandbox and nothing of the operator's own.

    Nodes have a sign-in under the domain's name already: that of the new registry, which the old
    one, open to everybody, takes too.
    """
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
    nodes: dict[str, str] = {}
    if sandbox.names is not None:
        credential = sandbox.credential
        variables = variables_of(_domain_of(sandbox).host)
        nodes = dict(zip(variables, (credential.username, credential.secret), strict=True))
    sources = Sources(session=secrets, keyring=secrets, docker=docker, environ=nodes)
    app = Application(Paths(folder / "config", folder / "state"), sources)
    if sandbox.names is not None:
        _add_domain(app, sandbox, sandbox.names)
    return app


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
