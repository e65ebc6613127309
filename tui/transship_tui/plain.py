"""The guide as plain questions and answers: for screen readers, and for terminals that can no more.

An empty answer takes what is offered, `q` ends at any question.
"""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from transship.accounts.registry_file import Account, host_of
from transship.accounts.sign_in import holding_images
from transship.app.cutovers import CutoverRequest
from transship.cutover.evidence import Evidence
from transship.cutover.progress import CutoverState
from transship.cutover.questions import OperatorQuestion, command_for
from transship.cutover.status import CHANGED_STATES
from transship.errors import LossUnknown, SecretMissing, TransshipError
from transship.guide import Step, World, next_step
from transship.oci.reference import Reference
from transship.plans.plan import Plan, wanted
from transship.registry.service import service_of
from transship.text import bytes_text, counted, safe
from transship.transfers.copies import JobState, Verdict
from transship.transfers.job_view import JobView
from transship.transfers.scanner import ScanProgress
from transship.transfers.verify import VerifyProgress
from transship.views.cutover import (
    UNSETTLED_STATES,
    CheckRowState,
    acceptance_id,
    check_rows,
    clock_lines,
    remaining_gate,
    rollback_words,
    unacknowledged,
    unanswered_questions,
    waits_for,
    why_never_rollback,
    why_no_rollback,
)
from transship.views.cutover_news import followed, news
from transship_tui.faults import Faults
from transship_tui.guarded import guarded

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.cutover.finding import Finding
    from transship.cutover.status import CutoverStatus

_END = "."


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
class Talk:
    """Asks and says. `q`, and the end of the input, raise Left."""

    terminal: Terminal = field(default_factory=Terminal)

    def say(self, text: str) -> None:
        """Say something."""
        self.terminal.say(text)

    def say_error(self, error: TransshipError) -> None:
        """Say what went wrong, and what to do."""
        self.say(f"Error: {error.title}")
        if error.detail:
            self.say(f"  {error.detail}")
        self.say(f"  What to do: {error.remedy}")

    def ask(self, question: str, offered: str = "") -> str:
        """Return the answer to a question."""
        try:
            answer = self.terminal.ask(f"{question}{f' [{offered}]' if offered else ''}: ").strip()
        except EOFError:
            raise Left from None
        if answer == "q":
            raise Left
        return answer or offered

    def paste(self) -> str:
        """Return the lines up to one with a dot alone; none after an empty first one."""
        lines: list[str] = []
        while (line := self._line()) != _END and (line or lines):
            lines.append(line)
        return "\n".join(lines).strip()

    def _line(self) -> str:
        try:
            return self.terminal.ask("").rstrip()
        except EOFError:
            raise Left from None

    def ask_secret(self, question: str) -> str:
        """Return what isn't to be seen."""
        try:
            return self.terminal.ask_secret(f"{question}: ")
        except EOFError:
            raise Left from None

    def agree(self, question: str) -> None:
        """Go on only with a yes. Raises Declined."""
        if self.ask(f"{question}? Type yes or no", "no").lower() not in ("yes", "y"):
            raise Declined

    def choose(self, question: str, choices: tuple[str, ...], offered: str) -> str:
        """Return one of some words; asks again until it is."""
        while True:
            answer = self.ask(f"{question}: {', '.join(choices)}", offered).lower()
            if answer in choices:
                return answer
            self.say(f"That is none of {', '.join(choices)}.")


_WATCH_SECONDS = 60.0


@dataclass(slots=True)
class PlainCutover:
    """Walks one cutover. `old`, `new` and `repositories` are those of the migration before it."""

    engine: Application
    talk: Talk
    old: str = ""
    new: str = ""
    repositories: tuple[str, ...] = ()
    _seen: CutoverStatus | None = None

    async def run(self) -> None:
        """Walk until the operator ends it. Raises Left."""
        name = self._choose()
        if not name:
            self.talk.say("Then not. Later: transship cutover plan DOMAIN --to HOST")
            return
        wanted = "check" if self.engine.cutovers.find(name).evidence is None else ""
        while wanted != "end":
            try:
                wanted = await self._step(name, wanted)
            except Declined:
                self.talk.say("Then not. Nothing was changed.")
                wanted = ""
            except TransshipError as error:
                self.talk.say_error(error)
                self.talk.ask("Press enter to go on from here")
                wanted = ""

    async def _step(self, name: str, wanted: str) -> str:
        """Do what is wanted, or ask what that is; return what is wanted next."""
        steps = {
            "check": self._check,
            "change": self._change,
            "watch": self._watch,
            "back": self._go_back,
        }
        if wanted in steps:
            await steps[wanted](name)
            return ""
        return self._next(self.engine.cutovers.find(name))

    def _next(self, standing: CutoverStatus) -> str:
        """Ask what comes next, where there is a choice."""
        if standing.state in CHANGED_STATES:
            usual = "end" if standing.state is CutoverState.MOVED else "watch"
            return self.talk.choose("What now", ("watch", "check", "back", "end"), usual)
        if standing.state is CutoverState.ROLLED_BACK:
            usual = "end" if followed(standing) else "watch"
            return self.talk.choose("What now", ("watch", "check", "end"), usual)
        if waits_for(standing):
            return self._settle(standing)
        return self.talk.choose("What now", ("change", "check", "end"), "change")

    # Beginning

    def _choose(self) -> str:
        """Return the cutover to walk, empty for none."""
        known = [each for each in self.engine.cutovers.all() if not each.problem]
        for number, each in enumerate(known, 1):
            self.talk.say(f"  {number}  {safe(each.subject.domain.host)}: {each.state}")
        while True:
            what = "A number, or a domain" if self.new else "A number"
            answer = self.talk.ask(f"{what} (no: later)", "1" if known else "no")
            if answer.lower() in ("no", "n"):
                return ""
            if answer.isdecimal() and 1 <= int(answer) <= len(known):
                return known[int(answer) - 1].name
            if self.new and not answer.isdecimal():
                try:
                    return self._begin(answer)
                except TransshipError as error:
                    self.talk.say_error(error)

    def _begin(self, domain: str) -> str:
        record = self.talk.ask("What its record is to hold", self.new.partition(":")[0])
        resolvers = self.talk.ask("Resolvers of your clusters, IP[:PORT] each (empty: none)")
        node_ca = self.talk.ask("File of the authority that nodes trust (empty: a public one)")
        wished = CutoverRequest(
            domain,
            self.new,
            self.old,
            record,
            tuple(resolvers.replace(",", " ").split()),
            self.repositories,
            node_ca,
        )
        return self.engine.cutovers.add(self.engine.cutovers.checks.subject_of(wished))

    # Before the change

    async def _check(self, name: str) -> None:
        """Make all checks, and say what isn't settled."""
        looking = ""
        checked = self.engine.cutovers.checks.check(name)
        async with aclosing(checked) as standings:
            async for standing in standings:
                if standing.checking not in ("", looking):
                    looking = standing.checking
                    self.talk.say(f"Looking: {safe(looking)}")
        standing = self.engine.cutovers.find(name)
        rows = check_rows(standing)
        for row in rows:
            if row.state in UNSETTLED_STATES:
                self.talk.say(f"  {row.check} {row.state}: {row.title}. {row.seen}")
        settled = sum(row.state in (CheckRowState.PASS, CheckRowState.INFO) for row in rows)
        self.talk.say(f"{counted(len(rows), 'check')}, {settled} of them settled.")
        self._say_clocks(standing)

    def _settle(self, standing: CutoverStatus) -> str:
        """Ask for what stands in the way of the change; return what is wanted next."""
        self.talk.say(f"The change {waits_for(standing)}.")
        gate, evidence = remaining_gate(standing), standing.evidence
        said = 0
        for finding in gate.blocks:
            self._explain(finding, "blocks")
        for result in gate.open:
            self.talk.say(f"{result.check}, {safe(result.title)}: needs {safe(result.needs)}")
            asked = unanswered_questions(result, evidence)
            said += sum(self._ask_question(standing, each) for each in asked)
            if not asked:
                said += sum(
                    self._accept(standing, each) for each in unacknowledged(result, evidence)
                )
        for finding in gate.unaccepted:
            self._explain(finding, "warns")
            said += self._accept(standing, acceptance_id(finding.check, finding.id))
        if said:
            return ""
        again = self.talk.choose("What now", ("check", "end"), "check")
        self._seen = None
        return again

    def _explain(self, finding: Finding, how: str) -> None:
        self.talk.say(f"{finding.check} {how}: {safe(finding.seen)}")
        self.talk.say(f"  {safe(finding.means)}")
        if finding.remedy:
            self.talk.say(f"  What to do: {safe(finding.remedy)}")
        for line in finding.record.splitlines():
            self.talk.say(f"    {safe(line)}")

    def _ask_question(self, standing: CutoverStatus, question: OperatorQuestion) -> bool:
        """Ask a question; tell whether it was answered."""
        evidence = standing.evidence or Evidence(self.engine.clock.now())
        self.talk.say(f"\n{question.text}\n  {question.why}")
        for number, choice in enumerate(question.choices, 1):
            self.talk.say(f"  {number}  {choice.text}")
        run = command_for(question, standing.subject, evidence)
        if run:
            self.talk.say(
                f"  Run this {question.where or 'anywhere'}:\n    {safe(run, limit=4000)}"
            )
        answer = self._answer(question, pasted=bool(run) and not question.choices)
        if not answer:
            return False
        if answer not in {each.answer for each in question.choices}:
            read = question.read(answer, evidence)
            self.talk.say(f"  {'Understood' if read.good is not None else 'Not read'}: {read.seen}")
            if read.good is None:
                return False
        self.engine.cutovers.answer(standing.name, question.id, answer)
        return True

    def _answer(self, question: OperatorQuestion, *, pasted: bool) -> str:
        if pasted:
            self.talk.say("Paste what it prints, then a line with a dot alone (empty: not now).")
            return self.talk.paste()
        what = "A number (empty: not now)" if question.choices else "Answer (empty: not now)"
        answer = self.talk.ask(what)
        if answer.isdecimal() and 1 <= int(answer) <= len(question.choices):
            return question.choices[int(answer) - 1].answer
        return answer

    def _accept(self, standing: CutoverStatus, name: str) -> bool:
        """Ask for a reason to go on although something was seen; tell whether there is one."""
        reason = self.talk.ask("A reason to go on all the same (empty: not now)")
        if reason:
            self.engine.cutovers.answer(standing.name, name, reason)
        return bool(reason)

    # The change, and after it

    async def _change(self, name: str) -> None:
        standing = self.engine.cutovers.find(name)
        self._say_edit(standing, back=False)
        if self._by_hand(standing):
            self.talk.say("It is seen by itself when the record has changed.")
        else:
            self._confirm(standing, "change its record")
            outcome = await self.engine.cutovers.changes.change(
                name, shown=standing.edit, tell=lambda words: self.talk.say(safe(words))
            )
            self.talk.say(safe(outcome))
        await self._watch(name)

    async def _go_back(self, name: str) -> None:
        standing = self.engine.cutovers.find(name)
        self._say_edit(standing, back=True)
        self.talk.say(f"The way back: {rollback_words(standing)[0]}.")
        if why_never_rollback(standing):
            return
        if self._by_hand(standing):
            self.talk.say("It is seen by itself when the record is back.")
        else:
            blocked = why_no_rollback(standing)
            if blocked:
                self.talk.agree("Go back although that is so")
            self._confirm(standing, "put its record back")
            self.talk.say(safe(await self._put_back(name, accept_loss=bool(blocked))))
        await self._watch(name)

    async def _put_back(self, name: str, *, accept_loss: bool) -> str:
        """Put the record back; where nobody knows what that hides, only with another yes."""
        try:
            return await self.engine.cutovers.changes.roll_back(name, accept_loss=accept_loss)
        except LossUnknown as error:
            self.talk.say(f"{error}.")
            self.talk.agree("Go back without knowing what it hides")
            return await self.engine.cutovers.changes.roll_back(name, accept_loss=True)

    def _by_hand(self, standing: CutoverStatus) -> bool:
        return standing.applier is None or bool(standing.applier.why_not)

    def _confirm(self, standing: CutoverStatus, what: str) -> None:
        """Have the domain typed. Raises Declined."""
        domain = standing.subject.domain.name
        place = standing.applier.place if standing.applier else ""
        self.talk.say(f"At {safe(place)}.")
        if self.talk.ask(f"Type {domain} to {what}").lower().rstrip(".") != domain:
            raise Declined

    def _say_edit(self, standing: CutoverStatus, *, back: bool) -> None:
        edit = standing.edit
        if edit is None:
            return
        lines, words = (edit.reverse, edit.reverse_words) if back else (edit.forward, edit.words)
        self.talk.say("The edit, in one step:")
        for sign, each in (("take away", lines.remove), ("put there", lines.add)):
            for line in each:
                self.talk.say(f"  {sign}: {safe(line)}")
        for note in edit.notes:
            self.talk.say(f"  {safe(note)}")
        if self._by_hand(standing):
            self.talk.say(f"At {safe(edit.provider.title)}:")
            for word in words:
                self.talk.say(f"  {safe(word)}")

    async def _watch(self, name: str) -> None:
        """Say what name servers and resolvers say anew, for a minute or until all have followed."""
        self.talk.say(f"Watching, for {_WATCH_SECONDS:g} s at most.")
        until = self.engine.clock.monotonic() + _WATCH_SECONDS
        watched = self.engine.cutovers.checks.watch(name)
        async with aclosing(watched) as standings:
            async for standing in standings:
                for line in news(self._seen, standing):
                    self.talk.say(f"  {line}")
                self._seen = standing
                if followed(standing) or self.engine.clock.monotonic() >= until:
                    break
        self._say_clocks(self.engine.cutovers.find(name))

    def _say_clocks(self, standing: CutoverStatus) -> None:
        for clock in clock_lines(standing, self.engine.clock.now()):
            self.talk.say(f"  {clock.name}: {clock.words}")


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
