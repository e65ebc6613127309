"""An engine that a test fills and steers: nothing in it moves by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.cutovers import FakeCutovers
from fakes.delegates import FakeDelegates
from fakes.parts import FakeParts
from fakes.plans import FakePlans, listings_of
from fakes.subjects import Subjects
from transship.accounts.registry_file import Account
from transship.accounts.secrets import SecretStatus
from transship.errors import AccountNotFound, JobNotFound, SecretMissing
from transship.matching import matches
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import Plan
from transship.registry.examination import Examination
from transship.registry.http.exchange_log import Recorder
from transship.registry.service import service_of
from transship.transfers.copies import CopyState, JobState, Verdict, Worklist
from transship.transfers.job_view import Which
from transship.transfers.limits import changed
from transship.transfers.preview import Preview

if TYPE_CHECKING:
    from transship.plans.plan import Limits
    from transship.registry.inspection import Inspection
    from transship.transfers.job_view import CopyRow, JobEvent, JobView
    from transship.transfers.limits import LimitRequest
    from transship.transfers.scanner import ScanProgress
    from transship.transfers.verify import Proof, VerifyProgress


@dataclass
class FakeEngine(FakePlans, FakeParts, FakeCutovers, FakeDelegates, Subjects):
    """What the app asks for, answered from what the test put in.

    `failures` are raised, by the name of the method, instead of an answer. `gates` hold a method
    up, by its name, until the test sets the event. `asked` lists what was called, in order.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    known: list[Account] = field(default_factory=list)
    catalog: dict[str, list[str]] = field(default_factory=dict)
    tag_lists: dict[str, list[str]] = field(default_factory=dict)
    bad_names: dict[str, list[str]] = field(default_factory=dict)
    """What is left out of a catalog or a tag list, by the key that that has."""
    inspections: dict[str, Inspection] = field(default_factory=dict)
    examinations: dict[str, Examination] = field(default_factory=dict)
    worklist: Worklist = field(default_factory=lambda: Worklist((), (), {}))
    foreseen: Preview | None = None
    """What a preview shows; without it, just the worklist."""
    proof: Proof | None = None
    views: list[JobView] = field(default_factory=list)
    job_plans: dict[str, Plan] = field(default_factory=dict)
    copies: dict[str, list[CopyRow]] = field(default_factory=dict)
    held: dict[str, dict[str, Limits]] = field(default_factory=dict)
    """The limits of each registry, by the job."""
    happened: dict[str, list[JobEvent]] = field(default_factory=dict)
    keyring_status: SecretStatus = field(default_factory=lambda: SecretStatus("ok"))
    failures: dict[str, Exception] = field(default_factory=dict)
    without_secret: set[str] = field(default_factory=set)
    """The hosts whose secret isn't there: what reaches for them fails until it was typed."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    asked: list[tuple[str, object]] = field(default_factory=list)
    started: list[Plan] = field(default_factory=list)
    deleting: list[Plan] = field(default_factory=list)
    """Those of the started that may delete."""

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.clock)
        self.listings = listings_of(self)

    def accounts(self) -> tuple[Account, ...]:
        self._fail("accounts")
        return tuple(self.known)

    def resolve(self, text: str) -> Reference:
        name, slash, rest = text.partition("/")
        host = next((a.host for a in self.known if name in (a.alias, a.host)), name)
        return parse_reference(f"{host}{slash}{rest}")

    def is_secret_gone(self, account: Account) -> bool:
        return account.host in self.without_secret

    async def keyring(self) -> SecretStatus:
        await self._reach("keyring", None)
        return self.keyring_status

    async def examine(self, account: Account, secret: str | None = None) -> Examination:
        await self._reach("examine", account.host)
        default = Examination(service_of(account.host), "verified", secret is not None, lists=True)
        return self.examinations.get(account.host, default)

    async def sign_in(self, account: Account, secret: str | None) -> Account:
        await self._reach("sign_in", account)
        self.without_secret.discard(account.host)
        self.known = [a for a in self.known if a.host != account.host] + [account]
        return account

    async def sign_out(self, host: str) -> None:
        await self._reach("sign_out", host)
        if all(account.host != host for account in self.known):
            raise AccountNotFound(host)
        self.known = [account for account in self.known if account.host != host]

    async def keep_repositories(self, host: str, names: Sequence[str]) -> None:
        await self._reach("keep_repositories", (host, tuple(names)))
        self.known = [
            replace(a, repositories=tuple(names)) if a.host == host else a for a in self.known
        ]

    async def repositories(self, host: str) -> AsyncIterator[str]:
        await self._reach("repositories", host)
        for name in self.catalog.get(host, []):
            yield name

    async def tags(self, host: str, repository: str) -> AsyncIterator[str]:
        await self._reach("tags", f"{host}/{repository}")
        for tag in self.tag_lists.get(f"{host}/{repository}", []):
            yield tag

    def left_out(self, host: str, repository: str = "") -> Sequence[str]:
        return self.bad_names.get(f"{host}/{repository}" if repository else host, ())

    async def inspect(self, reference: Reference) -> Inspection:
        await self._reach("inspect", reference)
        return self.inspections[str(reference)]

    async def preview(self, plan: Plan, progress: ScanProgress) -> Preview:
        await self._reach("preview", plan)
        return self.foreseen or Preview(self.worklist)

    async def start(self, plan: Plan, *, deletes: bool = False) -> str:
        await self._reach("start", plan)
        self.started.append(plan)
        self.deleting += [plan] if deletes else []
        return f"job{len(self.started)}"

    def all_jobs(self) -> list[JobView]:
        self._fail("jobs")
        return list(self.views)

    def job(self, job: str) -> JobView:
        for view in self.views:
            if view.id == job:
                return view
        raise JobNotFound(job)

    def plan(self, job: str) -> Plan:
        return self.job_plans[job]

    def copy_ids(self, job: str, which: Which, pattern: str = "") -> Sequence[int]:
        self._fail("copy_ids")
        rows = [row for row in self.copies.get(job, []) if _is(row, which)]
        return [row.copy.id for row in rows if matches(pattern, str(row.copy.source))]

    def copy_rows(self, job: str, ids: Sequence[int]) -> list[CopyRow]:
        wanted = set(ids)
        self.asked.append(("copy_rows", (job, len(wanted))))
        return [row for row in self.copies.get(job, []) if row.copy.id in wanted]

    def events(self, job: str) -> list[JobEvent]:
        return list(self.happened.get(job, []))

    def pause(self, job: str) -> None:
        self._do("pause", job, JobState.PAUSED)

    def cancel(self, job: str) -> None:
        self._do("cancel", job, JobState.CANCELLED)

    def limits(self, job: str) -> Mapping[str, Limits]:
        self._fail("limits")
        return dict(self.held[job])

    def limit(self, job: str, wish: LimitRequest) -> None:
        self._fail("limit")
        self.held[job] = self.held[job] | {
            wish.registry: changed(self.held[job][wish.registry], wish)
        }

    async def resume(self, job: str) -> None:
        await self._reach("resume", job)
        self._do("resume", job, JobState.RUNNING)

    async def retry(self, job: str) -> None:
        await self._reach("retry", job)
        self._do("retry", job, JobState.RUNNING)

    async def verify(self, plan: Plan, progress: VerifyProgress, *, deep: bool = False) -> Proof:
        await self._reach("verify", plan)
        assert self.proof is not None
        return self.proof

    async def aclose(self) -> None:
        self.asked.append(("aclose", None))

    def _do(self, name: str, job: str, state: JobState) -> None:
        self._fail(name)
        self.asked.append((name, job))
        self.views = [replace(v, state=state) if v.id == job else v for v in self.views]

    async def _reach(self, name: str, what: object) -> None:
        self.asked.append((name, what))
        if name in self.gates:
            await self.gates[name].wait()
        self._fail(name)
        for host in sorted(self.without_secret):
            if name != "sign_in" and _is_meant(host, what):
                raise SecretMissing(f"The secret at {host} was for one run only", host)

    def _fail(self, name: str) -> None:
        if name in self.failures:
            raise self.failures[name]


def _is_meant(host: str, what: object) -> bool:
    """Tell whether a registry is one of those that something asks for."""
    if isinstance(what, Plan):
        return host in {place.registry for place in what.places}
    return isinstance(what, str) and what.partition("/")[0] == host


def _is(row: CopyRow, which: Which) -> bool:
    if which is Which.SKIPPED:
        return row.state is CopyState.DONE and row.copy.verdict is Verdict.SKIP
    states = {Which.ACTIVE: CopyState.RUNNING, Which.FAILED: CopyState.FAILED}
    return states.get(which, row.state) is row.state
