"""An instance of TCR at the stand-in cloud, and changes of it that are agreed to and made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servers.tencent.api import SECRET_ID, SECRET_KEY, Refused
from transship.engines.changes import ChangeJournal, apply_changes
from transship.engines.delegation import plan_revert
from transship.engines.tcr.domains import wait_for_domain
from transship.registry.credential import Credential, Tls
from transship.registry.http.endpoint import CloudApi
from transship.registry.service import ApiKeys
from transship.services.tencent_cloud import TCR, Product, TencentCloud

if TYPE_CHECKING:
    from servers.tencent import Call, TencentApi
    from transship.clock import Clock
    from transship.engines.changes import ChangeSet, Engine
    from transship.engines.tcr.domains import DomainEngine

CCR, HOST = "ccr.ccs.tencentyun.com", "team.tencentcloudcr.com"
NAME = "images.example.com"


@asynccontextmanager
async def asking(
    api: TencentApi, clock: Clock, product: Product = TCR
) -> AsyncIterator[TencentCloud]:
    """Open one product of the cloud's API."""
    keys = ApiKeys(api.host, Credential(SECRET_ID, SECRET_KEY), Tls())
    cloud = CloudApi(keys, clock)
    try:
        yield TencentCloud(cloud.ask, keys.host, product)
    finally:
        await cloud.aclose()


async def no_login(host: str) -> Credential:
    """Hand over nothing: what is changed here needs no login of another registry."""
    raise AssertionError(f"the login of {host} was asked for")


@dataclass
class Agreeing:
    """Whoever says yes to what was shown; `made` has the changes in the order they were made."""

    journal: ChangeJournal
    made: list[str] = field(default_factory=list)

    def agree(self, changes: ChangeSet, *, undoes: str = "") -> str:
        """Agree to what was shown."""
        assert not changes.refusals, changes.refusals
        return self.journal.begin("tcr", "tcr", changes, undoes=undoes)

    async def make(self, identity: str, engine: Engine) -> None:
        """Make, or go on with, what was agreed to."""
        async for each in apply_changes(identity, engine, no_login, self.journal):
            self.made.append(str(each.change))

    async def agreed(self, changes: ChangeSet, engine: Engine) -> str:
        """Agree and make; return the id of the delegation."""
        identity = self.agree(changes)
        await self.make(identity, engine)
        assert self.journal.read(identity).is_whole
        return identity

    async def undone(self, identity: str, engine: Engine) -> None:
        """Undo a delegation."""
        back = await plan_revert(self.journal.read(identity), engine)
        await self.make(self.agree(back, undoes=identity), engine)


@dataclass(frozen=True)
class Files:
    """A certificate with those above it, its private key, and a key that isn't its."""

    chain: Path
    key: Path
    other_key: Path

    @property
    def secret(self) -> str:
        """A line of the key."""
        return self.key.read_text().splitlines()[1]


def breaks(
    api: TencentApi, action: str, when: Callable[[Call], bool], code: str = "FailedOperation"
) -> None:
    """Let an action fail, for good, where it is asked so."""
    answer = api._actions[action]

    def broken(call: Call) -> dict[str, Any]:
        if when(call):
            raise Refused(code, "This page is broken.")
        return answer(call)

    api._actions[action] = broken


async def ended(domains: DomainEngine, clock: Clock) -> list[str]:
    """Wait until it is over with the domain, and return what was said of it."""
    return [seen.words async for seen in wait_for_domain(domains, NAME, clock)]
