"""The guide as plain questions and answers: for screen readers, and for terminals that can no more.

The steps are those of the guide (`transship.guide`); nothing is drawn, moved or coloured. An empty
answer takes what is offered in brackets, `no` goes back to the choice of images; `q` ends at any
question, and loses nothing.
"""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from transship.accounts.account import Account, host_of
from transship.errors import SecretMissing, TransshipError
from transship.guide import Step, World, next_step
from transship.oci.reference import Reference
from transship.plans.plan import Plan, wanted
from transship.registries.services import service_of
from transship.text import bytes_text, counted, safe
from transship.transfers.inventory import Progress
from transship.transfers.verify import VerifyProgress
from transship.transfers.view import JobView
from transship.transfers.work import JobState, Verdict
from transship_tui.faults import Faults
from transship_tui.guarded import guarded

if TYPE_CHECKING:
    from transship_tui.engine import Engine

_T = TypeVar("_T")
_LOOK_SECONDS = 1.0
_SAY_SECONDS = 10.0
_LISTED = 20


class Left(Exception):
    """The operator ended the guide."""


class Declined(Exception):
    """The operator wants something else than what was asked for."""


@dataclass(slots=True)
class Terminal:
    """How questions are asked and things said. Tests stand in here."""

    ask: Callable[[str], str] = input
    ask_secret: Callable[[str], str] = getpass.getpass
    say: Callable[[str], None] = print


@dataclass(slots=True)
class PlainGuide:
    """Walks through the steps, one question after the other."""

    engine: Engine
    terminal: Terminal = field(default_factory=Terminal)
    world: World = field(default_factory=World)
    _source: Reference | None = None
    _plan: Plan | None = None
    _job: str = ""

    def __post_init__(self) -> None:
        self.engine = guarded(self.engine, Faults(), self._type_secret)

    async def run(self) -> int:
        """Walk until all is proven or the operator leaves; return an exit status."""
        self._say("Transship, step by step. An empty answer takes what is in brackets; q ends.")
        try:
            while (step := self._next()) is not Step.CUTOVER:
                try:
                    await _STEPS[step](self)
                except Declined:
                    self._go_back()
                except SecretMissing as error:
                    self._leave_out(error.host)
                except TransshipError as error:
                    self._say_error(error)
                    self._ask("Press enter to go on from here")
        except Left:
            self._say("Nothing is lost. Start again with: transship --plain")
            return 0 if self.world.proven else 130
        self._say("Everything is at the target, and proven. Moving the domain comes next.")
        return 0

    def _next(self) -> Step:
        hosts = tuple(account.host for account in self.engine.accounts())
        self.world = replace(self.world, accounts=hosts)
        return next_step(self.world).step

    def _go_back(self) -> None:
        """Ask for images again: something else is wanted of them."""
        self._say("Then not. Choose again; q ends.")
        self._job = ""
        self.world = replace(self.world, chosen=0, previewed=False, job_state="")

    def _leave_out(self, host: str) -> None:
        """Ask for another registry in the place of one that can't be signed in to."""
        self._say(f"Without it {host} isn't asked. Choose again; q ends.")
        if host == self.world.source:
            self.world = replace(self.world, source="", chosen=0, previewed=False)
        elif host == self.world.target:
            self.world = replace(self.world, target="", chosen=0, previewed=False)

    async def _type_secret(self, missing: SecretMissing) -> bool:
        """Ask for a secret that isn't kept until it is the right one, or none is typed."""
        self._say(f"{missing.detail}.")
        account = next(each for each in self.engine.accounts() if each.host == missing.host)
        what = service_of(account.host).secret
        while secret := self._ask_secret(f"{what} of {account.username} (empty: leave it out)"):
            try:
                await self.engine.sign_in(account, secret)
            except TransshipError as error:
                self._say_error(error)
            else:
                return True
        return False

    def _say_error(self, error: TransshipError) -> None:
        self._say(f"Error: {error.title}")
        if error.detail:
            self._say(f"  {error.detail}")
        self._say(f"  What to do: {error.remedy}")

    async def _choose_source(self) -> None:
        self._say("\nStep 1, source: the registry where the images are now.")
        self.world = replace(self.world, source=await self._choose_account())

    async def _choose_target(self) -> None:
        self._say("\nStep 2, target: the registry where the images shall go.")
        host = await self._choose_account()
        if host == self.world.source:
            self._say("That is the source. Choose another one.")
        else:
            self.world = replace(self.world, target=host)

    async def _choose_account(self) -> str:
        accounts = self.engine.accounts()
        for number, account in enumerate(accounts, 1):
            alias = f" ({account.alias})" if account.alias else ""
            self._say(f"  {number}  {account.host}{alias}")
        answer = self._ask("A number, or the host of another registry", "1" if accounts else "")
        if answer.isdecimal() and 1 <= int(answer) <= len(accounts):
            return accounts[int(answer) - 1].host
        return await self._add_account(host_of(answer))

    async def _add_account(self, host: str) -> str:
        service = service_of(host)
        username = self._ask(f"{service.username} at {host} (empty: anonymous)")
        if not username:
            return (await self.engine.sign_in(Account(host), None)).host
        secret = self._ask_secret(service.secret)
        status = await self.engine.keyring()
        account = Account(host, username=username, secret_source="keyring")
        if status.state != "ok":
            self._say(f"{status.title}. {status.remedy}")
            self._agree("Keep the secret for this run only")
            account = replace(account, secret_source="session")
        return (await self.engine.sign_in(account, secret)).host

    async def _choose_images(self) -> None:
        self._say("\nStep 3, choose: the repository to copy.")
        names: list[str] = []
        async for name in self.engine.repositories(self.world.source):
            names.append(name)
            if len(names) > _LISTED:
                break
        for number, name in enumerate(names[:_LISTED], 1):
            self._say(f"  {number}  {safe(name)}")
        if len(names) > _LISTED:
            self._say("  ... and more; any path can be typed.")
        answer = self._ask("A number, or a path with or without :TAG", "1" if names else "")
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            answer = names[int(answer) - 1]
        source = self.engine.resolve(f"{self.world.source}/{answer}")
        path = self._ask(f"Path at {self.world.target}", source.repository)
        target = self.engine.resolve(f"{self.world.target}/{path}")
        self._plan = Plan((wanted(source, target),))
        self.world = replace(self.world, chosen=1, previewed=False)

    async def _look_first(self) -> None:
        self._say("\nStep 4, preview: what will be written. Nothing is written yet.")
        worklist = (await self.engine.preview(self._chosen, Progress())).worklist
        for verdict in Verdict:
            copies = [copy for copy in worklist.copies if copy.verdict is verdict]
            if copies:
                self._say(f"  {verdict}: {len(copies)}")
        for copy in worklist.copies:
            if copy.verdict in (Verdict.OVERWRITE, Verdict.CONFLICT, Verdict.BLOCKED):
                self._say(f"  {copy.verdict}: {safe(str(copy.target))}, {safe(copy.reason)}")
        moved, total = bytes_text(worklist.bytes_to_move), bytes_text(worklist.bytes_total)
        self._say(f"  {moved} to move, of {total}.")
        self.world = replace(self.world, previewed=True)

    async def _run(self) -> None:
        self._say("\nStep 5, run.")
        if self._job and self.engine.job(self._job).state is JobState.FAILED:
            self._agree("Try again what failed")
            await self.engine.retry(self._job)
        elif self._job:
            self._agree("Go on with the job")
            await self.engine.resume(self._job)
        else:
            self._agree(f"Start copying to {self.world.target}")
            self._job = await self.engine.start(self._chosen)
            self._say(f"Job {self._job} runs by itself; it goes on if this terminal closes.")
        await self._follow()

    async def _follow(self) -> None:
        said = self.engine.clock.monotonic()
        while not (job := self.engine.job(self._job)).state.ended:
            if job.state in (JobState.PAUSED, JobState.INTERRUPTED):
                break
            if self.engine.clock.monotonic() - said >= _SAY_SECONDS:
                said = self.engine.clock.monotonic()
                self._say(f"  {_progress(job)}")
            await self.engine.clock.sleep(_LOOK_SECONDS)
        self._say(f"The job is {job.state}: {_progress(job)}")
        for failure in job.failures:
            self._say(f"  {failure.count} failed: {failure.title}. {failure.remedy}")
        self.world = replace(self.world, job_state=str(job.state))

    async def _prove(self) -> None:
        self._say("\nStep 6, prove: every digest is compared on both sides.")
        proof = await self.engine.verify(self._chosen, VerifyProgress())
        self._say(f"  {counted(proof.compared, 'image')} compared.")
        for difference in proof.differences:
            target, detail = safe(str(difference.target)), safe(difference.detail)
            self._say(f"  {difference.problem}: {target}, {detail}")
        if proof.holds:
            self.world = replace(self.world, proven=True)
        else:
            self._agree("Copy what is missing")
            self._job = ""
            self.world = replace(self.world, job_state="", previewed=True)

    @property
    def _chosen(self) -> Plan:
        assert self._plan is not None
        return self._plan

    def _agree(self, question: str) -> None:
        if self._ask(f"{question}? Type yes or no", "no").lower() not in ("yes", "y"):
            raise Declined

    def _ask(self, question: str, offered: str = "") -> str:
        try:
            answer = self.terminal.ask(f"{question}{f' [{offered}]' if offered else ''}: ").strip()
        except EOFError:
            raise Left from None
        if answer == "q":
            raise Left
        return answer or offered

    def _ask_secret(self, question: str) -> str:
        try:
            return self.terminal.ask_secret(f"{question}: ")
        except EOFError:
            raise Left from None

    def _say(self, text: str) -> None:
        self.terminal.say(text)


_STEPS: dict[Step, Callable[[PlainGuide], Awaitable[None]]] = {
    Step.SOURCE: PlainGuide._choose_source,
    Step.TARGET: PlainGuide._choose_target,
    Step.CHOOSE: PlainGuide._choose_images,
    Step.PREVIEW: PlainGuide._look_first,
    Step.RUN: PlainGuide._run,
    Step.PROVE: PlainGuide._prove,
}


def _progress(job: JobView) -> str:
    if not job.planned:
        return f"{counted(job.found, 'image')} found so far"
    counts = job.counts
    done, total = bytes_text(job.bytes.done), bytes_text(job.bytes.total)
    return (
        f"{counts.ended} of {counted(counts.total, 'image')}, {counts.failed} failed, "
        f"{done} of {total}"
    )
