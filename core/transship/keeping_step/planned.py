"""Lists both registries of a cutover by the plan that its images are copied by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from transship import errors
from transship.clock import Clock
from transship.cutover.catchup import PairDigests, TagKey
from transship.errors import BadRequest
from transship.keeping_step.listing import (
    HIDDEN,
    REPOSITORIES_AT_ONCE,
    TAGS_AT_ONCE,
    Seeing,
    catalog,
    digest_of,
    tags_of,
)
from transship.keeping_step.names import Names
from transship.plans.plan import Plan
from transship.registries.place import Place
from transship.transfers.gather import each_of
from transship.transfers.inventory import take_inventory
from transship.transfers.verify import asking
from transship.transfers.work import Found

_ABSENT = (errors.ManifestNotFound, errors.RepositoryNotFound)


def between(plan: Plan, old: str, new: str) -> Plan:
    """Return what of a plan goes from the registry `old` to the registry `new`.

    Raises BadRequest where that is nothing.
    """
    copies = tuple(
        replace(copy, replaces=None)
        for copy in plan.copies
        if (copy.source.registry, copy.target.registry) == (old, new)
    )
    rules = tuple(
        replace(rule, targets=targets)
        for rule in plan.rules
        if rule.source.registry == old
        and (targets := tuple(each for each in rule.targets if each.registry == new))
    )
    if not copies and not rules:
        raise BadRequest(f"the plan copies nothing from {old} to {new}")
    return replace(plan, copies=copies, rules=rules, schedule=None).without_idle_limits()


def narrows(plan: Plan) -> bool:
    """Tell whether a plan leaves platforms out, and so changes digests of indexes."""
    terms = (plan.terms(copy).platforms for copy in plan.copies)
    rules = (rule.platforms for rule in plan.rules)
    return any(terms) or any(rules)


@dataclass(slots=True)
class ByPlan:
    """Lists what a plan copies from the old registry, and all that the new one has: a `Listing`.

    `plan` is one that `between` has given. What the new registry has beyond it is looked for at
    the old one by the name that it would have there. Raises BadRequest for a plan that leaves
    platforms out: what it copies has other digests.
    """

    plan: Plan
    old: Place
    new: Place
    hosts: tuple[str, str]
    clock: Clock
    names: Names = field(default_factory=Names)

    def __post_init__(self) -> None:
        if narrows(self.plan):
            raise BadRequest(
                "the plan leaves platforms out: digests differ on both sides",
                remedy="Run the plan itself again to copy what was pushed meanwhile.",
            )

    def at_old(self, tag: TagKey) -> TagKey | None:
        """Return the name that the plan copies a tag from, or would."""
        return self.names.at_old(tag)

    async def digests(self) -> PairDigests:
        """Return what is on both sides. Raises what is wrong with a whole place."""
        places = dict(zip(self.hosts, (self.old, self.new), strict=True))
        inventory = await take_inventory(asking(self.plan), places, self.clock, thorough=True)
        found = [each for each in inventory.found if each.target.tag and not each.unwanted]
        self.names = Names.of((each.source, each.target) for each in found)
        seen = Seeing()
        for each in found:
            _take(each, seen)
        repositories = dict.fromkeys(each.target.repository for each in found)
        listed = await catalog(self.new)
        if listed is None:
            seen.closed(self.hosts[1])
        seen.not_listed(self.hosts[1], self.new)
        repositories |= dict.fromkeys(listed or ())
        planned = {(each.target.repository, each.target.tag) for each in found}

        async def look(repository: str) -> None:
            try:
                tags = await tags_of(self.new, repository)
                await self._beyond(repository, tags, planned, seen)
            except HIDDEN as error:
                seen.hidden(repository, error)

        await each_of(repositories, look, at_once=REPOSITORIES_AT_ONCE)
        return seen.result()

    async def _beyond(
        self, repository: str, tags: dict[str, str], planned: Iterable[TagKey], seen: Seeing
    ) -> None:
        """Take up what a repository of the new registry has, and the plan doesn't name."""
        more = {tag: digest for tag, digest in tags.items() if (repository, tag) not in planned}
        seen.new |= {(repository, tag): digest for tag, digest in more.items()}

        async def look(tag: str) -> None:
            name = self.names.at_old((repository, tag))
            if name is not None and (digest := await digest_of(self.old, name)):
                seen.old[repository, tag] = digest

        await each_of(more, look, at_once=TAGS_AT_ONCE)


def _take(found: Found, seen: Seeing) -> None:
    """Take up one tag that the plan names. Raises why it can't be looked at."""
    tag = (found.target.repository, found.target.tag)
    if isinstance(found.problem, HIDDEN):
        seen.hidden(found.source.repository, found.problem)
        return
    if found.problem is not None and not isinstance(found.problem, _ABSENT):
        raise found.problem
    if found.digest is not None:
        seen.old[tag] = found.digest
    if found.target_digest is not None:
        seen.new[tag] = found.target_digest
