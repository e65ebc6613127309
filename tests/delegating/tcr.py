"""Two owners' instances of TCR, and a desk in front of the cloud that moves images between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from delegating.desk import Desk, Soon
from servers.tencent.replication import Replication
from transship.delegates.changes import ChangeSet
from transship.delegates.executions import Execution, followed
from transship.delegates.tencent.synchronising import SyncRules

OLD = "old.tencentcloudcr.com"
NEW = "new.tencentcloudcr.com"
PEER = "peer.tencentcloudcr.com"
OWNER = "200000000002"
TOKEN = "a long-term token of the other owner"


@dataclass
class CloudDesk(Desk):
    """A desk in front of the cloud, whose engine is one of TCR's."""

    engine: Any

    def agree(self, changes: ChangeSet, *, undoes: str = "") -> str:
        """Agree to what was shown."""
        assert not changes.refusals, changes.refusals
        return self.journal.begin("tcr", OLD, changes, undoes=undoes)


class Working(Soon):
    """A clock on which the cloud does a piece of work each time that somebody waits."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__()
        self._work = work

    async def sleep(self, seconds: float) -> None:
        self._work()
        await super().sleep(seconds)


async def only(engine: SyncRules, rule: str) -> Execution:
    """Return the only execution of a rule."""
    [found] = [each async for each in engine.executions(rule)]
    return found


async def over(engine: SyncRules, rule: str, replication: Replication) -> list[Execution]:
    """Follow the only execution of a rule to its end."""
    found = await only(engine, rule)
    clock = Working(replication.work)
    return [each async for each in followed(engine, rule, found.id, clock, every=5)]
