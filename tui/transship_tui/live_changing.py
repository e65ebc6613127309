"""The part of the engine at work that changes the record of a domain, and puts it back."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

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
    PowerDnsSettings,
    ProviderSettings,
    Rfc2136Settings,
    check_zone_contains,
    open_provider,
)
from transship.cutover.domain import Resolver, Subject
from transship.errors import ByHandOnly, ChangeBlocked, KeyMissing, RecordNotPlain, RollbackBlocked
from transship.operator import this_operator
from transship_tui.engine_cutover import Tell, unheard
from transship_tui.live_delta import LiveDelta

if TYPE_CHECKING:
    from transship.accounts.secrets import SecretStatus, SecretStore
    from transship.accounts.sign_in import Sources
    from transship.cutover.change.records import Edit
    from transship.cutover.evidence import ZoneEvidence
    from transship.cutover.folder import CutoverFolder
    from transship.cutover.journal import CutoverJournal
    from transship.cutover.observe.dns_queries import DnsClient
    from transship.cutover.observer import DnsObserver
    from transship.cutover.status import CutoverStatus
    from transship.cutover.watch import CutoverWatch

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


class LiveChanging(LiveDelta):
    """Changes of records, and the keys that they need."""

    _sources: Sources
    read_only: bool = False
    patience = execution.ReadBackPolicy()
    """How long name servers are waited for after a change."""
    _watch: tuple[str, CutoverWatch, asyncio.AbstractEventLoop] | None = None
    """What was begun last to watch a cutover, with the cutover's id, and the loop it runs in."""

    @abstractmethod
    def check_cutover(self, name: str) -> AsyncGenerator[CutoverStatus]:
        """Make all checks; give what is known whenever that is more, the whole at the end."""

    def resolvers_of(self, subject: Subject) -> tuple[Resolver, ...]:
        """Return the resolvers that are looked at, the first of them also looked through."""
        from transship.cutover.observer import resolvers_of  # The app opens without what asks DNS.

        return resolvers_of(subject)

    def _observers(self, subject: Subject, journal: CutoverJournal) -> DnsObserver:
        from transship.cutover.observer import DnsObserver

        evidence = journal.evidence()
        resolvers = self.resolvers_of(subject)
        zone = evidence.zone if evidence else None
        return DnsObserver(self._asker(subject), subject, resolvers, resolvers, zone)

    def _asker(self, subject: Subject) -> DnsClient:
        from transship.cutover.observe.dns_queries import DnsClient

        return DnsClient(self.clock, served=subject.served)

    # How it is changed

    @property
    def secret_store(self) -> SecretStore:
        """Where the keys of DNS providers are kept; those for this run only are found first."""
        return _KeysOfProviders(self._sources.session, self._sources.keyring)

    def way_of_cutover(self, name: str) -> ProviderSettings:
        """Return how a cutover's record is changed. Raises CutoverNotFound."""
        return self._cutovers.find(name).way()

    def change_way(self, name: str, way: ProviderSettings) -> CutoverStatus:
        """Say anew how a cutover's record is changed.

        Raises CutoverBusy while it is, and BadRequest where the way's zone is another.
        """
        cutover = self._cutovers.find(name)
        check_zone_contains(way, cutover.subject().domain.name)
        with cutover.locked("change"):
            cutover.write(cutover.subject(), way)
        return self._standing(cutover)

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
        store = self._sources.session if for_this_run else self.secret_store
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

        applier = await open_provider(way, self.secret_store, look, self.clock)
        with suppress(RecordNotPlain):  # What reads as much as that has the right key.
            await applier.read(name)

    # Changing

    async def change_record(
        self, name: str, *, shown: Edit | None = None, tell: Tell = unheard
    ) -> str:
        """Change the record by the applier, and see that it was; return what became of it."""
        cutover = self._cutovers.find(name)
        edit = shown or self._standing(cutover).edit

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
        async with aclosing(self.check_cutover(cutover.id)) as standings:
            async for standing in standings:
                if standing.checking not in ("", told):
                    told = standing.checking
                    tell(f"looking once more before the change: {told}")
        return why_no_change(self._standing(cutover), self.clock.now())

    async def roll_back_record(
        self,
        name: str,
        *,
        accept_loss: bool,
        shown: PlannedChange | None = None,
        tell: Tell = unheard,
    ) -> str:
        """Put the record back by the applier, and see that it was; return what became of it."""
        from transship.cutover.rollback import roll_back
        from transship.cutover.status import change_seen_at

        cutover = self._cutovers.find(name)
        if shown is None:
            known = self._standing(cutover).way_back
            shown = known.reverse if known else None
        if not accept_loss:
            await self._doing(lambda: self._compared_just_now(cutover))
            known = self._standing(cutover).way_back
            if known is not None and known.blocked:
                raise RollbackBlocked(known.blocked)

        async def act(
            change: execution.RecordChange, subject: Subject, resumed: execution.ChangeResult | None
        ) -> execution.ChangeResult:
            if resumed is not None and _was_made(resumed, "rollback"):
                return resumed
            tell("putting the record back; waiting until every name server has it")
            since, until = change_seen_at(subject, change.journal, self.clock.now())
            return await roll_back(
                change, since=since, until=until, accept_loss=accept_loss, seen=shown
            )

        return await self._changing(name, act, tell)

    async def end_change(self, name: str, *, tell: Tell = unheard) -> str:
        """Read back what became of a change that was sent, and undo it if it went wrong."""

        async def nothing_more(*_: object) -> None:
            return None

        return await self._changing(name, nothing_more, tell)

    async def _changing(self, name: str, act: _Act, tell: Tell = unheard) -> str:
        """Go on with a change that was broken off, if there is one, and then do `act`."""
        cutover = self._cutovers.find(name)
        subject = cutover.subject()
        with cutover.locked("change"), cutover.journal() as journal:
            observers = self._observers(subject, journal)

            async def look() -> ZoneEvidence:
                return await observers.servers(whole=True)

            applier = await open_provider(
                cutover.way(), self.secret_store, look, self.clock, read_only=self.read_only
            )
            change = execution.RecordChange(
                journal,
                applier,
                observers,
                self.clock,
                this_operator(),
                self.patience,
                lambda told: tell("; ".join(each.words for each in told)),
            )
            if execution.pending_change(journal) is not None:
                tell("an earlier change was broken off: reading back what became of it")
            resumed = await execution.resume_change(change)
            ended = await act(change, subject, resumed) or resumed
        self._hurry(cutover.id)
        if ended is None:
            return "no change was left without an end"
        return f"{ended.direction} {ended.outcome}" + (f": {ended.detail}" if ended.detail else "")

    def _hurry(self, cutover: str) -> None:
        """Let the watch of a cutover, if there is one, look at once."""
        if self._watch is not None and self._watch[0] == cutover:
            _, watch, loop = self._watch
            # A loop that is closed watches nothing any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(watch.hurry)


def _was_made(ended: execution.ChangeResult, direction: execution.ChangeDirection) -> bool:
    """Tell whether a change that was broken off had reached the provider, and was this one."""
    sent = ended.outcome not in (execution.ChangeOutcome.NOT_MADE, execution.ChangeOutcome.REFUSED)
    return sent and ended.direction == direction
