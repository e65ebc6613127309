"""The actions of TCR by which it moves images itself: rules between instances, and replicas.

What a rule takes is really copied, by skopeo, between the registries that stand behind instances
(`Replication.registries`). A test says that something was pushed (`pushed`), and lets the cloud do
its work (`work`); in between, executions are in progress. Answers, codes and the forms of values
are those of the SDK's models and of the examples of the official command line. Those don't say what
a name becomes below another namespace, nor how patterns are read: here all but the first component
of a name stays, and `reads` lets a test have patterns read in either way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from servers import skopeo
from servers.harbor_replication.doublestar import matches
from servers.images import digest_of
from servers.registry import Registry
from servers.skopeo import SkopeoError
from servers.tencent.api import Refused
from servers.tencent.enterprise import Instance, Instances, Namespace, instance_of, total
from servers.tencent.pages import by_page

if TYPE_CHECKING:
    from servers.tencent.api import Action, Call

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BASIC = "ManageReplication function only supports standard and premium instance"

Image = tuple[str, str]
"""A repository and a tag."""


@dataclass
class Policy:
    """A rule. `peer` is the login that it was given for an instance of another owner."""

    number: int
    source: Instance
    target: Instance
    rule: dict[str, Any]
    description: str
    enabled: bool = True
    peer: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        name: str = self.rule["Name"]
        return name


@dataclass
class Task:
    """One image of an execution. It has no job before it is begun."""

    source: Image
    target: Image
    job: str | None = None
    status: str = "Pending"
    started: str | None = None
    ended: str | None = None


@dataclass
class Execution:
    """One run of a rule."""

    number: int
    policy: Policy
    tasks: list[Task]
    status: str = "InProgress"
    started: str = ""
    ended: str | None = None


@dataclass
class Replication:
    """All rules and executions.

    `registries` are the real ones behind instances, by their ids. `foreign` are instances of other
    owners, by the UIN of the owner: rules may lead there, and nothing else sees them. `reads` says
    how patterns are read. With `repeats` a refusal repeats the token that it was handed, with
    `forgets` a field of a rule isn't kept. `resource` writes where a rule leads.
    """

    registries: dict[str, Registry] = field(default_factory=dict)
    foreign: dict[str, Instance] = field(default_factory=dict)
    policies: list[Policy] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    reads: str = "glob"
    repeats: bool = False
    forgets: set[str] = field(default_factory=set)
    tokens_seen: list[str] = field(default_factory=list, repr=False)
    now: Callable[[], float] = lambda: 1_790_000_000.0
    resource: Callable[[Policy], str] = lambda policy: (
        f"{policy.target.id}/{policy.rule['DestNamespace']} {policy.target.region}"
    )
    _count: int = 0

    def pushed(self, instance: Instance, repository: str, tag: str) -> None:
        """Say that an image was pushed to an instance: each rule that takes it begins to run."""
        for policy in self.policies:
            if (
                policy.source is instance
                and policy.enabled
                and self._takes(policy, repository, tag)
            ):
                self._begin(policy, [(repository, tag)])

    def started(self, name: str, *images: Image) -> None:
        """Begin an execution as the console does, whatever the rule's patterns are."""
        policy = next(each for each in self.policies if each.name == name)
        self._begin(policy, list(images))

    def work(self) -> None:
        """Carry out one execution that is in progress; nothing where there is none."""
        for execution in self.executions:
            if execution.status == "InProgress":
                self._carry_out(execution)
                return

    def _begin(self, policy: Policy, images: list[Image]) -> None:
        tasks = [Task(image, (_renamed(policy, image[0]), image[1])) for image in images]
        number = len(self.executions) + 1
        self.executions.append(Execution(number, policy, tasks, started=self._time()))

    def _takes(self, policy: Policy, repository: str, tag: str) -> bool:
        texts = {"name": repository, "tag": tag, "resource": "image"}
        return all(
            self._matches(each["Value"], texts.get(each["Type"], ""))
            for each in policy.rule["Filters"]
        )

    def _matches(self, pattern: str, text: str) -> bool:
        if self.reads == "glob":
            return matches(pattern, text)
        return not pattern or re.fullmatch(pattern, text) is not None

    def _carry_out(self, execution: Execution) -> None:
        for task in execution.tasks:
            task.job, task.started = f"{execution.number:012x}{self._next():012x}", self._time()
            task.status = "Succeed" if self._copy(execution.policy, task) else "Failed"
            task.ended = self._time()
        failed = any(task.status == "Failed" for task in execution.tasks)
        execution.status = "failed" if failed else "succeed"
        execution.ended = self._time()

    def _copy(self, policy: Policy, task: Task) -> bool:
        source = self.registries[policy.source.id]
        behind = self.registries[policy.target.id]
        target = behind
        if policy.peer is not None:
            target = Registry(behind.url, *policy.peer)
        old, new = _reference(source, task.source), _reference(target, task.target)
        try:
            if policy.rule["Override"] or _is_free(old, new, source, target):
                skopeo.copy(old, new, source, target)
        except SkopeoError:
            return False
        namespace, _, rest = task.target[0].partition("/")
        known = policy.target.namespaces.setdefault(namespace, Namespace())
        if rest not in known.repositories:
            known.repositories.append(rest)
        return True

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _time(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat()


def _reference(registry: Registry, image: Image) -> str:
    return f"docker://{registry.host}/{image[0]}:{image[1]}"


def _is_free(old: str, new: str, *registries: Registry) -> bool:
    """Tell whether a tag isn't there yet, or is the same."""
    try:
        there = skopeo.inspect_raw(new, *registries)
    except SkopeoError as error:
        if "manifest unknown" in str(error) or "name unknown" in str(error):
            return True
        raise
    return digest_of(there) == digest_of(skopeo.inspect_raw(old, *registries))


def _renamed(policy: Policy, repository: str) -> str:
    namespace = policy.rule["DestNamespace"]
    rest = repository.partition("/")[2]
    return f"{namespace}/{rest}" if namespace else repository


def _source(call: Call) -> Instance:
    """Return the source that a call names. It is asked where the source is."""
    wanted = call.need("SourceRegistryId")
    for each in call.api.of(Instances).every:
        if each.id == wanted:
            if each.region != call.region:
                raise Refused("InternalError", "Not support slave region")
            if each.edition == "basic":
                raise Refused("UnsupportedOperation", _BASIC)
            return each
    raise Refused("ResourceNotFound", f"{wanted} isn't there.")


def _named(call: Call, source: Instance) -> Policy:
    wanted = call.need("RuleName")
    for policy in call.api.of(Replication).policies:
        if policy.source is source and policy.name == wanted:
            return policy
    raise Refused("ResourceNotFound", f"no rule {wanted}")


def _target(call: Call, peer: dict[str, Any] | None) -> Instance:
    wanted = call.need("DestinationRegistryId")
    state = call.api.of(Replication)
    if peer is not None:
        found = state.foreign.get(peer["PeerRegistryUin"])
        token: str = peer["PeerRegistryToken"]
        state.tokens_seen.append(token)
        if state.repeats:
            raise Refused("InvalidParameter", f"the token {token} isn't one")
        if found is not None and found.id == wanted:
            return found
    for each in call.api.of(Instances).every:
        if each.id == wanted:
            return each
    raise Refused("ResourceNotFound", f"{wanted} isn't there.")


def _manage(call: Call) -> dict[str, Any]:
    source, state = _source(call), call.api.of(Replication)
    rule = dict(call.need("Rule"))
    for name in ("Name", "DestNamespace", "Override", "Filters"):
        if rule.get(name) is None:
            raise Refused("MissingParameter", f"The request is missing Rule.{name}.")
    if not _NAME.fullmatch(rule["Name"]):
        raise Refused("InvalidParameter", "the name of the rule")
    if any(each.source is source and each.name == rule["Name"] for each in state.policies):
        raise Refused("InvalidParameter.ReplicationExists", "replication rule exists")
    peer = call.get("PeerReplicationOption")
    target = _target(call, peer)
    if target.region_id != call.get("DestinationRegionId", target.region_id):
        raise Refused("InvalidParameter", "DestinationRegionId")
    login = (peer["PeerRegistryUin"], peer["PeerRegistryToken"]) if peer is not None else None
    number = state._next()
    policy = Policy(number, source, target, rule, call.get("Description", ""), peer=login)
    policy.rule.setdefault("Deletion", False)
    for name in state.forgets:
        policy.rule[name] = [] if name == "Filters" else False
    state.policies.append(policy)
    return {}


def _modify(call: Call) -> dict[str, Any]:
    policy = _named(call, _source(call))
    rule = call.need("Rule")
    policy.enabled = rule.get("Enabled", policy.enabled)
    policy.rule |= {name: value for name, value in rule.items() if name != "Enabled"}
    policy.description = call.get("Description", policy.description)
    return {}


def _delete(call: Call) -> dict[str, Any]:
    call.api.of(Replication).policies.remove(_named(call, _source(call)))
    return {}


def _describe_policies(call: Call) -> dict[str, Any]:
    instance, state = instance_of(call), call.api.of(Replication)
    found = [each for each in state.policies if each.source is instance]
    shown = [
        {
            "ID": str(each.number),
            "Name": each.name,
            "Description": each.description or None,
            "Filters": [dict(part) for part in each.rule["Filters"]] or None,
            "Override": each.rule["Override"],
            "Enabled": each.enabled,
            "SrcResource": f"{each.source.name}/** {each.source.region}",
            "DestResource": state.resource(each),
            "CreationTime": "2023-08-01T03:45:03+08:00",
            "UpdateTime": "2023-08-01T03:45:03+08:00",
        }
        for each in by_page(found, call)
    ]
    listed = {"ReplicationPolicyInfoList": shown} if shown else {}
    return {"TotalCount": total(call, len(found)), **listed}


def _describe_executions(call: Call) -> dict[str, Any]:
    instance, wanted = instance_of(call), call.get("PolicyId")
    found = [
        each
        for each in call.api.of(Replication).executions
        if each.policy.source is instance and wanted in (None, each.policy.number)
    ]
    shown = [
        {
            "ExecutionID": str(each.number),
            "PolicyID": str(each.policy.number),
            "Status": each.status,
            "Total": str(len(each.tasks)),
            "Succeed": str(sum(task.status == "Succeed" for task in each.tasks)),
            "StartTime": each.started,
            "EndTime": each.ended or "0001-01-01T00:00:00Z",
        }
        for each in by_page(found, call)
    ]
    return {"TotalCount": total(call, len(found)), "ReplicationExecutionList": shown}


def _describe_tasks(call: Call) -> dict[str, Any]:
    instance_of(call)
    wanted = call.need("ExecutionId")
    found = [
        task
        for each in call.api.of(Replication).executions
        if each.number == wanted
        for task in each.tasks
    ]
    shown = [_shown(task) for task in by_page(found, call)]
    return {"TotalCount": total(call, len(found)), "ReplicationTaskList": shown}


def _shown(task: Task) -> dict[str, Any]:
    return {
        "ResourceType": "image",
        "SrcResource": f"{task.source[0]}:[{task.source[1]}]",
        "DstResource": f"{task.target[0]}:[{task.target[1]}]",
        "JobID": task.job,
        "Status": task.status,
        "StartTime": task.started,
        "EndTime": task.ended,
    }


ACTIONS: dict[str, Action] = {
    "DeleteReplicationRule": _delete,
    "DescribeReplicationExecutions": _describe_executions,
    "DescribeReplicationPolicies": _describe_policies,
    "DescribeReplicationTasks": _describe_tasks,
    "ManageReplication": _manage,
    "ModifyReplication": _modify,
}
