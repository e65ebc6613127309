"""From a set of changes that was shown to what is made, followed, and undone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fakes.clock import FakeClock
from transship.engines.changes import ChangeJournal, ChangeSet, apply_changes
from transship.engines.delegation import plan_revert
from transship.engines.executions import Execution, follow_execution
from transship.engines.harbor.engine import HarborEngine
from transship.registry.credential import Credential


@dataclass
class Desk:
    """One Harbor, a journal, and the logins that it may be handed: `handed` are those it was."""

    engine: HarborEngine
    journal: ChangeJournal
    logins: Mapping[str, Credential]
    handed: list[str] = field(default_factory=list)

    async def gives(self, host: str) -> Credential:
        self.handed.append(host)
        return self.logins[host]

    def agree(self, changes: ChangeSet, *, undoes: str = "") -> str:
        """Agree to what was shown."""
        assert not changes.refusals, changes.refusals
        return self.journal.begin("harbor", self.engine.host, changes, undoes=undoes)

    async def make(self, identity: str) -> list[str]:
        """Make what was agreed to, and say each change."""
        making = apply_changes(identity, self.engine, self.gives, self.journal)
        return [str(made.change) async for made in making]

    async def made(self, changes: ChangeSet) -> str:
        """Agree and make; return the id of the delegation."""
        identity = self.agree(changes)
        await self.make(identity)
        assert self.journal.read(identity).is_whole
        return identity

    async def undone(self, identity: str) -> list[str]:
        """Undo a delegation, and say each change."""
        back = await plan_revert(self.journal.read(identity), self.engine)
        return await self.make(self.agree(back, undoes=identity))

    async def over(self, of: str, execution: Execution) -> Execution:
        """Follow an execution to its end."""
        seen: Sequence[Execution] = [
            each
            async for each in follow_execution(self.engine, of, execution.id, Soon(), every=0.01)
        ]
        return seen[-1]


class Soon(FakeClock):
    """A clock on which waiting passes little time, but some: the engine works meanwhile."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))
        self.advance(seconds)


def told(shown: ChangeSet) -> str:
    """Return all that a set refuses, in one text."""
    assert not shown.to_make
    return " ".join(f"{refusal} {refusal.remedy}" for refusal in shown.refusals)
