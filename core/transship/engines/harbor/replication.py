"""What would be made at one Harbor to push, pull or relay: endpoints and policies. Only plans.

What stands in the way is in `ChangeSet.refusals`. All functions raise what stands in the way of
asking Harbor: NoRight for who is no system administrator, and the errors of the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from transship import errors
from transship.engines.changes import Change, ChangeAction, ChangeSet, change_between
from transship.engines.filters import (
    KEEPS_LAST,
    PolicySelection,
    RuleTranslation,
    fewest_name_components,
    is_wildcard,
    pattern_regex,
    translate_plan,
)
from transship.engines.harbor.adapters import RemoteRegistry, choose_adapter, supports_chunks
from transship.engines.harbor.api import AdapterInfo, HarborEndpoint, HarborPolicy
from transship.engines.harbor.engine import HarborEngine, endpoint_item
from transship.engines.harbor.policy import (
    ENDPOINT,
    LONGEST_NAME,
    MADE_BY,
    POLICY,
    PolicyTerms,
    TriggerKind,
    endpoint_settings,
    is_made_by_us,
    longest_interval,
    policy_settings,
    policy_terms_of,
    sorted_filters,
    term_faults,
    term_notes,
    term_settings,
)
from transship.errors import TransshipError
from transship.plans.plan import Plan
from transship.registry.service import service_named
from transship.text import duration_text, safe

_LONGEST_POLICY = 256
_MOST_EXAMPLES = 5
_PING_FAILS = (errors.EngineRefused, errors.ServerFailed)


@dataclass(frozen=True, slots=True)
class ReplicationHalf:
    """Policies to or from one other registry, one for each of `parts`.

    `examples` are repositories that are at the source, to show what they would be called.
    """

    name: str
    far: RemoteRegistry
    parts: tuple[PolicySelection, ...]
    terms: PolicyTerms
    pulls: bool
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class ReplicationPlanner:
    """A set of changes that is being drawn up."""

    harbor: HarborEngine
    purpose: str
    adapters: tuple[str, ...]
    infos: Mapping[str, AdapterInfo]
    endpoints: tuple[HarborEndpoint, ...]
    policies: tuple[HarborPolicy, ...]
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refusals: list[TransshipError] = field(default_factory=list)

    @classmethod
    async def begun(cls, harbor: HarborEngine, purpose: str) -> ReplicationPlanner:
        """Ask what there is. Raises NoRight for who is no administrator, and the like."""
        return cls(
            harbor,
            purpose,
            await harbor.adapters(),
            await harbor.adapter_infos(),
            await harbor.endpoints(),
            await harbor.policies(),
        )

    async def add(self, half: ReplicationHalf) -> None:
        """Draw up one half."""
        self.refusals += term_faults(half.terms, pulls=half.pulls)
        if not half.name or len(half.name) > _LONGEST_POLICY:
            self.refusals.append(errors.BadRequest(f"{half.name!r} is no name for a policy"))
        endpoint = await self._endpoint(half)
        if half.pulls:
            await self._check_projects(half)
        if self.refusals or endpoint is None:
            return
        self._note(*term_notes(half.terms, pulls=half.pulls))
        self._show_names(half)
        for number, part in enumerate(half.parts, 1):
            name = half.name if number == 1 else f"{half.name}-{number}"
            self._policy(name, half, part, endpoint)

    def result(self) -> ChangeSet:
        """Return what has been drawn up."""
        changes = () if self.refusals else tuple(self.changes)
        return ChangeSet(
            self.harbor.name, self.purpose, changes, tuple(self.notes), tuple(self.refusals)
        )

    async def _endpoint(self, half: ReplicationHalf) -> str | None:
        """Return the name of the endpoint that is used or would be made."""
        far = half.far
        lists = half.pulls and any(map(is_wildcard, (part.name for part in half.parts)))
        try:
            adapter = choose_adapter(far, self.adapters, lists=lists)
        except errors.CantBeDelegated as error:
            self.refusals.append(error)
            return None
        far = self._as_asked(far, adapter)
        there = self._same(far)
        if half.terms.copy_by_chunk:
            await self._check_chunks(far, adapter, there)
        if there is not None:
            return await self._reused(there)
        made = next((each for each in self.changes if _is_endpoint_for(each, far)), None)
        if made is not None:
            return made.name
        settings = {
            "type": adapter,
            "url": far.address,
            "insecure": far.insecure,
            "description": f"{MADE_BY}: {far.host}",
            "access_key": far.username,
        }
        name = self._free_name(far.host)
        warns = tuple(_endpoint_warnings(self.harbor.host, far))
        change = change_between(ENDPOINT, name, None, settings, gives=far.gives, warns=warns)
        self.changes.append(change)
        if not half.pulls and adapter == "docker-registry":
            self._note(
                f"Harbor makes nothing at {far.host} by its plain adapter: what has to be there "
                f"before a push, namespaces and the like, must be there."
            )
        return name

    def _as_asked(self, far: RemoteRegistry, adapter: str) -> RemoteRegistry:
        """Return the other registry as its adapter wants it; refuse what that doesn't take."""
        info = self.infos.get(adapter, AdapterInfo())
        if far.username and info.user not in ("", far.username):
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{far.host}: Harbor signs in by its adapter {adapter} as {info.user} only, "
                    f"and not as {far.username}"
                )
            )
        return replace(far, url=far.url or info.address)

    def _same(self, far: RemoteRegistry) -> HarborEndpoint | None:
        """Return an endpoint with the same address that is signed in to as the same user."""
        for each in self.endpoints:
            settings = endpoint_settings(each)
            same_user = not far.username or settings["access_key"] == far.username
            if settings["url"].lower() == far.address.lower() and same_user:
                return each
        return None

    async def _reused(self, endpoint: HarborEndpoint) -> str:
        settings = endpoint_item(endpoint).settings
        if all(each.name != endpoint.name for each in self.changes if each.kind == ENDPOINT):
            self.changes.append(change_between(ENDPOINT, endpoint.name, settings, settings))
            self._note(
                f"Harbor has the endpoint {safe(endpoint.name)} for this address already. It is "
                f"used as it is, with the secret that Harbor has for it."
            )
            try:
                await self.harbor.ping(endpoint)
            except _PING_FAILS as error:
                self.refusals.append(
                    errors.EngineRefused(
                        f"its endpoint {endpoint.name} doesn't work: {error.detail}",
                        remedy="Mend the endpoint in Harbor (its secret may have changed), or "
                        "sign in to the registry as another user here.",
                    )
                )
        return endpoint.name

    async def _check_chunks(
        self, far: RemoteRegistry, adapter: str, there: HarborEndpoint | None
    ) -> None:
        takes = supports_chunks(adapter)
        if there is not None:
            said = (await self.harbor.info(there)).supported_copy_by_chunk
            takes = takes if said is None else said
        if not takes:
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{far.host}: Harbor can't send blobs in pieces by its adapter {adapter}",
                    remedy="Let it send blobs whole.",
                )
            )

    async def _check_projects(self, half: ReplicationHalf) -> None:
        """Refuse projects that are proxy caches: Harbor leaves out what would go there."""
        firsts = dict.fromkeys((part.namespace or part.name).split("/")[0] for part in half.parts)
        for project in firsts:
            if not is_wildcard(project) and await self.harbor.is_proxy_cache(project):
                self.refusals.append(
                    errors.CantBeDelegated(
                        f"the project {project} is a proxy cache; Harbor copies nothing there, and "
                        f"says that all went well",
                        remedy="Choose another project, by the path of the target.",
                    )
                )

    def _free_name(self, host: str) -> str:
        taken = {each.name for each in self.endpoints} | {each.name for each in self.changes}
        base = host.replace(":", "-")[: LONGEST_NAME - 4]
        names = (base, *(f"{base}-{number}" for number in range(2, 1000)))
        return next(name for name in names if name not in taken)

    def _policy(
        self, name: str, half: ReplicationHalf, part: PolicySelection, endpoint: str
    ) -> None:
        settings = {
            "description": f"{MADE_BY}: {self.purpose}",
            "src_registry": endpoint if half.pulls else "",
            "dest_registry": "" if half.pulls else endpoint,
            "dest_namespace": part.namespace,
            "dest_namespace_replace_count": part.replaces if part.namespace else 0,
            "filters": sorted_filters(part.filters),
            **term_settings(half.terms),
        }
        found = next((each for each in self.policies if each.name == name), None)
        before = None if found is None else policy_settings(found)
        change = change_between(POLICY, name, before, settings)
        if change.does is ChangeAction.CHANGE and before is not None and not is_made_by_us(before):
            self.refusals.append(errors.NameTaken(f"{POLICY} {name} of {self.harbor.name}"))
            return
        self.changes.append(change)

    def _show_names(self, half: ReplicationHalf) -> None:
        """Note what real names become, and refuse those that Harbor would fail of."""
        shown = 0
        for name in half.examples:
            called = {
                part.renamed(name)
                for part in half.parts
                if pattern_regex(part.name).fullmatch(name)
            }
            if None in called:
                self.refusals.append(
                    errors.CantBeDelegated(
                        f"{name} has too few components to take some off, and Harbor then fails "
                        f"as a whole"
                    )
                )
            for each in sorted(filter(None, called)):
                self._check_parts(half, name, each)
                if shown < _MOST_EXAMPLES:
                    self._note(f"{name} becomes {each}.")
                    shown += 1

    def _check_parts(self, half: ReplicationHalf, name: str, called: str) -> None:
        service = service_named("harbor" if half.pulls else half.far.service)
        low, high = service.capabilities.parts if service is not None else (1, 0)
        count = called.count("/") + 1
        if count < low or (high and count > high):
            where = self.harbor.host if half.pulls else half.far.host
            self.refusals.append(
                errors.CantBeDelegated(
                    f"{name} would become {called}, and names at {where} don't have {count} "
                    f"components; Harbor then fails as a whole"
                )
            )

    def _note(self, *notes: str) -> None:
        self.notes += [note for note in notes if note not in self.notes]


def _endpoint_warnings(host: str, far: RemoteRegistry) -> Iterable[str]:
    """Give what to know of an endpoint before it is agreed to."""
    for account in far.gives:
        yield (
            f"Harbor at {host} is handed the login of {account} ({far.username}) for "
            f"{far.address}, and keeps it."
        )
    if far.address.startswith("http:"):
        yield f"Harbor speaks plain http to {far.address}: who is on the way can read the login."
    elif far.insecure:
        yield f"Harbor doesn't look whether {far.address} is who it says."


def _is_endpoint_for(change: Change, far: RemoteRegistry) -> bool:
    after = change.after or {}
    return (
        change.kind == ENDPOINT
        and after.get("url") == far.address
        and after.get("access_key") == far.username
    )


def refused_changes(
    errors_of: Iterable[TransshipError], harbor: HarborEngine, purpose: str
) -> ChangeSet:
    """Return a set of which nothing can be made, and why."""
    return ChangeSet(harbor.name, purpose, refusals=tuple(errors_of))


def policy_deletions(policies: Sequence[HarborPolicy], names: Sequence[str]) -> list[Change]:
    """Return the changes that take policies away, those that are there."""
    found = {each.name: policy_settings(each) for each in policies}
    warns = ("What it has done so far, its executions and their logs, is forgotten with it.",)
    return [
        change_between(POLICY, name, found[name], None, warns=warns)
        for name in names
        if name in found
    ]


PLAIN_TERMS = PolicyTerms()


async def plan_push(
    harbor: HarborEngine,
    name: str,
    target: RemoteRegistry,
    parts: Sequence[PolicySelection],
    terms: PolicyTerms = PLAIN_TERMS,
    *,
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor pushes `parts` to `target`.

    `name` is that of the policy; of the second part it is `NAME-2`, and so on. `examples` are
    repositories of Harbor, to show what they will be called.
    """
    purpose = f"push to {target.host}"
    return await _plan_halves(
        harbor,
        purpose,
        [ReplicationHalf(name, target, tuple(parts), terms, False, tuple(examples))],
    )


async def plan_pull(
    harbor: HarborEngine,
    name: str,
    source: RemoteRegistry,
    parts: Sequence[PolicySelection],
    terms: PolicyTerms = PLAIN_TERMS,
    *,
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor pulls `parts` from `source`; else as `push`."""
    purpose = f"pull from {source.host}"
    return await _plan_halves(
        harbor, purpose, [ReplicationHalf(name, source, tuple(parts), terms, True, tuple(examples))]
    )


async def plan_relay(
    harbor: HarborEngine,
    name: str,
    source: RemoteRegistry,
    target: RemoteRegistry,
    parts: Sequence[PolicySelection],
    terms: PolicyTerms,
    *,
    via: str,
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor pulls from `source` and pushes on to `target`.

    `parts` are as if it went straight from one to the other. In between everything is in the
    project `via`, under its whole name. `terms` are of both halves, but that the half that pulls,
    `NAME-in`, goes by their cron line, and the one that pushes, `NAME-out`, by events. `examples`
    are repositories of the source.
    """
    purpose = f"relay from {source.host} to {target.host}"
    faults: list[TransshipError] = []
    if not via or "/" in via:
        faults.append(errors.BadRequest(f"{via!r} is no project of Harbor to put it in between"))
    outward: list[PolicySelection] = []
    for part in parts:
        try:
            outward.append(_onward_selection(part, via))
        except errors.CantBeDelegated as error:
            faults.append(error)
    if faults:
        return refused_changes(faults, harbor, purpose)
    inward = tuple(replace(part, namespace=via, replaces=0) for part in parts)
    pulls = replace(terms, begins=TriggerKind.SCHEDULED)
    pushes = replace(
        terms, begins=TriggerKind.EVENT, cron="", single_active=False, copy_by_chunk=False
    )
    between = tuple(f"{via}/{example}" for example in examples)
    # What pushes comes first: what is pulled before it is there would stay behind.
    halves = [
        ReplicationHalf(f"{name}-out", target, tuple(outward), pushes, False, between),
        ReplicationHalf(f"{name}-in", source, inward, pulls, True, tuple(examples)),
    ]
    made = await _plan_halves(harbor, purpose, halves)
    if made.refusals:
        return made
    pause = duration_text(longest_interval(terms.cron))
    freshness = (
        f"What is new at {source.host} waits for the half that pulls, {pause} at most; what that "
        f"has pulled is sent on at once. So {target.host} is no fresher than that."
    )
    stays = f"What has passed stays in the project {via} of Harbor, and takes room there."
    return replace(made, notes=(freshness, stays, *made.notes))


async def plan_replication(
    harbor: HarborEngine,
    name: str,
    plan: Plan,
    *,
    source: RemoteRegistry | None = None,
    target: RemoteRegistry | None = None,
    terms: PolicyTerms | None = None,
    via: str = "",
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor does what a plan says between two registries.

    Without a `source` Harbor itself is the source and pushes, without a `target` it pulls; with
    both it relays, by its project `via`. Without `terms` those of the plan's schedule hold; whether
    tags are overwritten is the plan's to say in any case. What of the plan can't be said in filters
    is a refusal each.
    """
    sides = (
        source.host if source is not None else harbor.host,
        target.host if target is not None else harbor.host,
    )
    at_least = fewest_name_components("harbor" if source is None else source.service)
    made = translate_plan(plan, *sides, at_least=at_least, from_harbor=source is None)
    purpose = f"let Harbor move a plan from {sides[0]} to {sides[1]}"
    faults = [
        errors.CantBeDelegated(f"{unsaid.part}: {unsaid.why}", remedy=unsaid.instead)
        for each in made
        for unsaid in each.unsaid
    ]
    if not made:
        faults.append(
            errors.CantBeDelegated(f"the plan copies nothing from {sides[0]} to {sides[1]}")
        )
    try:
        of_schedule = policy_terms_of(plan)
    except errors.CantBeDelegated as error:
        of_schedule = PLAIN_TERMS
        faults += [error] if terms is None else []
    if faults:
        return refused_changes(faults, harbor, purpose)
    terms = replace(terms or of_schedule, override=all(each.override for each in made))
    parts = _selections(made)
    if source is not None and target is not None:
        found = await plan_relay(
            harbor, name, source, target, parts, terms, via=via, examples=examples
        )
    elif target is not None:
        found = await plan_push(harbor, name, target, parts, terms, examples=examples)
    elif source is not None:
        found = await plan_pull(harbor, name, source, parts, terms, examples=examples)
    else:
        return refused_changes([errors.BadRequest("both sides are this Harbor")], harbor, purpose)
    notes = dict.fromkeys(note for each in made for note in each.notes)
    return replace(found, notes=(*found.notes, *notes))


async def plan_policy_removal(harbor: HarborEngine, names: Sequence[str]) -> ChangeSet:
    """Return what would be taken away: the policies of these names. Endpoints stay."""
    policies = await harbor.policies()
    purpose = f"take away {', '.join(names)}"
    known = {each.name for each in policies}
    missing = [
        errors.CantBeDelegated(f"there is no replication policy {name}", remedy="List them again.")
        for name in names
        if name not in known
    ]
    changes = () if missing else tuple(policy_deletions(policies, names))
    return ChangeSet(harbor.name, purpose, changes, refusals=tuple(missing))


async def _plan_halves(
    harbor: HarborEngine, purpose: str, halves: Sequence[ReplicationHalf]
) -> ChangeSet:
    drawing = await ReplicationPlanner.begun(harbor, purpose)
    for half in halves:
        await drawing.add(half)
    return drawing.result()


def _selections(made: Sequence[RuleTranslation]) -> tuple[PolicySelection, ...]:
    return tuple(dict.fromkeys(part for each in made for part in each.parts))


def _onward_selection(part: PolicySelection, via: str) -> PolicySelection:
    """Return the part for the second half: from below the project `via` to the final name."""
    name = f"{via}/{part.name}"
    if part.namespace:
        replaces = part.replaces if part.replaces == KEEPS_LAST else part.replaces + 1
        return replace(part, name=name, replaces=replaces)
    first, _, rest = part.name.partition("/")
    if is_wildcard(first) or not rest:
        raise errors.CantBeDelegated(
            f"{part.name} keeps its name, and then nothing takes the place of the project {via}",
            remedy="Give the target a path, or begin the pattern with the name of a namespace.",
        )
    return replace(part, name=name, namespace=first, replaces=2)
