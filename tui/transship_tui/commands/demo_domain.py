"""The demo's domain: a cutover that is ready to be walked, and the walk in lines."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from transship.accounts.secrets import variables_of
from transship.app.application import Application
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
from transship.sandbox.name_server import DOMAIN, NEW, TTL
from transship.text import bytes_text, safe
from transship.views.cutover import waits_for
from transship_tui.commands.check import last_of, show_standing
from transship_tui.commands.cutover_change import edit_lines
from transship_tui.commands.output import Ink, painted, show, show_command, show_error
from transship_tui.cutover_news import followed, news

if TYPE_CHECKING:
    from transship.cutover.evidence import NamedPull
    from transship.cutover.status import CutoverStatus
    from transship.registry.credential import Credential
    from transship.sandbox.sandbox import Sandbox
    from transship_tui.commands.session import Session

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


def with_domain(session: Session, sandbox: Sandbox) -> Session:
    """Return a session in which a cutover of the sandbox's domain waits for its operator.

    Nodes have a sign-in under the domain's name already: that of the new registry, which the old
    one, open to everybody, takes too.
    """
    assert sandbox.names is not None
    names = sandbox.names
    domain = Domain(DOMAIN, sandbox.port, DOMAIN)
    variables = variables_of(domain.host)
    credential = sandbox.credential
    nodes = dict(zip(variables, (credential.username, credential.secret), strict=True))
    session = replace(session, sources=replace(session.sources, environ=nodes))
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
    asyncio.run(store_tsig_key(session.sources.keyring, names.way.address, names.key))
    cutover = CutoverStore(session.paths.cutovers).create(subject, names.way)
    now = names.clock.now()
    with cutover.journal() as journal:
        for question, answer in _TOLD.items():
            statement = Statement(question, answer, now, str(_BY))
            journal.add(EntryKind.STATEMENT, statement, now, _BY)
    return session


def show_cutover(session: Session) -> int:
    """Walk the cutover to its end and back again, in lines; return an exit status."""
    return asyncio.run(_walk(session))


async def _walk(session: Session) -> int:
    engine = Application(session.paths, session.sources)
    async with aclosing(engine):
        (standing,) = engine.cutovers.all()
        try:
            access = await session.access(Reference(standing.subject.domain.host))
            assert access.credential is not None
            walk = _Walk(engine, standing.name, standing.subject, access.credential)
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
        show_command(f"transship cutover {self._subject.domain.host} plan {self._sides}")
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
        show_command(f"transship cutover {DOMAIN} apply {agreed} --confirm {DOMAIN}")
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
        show_command(f"transship cutover {DOMAIN} rollback --confirm {DOMAIN}")
        for line in edit_lines(standing, back=True):
            show(line)
        show(safe(await self._engine.cutovers.changes.roll_back(self._name, accept_loss=False)))

    async def _watch(self) -> None:
        """Watch until every resolver has followed."""
        show_command(f"transship cutover {DOMAIN} watch")
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
