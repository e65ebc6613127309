"""The part of the stand-in engine that moves domains: standings judged by the real rules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.keeping_step import FakeKeepingStep
from transship.app.cutovers import BY_HAND, TrialResult
from transship.app.provider_request import secret_words
from transship.cutover.domain import parse_domain
from transship.cutover.evidence import Evidence, Statement
from transship.cutover.observer import make_subject
from transship.cutover.progress import assess_progress
from transship.cutover.rules.case import Case
from transship.cutover.rules.checks import run_checks
from transship.cutover.status import CutoverStatus, provider_status
from transship.errors import BadRequest, CutoverNotFound, LossUnknown

if TYPE_CHECKING:
    from fakes.clock import FakeClock
    from transship.app.cutovers import CutoverRequest
    from transship.cutover.change.settings import ProviderSettings
    from transship.cutover.domain import Subject


@dataclass
class FakeCutovers(FakeKeepingStep):
    """Cutovers by their names.

    `looks` are what a check gives, one after the other, and `watched` what a watch does; both end
    then. `tries_say` is what trying a field says, by the method's name.
    """

    looks: list[CutoverStatus] = field(default_factory=list, kw_only=True)
    watched: list[CutoverStatus] = field(default_factory=list, kw_only=True)
    tries_say: dict[str, TrialResult] = field(default_factory=dict, kw_only=True)
    said_by: str = field(default="maria on laptop", kw_only=True)
    taken_files: set[Path] = field(default_factory=set, kw_only=True)
    ways: dict[str, ProviderSettings] = field(default_factory=dict, kw_only=True)
    keys: dict[ProviderSettings, str] = field(default_factory=dict, kw_only=True)
    """The secrets that were typed, by what they are for."""

    clock: FakeClock

    @abstractmethod
    async def _reach(self, name: str, what: object) -> None: ...

    @abstractmethod
    def _fail(self, name: str) -> None: ...

    def all_cutovers(self) -> Sequence[CutoverStatus]:
        self._fail("cutovers")
        return list(self.standings.values())

    def cutover(self, name: str) -> CutoverStatus:
        self._fail("cutover")
        if name not in self.standings:
            raise CutoverNotFound(name)
        return self.standings[name]

    def subject_of(self, wished: CutoverRequest) -> Subject:
        return make_subject(
            parse_domain(wished.domain),
            wished.new,
            old=wished.old,
            record=wished.record,
            resolvers=wished.resolvers,
            repositories=wished.repositories,
            node_ca=wished.node_ca,
            public=wished.public,
            job=wished.job,
            plan=wished.plan,
        )

    async def try_domain(self, text: str) -> TrialResult:
        parse_domain(text)
        await self._reach("try_domain", text)
        return self.tries_say.get("try_domain", TrialResult(good=True, words="leads somewhere"))

    async def try_new(self, wished: CutoverRequest) -> TrialResult:
        await self._reach("try_new", wished.new)
        return self.tries_say.get(
            "try_new", TrialResult(good=True, words="a certificate for the name")
        )

    async def try_resolver(self, text: str, domain: str) -> TrialResult:
        await self._reach("try_resolver", text)
        return self.tries_say.get("try_resolver", TrialResult(good=True, words="answers"))

    def add_cutover(self, subject: Subject, way: ProviderSettings = BY_HAND) -> str:
        self._fail("add_cutover")
        name = f"{subject.domain.name}-abcdef"
        self.ways[name] = way
        self.standings[name] = CutoverStatus(name, subject, applier=provider_status(way))
        return name

    def way_of_cutover(self, name: str) -> ProviderSettings:
        return self.ways.get(name, BY_HAND)

    def change_way(self, name: str, way: ProviderSettings) -> CutoverStatus:
        self._fail("change_way")
        self.ways[name] = way
        self.standings[name] = replace(self.standings[name], applier=provider_status(way))
        return self.standings[name]

    async def is_key_kept(self, way: ProviderSettings) -> bool:
        await self._reach("is_key_kept", way)
        return not secret_words(way) or way in self.keys

    async def keep_key(
        self, way: ProviderSettings, secret: str, *, for_this_run: bool = False
    ) -> None:
        if not for_this_run:
            await self._reach("keep_key", way)
        self.keys[way] = secret

    def forget_cutover(self, name: str) -> None:
        self._fail("forget_cutover")
        del self.standings[name]

    async def check_cutover(self, name: str) -> AsyncIterator[CutoverStatus]:
        await self._reach("check_cutover", name)
        for standing in self.looks:
            self.standings[name] = replace(standing, name=name)
            yield self.standings[name]

    async def watch_cutover(self, name: str) -> AsyncIterator[CutoverStatus]:
        for standing in self.watched:
            await self._reach("watch_cutover", name)
            self.standings[name] = replace(standing, name=name)
            yield self.standings[name]

    def answer_cutover(self, name: str, question: str, answer: str) -> CutoverStatus:
        self._fail("answer_cutover")
        standing = self.standings[name]
        evidence = standing.evidence or Evidence(self.clock.now())
        given = Statement(question, answer, self.clock.now(), self.said_by)
        evidence = replace(evidence, statements=(*evidence.statements, given))
        self.standings[name] = judged(replace(standing, evidence=evidence), self.clock.now())
        return self.standings[name]

    async def change_record(self, name: str, **_: object) -> str:
        await self._reach("change_record", name)
        return "change done"

    async def end_change(self, name: str, **_: object) -> str:
        await self._reach("end_change", name)
        self.standings[name] = replace(self.standings[name], unended=None)
        return "change done"

    async def roll_back_record(self, name: str, *, accept_loss: bool, **_: object) -> str:
        await self._reach("roll_back_record", (name, accept_loss))
        if self.why_not_compared and not accept_loss:
            raise LossUnknown(self.why_not_compared)
        return "rollback done"

    async def write_cutover_report(self, name: str, path: str, form: str, *, replace: bool) -> Path:
        await self._reach("write_cutover_report", (name, path, form, replace))
        file = Path("/home/alice", path)
        if file in self.taken_files and not replace:
            raise BadRequest(f"{file} is there already")
        return file


def judged(standing: CutoverStatus, now: float) -> CutoverStatus:
    """Return a standing with the checks and the progress that follow from its evidence."""
    evidence = standing.evidence or Evidence(now)
    case = Case(standing.subject, evidence, now, standing.history, standing.samples)
    checks = run_checks(
        standing.subject, evidence, now, history=standing.history, samples=standing.samples
    )
    return replace(standing, checks=checks, progress=assess_progress(case))
