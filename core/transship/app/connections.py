"""Opens registries with the operator's accounts and secrets, here or in a thread of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from transship.accounts.registry_file import Account, Accounts
from transship.accounts.secrets import environment_credential
from transship.accounts.sign_in import Sources, access_for, resolve
from transship.app.background import run_in_home_loop, run_in_thread, stream_from_thread
from transship.clock import Clock
from transship.errors import BadRequest
from transship.oci.reference import LAYOUT, Reference
from transship.plans.plan import Plan
from transship.registry.access import Access, open_registry
from transship.registry.credential import Tls
from transship.registry.http.exchange_log import Recorder
from transship.registry.registry import Registry

_T = TypeVar("_T")


OpenRegistries = dict[str, tuple[Access, Registry]]
"""Open registries by their hosts, each with what it was opened with."""


@dataclass(frozen=True, slots=True)
class OwnConnections:
    """What work beside the app has opened; all of it is open until the work ends.

    `stack` closes also those that `places` has others in the stead of.
    """

    stack: AsyncExitStack
    places: OpenRegistries = field(default_factory=dict)


Work = Callable[[dict[str, Registry]], Coroutine[Any, Any, _T]]


class Connections:
    """Opens registries with the operator's accounts and secrets, and keeps those it has opened.

    Connections belong to one loop: what runs in a thread of its own opens, and closes, its own.
    `adhoc` is how hosts that are no account are reached, `ask` returns the secret of an account
    that keeps it nowhere.
    """

    _own: ContextVar[OwnConnections | None] = ContextVar("own connections", default=None)

    def __init__(
        self,
        accounts: Accounts,
        sources: Sources,
        clock: Clock,
        adhoc: Tls | None = None,
        ask: Callable[[Account], str] | None = None,
    ) -> None:
        self.accounts = accounts
        self.sources = sources
        self.clock = clock
        self.recorder = Recorder(clock)
        self._adhoc = adhoc
        self._ask = ask
        self._open: OpenRegistries = {}
        self._closed: list[Callable[[str], None]] = []

    def when_closed(self, tell: Callable[[str], None]) -> None:
        """Have `tell` called with the host of each registry that is closed, or opened anew."""
        self._closed.append(tell)

    def place(self, text: str) -> Reference:
        """Return the place that a plan writes down as `text`; a folder's path is made whole."""
        place = resolve(text, self.accounts)
        if place.layout is None:
            return place
        return replace(place, registry=f"{LAYOUT}{Path(place.layout).expanduser().absolute()}")

    def check_adhoc(self, places: Iterable[Reference]) -> None:
        """Raise BadRequest where `adhoc` says nothing to any of these places."""
        if self._adhoc is None:
            return
        hosts = [place.registry for place in places if place.layout is None]
        if all(map(self.accounts.find, hosts)):
            known = f"{', '.join(hosts)} is one" if hosts else "a folder is none"
            raise BadRequest(
                f"--plain-http, --insecure and --ca are for hosts that are no account; {known}",
                remedy="Leave the option out; `transship login HOST` takes it for an account.",
            )

    async def access(self, reference: Reference) -> Access:
        """Return what it takes to open the registry of a reference."""

        async def found() -> Access:
            if self._ask is not None and reference.layout is None:
                await self._ask_for(self.accounts.find(reference.registry), self._ask)
            return await access_for(reference, self.accounts, self.sources, adhoc=self._adhoc)

        return await run_in_home_loop(found)

    async def _ask_for(self, account: Account | None, ask: Callable[[Account], str]) -> None:
        """Ask for a secret that is kept for one run only, unless this run has it already."""
        session = self.sources.session
        if account is None or self.sources.store(account.secret_source) is not session:
            return
        host, username = account.host, account.username
        if await session.get(host, username) is not None:
            return
        if not environment_credential(host, self.sources.environ, username=username):
            await session.set(host, username, ask(account))

    async def accesses(self, plan: Plan) -> dict[str, Access]:
        """Return what it takes to open each registry of a plan, by its name."""
        return await self.accesses_of(plan.places)

    async def accesses_of(self, places: Iterable[Reference]) -> dict[str, Access]:
        """Return what it takes to open each of these places, by its registry."""
        return {place.registry: await self.access(place) for place in places}

    def opened(self, host: str) -> Registry | None:
        """Return the registry at a host, if it is open now."""
        _, registry = self._open.get(host, (None, None))
        return registry

    async def at(self, host: str) -> Registry:
        """Return the registry at a host, opened once and kept."""
        return await self.registry(Reference(host))

    async def registry(self, reference: Reference) -> Registry:
        """Return the registry of a reference, opened once and kept."""
        access = await self.access(reference)
        own = self._own.get()
        places = self._open if own is None else own.places
        known = places.get(reference.registry)
        if known is not None and known[0] == access:
            return known[1]
        if own is None:
            await self.close(reference.registry)
        place = open_registry(Reference(reference.registry), access, recorder=self.recorder)
        if own is not None:
            own.stack.push_async_callback(place.aclose)
        places[reference.registry] = (access, place)
        return place

    async def close(self, host: str) -> None:
        """Close the registry at a host, if it is open, and forget what was listed of it."""
        for tell in self._closed:
            tell(host)
        known = self._open.pop(host, None)
        if known is not None:
            await known[1].aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        for host in list(self._open):
            await self.close(host)

    @asynccontextmanager
    async def opened_for_now(
        self, reference: Reference, *, create: bool = False
    ) -> AsyncIterator[Registry]:
        """Open the registry of a reference until the block ends, asking anew what opens it.

        With `create` a layout needn't be there yet.
        """
        access = await self.access(reference)
        place = open_registry(
            Reference(reference.registry), access, create=create, recorder=self.recorder
        )
        async with aclosing(place):
            yield place

    async def open_all(
        self, accesses: Mapping[str, Access], stack: AsyncExitStack, *, create: bool = True
    ) -> dict[str, Registry]:
        """Open these registries, to be closed with `stack`.

        With `create` a layout needn't be there yet.
        """
        places: dict[str, Registry] = {}
        for name, access in accesses.items():
            place = open_registry(Reference(name), access, create=create, recorder=self.recorder)
            places[name] = await stack.enter_async_context(aclosing(place))
        return places

    async def with_registries(
        self, accesses: Mapping[str, Access], work: Work[_T], *, create: bool = True
    ) -> _T:
        """Do some work with open registries, in a thread with a loop of its own."""

        async def opened() -> _T:
            async with AsyncExitStack() as stack:
                return await work(await self.open_all(accesses, stack, create=create))

        return await run_in_thread(opened)

    async def giving(self, work: Callable[[], AsyncGenerator[_T]]) -> AsyncGenerator[_T]:
        """Give what `work` gives, in a thread with a loop of its own."""

        async def opened() -> AsyncGenerator[_T]:
            async with self._with_own_connections(), aclosing(work()) as items:
                async for each in items:
                    yield each

        async with aclosing(stream_from_thread(opened)) as items:
            async for each in items:
                yield each

    async def doing(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Return what comes of `work`, done in a thread with a loop of its own."""

        async def opened() -> _T:
            async with self._with_own_connections():
                return await work()

        return await run_in_thread(opened)

    @asynccontextmanager
    async def _with_own_connections(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            self._own.set(OwnConnections(stack))
            yield
