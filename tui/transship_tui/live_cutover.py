"""The part of the engine at work that moves domains."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from transship.accounts.credentials import Sources
from transship.accounts.registry_file import Accounts
from transship.accounts.secrets import SecretStore
from transship.clock import Clock
from transship.cutover import flipping, rollback
from transship.cutover.change.records import desired
from transship.cutover.change.ways import ByHand, Way, open_applier
from transship.cutover.checking import Means, everybody, look_at_all, subject_of
from transship.cutover.edits import TTL
from transship.cutover.evidence import Evidence, Statement, Zone
from transship.cutover.folder import Cutover, Cutovers
from transship.cutover.journal import Journal, Kind
from transship.cutover.looking import DnsObservers
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.names import host_name, parse_domain
from transship.cutover.observe.probing import SignIn
from transship.cutover.observe.resolving import parse_resolver, view
from transship.cutover.observe.targeting import Wishes
from transship.cutover.progress import Progress
from transship.cutover.reports.gathering import from_evidence, standing_of
from transship.cutover.reports.standing import Standing
from transship.cutover.reports.writing import Form, write_report
from transship.cutover.subject import Domain, Resolver, Subject
from transship.cutover.watching import Watch
from transship.errors import BadFile, TransshipError
from transship.oci.reference import Reference
from transship.operator import this_operator
from transship.paths import Paths, private_folder
from transship.registries.access import Access
from transship.registries.place import Place
from transship_tui.cutover_trying import tried_domain, tried_new, tried_resolver
from transship_tui.engine_cutover import Tried, Wished

BY_HAND = ByHand()
_Act = Callable[[flipping.Change, Subject], Awaitable[flipping.Ended]]


class LiveCutovers:
    """The operator's cutovers. `read_only` keeps every change of a record from being made."""

    clock: Clock
    _paths: Paths
    _accounts: Accounts
    _sources: Sources
    read_only: bool = False

    @abstractmethod
    async def _access(self, reference: Reference) -> Access: ...

    @abstractmethod
    async def _source(self, host: str) -> Place: ...

    @property
    def secret_store(self) -> SecretStore:
        """Where the keys of DNS providers are kept."""
        return self._sources.keyring

    @property
    def _cutovers(self) -> Cutovers:
        return Cutovers(self._paths.cutovers)

    def resolvers_of(self, subject: Subject) -> tuple[Resolver, ...]:
        """Return the resolvers that are looked at, the first of them also looked through."""
        return everybody(subject)

    def cutovers(self) -> Sequence[Standing]:
        """Return all cutovers with what was seen of them last, those that can't be read too."""
        return [self._standing_or_problem(each) for each in self._cutovers.all()]

    def _standing_or_problem(self, cutover: Cutover) -> Standing:
        try:
            return self._standing(cutover)
        except BadFile as error:
            domain = Domain(cutover.id.rpartition("-")[0])
            return Standing(cutover.id, Subject(domain, ""), problem=error.detail)

    def cutover(self, name: str) -> Standing:
        """Return one cutover with what was seen of it last. Raises CutoverNotFound."""
        return self._standing(self._cutovers.find(name))

    def _standing(self, cutover: Cutover, checking: str = "") -> Standing:
        return standing_of(cutover, self.clock.now(), read_only=self.read_only, checking=checking)

    def subject_of(self, wished: Wished) -> Subject:
        """Return what a cutover is about, checked and with all that was left out."""
        return subject_of(
            parse_domain(wished.domain),
            self._host(wished.new),
            old=self._host(wished.old),
            record=wished.record,
            resolvers=wished.resolvers,
            repositories=wished.repositories,
            node_ca=str(Path(wished.node_ca).expanduser().absolute()) if wished.node_ca else "",
        )

    def _host(self, text: str) -> str:
        """Return the host that an alias, or a host with or without its port, stands for."""
        account = self._accounts.find(text)
        host, colon, port = (account.host if account else text).partition(":")
        return f"{host_name(host)}{colon}{port}" if host else ""

    # Trying what is filled in

    async def try_domain(self, text: str) -> Tried:
        """Tell where a domain leads today; the proposal is the old registry."""
        domain = parse_domain(text)
        subject = Subject(domain, "")
        return await tried_domain(self._asker(subject), domain, self.resolvers_of(subject))

    async def try_new(self, wished: Wished) -> Tried:
        """Tell whether the new registry answers under the domain's name, with a certificate."""
        subject = self.subject_of(wished)
        return await tried_new(self._asker(subject), subject, self.resolvers_of(subject))

    async def try_resolver(self, text: str, domain: str) -> Tried:
        """Tell what a resolver says of the domain."""
        resolver = parse_resolver(text)
        subject = Subject(parse_domain(domain), "")
        seen = await view(self._asker(subject), resolver, subject.domain.name, samples=1)
        return tried_resolver(seen)

    # Keeping

    def add_cutover(self, subject: Subject, way: Way = BY_HAND) -> str:
        """Keep a cutover, and return its name. `way` is how its record is changed."""
        return self._cutovers.create(subject, way, at=self.clock.now()).id

    def forget_cutover(self, name: str) -> None:
        """Move a cutover's folder away. Raises CutoverBusy."""
        cutover = self._cutovers.find(name)
        with cutover.locked("watch"), cutover.locked("change"):
            away = private_folder(self._paths.cutovers.parent / "cutovers-put-away")
            try:
                cutover.folder.replace(away / cutover.id)
            except OSError as error:
                raise BadFile(f"{cutover.folder}: {error.strerror}") from error

    def answer_cutover(self, name: str, question: str, answer: str) -> Standing:
        """Keep what the operator says of a question or a warning, and judge anew."""
        cutover, now, by = self._cutovers.find(name), self.clock.now(), this_operator()
        with cutover.journal() as journal:
            journal.add(Kind.STATEMENT, Statement(question, answer, now, str(by)), now, by)
        return self._standing(cutover)

    # Looking

    async def check_cutover(self, name: str) -> AsyncGenerator[Standing]:
        """Make all checks; give what is known whenever that is more, the whole at the end."""
        cutover = self._cutovers.find(name)
        subject = cutover.subject()
        means = await self._means(subject)
        with cutover.journal() as journal:
            before = journal.evidence()
            evidence: Evidence | None = None
            async for look in look_at_all(subject, means, before):
                evidence = look.evidence
                if look.checking:
                    yield self._standing(cutover, look.checking)
            if evidence is not None:
                if evidence.zone is not None:
                    journal.saw_servers(evidence.zone, self.clock.now())
                journal.saw_resolvers(evidence.resolvers)
                journal.add(Kind.EVIDENCE, evidence, self.clock.now(), this_operator())
        yield self._standing(cutover)

    async def check_once(self, subject: Subject) -> AsyncGenerator[Standing]:
        """Make all checks of what isn't kept; give what is known by and by, the whole at the end.

        Nothing is written anywhere.
        """
        async for look in look_at_all(subject, await self._means(subject)):
            standing = from_evidence(subject, look.evidence, self.clock.now())
            yield replace(standing, checking=look.checking)

    async def watch_cutover(self, name: str) -> AsyncGenerator[Standing]:
        """Ask the name servers and resolvers again and again; give what they say each time."""
        cutover = self._cutovers.find(name)
        subject = cutover.subject()
        told = asyncio.Event()

        def tell(_: Progress) -> None:
            told.set()

        with cutover.locked("watch"), cutover.journal() as journal:
            watch = Watch(subject, journal, self._observers(subject, journal), self.clock, tell)
            running = asyncio.create_task(watch.run())
            try:
                while not running.done():
                    waiting = asyncio.create_task(told.wait())
                    await asyncio.wait({waiting, running}, return_when=asyncio.FIRST_COMPLETED)
                    waiting.cancel()
                    told.clear()
                    yield self._standing(cutover)
                running.result()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    def _observers(self, subject: Subject, journal: Journal) -> DnsObservers:
        evidence = journal.evidence()
        resolvers = self.resolvers_of(subject)
        zone = evidence.zone if evidence else None
        return DnsObservers(self._asker(subject), subject, resolvers, resolvers, zone)

    def _asker(self, subject: Subject) -> Asker:
        return Asker(self.clock, served=subject.served)

    async def _means(self, subject: Subject) -> Means:
        resolvers = self.resolvers_of(subject)
        means = Means(
            self._asker(subject), resolvers, resolvers, Wishes(await self._sign_ins(subject))
        )
        if not subject.old:
            return means
        try:
            old, new = await self._source(subject.old), await self._source(subject.new)
        except TransshipError as error:
            return replace(means, untold=f"{error.title}: {error.detail}")
        return replace(means, old=old, new=new)

    async def _sign_ins(self, subject: Subject) -> tuple[SignIn, ...]:
        """Return the sign-ins that are known: the domain's own, which nodes have, come first."""
        found = []
        for host in dict.fromkeys((subject.domain.host, subject.old, subject.new)):
            if not host:
                continue
            try:
                credential = (await self._access(Reference(host))).credential
            except TransshipError:
                continue  # What can't be had is tried nowhere, and stays an open question.
            if credential is not None:
                found.append(SignIn(credential, in_use=host == subject.domain.host))
        return tuple(found)

    # Changing

    async def change_record(self, name: str) -> str:
        """Change the record by the applier, and see that it was; return what became of it."""

        async def act(change: flipping.Change, subject: Subject) -> flipping.Ended:
            new = desired(subject.domain.name, [subject.points_at], TTL)
            planned = await flipping.prepare(change, subject.domain.name, new)
            return await flipping.flip(change, planned)

        return await self._changing(name, act)

    async def roll_back_record(self, name: str, *, accept_loss: bool) -> str:
        """Put the record back by the applier, and see that it was; return what became of it."""
        known = self.cutover(name).way_back
        nothing_is_lost = known is not None and not known.blocked

        async def act(change: flipping.Change, _: Subject) -> flipping.Ended:
            accepted = accept_loss or nothing_is_lost
            return await rollback.roll_back(change, accept_loss=accepted)

        return await self._changing(name, act)

    async def _changing(self, name: str, act: _Act) -> str:
        cutover = self._cutovers.find(name)
        subject = cutover.subject()
        with cutover.locked("change"), cutover.journal() as journal:
            observers = self._observers(subject, journal)

            async def look() -> Zone:
                return await observers.servers(whole=True)

            applier = await open_applier(
                cutover.way(), self.secret_store, look, self.clock, read_only=self.read_only
            )
            change = flipping.Change(journal, applier, observers, self.clock, this_operator())
            await flipping.resume(change)
            ended = await act(change, subject)
        return f"{ended.direction} {ended.outcome}" + (f": {ended.detail}" if ended.detail else "")

    async def write_cutover_report(self, name: str, path: str, form: str, *, replace: bool) -> Path:
        """Write the report for the change ticket; return the whole path of its file."""
        standing, now = self.cutover(name), self.clock.now()

        def write() -> Path:
            file = Path(path).expanduser().absolute()
            write_report(standing, file, Form(form), now, replace=replace)
            return file

        return await asyncio.to_thread(write)
