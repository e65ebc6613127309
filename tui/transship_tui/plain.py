"""The guide as plain questions and answers: for screen readers, and for terminals that can no more.

The steps are those of the guide (`transship.guide`); nothing is drawn, moved or coloured. An empty
answer takes what is offered in brackets, `no` goes back to the choice of images; `q` ends at any
question, and loses nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from transship.accounts.registry_file import Account, host_of
from transship.accounts.sign_in import holding_images
from transship.errors import SecretMissing, TransshipError
from transship.guide import Step, World, next_step
from transship.oci.reference import Reference
from transship.plans.plan import Plan, wanted
from transship.registry.service import service_of
from transship.text import bytes_text, counted, safe
from transship.transfers.copies import JobState, Verdict
from transship.transfers.job_view import JobView
from transship.transfers.scanner import ScanProgress
from transship.transfers.verify import VerifyProgress
from transship_tui.faults import Faults
from transship_tui.guarded import guarded
from transship_tui.plain_cutover import PlainCutover
from transship_tui.plain_talk import Declined, Left, Talk, Terminal

if TYPE_CHECKING:
    from transship.app.application import Application

_T = TypeVar("_T")
_LOOK_SECONDS = 1.0
_SAY_SECONDS = 10.0
_LISTED = 20
FAREWELL = "Nothing is lost. Start again with: transship --plain"
"""Said to who leaves before the end."""


@dataclass(slots=True)
class PlainGuide:
    """Walks through the steps, one question after the other. `farewell` is for who leaves early."""

    engine: Application
    terminal: Terminal = field(default_factory=Terminal)
    world: World = field(default_factory=World)
    farewell: str = FAREWELL
    _source: Reference | None = None
    _plan: Plan | None = None
    _job: str = ""

    @property
    def _talk(self) -> Talk:
        return Talk(self.terminal)

    def __post_init__(self) -> None:
        self.engine = guarded(self.engine, Faults(), self._type_secret)

    async def run(self) -> int:
        """Walk until all is proven or the operator leaves; return an exit status."""
        self._talk.say(
            "Transship, step by step. An empty answer takes what is in brackets; q ends."
        )
        try:
            if await self._go_on_with_a_domain():
                return 0
            while (step := self._next()) is not Step.CUTOVER:
                try:
                    await _STEPS[step](self)
                except Declined:
                    self._go_back()
                except SecretMissing as error:
                    self._leave_out(error.host)
                except TransshipError as error:
                    self._talk.say_error(error)
                    self._talk.ask("Press enter to go on from here")
            self._talk.say("Everything is at the target, and proven.")
            await self._move_a_domain()
        except Left:
            self._talk.say(self.farewell)
            return 0 if self.world.proven else 130
        return 0

    async def _go_on_with_a_domain(self) -> bool:
        """Offer the domains that are being moved; tell whether the operator went on with one."""
        begun = [each for each in self.engine.cutovers.all() if each.evidence is not None]
        if not begun:
            return False
        names = ", ".join(safe(each.subject.domain.host) for each in begun)
        try:
            self._talk.agree(f"{names}: go on with moving it")
        except Declined:
            return False
        await PlainCutover(self.engine, self._talk).run()
        return True

    async def _move_a_domain(self) -> None:
        plan = self._chosen
        repositories = tuple(dict.fromkeys(each.target.repository for each in plan.copies))
        cutover = PlainCutover(
            self.engine, self._talk, self.world.source, self.world.target, repositories
        )
        self._talk.say("\nStep 7, cutover: the domain that clusters pull by.")
        await cutover.run()

    def _next(self) -> Step:
        hosts = tuple(account.host for account in holding_images(self.engine.registries.all()))
        self.world = replace(self.world, accounts=hosts)
        return next_step(self.world).step

    def _go_back(self) -> None:
        """Ask for images again: something else is wanted of them."""
        self._talk.say("Then not. Choose again; q ends.")
        self._job = ""
        self.world = replace(self.world, chosen=0, previewed=False, job_state="")

    def _leave_out(self, host: str) -> None:
        """Ask for another registry in the place of one that can't be signed in to."""
        self._talk.say(f"Without it {host} isn't asked. Choose again; q ends.")
        if host == self.world.source:
            self.world = replace(self.world, source="", chosen=0, previewed=False)
        elif host == self.world.target:
            self.world = replace(self.world, target="", chosen=0, previewed=False)

    async def _type_secret(self, missing: SecretMissing) -> bool:
        """Ask for a secret that isn't kept until it is the right one, or none is typed."""
        self._talk.say(f"{missing.detail}.")
        account = next(each for each in self.engine.registries.all() if each.host == missing.host)
        what = service_of(account.host).secret
        while secret := self._talk.ask_secret(
            f"{what} of {account.username} (empty: leave it out)"
        ):
            try:
                await self.engine.registries.sign_in(account, secret)
            except TransshipError as error:
                self._talk.say_error(error)
            else:
                return True
        return False

    async def _choose_source(self) -> None:
        self._talk.say("\nStep 1, source: the registry where the images are now.")
        self.world = replace(self.world, source=await self._choose_account())

    async def _choose_target(self) -> None:
        self._talk.say("\nStep 2, target: the registry where the images shall go.")
        host = await self._choose_account(but=self.world.source)
        if host == self.world.source:
            self._talk.say("That is the source. Choose another one.")
        else:
            self.world = replace(self.world, target=host)

    async def _choose_account(self, but: str = "") -> str:
        """Ask for a registry; the first that isn't `but` is offered."""
        accounts = holding_images(self.engine.registries.all())
        others = [n for n, account in enumerate(accounts, 1) if account.host != but]
        for number, account in enumerate(accounts, 1):
            alias = f" ({account.alias})" if account.alias else ""
            self._talk.say(f"  {number}  {account.host}{alias}")
        answer = self._talk.ask(
            "A number, or the host of another registry", str(others[0]) if others else ""
        )
        if answer.isdecimal() and 1 <= int(answer) <= len(accounts):
            return accounts[int(answer) - 1].host
        return await self._add_account(host_of(answer))

    async def _add_account(self, host: str) -> str:
        service = service_of(host)
        username = self._talk.ask(f"{service.username} at {host} (empty: anonymous)")
        if not username:
            return (await self.engine.registries.sign_in(Account(host), None)).host
        secret = self._talk.ask_secret(service.secret)
        status = await self.engine.registries.keyring()
        account = Account(host, username=username, secret_source="keyring")
        if status.state != "ok":
            self._talk.say(f"{status.title}. {status.remedy}")
            self._talk.agree("Keep the secret for this run only")
            account = replace(account, secret_source="session")
        return (await self.engine.registries.sign_in(account, secret)).host

    async def _choose_images(self) -> None:
        self._talk.say("\nStep 3, choose: the repository to copy.")
        names: list[str] = []
        async for name in self.engine.registries.repositories(self.world.source):
            names.append(name)
            if len(names) > _LISTED:
                break
        for number, name in enumerate(names[:_LISTED], 1):
            self._talk.say(f"  {number}  {safe(name)}")
        if len(names) > _LISTED:
            self._talk.say("  ... and more; any path can be typed.")
        answer = self._talk.ask("A number, or a path with or without :TAG", "1" if names else "")
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            answer = names[int(answer) - 1]
        source = self.engine.registries.resolve(f"{self.world.source}/{answer}")
        path = self._talk.ask(f"Path at {self.world.target}", source.repository)
        target = self.engine.registries.resolve(f"{self.world.target}/{path}")
        self._plan = Plan((wanted(source, target),))
        self.world = replace(self.world, chosen=1, previewed=False)

    async def _look_first(self) -> None:
        self._talk.say("\nStep 4, preview: what will be written. Nothing is written yet.")
        worklist = (await self.engine.plans.preview(self._chosen, ScanProgress())).worklist
        for verdict in Verdict:
            copies = worklist.of(verdict)
            if copies:
                self._talk.say(f"  {verdict}: {len(copies)}")
        for copy in worklist.copies:
            if copy.verdict in (Verdict.OVERWRITE, Verdict.CONFLICT, Verdict.BLOCKED):
                self._talk.say(f"  {copy.verdict}: {safe(str(copy.target))}, {safe(copy.reason)}")
        moved, total = bytes_text(worklist.bytes_to_move), bytes_text(worklist.bytes_total)
        self._talk.say(f"  {moved} to move, of {total}.")
        self.world = replace(self.world, previewed=True)

    async def _run(self) -> None:
        self._talk.say("\nStep 5, run.")
        if self._job and self.engine.jobs.find(self._job).state is JobState.FAILED:
            self._talk.agree("Try again what failed")
            await self.engine.jobs.retry(self._job)
        elif self._job:
            self._talk.agree("Go on with the job")
            await self.engine.jobs.resume(self._job)
        else:
            self._talk.agree(f"Start copying to {self.world.target}")
            self._job = await self.engine.jobs.start(self._chosen)
            self._talk.say(f"Job {self._job} runs by itself; it goes on if this terminal closes.")
        await self._follow()

    async def _follow(self) -> None:
        said = self.engine.clock.monotonic()
        while not (job := self.engine.jobs.find(self._job)).state.ended:
            if job.state in (JobState.PAUSED, JobState.INTERRUPTED):
                break
            if self.engine.clock.monotonic() - said >= _SAY_SECONDS:
                said = self.engine.clock.monotonic()
                self._talk.say(f"  {_progress(job)}")
            await self.engine.clock.sleep(_LOOK_SECONDS)
        self._talk.say(f"The job is {job.state}: {_progress(job)}")
        if job.problem is not None:
            title, detail, remedy = map(safe, job.problem)
            self._talk.say(f"  {title}: {detail}" if detail else f"  {title}")
            self._talk.say(f"  {remedy}")
        for failure in job.failures:
            self._talk.say(f"  {failure.count} failed: {failure.title}. {failure.remedy}")
        self.world = replace(self.world, job_state=str(job.state))

    async def _prove(self) -> None:
        self._talk.say("\nStep 6, prove: every digest is compared on both sides.")
        proof = await self.engine.plans.verify(self._chosen, VerifyProgress())
        self._talk.say(f"  {counted(proof.compared, 'image')} compared.")
        for difference in proof.differences:
            target, detail = safe(str(difference.target)), safe(difference.detail)
            self._talk.say(f"  {difference.problem}: {target}, {detail}")
        if proof.holds:
            self.world = replace(self.world, proven=True)
        else:
            self._talk.agree("Copy what is missing")
            self._job = ""
            self.world = replace(self.world, job_state="", previewed=True)

    @property
    def _chosen(self) -> Plan:
        assert self._plan is not None
        return self._plan


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
