"""The part of the engine at work that moves domains."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from transship.cutover.change.settings import ProviderSettings, check_zone_contains
from transship.cutover.domain import Domain, Subject, host_and_port, host_name, parse_domain
from transship.cutover.evidence import Evidence, NamedPull, Statement
from transship.cutover.folder import CutoverFolder, CutoverStore
from transship.cutover.journal import CutoverJournal, EntryKind
from transship.errors import BadFile, TransshipError
from transship.oci.reference import Reference
from transship.operator import this_operator
from transship_tui.engine_cutover import BY_HAND, Tried, Wished
from transship_tui.live_changing import LiveChanging

if TYPE_CHECKING:
    from transship.accounts.registry_file import Accounts
    from transship.cutover.observe.endpoint import TrialCredential
    from transship.cutover.observer import ObserverSetup
    from transship.cutover.progress import CutoverProgress
    from transship.cutover.status import CutoverStatus
    from transship.paths import Paths
    from transship.registry.access import Access


class LiveCutovers(LiveChanging):
    """The operator's cutovers. `read_only` keeps every change of a record from being made.

    What asks DNS and servers, and what judges, is imported where it does: the app opens without it.
    """

    _paths: Paths
    _accounts: Accounts

    @abstractmethod
    async def _access(self, reference: Reference) -> Access: ...

    @property
    def _cutovers(self) -> CutoverStore:
        return CutoverStore(self._paths.cutovers)

    def cutovers(self) -> Sequence[CutoverStatus]:
        """Return all cutovers with what was seen of them last, those that can't be read too."""
        return [self._standing_or_problem(each) for each in self._cutovers.all()]

    def _standing_or_problem(self, cutover: CutoverFolder) -> CutoverStatus:
        from transship.cutover.status import CutoverStatus

        try:
            return self._standing(cutover)
        except BadFile as error:
            domain = Domain(cutover.id.rpartition("-")[0])
            return CutoverStatus(cutover.id, Subject(domain, ""), problem=error.detail)

    def cutover(self, name: str) -> CutoverStatus:
        """Return one cutover with what was seen of it last. Raises CutoverNotFound."""
        return self._standing(self._cutovers.find(name))

    def _standing(self, cutover: CutoverFolder, checking: str = "") -> CutoverStatus:
        from transship.cutover.status import status_of

        return status_of(cutover, self.clock.now(), read_only=self.read_only, checking=checking)

    def subject_of(self, wished: Wished) -> Subject:
        """Return what a cutover is about, checked and with all that was left out."""
        from transship.cutover.observer import make_subject

        return make_subject(
            parse_domain(wished.domain),
            self._host(wished.new),
            old=self._host(wished.old),
            record=wished.record,
            resolvers=wished.resolvers,
            repositories=wished.repositories,
            node_ca=str(Path(wished.node_ca).expanduser().absolute()) if wished.node_ca else "",
            public=wished.public,
            job=wished.job,
            plan=str(Path(wished.plan).expanduser().absolute()) if wished.plan else "",
        )

    def _host(self, text: str) -> str:
        """Return the host that an alias, or a host with or without its port, stands for.

        Raises BadDomain.
        """
        account = self._accounts.find(text)
        host, port = host_and_port(account.host if account else text)
        if not host:
            return ""
        return host_name(host) if port is None else f"{host_name(host)}:{port}"

    # Trying what is filled in

    async def try_domain(self, text: str) -> Tried:
        """Tell where a domain leads today; the proposal is the old registry."""
        from transship_tui.cutover_trying import tried_domain

        domain = parse_domain(text)
        subject = Subject(domain, "")
        return await tried_domain(self._asker(subject), domain, self.resolvers_of(subject))

    async def try_new(self, wished: Wished) -> Tried:
        """Tell whether the new registry answers under the domain's name, with a certificate."""
        from transship_tui.cutover_trying import tried_new

        subject = self.subject_of(wished)
        return await tried_new(self._asker(subject), subject, self.resolvers_of(subject))

    async def try_resolver(self, text: str, domain: str) -> Tried:
        """Tell what a resolver says of the domain."""
        from transship.cutover.observe.resolvers import observe_resolver, parse_resolver
        from transship_tui.cutover_trying import tried_resolver

        resolver = parse_resolver(text)
        subject = Subject(parse_domain(domain), "")
        seen = await observe_resolver(
            self._asker(subject), resolver, subject.domain.name, samples=1
        )
        return tried_resolver(seen)

    # Keeping

    def add_cutover(self, subject: Subject, way: ProviderSettings = BY_HAND) -> str:
        """Keep a cutover, and return its name. `way` is how its record is changed.

        Raises BadRequest where the zone of the way doesn't contain the domain.
        """
        check_zone_contains(way, subject.domain.name)
        return self._cutovers.create(subject, way, at=self.clock.now()).id

    def forget_cutover(self, name: str) -> None:
        """Move a cutover's folder away. Raises CutoverBusy, and BadFile where it can't be moved."""
        self._cutovers.put_away(self._cutovers.find(name))

    def answer_cutover(self, name: str, question: str, answer: str) -> CutoverStatus:
        """Keep what the operator says of a question or a warning, and judge anew."""
        cutover, now, by = self._cutovers.find(name), self.clock.now(), this_operator()
        with cutover.journal() as journal:
            journal.add(EntryKind.STATEMENT, Statement(question, answer, now, str(by)), now, by)
        return self._standing(cutover)

    # Looking

    async def check_cutover(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Make all checks; give what is known whenever that is more, the whole at the end."""
        async with aclosing(self._giving(lambda: self._checked(name))) as standings:
            async for standing in standings:
                yield standing

    async def _checked(self, name: str) -> AsyncGenerator[CutoverStatus]:
        from transship.cutover.observer import observe_all

        cutover = self._cutovers.find(name)
        subject = cutover.subject()
        means = await self._means(subject, cutover)
        with cutover.journal() as journal:
            before = journal.evidence()
            evidence: Evidence | None = None
            async for look in observe_all(subject, means, before):
                evidence = look.evidence
                if look.checking:
                    yield self._standing(cutover, look.checking)
            if evidence is not None:
                if evidence.zone is not None:
                    journal.saw_servers(evidence.zone, self.clock.now())
                journal.saw_resolvers(evidence.resolvers)
                journal.add(EntryKind.EVIDENCE, evidence, self.clock.now(), this_operator())
        yield self._standing(cutover)

    async def check_once(self, subject: Subject) -> AsyncGenerator[CutoverStatus]:
        """Make all checks of what isn't kept; give what is known by and by, the whole at the end.

        Nothing is written anywhere.
        """
        from transship.cutover.observer import observe_all
        from transship.cutover.status import status_from_evidence

        async for look in observe_all(subject, await self._means(subject)):
            standing = status_from_evidence(subject, look.evidence, self.clock.now())
            yield replace(standing, checking=look.checking)

    async def watch_cutover(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Ask the name servers and resolvers again and again; give what they say each time.

        Once the change is made, images are pulled by the domain as well.
        """
        async with aclosing(self._giving(lambda: self._watched(name))) as standings:
            async for standing in standings:
                yield standing

    async def _watched(self, name: str) -> AsyncGenerator[CutoverStatus]:
        from transship.cutover.watch import AfterChange, CutoverWatch

        cutover = self._cutovers.find(name)
        subject = cutover.subject()
        told = asyncio.Event()

        def tell(_: CutoverProgress) -> None:
            told.set()

        with cutover.locked("watch"), cutover.journal() as journal:
            watch = CutoverWatch(
                subject,
                journal,
                self._observers(subject, journal),
                self.clock,
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
                    yield replace(self._standing(cutover), trouble=watch.trouble)
                running.result()
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def look_after_change(self, name: str) -> CutoverStatus:
        """Look at DNS anew and pull by the domain, as this machine and each resolver find it."""
        return await self._doing(lambda: self._looked_once_after(name))

    async def _looked_once_after(self, name: str) -> CutoverStatus:
        cutover = self._cutovers.find(name)
        with cutover.journal() as journal:
            seen = await self._looked_after(cutover.subject(), journal)
            journal.add(EntryKind.FOLLOWED, seen, self.clock.now(), this_operator())
        return self._standing(cutover)

    async def _looked_after(self, subject: Subject, journal: CutoverJournal) -> Evidence:
        from transship.cutover.observer import observe_change

        return await observe_change(subject, await self._looking(subject), journal.evidence())

    async def _pulled(self, subject: Subject, journal: CutoverJournal) -> tuple[NamedPull, ...]:
        from transship.cutover.observer import pulls_by_name

        known = journal.evidence() or Evidence(self.clock.now())
        return await pulls_by_name(subject, await self._looking(subject), known)

    async def _looking(self, subject: Subject) -> ObserverSetup:
        """Return what it takes to look, and to pull, without listing either registry."""
        from transship.cutover.observe.endpoint import TargetOptions
        from transship.cutover.observer import ObserverSetup

        resolvers = self.resolvers_of(subject)
        wishes = TargetOptions(await self._sign_ins(subject))
        return ObserverSetup(self._asker(subject), resolvers, resolvers, wishes)

    async def _means(self, subject: Subject, cutover: CutoverFolder | None = None) -> ObserverSetup:
        from transship_tui.telling import who_tells

        means = replace(
            await self._looking(subject),
            compare=self._comparing(subject, cutover),
            service=who_tells(subject.new, self._accounts, self._access_at, self.clock),
        )
        if not subject.old or means.compare is not None:
            return means
        try:
            old, new = await self._source(subject.old), await self._source(subject.new)
        except TransshipError as error:
            return replace(means, untold=f"{error.title}: {error.detail}")
        return replace(means, old=old, new=new)

    async def _access_at(self, host: str) -> Access:
        return await self._access(Reference(host))

    async def _sign_ins(self, subject: Subject) -> tuple[TrialCredential, ...]:
        """Return the sign-ins that are known: the domain's own, which nodes have, come first."""
        from transship.cutover.observe.endpoint import TrialCredential

        found = []
        for host in dict.fromkeys((subject.domain.host, subject.old, subject.new)):
            if not host:
                continue
            try:
                credential = (await self._access(Reference(host))).credential
            except TransshipError:
                continue  # What can't be had is tried nowhere, and stays an open question.
            if credential is not None:
                found.append(TrialCredential(credential, in_use=host == subject.domain.host))
        return tuple(found)

    # Reporting

    async def write_cutover_report(self, name: str, path: str, form: str, *, replace: bool) -> Path:
        """Write the report for the change ticket; return the whole path of its file."""
        from transship.reports.cutover import CutoverReportForm, write_cutover_report

        standing, now = self.cutover(name), self.clock.now()

        def write() -> Path:
            file = Path(path).expanduser().absolute()
            write_cutover_report(standing, file, CutoverReportForm(form), now, replace=replace)
            return file

        return await asyncio.to_thread(write)
