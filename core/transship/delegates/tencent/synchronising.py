"""Synchronises two instances by rules: reads and makes them, and follows what they do.

A rule is kept at its source, in the region of that. It begins an execution by itself; no action of
the API begins or stops one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec

from transship import errors
from transship.delegates.changes import Change, Does, Settings
from transship.delegates.engine import Found, Gives
from transship.delegates.executions import Execution, State, Task
from transship.delegates.tencent.at_instance import AtInstance
from transship.delegates.tencent.explaining import explained
from transship.delegates.tencent.judging import Judgement, judged
from transship.delegates.tencent.rules import (
    LEADS,
    KnownRule,
    Policy,
    is_ours,
    known,
    modified,
    sent,
)
from transship.delegates.tencent.said import state_of, time_of
from transship.errors import TransshipError
from transship.registry.credential import Credential, life_of
from transship.services.tencent_cloud import TcrInstance, TencentCloud
from transship.text import duration_text, safe

_SERVICE_ACCOUNT = "tcr$"


class _Execution(msgspec.Struct, rename="pascal"):
    execution_id: int = msgspec.field(name="ExecutionID")
    status: str = ""
    total: int | None = None
    succeed: int | None = None
    start_time: str = ""
    end_time: str = ""


class _Task(msgspec.Struct, rename="pascal"):
    job_id: str = msgspec.field(name="JobID", default="")
    resource_type: str = ""
    src_resource: str = ""
    dst_resource: str = ""
    status: str = ""
    start_time: str = ""
    end_time: str = ""


class SyncRules:
    """The rules of which `source` is the source: `Engine` and `Follows`, by the names of rules.

    `cloud` is asked as the owner of the source.
    """

    def __init__(self, cloud: TencentCloud, source: TcrInstance) -> None:
        self._cloud = cloud
        self._at = AtInstance(cloud, source)
        self.source = source

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    async def rules(self) -> tuple[KnownRule, ...]:
        """Return all rules. Raises ListIncomplete, NoRight, and those of the way."""
        found = await self._at.listed("DescribeReplicationPolicies", Policy)
        return tuple(map(known, found))

    async def read(self, kind: str, name: str) -> Found | None:  # noqa: ARG002 - there is one kind
        """Return the rule of this name; None when there is none."""
        for rule in await self.rules():
            if rule.name == name:
                return rule.found
        return None

    async def make(self, change: Change, gives: Gives) -> None:
        """Make one change. A token goes to the cloud with a new rule, and nowhere else."""
        if change.does is Does.DELETE:
            await self._ask("DeleteReplicationRule", {"RuleName": change.name})
        elif change.does is Does.CREATE:
            await self._create(change, gives)
        elif change.does is Does.CHANGE:
            await self._modify(change)

    async def executions(self, of: str) -> AsyncIterator[Execution]:
        """Give the executions of a rule, the newest first."""
        for each in await self._executions(of):
            yield each

    async def execution(self, of: str, execution: str) -> Execution:
        """Return one by its id. Raises ExecutionNotFound."""
        for each in await self._executions(of):
            if each.id == execution:
                return each
        raise errors.ExecutionNotFound(f"{of}: {execution!r}")

    async def tasks(self, of: str, execution: str) -> AsyncIterator[Task]:  # noqa: ARG002
        """Give the tasks of one. Why a task failed the API doesn't tell."""
        if not execution.isdecimal():
            raise errors.ExecutionNotFound(repr(execution))
        number = int(execution)
        for each in await self._at.listed("DescribeReplicationTasks", _Task, ExecutionId=number):
            yield _task(each)

    async def log(self, of: str, execution: str, task: str) -> str:  # noqa: ARG002
        """Return nothing: the API has no logs of tasks."""
        return ""

    async def judged(self, of: str, execution: str, wanted: Iterable[str] = ()) -> Judgement:
        """Return what an execution took, against what the rule's patterns say.

        `wanted` are `repository:tag` at the source that it should have taken.
        """
        rule = await self._rule(of)
        tasks = [task async for task in self.tasks(of, execution)]
        return judged(rule.found.settings["Filters"], tasks, wanted)

    async def _create(self, change: Change, gives: Gives) -> None:
        settings = change.after or {}
        if not is_ours(settings):
            raise errors.CantBeDelegated(
                f"{change.name}: not all that it was set to is known: the API doesn't tell",
                remedy="Make a rule anew.",
            )
        fields: dict[str, Any] = {
            "DestinationRegistryId": settings["DestinationRegistryId"],
            "DestinationRegionId": settings["DestinationRegionId"],
            "Rule": sent(change.name, settings),
            "Description": settings["Description"],
        }
        secret = ""
        if settings["PeerRegistryUin"]:
            secret = await _token(change, gives)
            fields["PeerReplicationOption"] = {
                "PeerRegistryUin": settings["PeerRegistryUin"],
                "PeerRegistryToken": secret,
                "EnablePeerReplication": True,
            }
        await self._ask("ManageReplication", fields, secret)
        if not settings["Enabled"]:
            rule = {"RuleName": change.name, "Rule": modified(settings)}
            await self._ask("ModifyReplication", rule)

    async def _modify(self, change: Change) -> None:
        before, after = change.before or {}, change.after or {}
        if moved := [name for name in LEADS if before.get(name) != after.get(name)]:
            raise errors.CantBeDelegated(
                f"{change.name}: where a rule leads can't be changed ({', '.join(moved)})",
                remedy="Delete the rule, and make another.",
            )
        fields = {
            "RuleName": change.name,
            "Rule": modified(after),
            "Description": after["Description"],
        }
        await self._ask("ModifyReplication", fields)

    async def _ask(self, action: str, fields: Settings, secret: str = "") -> None:
        wanted = {"SourceRegistryId": self.source.id, **fields}
        failure: TransshipError
        try:
            await self._cloud.document(action, wanted, region=self.source.region)
            return
        except TransshipError as error:
            failure = explained(error, secret)
            if failure is error:
                raise
        # Outside, so that the error that may repeat the secret isn't chained to this one.
        raise failure

    async def _rule(self, name: str) -> KnownRule:
        for rule in await self.rules():
            if rule.name == name:
                return rule
        raise errors.EngineRefused(f"{self.name} has no rule {name}", remedy="Make it first.")

    async def _executions(self, of: str) -> list[Execution]:
        number = int((await self._rule(of)).found.id)
        found = await self._at.listed("DescribeReplicationExecutions", _Execution, PolicyId=number)
        found.sort(key=lambda each: each.execution_id, reverse=True)
        return list(map(_execution, found))


async def _token(change: Change, gives: Gives) -> str:
    """Return the long-term token that was agreed to be handed over."""
    if not change.gives:
        raise errors.CantBeDelegated(
            f"{change.name}: the token of the other owner isn't kept with what was done",
            remedy="Make the rule anew, with the account whose token it is to have.",
        )
    host = change.gives[0]
    login: Credential = await gives(host)
    needs = f"{host}: a rule to another owner's instance needs a long-term access token of a user"
    long_term = "Make one in the console of TCR (Access credentials, User credentials), and sign in"
    if login.identity or login.username.startswith(_SERVICE_ACCOUNT):
        raise errors.CantBeDelegated(
            f"{needs}, and the account signs in as {login.username or 'nobody'}",
            remedy=f"{long_term} with it.",
        )
    if life := life_of(login.secret):
        raise errors.CantBeDelegated(
            f"{needs}, and the account's holds for {duration_text(life)}",
            remedy=f"{long_term} with it.",
        )
    return login.secret


def _execution(found: _Execution) -> Execution:
    state = state_of(found.status)
    message = ""
    counts = found.total is not None and found.succeed is not None
    if state.is_over and counts and found.total != found.succeed:
        message = f"{found.succeed} of {found.total} tasks succeeded; the API doesn't say why"
    return Execution(
        id=str(found.execution_id),
        state=State.FAILED if state is State.SUCCEEDED and message else state,
        said=safe(found.status),
        total=found.total,
        succeeded=found.succeed,
        started=time_of(found.start_time),
        ended=time_of(found.end_time),
        message=message,
    )


def _task(found: _Task) -> Task:
    return Task(
        id=safe(found.job_id),
        state=state_of(found.status),
        said=safe(found.status),
        operation=safe(found.resource_type),
        source=safe(found.src_resource),
        target=safe(found.dst_resource),
        started=time_of(found.start_time),
        ended=time_of(found.end_time),
    )
