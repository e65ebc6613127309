"""What a command stands on: the operator's accounts, secrets and folders."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from transship.accounts.docker_config import DockerConfig
from transship.accounts.registry_file import Accounts
from transship.accounts.secrets import (
    KeyringStore,
    SessionStore,
    environment_credential,
    variables_of,
)
from transship.accounts.sign_in import Sources, access_for, resolve
from transship.clock import SystemClock
from transship.errors import SecretUnavailable
from transship.oci.platform import parse_platform
from transship.oci.reference import LAYOUT, Reference
from transship.paths import default_paths
from transship.plans.file import PlanFolder, read_plan
from transship.plans.plan import OnConflict, Plan, wanted
from transship.registry.access import open_registry
from transship.transfers.jobs import JobStore
from transship_tui.commands.options import ask
from transship_tui.commands.output import is_screen, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from transship.accounts.registry_file import Account
    from transship.accounts.secrets import SecretStatus, SecretStore
    from transship.paths import Paths
    from transship.registry.access import Access
    from transship.registry.credential import Tls
    from transship.registry.registry import Registry, Visibility

_PERSON_SECONDS = 60.0
"""How long a keyring may take where a person sees why, and can type its password."""


@dataclass(frozen=True, slots=True)
class Session:
    """The operator's files and secrets, for one command.

    `adhoc` is how hosts that are no account are reached.
    """

    paths: Paths
    accounts: Accounts
    sources: Sources
    adhoc: Tls | None = None

    @property
    def jobs(self) -> JobStore:
        """The operator's jobs."""
        return JobStore(self.paths.jobs)

    def reference(self, text: str) -> Reference:
        """Return the reference that `text` writes down, with aliases and folders filled in.

        Raises BadReference.
        """
        reference = resolve(text, self.accounts)
        if reference.layout is None:
            return reference
        folder = Path(reference.layout).expanduser().absolute()
        return replace(reference, registry=f"{LAYOUT}{folder}")

    def plan(
        self,
        source: str,
        target: str,
        *,
        platforms: Iterable[str] = (),
        referrers: bool = True,
        on_conflict: OnConflict = OnConflict.OVERWRITE,
        create_missing: Visibility | None = None,
        try_refused: bool = False,
    ) -> Plan:
        """Return the plan of one copy. Raises BadReference, BadPlatform and BadRequest."""
        return Plan(
            copies=(wanted(self.reference(source), self.reference(target)),),
            on_conflict=on_conflict,
            create_missing=create_missing,
            try_refused=try_refused,
            referrers=referrers,
            platforms=tuple(map(parse_platform, platforms)),
        )

    @property
    def plans(self) -> PlanFolder:
        """The operator's plans."""
        return PlanFolder(self.paths.plans, self.reference)

    def read_plan(self, name: str) -> Plan:
        """Return the plan in a file, or the one of this name. Raises PlanNotFound and BadFile."""
        return read_plan(self.plans.find(name), self.reference, SystemClock().now())

    async def access(self, reference: Reference) -> Access:
        """Return what it takes to open the place of `reference`, asking for what isn't kept."""
        account = self.accounts.find(reference.registry) if reference.layout is None else None
        if account and self.sources.store(account.secret_source) is self.sources.session:
            await self._ask(account)
        return await access_for(reference, self.accounts, self.sources, adhoc=self.adhoc)

    async def accesses(self, plan: Plan) -> list[Access]:
        """Return what it takes to open every place that a plan names."""
        return [await self.access(reference) for reference in plan.places]

    @asynccontextmanager
    async def place(self, reference: Reference, *, create: bool = False) -> AsyncIterator[Registry]:
        """Open the place of `reference`. With `create` a layout needn't be there yet."""
        access = await self.access(reference)
        place = open_registry(Reference(reference.registry), access, create=create)
        async with aclosing(place):
            yield place

    @asynccontextmanager
    async def places(
        self, plan: Plan, *, create: bool = False
    ) -> AsyncIterator[dict[str, Registry]]:
        """Open every place that a plan names. With `create` a layout needn't be there yet."""
        async with AsyncExitStack() as stack:
            places: dict[str, Registry] = {}
            for access in await self.accesses(plan):
                place = open_registry(Reference(access.host), access, create=create)
                places[access.host] = await stack.enter_async_context(aclosing(place))
            yield places

    async def _ask(self, account: Account) -> None:
        """Ask for a secret that is kept for one run only, unless this run has it already."""
        host, username = account.host, account.username
        if await self.sources.session.get(host, username) is not None:
            return
        if environment_credential(host, self.sources.environ, username=username):
            return
        if not sys.stdin.isatty():
            raise SecretUnavailable(
                f"{username} at {host}: it isn't kept, and there is no terminal to ask on",
                remedy=f"Set {' and '.join(variables_of(host))}.",
            )
        secret = ask(f"Password of {username} at {host}: ", hidden=True)
        await self.sources.session.set(host, username, secret)


def open_session(adhoc: Tls | None = None) -> Session:
    """Return the session of whoever runs this command."""
    paths = default_paths()
    # Without a person to answer it, a keyring that asks for its password is soon given up.
    keyring = (
        KeyringStore(read_seconds=_PERSON_SECONDS) if is_screen(sys.stderr) else KeyringStore()
    )
    sources = Sources(
        session=SessionStore(),
        keyring=ExplainedStore(keyring),
        docker=DockerConfig(os.environ),
        environ=os.environ,
    )
    return Session(paths, Accounts(paths.registries), sources, adhoc)


_SILENCE_SECONDS = 1.0


class ExplainedStore:
    """A store of secrets that says on the terminal when it lets us wait."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    async def get(self, host: str, username: str) -> str | None:
        """Return the secret, or None if there is none."""
        with _explained():
            return await self._store.get(host, username)

    async def set(self, host: str, username: str, secret: str) -> None:
        """Keep a secret, in place of an earlier one."""
        with _explained():
            await self._store.set(host, username, secret)

    async def delete(self, host: str, username: str) -> bool:
        """Forget a secret; return whether there was one."""
        with _explained():
            return await self._store.delete(host, username)

    async def probe(self) -> SecretStatus:
        """Return whether the store can be used now. Never raises."""
        with _explained():
            return await self._store.probe()


@contextmanager
def _explained() -> Iterator[None]:
    timer = asyncio.get_running_loop().call_later(_SILENCE_SECONDS, _explain)
    try:
        yield
    finally:
        timer.cancel()


def _explain() -> None:
    if is_screen(sys.stderr):
        say("waiting for your keyring to unlock; it may be asking on another screen")
