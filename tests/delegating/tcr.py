"""Two owners' instances of TCR, and a desk in front of the cloud that moves images between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from delegating.desk import Desk, Soon
from servers.tencent.replication import Replication
from transship.engines.changes import ChangeSet
from transship.engines.executions import Execution, follow_execution
from transship.engines.tcr.sync_rules import SyncRuleEngine

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


async def only(engine: SyncRuleEngine, rule: str) -> Execution:
    """Return the only execution of a rule."""
    [found] = [each async for each in engine.executions(rule)]
    return found


async def over(engine: SyncRuleEngine, rule: str, replication: Replication) -> list[Execution]:
    """Follow the only execution of a rule to its end."""
    found = await only(engine, rule)
    clock = Working(replication.work)
    return [each async for each in follow_execution(engine, rule, found.id, clock, every=5)]
