"""The cutovers of the operator: begun, checked, watched, changed, taken back, reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from transship.app.connections import Connections
from transship.app.jobs import Jobs
from transship.clock import Clock
from transship.cutover.change import execution
from transship.cutover.change.provider import (
    TsigKey,
    api_key,
    store_api_key,
    store_tsig_key,
    tsig_key,
)
from transship.cutover.change.records import (
    PlannedChange,
    desired_records,
    leading_records,
    touched_records,
)
from transship.cutover.change.settings import (
    ManualSettings,
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    check_zone_contains,
    open_provider,
)
from transship.cutover.domain import (
    Domain,
    Resolver,
    Subject,
    host_and_port,
    host_name,
    parse_domain,
)
from transship.cutover.evidence import Evidence, NamedPull, Statement
from transship.cutover.folder import CutoverFolder, CutoverStore
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.cutover.progress import CutoverState
from transship.errors import (
    BadFile,
    BadRequest,
    ByHandOnly,
    ChangeBlocked,
    KeyMissing,
    LossUnknown,
    RecordNotPlain,
    RollbackBlocked,
    TransshipError,
    WritesOff,
)
from transship.oci.reference import Reference
from transship.operator import this_operator
from transship.plans.file import PlanFolder, read_plan

if TYPE_CHECKING:
    from transship.accounts.secrets import SecretStatus, SecretStore
    from transship.cutover.catchup import CatchupRound, KeptSide, RoundAction
    from transship.cutover.change.records import Edit, PlannedChange
    from transship.cutover.evidence import Parity, ZoneEvidence
    from transship.cutover.folder import CutoverFolder
    from transship.cutover.in_sync import CutoverListing, CutoverRegistries
    from transship.cutover.journal import CutoverJournal
    from transship.cutover.observe.dns_queries import DnsClient
    from transship.cutover.observe.endpoint import TrialCredential
    from transship.cutover.observer import DnsObserver, ObserverSetup
    from transship.cutover.progress import CutoverProgress
    from transship.cutover.status import CutoverStatus
    from transship.cutover.watch import CutoverWatch
    from transship.plans.plan import Plan
    from transship.registry.access import Access

Tell = Callable[[str], None]
"""Is given what is being done, or what name servers say, in one line."""


def tell_nobody(_: str) -> None:
    """Tell nobody."""


_Act = Callable[
    [execution.RecordChange, Subject, execution.ChangeResult | None],
    Awaitable[execution.ChangeResult | None],
]
"""What to do, given what became of a change that was broken off."""


class _KeysOfProviders:
    """The keyring, before which the secrets for this run are looked at."""

    def __init__(self, session: SecretStore, keyring: SecretStore) -> None:
        self._session = session
        self._keyring = keyring

    async def get(self, host: str, username: str) -> str | None:
        found = await self._session.get(host, username)
        return found or await self._keyring.get(host, username)

    async def set(self, host: str, username: str, secret: str) -> None:
        await self._keyring.set(host, username, secret)
        # One that was for this run would be found before it. A session can be the keyring too.
        if self._session is not self._keyring:
            await self._session.delete(host, username)

    async def delete(self, host: str, username: str) -> bool:
        known = await self._session.delete(host, username)
        return await self._keyring.delete(host, username) or known

    async def probe(self) -> SecretStatus:
        return await self._keyring.probe()


BY_HAND = ManualSettings()


@dataclass(frozen=True, slots=True)
class CutoverRequest:
    """A cutover as an operator writes it down. `resolvers` and the rest may be empty.

    `job` is a job's id, `plan` a file or a plan's name: tags are compared by what that copied.
    """

    domain: str
    new: str
    old: str = ""
    record: str = ""
    resolvers: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    node_ca: str = ""
    public: bool = True
    job: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What trying one field has shown: a word for the state, and what was seen.

    `good` is None where it forbids nothing and should be known. `proposal` is what another field
    could hold because of it.
    """

    good: bool | None
    words: str
    proposal: str = ""


FRESH = 30.0
"""So long, in seconds, a comparison is good enough to go back by."""


class CutoverFiles:
    """The cutovers that are kept, and how each stands. `read_only` keeps records from changing."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.store = CutoverStore(folder)
        self.clock = clock
        self.read_only = False

    def status(self, cutover: CutoverFolder, checking: str = "") -> CutoverStatus:
        """Return how a cutover stands, from what is kept of it. Raises BadFile."""
        from transship.cutover.status import status_of

        return status_of(cutover, self.clock.now(), read_only=self.read_only, checking=checking)

    def dns_client(self, subject: Subject) -> DnsClient:
        """Return what asks name servers and resolvers for a cutover."""
        from transship.cutover.observe.dns_queries import DnsClient

        return DnsClient(self.clock, served=subject.served)


class CutoverRounds:
    """Rounds between the old registry and the new one, and what a job or a plan says of their tags.

    `every` is how long to wait between two rounds, in seconds, at least. What makes and judges
    them is imported where it does: the app opens without it.
    """

    every: float = 30.0

    def __init__(self, cutovers: CutoverFiles, connections: Connections, jobs: Jobs) -> None:
        self._cutovers = cutovers
        self._connections = connections
        self._jobs = jobs

    def job_named(self, text: str) -> str:
        """Return the id of the job that a text is, or begins. Raises JobNotFound."""
        return self._jobs.store.find(text).id

    async def compare(self, name: str) -> CutoverStatus:
        """Compare both registries once, and judge anew; copies nothing."""
        cutover = self._cutovers.store.find(name)
        return await self._connections.doing(lambda: self._once(cutover, "look"))

    async def catch_up(self, name: str) -> CutoverStatus:
        """Copy to the new registry, once, what is pushed to the old one alone, and judge anew."""
        cutover = self._cutovers.store.find(name)
        with cutover.locked("delta"):
            return await self._connections.doing(lambda: self._once(cutover, "copy"))

    async def copy_back(self, name: str) -> CutoverStatus:
        """Copy to the old registry what only the new one has, by a job, and judge anew."""
        cutover = self._cutovers.store.find(name)
        with cutover.locked("back"):
            return await self._connections.doing(lambda: self._once(cutover, "back"))

    async def run(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Copy to the new registry what is pushed to the old one alone, round after round."""
        cutover = self._cutovers.store.find(name)
        self._check_writes("copy")
        async with aclosing(self._connections.giving(lambda: self._rounds(cutover))) as standings:
            async for standing in standings:
                yield standing

    async def _rounds(self, cutover: CutoverFolder) -> AsyncGenerator[CutoverStatus]:
        from transship.cutover.catchup import run_rounds
        from transship.cutover.status import moved_since

        subject = cutover.subject()
        news: asyncio.Queue[CatchupRound | TransshipError] = asyncio.Queue()
        with cutover.locked("delta"), cutover.journal() as journal:
            sides = await self._sides(subject, journal)
            going = asyncio.create_task(
                run_rounds(
                    sides,
                    journal,
                    self._cutovers.clock,
                    not_before=lambda: moved_since(subject, journal, self._cutovers.clock.now()),
                    every=self.every,
                    tell=news.put_nowait,
                )
            )
            try:
                while not going.done() or not news.empty():
                    waiting = asyncio.create_task(news.get())
                    await asyncio.wait({waiting, going}, return_when=asyncio.FIRST_COMPLETED)
                    if waiting.done():
                        yield self._told(cutover, waiting.result())
                    else:
                        waiting.cancel()
                going.result()
                yield self._cutovers.status(cutover)
            finally:
                going.cancel()
                await asyncio.gather(going, return_exceptions=True)

    def _told(self, cutover: CutoverFolder, news: CatchupRound | TransshipError) -> CutoverStatus:
        waits = f"{news}; asked again" if isinstance(news, TransshipError) else ""
        return self._cutovers.status(cutover, waits)

    def keep_tag(self, name: str, tag: str, keep: KeptSide) -> CutoverStatus:
        """Say which registry's image a tag is to have that both have pushed."""
        from transship.cutover.catchup import choose_tag, tag_name
        from transship.views.cutover import undecided_tags

        cutover = self._cutovers.store.find(name)
        asked = {tag_name(each): each for each in undecided_tags(self._cutovers.status(cutover))}
        if tag not in asked:
            which = ", ".join(asked) or "none"
            raise BadRequest(f"nobody has asked about {tag}; to be decided: {which}")
        with cutover.journal() as journal:
            choose_tag(journal, asked[tag], keep, self._cutovers.clock.now(), this_operator())
        return self._cutovers.status(cutover)

    def _check_writes(self, doing: RoundAction) -> None:
        if self._cutovers.read_only and doing != "look":
            raise WritesOff("no tag is copied either")

    async def _once(self, cutover: CutoverFolder, doing: RoundAction) -> CutoverStatus:
        await self._made(cutover, doing)
        return self._cutovers.status(cutover)

    async def _made(self, cutover: CutoverFolder, doing: RoundAction) -> CatchupRound:
        from transship.cutover.catchup import run_round

        self._check_writes(doing)
        with cutover.journal() as journal:
            sides = await self._sides(cutover.subject(), journal)
            return await run_round(sides, journal, self._cutovers.clock, doing, this_operator())

    async def compare_just_now(self, cutover: CutoverFolder) -> None:
        """Compare both registries, unless that was done a moment ago.

        Raises LossUnknown where that can't be done.
        """
        from transship.cutover.catchup import last_round
        from transship.cutover.status import change_seen_at

        with cutover.journal() as journal:
            last = last_round(journal)
            since, _ = change_seen_at(cutover.subject(), journal, self._cutovers.clock.now())
        if last is not None and last.at >= max(since, self._cutovers.clock.now() - FRESH):
            return
        try:
            await self._made(cutover, "look")
        except TransshipError as error:
            raise LossUnknown(f"both registries can't be compared anew: {error}") from error

    async def _sides(self, subject: Subject, journal: CutoverJournal) -> CutoverRegistries:
        """Open both registries. Raises BadRequest where the old one isn't named."""
        from transship.cutover.catchup import add_agreed
        from transship.cutover.in_sync import CutoverRegistries, copies_of

        if not subject.old:
            raise BadRequest(
                "the old registry isn't named",
                remedy="Begin the cutover with --from HOST to keep both registries in step.",
            )
        if subject.job:
            copies = copies_of(self._jobs.store.find(subject.job), subject.new)
            add_agreed(journal, copies.agreed(), self._cutovers.clock.now())
        listing = await self._listing(subject)
        return CutoverRegistries(
            listing, self._jobs.store, journal, self._cutovers.clock, self._jobs.begin
        )

    async def _listing(self, subject: Subject) -> CutoverListing:
        from transship.cutover.in_sync import FullListing, PlannedListing, between

        hosts = (subject.old, subject.new)
        old, new = await self._connections.at(subject.old), await self._connections.at(subject.new)
        plan = self._followed(subject)
        if plan is not None:
            return PlannedListing(between(plan, *hosts), old, new, hosts, self._cutovers.clock)
        known = (*self._named(hosts), *_tried(subject))
        return FullListing(old, new, hosts, known=known)

    def _followed(self, subject: Subject) -> Plan | None:
        if subject.job:
            return self._jobs.store.find(subject.job).plan()
        return read_plan(Path(subject.plan), self._connections.place) if subject.plan else None

    def _named(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Return the repositories that the operator named for registries that don't list them."""
        accounts = (self._connections.accounts.find(host) for host in hosts)
        return tuple(name for account in accounts if account for name in account.repositories)

    def comparison(
        self, subject: Subject, cutover: CutoverFolder | None = None
    ) -> Callable[[], Awaitable[Parity]] | None:
        """Return what compares the tags for a check; None where both registries are listed for it.

        For a cutover that is kept it is a round that copies nothing, which keeps what both sides
        agree on. Only before the change a job tells enough: what is pushed later isn't in it.
        """
        from transship.cutover.status import CHANGED_STATES

        changed = cutover is not None and self._cutovers.status(cutover).state in CHANGED_STATES
        if subject.job and not (changed and subject.old):
            return lambda: self._parity_of_job(subject)
        if cutover is not None and subject.old:
            kept = cutover
            return lambda: self._parity_of_round(kept, subject)
        return (lambda: self._parity_of_plan(subject)) if subject.plan else None

    async def _parity_of_round(self, cutover: CutoverFolder, subject: Subject) -> Parity:
        from transship.cutover.observe.parity import compare_listed

        try:
            return (await self._made(cutover, "look")).parity
        except TransshipError:
            if subject.job or subject.plan:
                raise
            # What can't be seen of one repository keeps a round from being made, but not a check.
            old, new = (
                await self._connections.at(subject.old),
                await self._connections.at(subject.new),
            )
            return await compare_listed(old, new, known=_tried(subject))

    async def _parity_of_job(self, subject: Subject) -> Parity:
        from transship.cutover.in_sync import copies_of, parity_of_job

        copies = copies_of(self._jobs.store.find(subject.job), subject.new)
        old = await self._connections.at(subject.old) if subject.old else None
        return await parity_of_job(copies, old, await self._connections.at(subject.new))

    async def _parity_of_plan(self, subject: Subject) -> Parity:
        from transship.cutover.in_sync import parity_of_plan

        plan = read_plan(Path(subject.plan), self._connections.place)
        places = {each.registry: await self._connections.at(each.registry) for each in plan.places}
        name = Path(subject.plan).name
        return await parity_of_plan(plan, name, places, subject.new, self._cutovers.clock)


def _tried(subject: Subject) -> tuple[str, ...]:
    """Return the repositories that are tried; they are compared although nobody lists them."""
    from transship.cutover.observer import repository_of  # The app opens without what asks DNS.

    return tuple(dict.fromkeys(map(repository_of, subject.repositories)))


class CutoverChecks:
    """What is seen of a cutover: tried while it is filled in, checked, watched, after the change.

    What asks DNS and servers, and what judges, is imported where it does: the app opens without it.
    """

    def __init__(
        self,
        cutovers: CutoverFiles,
        connections: Connections,
        rounds: CutoverRounds,
        plans: PlanFolder,
    ) -> None:
        self._cutovers = cutovers
        self._connections = connections
        self._rounds = rounds
        self._plans = plans
        self._watch: tuple[str, CutoverWatch, asyncio.AbstractEventLoop] | None = None

    def subject_of(self, wished: CutoverRequest) -> Subject:
        """Return what a cutover is about, checked and with all that was left out.

        Raises BadDomain, BadRequest, JobNotFound and PlanNotFound.
        """
        from transship.cutover.observer import make_subject

        if wished.job and wished.plan:
            raise BadRequest("--job and --plan exclude one another")
        return make_subject(
            parse_domain(wished.domain),
            self._host(wished.new),
            old=self._host(wished.old),
            record=wished.record,
            resolvers=wished.resolvers,
            repositories=wished.repositories,
            node_ca=str(Path(wished.node_ca).expanduser().absolute()) if wished.node_ca else "",
            public=wished.public,
            job=self._rounds.job_named(wished.job) if wished.job else "",
            plan=str(self._plans.find(wished.plan).absolute()) if wished.plan else "",
        )

    def _host(self, text: str) -> str:
        """Return the host that an alias, or a host with or without its port, stands for.

        Raises BadDomain.
        """
        account = self._connections.accounts.find(text)
        host, port = host_and_port(account.host if account else text)
        if not host:
            return ""
        return host_name(host) if port is None else f"{host_name(host)}:{port}"

    async def try_domain(self, text: str) -> TrialResult:
        """Tell where a domain leads today; the proposal is the old registry."""
        from transship.app.domain_trial import try_domain

        domain = parse_domain(text)
        subject = Subject(domain, "")
        return await try_domain(
            self._cutovers.dns_client(subject), domain, self.resolvers_of(subject)
        )

    async def try_new(self, wished: CutoverRequest) -> TrialResult:
        """Tell whether the new registry answers under the domain's name, with a certificate."""
        from transship.app.domain_trial import try_new

        subject = self.subject_of(wished)
        return await try_new(
            self._cutovers.dns_client(subject), subject, self.resolvers_of(subject)
        )

    async def try_resolver(self, text: str, domain: str) -> TrialResult:
        """Tell what a resolver says of the domain."""
        from transship.app.domain_trial import try_resolver
        from transship.cutover.observe.resolvers import observe_resolver, parse_resolver

        resolver = parse_resolver(text)
        subject = Subject(parse_domain(domain), "")
        seen = await observe_resolver(
            self._cutovers.dns_client(subject), resolver, subject.domain.name, samples=1
        )
        return try_resolver(seen)

    async def check(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Make all checks; give what is known whenever that is more, the whole at the end."""
        async with aclosing(self._connections.giving(lambda: self._checked(name))) as standings:
            async for standing in standings:
                yield standing

    async def _checked(self, name: str) -> AsyncGenerator[CutoverStatus]:
        from transship.cutover.observer import observe_all

        cutover = self._cutovers.store.find(name)
        subject = cutover.subject()
        means = await self._means(subject, cutover)
        with cutover.journal() as journal:
            before = journal.evidence()
            evidence: Evidence | None = None
            async for look in observe_all(subject, means, before):
                evidence = look.evidence
                if look.checking:
                    yield self._cutovers.status(cutover, look.checking)
            if evidence is not None:
                if evidence.zone is not None:
                    journal.saw_servers(evidence.zone, self._cutovers.clock.now())
                journal.saw_resolvers(evidence.resolvers)
                journal.add(
                    EntryKind.EVIDENCE, evidence, self._cutovers.clock.now(), this_operator()
                )
        yield self._cutovers.status(cutover)

    async def check_once(self, subject: Subject) -> AsyncGenerator[CutoverStatus]:
        """Make all checks of what isn't kept; give what is known by and by, the whole at the end.

        Nothing is written anywhere.
        """
        from transship.cutover.observer import observe_all
        from transship.cutover.status import status_from_evidence

        async for look in observe_all(subject, await self._means(subject)):
            standing = status_from_evidence(subject, look.evidence, self._cutovers.clock.now())
            yield replace(standing, checking=look.checking)

    async def watch(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Ask the name servers and resolvers again and again; give what they say each time.

        Once the change is made, images are pulled by the domain as well.
        """
        async with aclosing(self._connections.giving(lambda: self._watched(name))) as standings:
            async for standing in standings:
                yield standing

    async def _watched(self, name: str) -> AsyncGenerator[CutoverStatus]:
        from transship.cutover.watch import AfterChange, CutoverWatch

        cutover = self._cutovers.store.find(name)
        subject = cutover.subject()
        told = asyncio.Event()

        def tell(_: CutoverProgress) -> None:
            told.set()

        with cutover.locked("watch"), cutover.journal() as journal:
            watch = CutoverWatch(
                subject,
                journal,
                self.dns_observer(subject, journal),
                self._cutovers.clock,
                tell,
                after=AfterChange(
                    lambda: self._looked_after(subject, journal),
                    lambda: self._pulled(subject, journal),
                ),
            )
            self._watch = (cutover.id, watch, asyncio.get_running_loop())
            running = asyncio.create_task(watch.run())
            try:
                while not running.done():
                    waiting = asyncio.create_task(told.wait())
                    await asyncio.wait({waiting, running}, return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                    told.clear()
                    yield replace(self._cutovers.status(cutover), trouble=watch.trouble)
                running.result()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def look_after_change(self, name: str) -> CutoverStatus:
        """Look at DNS anew and pull by the domain, as this machine and each resolver find it."""
        return await self._connections.doing(lambda: self._looked_once_after(name))

    async def _looked_once_after(self, name: str) -> CutoverStatus:
        cutover = self._cutovers.store.find(name)
        with cutover.journal() as journal:
            seen = await self._looked_after(cutover.subject(), journal)
            journal.add(EntryKind.FOLLOWED, seen, self._cutovers.clock.now(), this_operator())
        return self._cutovers.status(cutover)

    async def _looked_after(self, subject: Subject, journal: CutoverJournal) -> Evidence:
        from transship.cutover.observer import observe_change

        return await observe_change(subject, await self._setup(subject), journal.evidence())

    async def _pulled(self, subject: Subject, journal: CutoverJournal) -> tuple[NamedPull, ...]:
        from transship.cutover.observer import pulls_by_name

        known = journal.evidence() or Evidence(self._cutovers.clock.now())
        return await pulls_by_name(subject, await self._setup(subject), known)

    async def _setup(self, subject: Subject) -> ObserverSetup:
        """Return what it takes to look, and to pull, without listing either registry."""
        from transship.cutover.observe.endpoint import TargetOptions
        from transship.cutover.observer import ObserverSetup

        resolvers = self.resolvers_of(subject)
        wishes = TargetOptions(await self._sign_ins(subject))
        return ObserverSetup(self._cutovers.dns_client(subject), resolvers, resolvers, wishes)

    async def _means(self, subject: Subject, cutover: CutoverFolder | None = None) -> ObserverSetup:
        from transship.app.domain_trial import domain_service

        means = replace(
            await self._setup(subject),
            compare=self._rounds.comparison(subject, cutover),
            service=domain_service(
                subject.new, self._connections.accounts, self._access_at, self._cutovers.clock
            ),
        )
        if not subject.old or means.compare is not None:
            return means
        try:
            old, new = (
                await self._connections.at(subject.old),
                await self._connections.at(subject.new),
            )
        except TransshipError as error:
            return replace(means, untold=f"{error.title}: {error.detail}")
        return replace(means, old=old, new=new)

    async def _access_at(self, host: str) -> Access:
        return await self._connections.access(Reference(host))

    async def _sign_ins(self, subject: Subject) -> tuple[TrialCredential, ...]:
        """Return the sign-ins that are known: the domain's own, which nodes have, come first."""
        from transship.cutover.observe.endpoint import TrialCredential

        found = []
        for host in dict.fromkeys((subject.domain.host, subject.old, subject.new)):
            if not host:
                continue
            try:
                credential = (await self._connections.access(Reference(host))).credential
            except TransshipError:
                continue  # What can't be had is tried nowhere, and stays an open question.
            if credential is not None:
                found.append(TrialCredential(credential, in_use=host == subject.domain.host))
        return tuple(found)

    def resolvers_of(self, subject: Subject) -> tuple[Resolver, ...]:
        """Return the resolvers that are looked at, the first of them also looked through."""
        from transship.cutover.observer import resolvers_of  # The app opens without what asks DNS.

        return resolvers_of(subject)

    def dns_observer(self, subject: Subject, journal: CutoverJournal) -> DnsObserver:
        """Return what looks at name servers and resolvers, from what was seen last."""
        from transship.cutover.observer import DnsObserver

        evidence = journal.evidence()
        resolvers = self.resolvers_of(subject)
        zone = evidence.zone if evidence else None
        return DnsObserver(self._cutovers.dns_client(subject), subject, resolvers, resolvers, zone)

    def hurry_watch(self, cutover: str) -> None:
        """Let the watch of a cutover, if there is one, look at once."""
        if self._watch is not None and self._watch[0] == cutover:
            _, watch, loop = self._watch
            # A loop that is closed watches nothing any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(watch.hurry)


class RecordChanges:
    """Changes of the record of a domain, and the keys that they need.

    `patience` is how long name servers are waited for after a change.
    """

    patience = execution.ReadBackPolicy()

    def __init__(
        self,
        cutovers: CutoverFiles,
        connections: Connections,
        rounds: CutoverRounds,
        checks: CutoverChecks,
    ) -> None:
        self._cutovers = cutovers
        self._connections = connections
        self._rounds = rounds
        self._checks = checks

    @property
    def secret_store(self) -> SecretStore:
        """Where the keys of DNS providers are kept; those for this run only are found first."""
        return _KeysOfProviders(
            self._connections.sources.session, self._connections.sources.keyring
        )

    def provider(self, name: str) -> ProviderSettings:
        """Return how a cutover's record is changed. Raises CutoverNotFound."""
        return self._cutovers.store.find(name).way()

    def set_provider(self, name: str, way: ProviderSettings) -> CutoverStatus:
        """Say anew how a cutover's record is changed.

        Raises CutoverBusy while it is, and BadRequest where the way's zone is another.
        """
        cutover = self._cutovers.store.find(name)
        check_zone_contains(way, cutover.subject().domain.name)
        with cutover.locked("change"):
            cutover.write(cutover.subject(), way)
        return self._cutovers.status(cutover)

    async def is_key_kept(self, way: ProviderSettings) -> bool:
        """Tell whether the keyring has the secret that a way needs, or it needs none."""
        try:
            match way:
                case Rfc2136Settings():
                    await tsig_key(self.secret_store, way.address, way.key, way.algorithm)
                case PowerDnsSettings():
                    await api_key(self.secret_store, way.url)
        except KeyMissing:
            return False
        return True

    async def keep_key(
        self, way: ProviderSettings, secret: str, *, for_this_run: bool = False
    ) -> None:
        """Keep the secret that a way needs in the keyring, or in memory for this run only."""
        store = self._connections.sources.session if for_this_run else self.secret_store
        match way:
            case Rfc2136Settings():
                key = TsigKey(way.key, secret, way.algorithm)
                await store_tsig_key(store, way.address, key)
            case PowerDnsSettings():
                await store_api_key(store, way.url, secret)

    async def try_key(self, way: ProviderSettings, name: str) -> None:
        """Read what a name holds at its provider, which shows whether that accepts the key.

        Changes nothing. Raises KeyMissing, KeyRefused, ProviderRefused, ProviderUnreachable,
        ExtraMissing, BadRequest and the `Keyring...` errors.
        """

        async def look() -> ZoneEvidence:
            raise ByHandOnly(name)

        applier = await open_provider(way, self.secret_store, look, self._cutovers.clock)
        with suppress(RecordNotPlain):  # What reads as much as that has the right key.
            await applier.read(name)

    async def change(
        self, name: str, *, shown: Edit | None = None, tell: Tell = tell_nobody
    ) -> str:
        """Change the record by the applier, and see that it was; return what became of it."""
        cutover = self._cutovers.store.find(name)
        edit = shown or self._cutovers.status(cutover).edit

        async def act(
            change: execution.RecordChange, subject: Subject, resumed: execution.ChangeResult | None
        ) -> execution.ChangeResult:
            if resumed is not None and _was_made(resumed, "change"):
                return resumed
            host = subject.domain.name
            now = await change.applier.read(host)
            seen = (
                edit.takes
                if edit
                else touched_records(now, desired_records(host, [subject.points_at], 0))
            )
            ttl = subject.new_ttl(each.ttl for each in leading_records((*now, *seen)))
            new = desired_records(host, [subject.points_at], ttl)
            there = await execution.confirm_made(change, now, new)
            if there is not None:
                return there
            if not change.applier.writes:
                return await execution.apply_change(
                    change, await execution.prepare_change(change, host, new)
                )
            # It is looked at before it is compared, so that the next edit shown is the right one.
            why = await self._why_not_now(cutover, tell)
            await execution.check_as_shown(change, new, seen)
            if why:
                raise ChangeBlocked(f"{subject.domain.host} {why}")
            planned = await execution.prepare_change(change, host, new, seen)
            tell("changing the record; waiting until every name server has it")
            return await execution.apply_change(change, planned)

        return await self._changing(name, act, tell)

    async def _why_not_now(self, cutover: CutoverFolder, tell: Tell) -> str:
        """Make all checks anew, and return what stands in the way of the change; empty: nothing."""
        from transship.views.cutover import why_no_change

        told = ""
        async with aclosing(self._checks.check(cutover.id)) as standings:
            async for standing in standings:
                if standing.checking not in ("", told):
                    told = standing.checking
                    tell(f"looking once more before the change: {told}")
        return why_no_change(self._cutovers.status(cutover), self._cutovers.clock.now())

    async def roll_back(
        self,
        name: str,
        *,
        accept_loss: bool,
        shown: PlannedChange | None = None,
        tell: Tell = tell_nobody,
    ) -> str:
        """Put the record back by the applier, and see that it was; return what became of it."""
        from transship.cutover.rollback import roll_back
        from transship.cutover.status import change_seen_at

        cutover = self._cutovers.store.find(name)
        if shown is None:
            known = self._cutovers.status(cutover).way_back
            shown = known.reverse if known else None
        if not accept_loss:
            await self._connections.doing(lambda: self._rounds.compare_just_now(cutover))
            known = self._cutovers.status(cutover).way_back
            if known is not None and known.blocked:
                raise RollbackBlocked(known.blocked)

        async def act(
            change: execution.RecordChange, subject: Subject, resumed: execution.ChangeResult | None
        ) -> execution.ChangeResult:
            if resumed is not None and _was_made(resumed, "rollback"):
                return resumed
            tell("putting the record back; waiting until every name server has it")
            since, until = change_seen_at(subject, change.journal, self._cutovers.clock.now())
            return await roll_back(
                change, since=since, until=until, accept_loss=accept_loss, seen=shown
            )

        return await self._changing(name, act, tell)

    async def end(self, name: str, *, tell: Tell = tell_nobody) -> str:
        """Read back what became of a change that was sent, and undo it if it went wrong."""

        async def nothing_more(*_: object) -> None:
            return None

        return await self._changing(name, nothing_more, tell)

    async def _changing(self, name: str, act: _Act, tell: Tell = tell_nobody) -> str:
        """Go on with a change that was broken off, if there is one, and then do `act`."""
        cutover = self._cutovers.store.find(name)
        subject = cutover.subject()
        with cutover.locked("change"), cutover.journal() as journal:
            observers = self._checks.dns_observer(subject, journal)

            async def look() -> ZoneEvidence:
                return await observers.servers(whole=True)

            applier = await open_provider(
                cutover.way(),
                self.secret_store,
                look,
                self._cutovers.clock,
                read_only=self._cutovers.read_only,
            )
            change = execution.RecordChange(
                journal,
                applier,
                observers,
                self._cutovers.clock,
                this_operator(),
                self.patience,
                lambda told: tell("; ".join(each.words for each in told)),
            )
            if execution.pending_change(journal) is not None:
                tell("an earlier change was broken off: reading back what became of it")
            resumed = await execution.resume_change(change)
            ended = await act(change, subject, resumed) or resumed
        self._checks.hurry_watch(cutover.id)
        if ended is None:
            return "no change was left without an end"
        return f"{ended.direction} {ended.outcome}" + (f": {ended.detail}" if ended.detail else "")


def _was_made(ended: execution.ChangeResult, direction: execution.ChangeDirection) -> bool:
    """Tell whether a change that was broken off had reached the provider, and was this one."""
    sent = ended.outcome not in (execution.ChangeOutcome.NOT_MADE, execution.ChangeOutcome.REFUSED)
    return sent and ended.direction == direction


@dataclass(frozen=True, slots=True)
class BegunCutover:
    """A cutover that was begun, and the domain's newest `before`: the same one, or another."""

    name: str
    before: CutoverStatus | None = None

    @property
    def is_known(self) -> bool:
        """Whether it was kept already."""
        return self.before is not None and self.before.name == self.name


class Cutovers:
    """The operator's cutovers, with the `checks`, `rounds` and `changes` of each."""

    def __init__(
        self, connections: Connections, folder: Path, jobs: Jobs, plans: PlanFolder
    ) -> None:
        self._cutovers = CutoverFiles(folder, connections.clock)
        self.rounds = CutoverRounds(self._cutovers, connections, jobs)
        self.checks = CutoverChecks(self._cutovers, connections, self.rounds, plans)
        self.changes = RecordChanges(self._cutovers, connections, self.rounds, self.checks)

    @property
    def read_only(self) -> bool:
        """Whether every change of a record, and every copy for one, is kept from being made."""
        return self._cutovers.read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._cutovers.read_only = value

    def all(self) -> Sequence[CutoverStatus]:
        """Return all cutovers with what was seen of them last, those that can't be read too."""
        return [self._status_or_problem(each) for each in self._cutovers.store.all()]

    def _status_or_problem(self, cutover: CutoverFolder) -> CutoverStatus:
        from transship.cutover.status import CutoverStatus

        try:
            return self._cutovers.status(cutover)
        except BadFile as error:
            domain = Domain(cutover.id.rpartition("-")[0])
            return CutoverStatus(cutover.id, Subject(domain, ""), problem=error.detail)

    def find(self, name: str) -> CutoverStatus:
        """Return one cutover with what was seen of it last. Raises CutoverNotFound."""
        return self._cutovers.status(self._cutovers.store.find(name))

    def add(self, subject: Subject, way: ProviderSettings = BY_HAND) -> str:
        """Keep a cutover, and return its name. `way` is how its record is changed.

        Raises BadRequest where the zone of the way doesn't contain the domain.
        """
        check_zone_contains(way, subject.domain.name)
        return self._cutovers.store.create(subject, way, at=self._cutovers.clock.now()).id

    def begin(self, subject: Subject, way: ProviderSettings = BY_HAND) -> BegunCutover:
        """Keep a cutover, unless the domain's newest is the same and its change is to come.

        Raises BadRequest where the zone of the way doesn't contain the domain.
        """
        before = next((each for each in self.all() if each.subject.domain == subject.domain), None)
        if before is None:
            return BegunCutover(self.add(subject, way))
        to_come = before.state in (CutoverState.BEFORE, CutoverState.READY)
        same = not before.problem and before.subject == subject and to_come
        if same and self.changes.provider(before.name) == way:
            return BegunCutover(before.name, before)
        return BegunCutover(self.add(subject, way), before)

    def forget(self, name: str) -> None:
        """Move a cutover's folder away. Raises CutoverBusy, and BadFile where it can't be moved."""
        self._cutovers.store.put_away(self._cutovers.store.find(name))

    def answer(self, name: str, question: str, answer: str) -> CutoverStatus:
        """Keep what the operator says of a question or a warning, and judge anew."""
        cutover, now, by = (
            self._cutovers.store.find(name),
            self._cutovers.clock.now(),
            this_operator(),
        )
        with cutover.journal() as journal:
            journal.add(EntryKind.STATEMENT, Statement(question, answer, now, str(by)), now, by)
        return self._cutovers.status(cutover)

    def state(self, name: str, statements: Sequence[tuple[str, str]]) -> CutoverStatus:
        """Keep what the operator says of several questions and warnings, and judge anew.

        Raises BadRequest, and keeps none, where something is acknowledged that nobody has found.
        """
        standing = self.find(name)
        check_acknowledged(standing, (each for each, _ in statements))
        for question, text in statements:
            standing = self.answer(standing.name, question, text)
        return standing

    async def write_report(self, name: str, path: str, form: str, *, replace: bool) -> Path:
        """Write the report for the change ticket; return the whole path of its file."""
        from transship.reports.cutover import CutoverReportForm, write_cutover_report

        standing, now = self.find(name), self._cutovers.clock.now()

        def write() -> Path:
            file = Path(path).expanduser().absolute()
            write_cutover_report(standing, file, CutoverReportForm(form), now, replace=replace)
            return file

        return await asyncio.to_thread(write)


def check_question(name: str) -> None:
    """Raise BadRequest for what is no question and, with its prefix, no check's warning."""
    from transship.cutover.questions import ACCEPTED_PREFIX, QUESTIONS
    from transship.cutover.rules.checks import CHECKS_BY_ID

    known = [each.id for each in QUESTIONS]
    if name.startswith(ACCEPTED_PREFIX):
        accepted = name.removeprefix(ACCEPTED_PREFIX)
        if accepted.partition("/")[0] not in CHECKS_BY_ID:
            raise BadRequest(
                f"{accepted} is no check", remedy="`transship check` shows them by id."
            )
    elif name not in known:
        raise BadRequest(f"{name} is no question", remedy=f"There are {', '.join(known)}.")


def check_acknowledged(standing: CutoverStatus, names: Iterable[str]) -> None:
    """Raise BadRequest where something is acknowledged that nobody has found."""
    from transship.cutover.finding import Severity
    from transship.cutover.questions import ACCEPTED_PREFIX

    for name in names:
        check, slash, finding = name.removeprefix(ACCEPTED_PREFIX).partition("/")
        result = standing.result(check) if name.startswith(ACCEPTED_PREFIX) else None
        if result is None or not slash:
            continue
        known = [each.id for each in result.findings if each.severity is Severity.WARN]
        if finding not in known:
            which = ", ".join(f"{check}/{each}" for each in known) or "nothing"
            raise BadRequest(
                f"{check} has no warning {finding}",
                remedy=f"There is {which} to be acknowledged of {check}.",
            )
