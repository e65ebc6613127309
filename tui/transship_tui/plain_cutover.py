"""The last step of the guide in plain lines: a domain that is moved, watched, and moved back."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transship.app.cutovers import CutoverRequest
from transship.cutover.evidence import Evidence
from transship.cutover.progress import CutoverState
from transship.cutover.questions import OperatorQuestion, command_for
from transship.cutover.status import CHANGED_STATES
from transship.errors import LossUnknown, TransshipError
from transship.text import counted, safe
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
from transship_tui.cutover_news import followed, news
from transship_tui.plain_talk import Declined, Talk

if TYPE_CHECKING:
    from transship.app.application import Application
    from transship.cutover.finding import Finding
    from transship.cutover.status import CutoverStatus

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
