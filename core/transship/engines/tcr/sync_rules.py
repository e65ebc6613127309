"""Rules by which TCR synchronises two instances: planned, made, followed, and reviewed.

Fields have the API's own names. Of what a rule is set to, the API tells only some: neither whether
it deletes, nor the number of the region or the owner it leads to. So a rule that is made from here
says all that in its description. A rule is kept at its source, in the region of that; it begins an
execution by itself. How TCR reads a pattern isn't documented beyond doubt: what a rule has taken
tells (`review_execution`). No secret is among it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from transship import errors
from transship.engines.changes import (
    Change,
    ChangeAction,
    ChangeSet,
    EngineItem,
    GetLogin,
    Settings,
    change_between,
)
from transship.engines.executions import Execution, ExecutionState, ExecutionTask
from transship.engines.filters import ANY_TAG, PolicySelection, pattern_regex, translate_plan
from transship.engines.tcr.api import InstanceApi, api_time, execution_state, explain_refusal
from transship.errors import BadPattern, TransshipError
from transship.plans.advice import side_of
from transship.plans.patterns import REGEX, parse_pattern
from transship.plans.plan import Plan
from transship.registry.credential import Credential, life_of
from transship.services.tencent_cloud import EDITIONS, RUNNING, TcrInstance, TencentCloud
from transship.text import duration_text, safe

RULE = "sync rule"

MADE_BY = "Made by Transship"
"""How the descriptions of rules begin that were made from here: they may be changed from here."""

FORGETS = "What it has done so far, its executions and their tasks, may be forgotten with it."

RESOURCES = ("", "image", "chart")
"""What a rule can be bounded to; empty: both."""

DESTINATION_FIELDS = ("DestinationRegistryId", "DestinationRegionId", "PeerRegistryUin")
"""The fields that say where a rule leads: the API has no way to change them."""

_DESCRIPTION = re.compile(
    rf"{MADE_BY}: to (?P<id>[^/ ,]+)/(?P<namespace>[^ ,]*), region (?P<region>\d+)"
    r"(, owner (?P<uin>\d+))?, deletion (?P<deletion>on|off)"
)
# The API's example is `tcr-e8pg46c6/event-center/eric ap-guangzhou`.
_DESTINATION = re.compile(r"(?P<id>tcr-[a-z0-9]+)/(?P<path>\S*) (?P<region>\S+)")
_PATTERN_SIGNS = re.compile(r"[*?\[{(+]|\.\*")


@dataclass(frozen=True, slots=True)
class SyncDestination:
    """The instance that rules lead to, and how it is known by.

    `host` is its registry's, `region_id` the cloud's number for its region. `edition`, `status` and
    `region` are empty where the keys don't see it. `uin` is the root account that owns it, where
    that isn't the one of the source; then the login of the account at `host` is what TCR is handed.
    """

    id: str
    host: str
    region_id: int
    region: str = ""
    edition: str = ""
    status: str = ""
    uin: str = ""

    @classmethod
    def of(cls, instance: TcrInstance, host: str = "", uin: str = "") -> SyncDestination:
        """Return an instance that keys see, those of the source or its owner's own."""
        return cls(
            instance.id,
            host or instance.public_domain,
            instance.region_id,
            instance.region,
            instance.edition,
            instance.status,
            uin,
        )

    def __str__(self) -> str:
        return f"{self.host} ({', '.join(filter(None, (self.id, self.region)))})"


@dataclass(frozen=True, slots=True)
class SyncRule:
    """A rule that is wished for.

    `names` and `tags` are patterns, sent as they are; empty ones take everything. `resource` is one
    of RESOURCES. `namespace` goes in the place of a repository's own at the destination; empty, the
    names stay. `override` says that a tag that differs is overwritten, `deletion` that what is
    deleted at the source is deleted at the destination.
    """

    name: str
    names: str = ""
    tags: str = ""
    resource: str = ""
    namespace: str = ""
    override: bool = False
    deletion: bool = False
    enabled: bool = True

    @property
    def filters(self) -> list[dict[str, str]]:
        """The filters as they are sent. Their types are in small letters: others do nothing."""
        given = {"name": self.names, "resource": self.resource, "tag": self.tags}
        return [{"Type": kind, "Value": value} for kind, value in given.items() if value]

    def settings(self, to: SyncDestination) -> dict[str, Any]:
        """Return what the rule is set to where it leads to `to`."""
        deletion = "on" if self.deletion else "off"
        owner = f", owner {to.uin}" if to.uin else ""
        return {
            "DestinationRegistryId": to.id,
            "DestinationRegionId": to.region_id,
            "PeerRegistryUin": to.uin,
            "DestNamespace": self.namespace,
            "Filters": self.filters,
            "Override": self.override,
            "Deletion": self.deletion,
            "Enabled": self.enabled,
            "Description": f"{MADE_BY}: to {to.id}/{self.namespace}, region {to.region_id}{owner}, "
            f"deletion {deletion}",
        }


class TcrPolicyFilter(msgspec.Struct, rename="pascal"):
    """A filter, as the API tells."""

    type: str = ""
    value: str = ""


class TcrPolicy(msgspec.Struct, rename="pascal"):
    """A rule, as the API tells (`ReplicationPolicyInfo`)."""

    id: int = msgspec.field(name="ID")
    name: str = ""
    description: str = ""
    filters: tuple[TcrPolicyFilter, ...] = ()
    override: bool = False
    enabled: bool = False
    src_resource: str = ""
    dest_resource: str = ""


@dataclass(frozen=True, slots=True)
class ExistingRule:
    """A rule that is there. `source` and `destination` are the API's own words for them."""

    name: str
    found: EngineItem
    source: str
    destination: str

    @property
    def is_ours(self) -> bool:
        """Whether it was made from here, by what it says of itself."""
        return is_made_by_us(self.found.settings)

    @property
    def leads_to(self) -> str:
        """The id of the instance that it leads to; empty where that can't be told."""
        said = self.found.settings.get("DestinationRegistryId")
        there = _DESTINATION.fullmatch(self.destination)
        return str(said or (there["id"] if there else ""))


def existing_rule(policy: TcrPolicy) -> ExistingRule:
    """Return a rule as it was read."""
    status = "enabled" if policy.enabled else "disabled"
    return ExistingRule(
        safe(policy.name),
        EngineItem(_rule_settings(policy), str(policy.id), status),
        safe(policy.src_resource),
        safe(policy.dest_resource),
    )


def is_made_by_us(settings: Settings) -> bool:
    """Tell whether a rule with these settings was made from here."""
    return _DESCRIPTION.fullmatch(str(settings.get("Description", ""))) is not None


def rule_body(name: str, settings: Settings) -> dict[str, Any]:
    """Return the rule of a ManageReplication."""
    wanted = ("DestNamespace", "Override", "Filters", "Deletion")
    return {"Name": name, **{key: settings[key] for key in wanted}}


def rule_update(settings: Settings) -> dict[str, Any]:
    """Return the rule of a ModifyReplication: all that it can set, so that nothing is left over."""
    wanted = ("DestNamespace", "Override", "Deletion", "Filters", "Enabled")
    return {key: settings[key] for key in wanted if key in settings}


def is_pattern(pattern: str) -> bool:
    """Tell whether a pattern is more than one text, read as a glob or as a regular expression."""
    return bool(_PATTERN_SIGNS.search(pattern))


def _rule_settings(policy: TcrPolicy) -> dict[str, Any]:
    filters = [{"Type": each.type, "Value": each.value} for each in policy.filters if each.value]
    read = {
        "Filters": sorted(filters, key=lambda each: (each["Type"], each["Value"])),
        "Override": policy.override,
        "Enabled": policy.enabled,
        "Description": policy.description,
    }
    says = _DESCRIPTION.fullmatch(policy.description)
    if says is None:
        return read
    return {**_described_settings(says, policy.dest_resource), **read}


def _described_settings(says: Mapping[str, Any] | re.Match[str], leads: str) -> dict[str, Any]:
    """Return what a description says, but for what the API says otherwise."""
    identity, namespace = says["id"], says["namespace"]
    there = _DESTINATION.fullmatch(leads)
    if there is not None:
        identity = there["id"]
        first = there["path"].partition("/")[0]
        if namespace and first and not is_pattern(first) and first != namespace:
            namespace = first
    return {
        "DestinationRegistryId": identity,
        "DestinationRegionId": int(says["region"]),
        "PeerRegistryUin": says["uin"] or "",
        "DestNamespace": namespace,
        "Deletion": says["deletion"] == "on",
    }


_DOCUMENTED = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*(/\*\*)?")
_CLASS = re.compile(r"\[[^\]]*\]")
_IN_NO_NAME = re.compile(r"[()+|^$\\]")
_RESOURCE = re.compile(r"(?P<repository>[^:\[\]]+)(:\[?(?P<tags>[^\[\]]*)\]?)?")


class PatternSyntax(StrEnum):
    """How a pattern can be read."""

    GLOB = "glob"
    """As Harbor reads it: `*` within a component, `**` over several."""
    REGEX = "regular expression"
    """For the whole text."""


@dataclass(frozen=True, slots=True)
class ExecutionReview:
    """What an execution took (`repository:tag`), and by which readings of the patterns it is right.

    `beyond` is what was taken though the patterns, read as globs, don't select it; `missing` is
    what was wanted and not taken.
    """

    taken: tuple[str, ...]
    beyond: tuple[str, ...]
    missing: tuple[str, ...]
    explains: tuple[PatternSyntax, ...]


def review_execution(
    filters: Iterable[Mapping[str, str]], tasks: Iterable[ExecutionTask], wanted: Iterable[str] = ()
) -> ExecutionReview:
    """Return what the tasks of one execution tell of how the filters of its rule were read."""
    patterns = {each["Type"]: each["Value"] for each in filters}
    taken = tuple(dict.fromkeys(image for task in tasks for image in images_in(task.source)))
    expected = tuple(wanted)
    missing = tuple(image for image in expected if image not in taken)
    explains = tuple(
        syntax
        for syntax in PatternSyntax
        if all(patterns_select(patterns, image, syntax) for image in taken)
        and not any(patterns_select(patterns, image, syntax) for image in missing)
    )
    beyond = tuple(
        each for each in taken if not patterns_select(patterns, each, PatternSyntax.GLOB)
    )
    return ExecutionReview(taken, beyond, missing, explains)


def patterns_select(patterns: Mapping[str, str], image: str, syntax: PatternSyntax) -> bool:
    """Tell whether patterns by their type (`name`, `tag`) select an image, `repository:tag`."""
    repository, _, tag = image.partition(":")
    of_name = _pattern_matches(patterns.get("name", ""), repository, syntax)
    return of_name and (not tag or _pattern_matches(patterns.get("tag", ""), tag, syntax))


def images_in(resource: str) -> Sequence[str]:
    """Return the images that a task's source names: `team/web:[1.0,1.1]` names two."""
    found = _RESOURCE.fullmatch(resource.strip())
    if found is None:
        return (resource,)
    tags = [tag.strip() for tag in (found["tags"] or "").split(",")]
    return [f"{found['repository']}:{tag}" for tag in tags if tag] or [found["repository"]]


def is_ambiguous(kind: str, pattern: str) -> bool:
    """Tell whether a pattern can be read in two ways, and isn't of a form that is documented.

    Documented for names are a repository, and a namespace with `/**` behind it.
    """
    if kind == "name" and _DOCUMENTED.fullmatch(pattern):
        return False
    return is_pattern(pattern)


def _pattern_matches(pattern: str, text: str, syntax: PatternSyntax) -> bool:
    if not pattern:
        return True
    try:
        if syntax is PatternSyntax.REGEX:
            return bool(parse_pattern(f"{REGEX}{pattern}").matches(text))
        # Such characters are themselves in a glob, and no name has them.
        if _IN_NO_NAME.search(_CLASS.sub("", pattern)):
            return False
        return pattern_regex(pattern).fullmatch(text) is not None
    except (BadPattern, re.error):
        return False


_SERVICE_ACCOUNT = "tcr$"


class _ExecutionEntry(msgspec.Struct, rename="pascal"):
    execution_id: int = msgspec.field(name="ExecutionID")
    status: str = ""
    total: int | None = None
    succeed: int | None = None
    start_time: str = ""
    end_time: str = ""


class _TaskEntry(msgspec.Struct, rename="pascal"):
    job_id: str = msgspec.field(name="JobID", default="")
    resource_type: str = ""
    src_resource: str = ""
    dst_resource: str = ""
    status: str = ""
    start_time: str = ""
    end_time: str = ""


class SyncRuleEngine:
    """The rules of which `source` is the source: `Engine` and `Follows`, by the names of rules.

    `cloud` is asked as the owner of the source.
    """

    def __init__(self, cloud: TencentCloud, source: TcrInstance) -> None:
        self._cloud = cloud
        self._at = InstanceApi(cloud, source)
        self.source = source

    @property
    def name(self) -> str:
        """Which engine and where."""
        return self._at.name

    async def rules(self) -> tuple[ExistingRule, ...]:
        """Return all rules. Raises ListIncomplete, NoRight, and those of the way."""
        found = await self._at.listed("DescribeReplicationPolicies", TcrPolicy)
        return tuple(map(existing_rule, found))

    async def read(self, kind: str, name: str) -> EngineItem | None:  # noqa: ARG002 - there is one kind
        """Return the rule of this name; None when there is none."""
        for rule in await self.rules():
            if rule.name == name:
                return rule.found
        return None

    async def make(self, change: Change, gives: GetLogin) -> None:
        """Make one change. A token goes to the cloud with a new rule, and nowhere else."""
        if change.does is ChangeAction.DELETE:
            await self._ask("DeleteReplicationRule", {"RuleName": change.name})
        elif change.does is ChangeAction.CREATE:
            await self._create(change, gives)
        elif change.does is ChangeAction.CHANGE:
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

    async def tasks(self, of: str, execution: str) -> AsyncIterator[ExecutionTask]:  # noqa: ARG002
        """Give the tasks of one. Why a task failed the API doesn't tell."""
        if not execution.isdecimal():
            raise errors.ExecutionNotFound(repr(execution))
        number = int(execution)
        for each in await self._at.listed(
            "DescribeReplicationTasks", _TaskEntry, ExecutionId=number
        ):
            yield _task_of(each)

    async def log(self, of: str, execution: str, task: str) -> str:  # noqa: ARG002
        """Return nothing: the API has no logs of tasks."""
        return ""

    async def judged(self, of: str, execution: str, wanted: Iterable[str] = ()) -> ExecutionReview:
        """Return what an execution took, against what the rule's patterns say.

        `wanted` are `repository:tag` at the source that it should have taken.
        """
        rule = await self._rule(of)
        tasks = [task async for task in self.tasks(of, execution)]
        return review_execution(rule.found.settings["Filters"], tasks, wanted)

    async def _create(self, change: Change, gives: GetLogin) -> None:
        settings = change.after or {}
        if not is_made_by_us(settings):
            raise errors.CantBeDelegated(
                f"{change.name}: not all that it was set to is known: the API doesn't tell",
                remedy="Make a rule anew.",
            )
        fields: dict[str, Any] = {
            "DestinationRegistryId": settings["DestinationRegistryId"],
            "DestinationRegionId": settings["DestinationRegionId"],
            "Rule": rule_body(change.name, settings),
            "Description": settings["Description"],
        }
        secret = ""
        if settings["PeerRegistryUin"]:
            secret = await _peer_token(change, gives)
            fields["PeerReplicationOption"] = {
                "PeerRegistryUin": settings["PeerRegistryUin"],
                "PeerRegistryToken": secret,
                "EnablePeerReplication": True,
            }
        await self._ask("ManageReplication", fields, secret)
        if not settings["Enabled"]:
            rule = {"RuleName": change.name, "Rule": rule_update(settings)}
            await self._ask("ModifyReplication", rule)

    async def _modify(self, change: Change) -> None:
        before, after = change.before or {}, change.after or {}
        if moved := [name for name in DESTINATION_FIELDS if before.get(name) != after.get(name)]:
            raise errors.CantBeDelegated(
                f"{change.name}: where a rule leads can't be changed ({', '.join(moved)})",
                remedy="Delete the rule, and make another.",
            )
        fields = {
            "RuleName": change.name,
            "Rule": rule_update(after),
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
            failure = explain_refusal(error, secret)
            if failure is error:
                raise
        # Outside, so that the error that may repeat the secret isn't chained to this one.
        raise failure

    async def _rule(self, name: str) -> ExistingRule:
        for rule in await self.rules():
            if rule.name == name:
                return rule
        raise errors.EngineRefused(f"{self.name} has no rule {name}", remedy="Make it first.")

    async def _executions(self, of: str) -> list[Execution]:
        number = int((await self._rule(of)).found.id)
        found = await self._at.listed(
            "DescribeReplicationExecutions", _ExecutionEntry, PolicyId=number
        )
        found.sort(key=lambda each: each.execution_id, reverse=True)
        return list(map(_execution_of, found))


async def _peer_token(change: Change, gives: GetLogin) -> str:
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


def _execution_of(found: _ExecutionEntry) -> Execution:
    state = execution_state(found.status)
    message = ""
    counts = found.total is not None and found.succeed is not None
    if state.is_over and counts and found.total != found.succeed:
        message = f"{found.succeed} of {found.total} tasks succeeded; the API doesn't say why"
    return Execution(
        id=str(found.execution_id),
        state=ExecutionState.FAILED if state is ExecutionState.SUCCEEDED and message else state,
        said=safe(found.status),
        total=found.total,
        succeeded=found.succeed,
        started=api_time(found.start_time),
        ended=api_time(found.end_time),
        message=message,
    )


def _task_of(found: _TaskEntry) -> ExecutionTask:
    return ExecutionTask(
        id=safe(found.job_id),
        state=execution_state(found.status),
        said=safe(found.status),
        operation=safe(found.resource_type),
        source=safe(found.src_resource),
        target=safe(found.dst_resource),
        started=api_time(found.start_time),
        ended=api_time(found.end_time),
    )


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]{1,29}")
_BY_LANES = "let Transship move it"
_NO_SYNC = frozenset({"ap-taipei"})
"""Regions whose instances can't be synchronised, by the page on synchronisation (1141/41945)."""

SYNTAX_IN_DOUBT = (
    "How TCR reads patterns is documented in two ways: as regular expressions in its console, as "
    "globs in the examples of its API. They are sent as they stand here; what an execution has "
    "taken tells which it is, so look at the first."
)
BEGINS = (
    "A push to the source begins an execution. No action of the API begins or stops one, and it "
    "isn't documented whether a new rule takes what is there already: look whether one has begun, "
    "and else start one in the console of TCR, or let Transship copy it once."
)
READS_BACK = (
    "Whether a rule deletes, and where exactly it leads, the API takes but doesn't tell: what was "
    "asked for stands in the rule's description, and can be checked in the console of TCR."
)
BEFORE_THE_INSTANCE = "Its rules have to be deleted before the source itself can be."


def plan_rules(
    source: TcrInstance,
    to: SyncDestination,
    rules: Sequence[SyncRule],
    there: Sequence[ExistingRule],
    *,
    namespaces: Collection[str] | None = None,
) -> ChangeSet:
    """Return what would be made so that `source` is synchronised to `to` by `rules`.

    `there` are all rules that the source has. A rule that is there and was made from here is
    changed, one of others is a refusal. `namespaces` are those of the destination, where they are
    known.
    """
    engine, purpose = f"TCR instance {source}", f"synchronise {source.public_domain} to {to.host}"
    known = {rule.name: rule for rule in there}
    refusals = [*_instance_faults(source, to)]
    for rule in rules:
        refusals += _rule_faults(rule)
    names = [rule.name for rule in rules]
    refusals += [
        errors.BadRequest(f"two rules are called {name}")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if not rules:
        refusals.append(errors.BadRequest("no rule is wished for"))
    changes = [_rule_change(rule, to, known.get(rule.name), refusals) for rule in rules]
    if refusals:
        return ChangeSet(engine, purpose, refusals=tuple(refusals))
    notes = (*_rule_notes(source, to, rules), *_namespace_notes(to, rules, namespaces))
    return ChangeSet(engine, purpose, tuple(changes), (*notes, BEFORE_THE_INSTANCE))


def plan_rules_from(
    source: TcrInstance,
    to: SyncDestination,
    name: str,
    plan: Plan,
    there: Sequence[ExistingRule],
    *,
    host: str = "",
    namespaces: Collection[str] | None = None,
    deletion: bool = False,
) -> ChangeSet:
    """Return what would be made so that TCR does what a plan says from `source` to `to`.

    `host` is what the plan calls the source, where that isn't its own domain; `to.host` is what it
    calls the destination. `name` is that of the first rule; the second is `NAME-2`, and so on. With
    `deletion` what is deleted at the source is deleted at the destination too.
    What of the plan can't be said in rules is a refusal each. `namespaces` as for `wish`.
    """
    sides = host or source.public_domain, to.host
    made = translate_plan(plan, *sides, at_least=2)
    refusals: list[TransshipError] = [
        errors.CantBeDelegated(f"{unsaid.part}: {unsaid.why}", remedy=unsaid.instead)
        for each in made
        for unsaid in each.unsaid
    ]
    if not made:
        refusals.append(
            errors.CantBeDelegated(f"the plan copies nothing from {sides[0]} to {sides[1]}")
        )
    rules: list[SyncRule] = []
    parts = dict.fromkeys((part, each.override) for each in made for part in each.parts)
    for part, override in parts:
        called = f"{name}-{len(rules) + 1}" if rules else name
        try:
            rule = _rule_from(called, part, override=override)
            rules.append(replace(rule, deletion=deletion))
        except errors.CantBeDelegated as error:
            refusals.append(error)
    if refusals:
        purpose = f"let TCR move a plan from {sides[0]} to {sides[1]}"
        return ChangeSet(f"TCR instance {source}", purpose, refusals=tuple(refusals))
    found = plan_rules(source, to, rules, there, namespaces=namespaces)
    notes = dict.fromkeys(note for each in made for note in each.notes)
    return ChangeSet(
        found.engine, found.purpose, found.changes, (*found.notes, *notes), found.refusals
    )


def plan_rule_removal(
    source: TcrInstance, names: Sequence[str], there: Sequence[ExistingRule]
) -> ChangeSet:
    """Return what would be taken away: the rules of these names. Images stay where they are."""
    engine = f"TCR instance {source}"
    known = {rule.name: rule for rule in there}
    missing = [
        errors.CantBeDelegated(f"{engine} has no rule {name}", remedy="List them again.")
        for name in names
        if name not in known
    ]
    changes = [
        change_between(
            RULE,
            name,
            known[name].found.settings,
            None,
            warns=tuple(_rule_removal_warnings(known[name])),
        )
        for name in dict.fromkeys(names)
        if name in known
    ]
    return ChangeSet(
        engine,
        f"take away {', '.join(names)}",
        () if missing else tuple(changes),
        refusals=tuple(missing),
    )


def _rule_removal_warnings(rule: ExistingRule) -> Iterator[str]:
    yield FORGETS
    if not rule.is_ours:
        yield (
            f"{rule.name} wasn't made from here, and the API doesn't tell all that it is set to: "
            f"undo can't make it again."
        )
    elif rule.found.settings["PeerRegistryUin"]:
        yield f"The token that {rule.name} has isn't kept here: undo can't make it again."


def _instance_faults(source: TcrInstance, to: SyncDestination) -> Iterator[TransshipError]:
    """Give what is in the way at the two instances."""
    if source.id == to.id:
        yield errors.CantBeDelegated("both sides are the same instance")
    for label, edition, status in (
        (str(source), source.edition, source.status),
        (str(to), to.edition, to.status),
    ):
        known = EDITIONS.get(edition)
        if known is not None and not known.syncs:
            yield errors.CantBeDelegated(
                f"{label} is of the {edition} edition, and rules take standard or premium",
                remedy=f"Upgrade the instance, or {_BY_LANES}.",
            )
        if status not in ("", RUNNING):
            yield errors.CantBeDelegated(
                f"{label} isn't running, it is {status}", remedy="Look at it in the console of TCR."
            )
    for region in (source.region, to.region):
        if region in _NO_SYNC:
            yield errors.CantBeDelegated(
                f"TCR synchronises nothing from or to {region}",
                remedy=f"{_upper_first(_BY_LANES)}.",
            )
    if to.uin and not (to.uin.isascii() and to.uin.isdecimal()):
        yield errors.BadRequest(f"{to.uin!r} is no account ID (UIN): those are digits")


def _rule_faults(rule: SyncRule) -> Iterator[TransshipError]:
    """Give what is wrong with a rule by itself."""
    if not _NAME.fullmatch(rule.name):
        yield errors.BadRequest(
            f"{rule.name!r} is no name for a rule: small letters, digits, '-', '.' and '_', a "
            f"letter or a digit first"
        )
    if not rule.filters:
        yield errors.BadRequest(
            f"{rule.name}: a rule needs a pattern, as in NAMESPACE/** for all of a namespace"
        )
    if rule.resource not in RESOURCES:
        yield errors.BadRequest(f"{rule.resource!r} is neither image nor chart")
    if rule.namespace and not _NAMESPACE.fullmatch(rule.namespace):
        yield errors.BadRequest(f"{rule.namespace!r} is no namespace of TCR")


def _rule_change(
    rule: SyncRule, to: SyncDestination, there: ExistingRule | None, refusals: list[TransshipError]
) -> Change:
    before = there.found.settings if there is not None else None
    after = rule.settings(to)
    owner = bool(to.uin) and before is None
    warns = []
    if owner:
        warns.append(
            f"TCR is handed the long-term token of {to.host}, of the owner {to.uin}, and keeps it. "
            f"The rule ends with that token, and another can't be put in its place."
        )
    if rule.deletion:
        warns.append(
            f"What is deleted at the source is deleted at {to.host} too: no bound, and no way back."
        )
    gives = (to.host,) if owner else ()
    change = change_between(RULE, rule.name, before, after, gives=gives, warns=tuple(warns))
    if change.does is ChangeAction.CHANGE and there is not None and before is not None:
        if not there.is_ours:
            refusals.append(errors.NameTaken(f"{RULE} {rule.name}, to {there.destination}"))
        elif any(before.get(name) != after[name] for name in DESTINATION_FIELDS):
            refusals.append(
                errors.CantBeDelegated(
                    f"{RULE} {rule.name} leads to {there.leads_to}, and where a rule leads can't "
                    f"be changed",
                    remedy="Choose another name, or delete that rule first.",
                )
            )
    return change


def _rule_notes(
    source: TcrInstance, to: SyncDestination, rules: Sequence[SyncRule]
) -> Iterator[str]:
    for rule in rules:
        yield f"{rule.name} takes {_selection_text(rule)}; that is what is sent."
        yield f"{rule.name} puts it {_placement_text(rule)}."
    if any(is_ambiguous(each["Type"], each["Value"]) for rule in rules for each in rule.filters):
        yield SYNTAX_IN_DOUBT
    yield BEGINS
    if any(not rule.override for rule in rules):
        yield (
            "A tag that differs at the destination is left alone where a rule doesn't override; "
            "nothing that the API tells names such tags."
        )
    yield READS_BACK
    sides = side_of(source.region), side_of(to.region)
    if None not in sides and sides[0] is not sides[1]:
        yield "It goes across the border of mainland China, which rules may."
    if not to.edition:
        yield (
            f"The keys don't see {to.host}: that it runs, and is of the standard or premium "
            f"edition, isn't checked."
        )
    elif to.edition not in EDITIONS:
        yield f"The edition of {to.host}, {to.edition}, isn't known here, and isn't checked."
    if source.edition not in EDITIONS:
        yield f"The edition of {source}, {source.edition}, isn't known here, and isn't checked."


def _namespace_notes(
    to: SyncDestination, rules: Sequence[SyncRule], known: Collection[str] | None
) -> Iterator[str]:
    named = (rule.namespace or rule.names.partition("/")[0] for rule in rules)
    for name in dict.fromkeys(name for name in named if name and not is_pattern(name)):
        if known is None:
            yield (
                f"Look whether {to.host} has the namespace {name}: that TCR makes one that is "
                f"missing isn't documented."
            )
        elif name not in known:
            yield (
                f"{to.host} has no namespace {name}, and that TCR makes it isn't documented: make "
                f"it before."
            )


def _selection_text(rule: SyncRule) -> str:
    what = {"image": "images", "chart": "charts"}.get(rule.resource, "images and charts")
    names = f"in repositories that match {rule.names}" if rule.names else "in every repository"
    tags = f"with tags that match {rule.tags}" if rule.tags else "with any tag"
    return f"{what} {names}, {tags}"


def _placement_text(rule: SyncRule) -> str:
    if not rule.namespace:
        return "where it has the same name"
    return (
        f"into the namespace {rule.namespace}; how a name of more than two components is kept "
        f"below it isn't documented, the targets of the tasks tell"
    )


def _rule_from(name: str, part: PolicySelection, *, override: bool) -> SyncRule:
    """Return the rule that selects and names what a part does. Raises CantBeDelegated."""
    tags = [tag for tag in part.tags if tag.pattern != ANY_TAG or tag.excludes]
    if len(tags) > 1 or any(tag.excludes for tag in tags):
        raise errors.CantBeDelegated(
            f"{part.name}: a rule of TCR has one pattern for tags, and none that leaves tags out",
            remedy=f"Write it as one pattern that takes tags in, or {_BY_LANES}.",
        )
    namespace, _, rest = part.name.partition("/")
    if is_pattern(namespace) or not rest:
        raise errors.CantBeDelegated(
            f"{part.name}: a rule of TCR is for one namespace",
            remedy=f"Begin the pattern with the name of a namespace, or {_BY_LANES}.",
        )
    path, replaces = _shortest(part)
    if path and (replaces != 1 or "/" in path):
        raise errors.CantBeDelegated(
            f"{part.name}: a rule of TCR puts another namespace in the place of the first "
            f"component, and names can't be made otherwise",
            remedy=f"Write a `to` of one component, or {_BY_LANES}.",
        )
    return SyncRule(
        name,
        names=part.name,
        tags=tags[0].pattern if tags else "",
        namespace=path or namespace,
        override=override,
    )


def _shortest(part: PolicySelection) -> tuple[str, int]:
    """Return what goes in the place of how many components, without those that stay the same."""
    path, replaces, names = part.namespace.split("/"), part.replaces, part.name.split("/")
    while len(path) > 1 and replaces > 1 and path[-1] == names[replaces - 1]:
        path.pop()
        replaces -= 1
    return "/".join(path), replaces


def _upper_first(text: str) -> str:
    return text[0].upper() + text[1:]
