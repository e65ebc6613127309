"""What the rules of a plan make of what is there, by names: quick enough to follow a typing hand.

`outline` keeps names as the catalogue has them and makes no object for a single tag;
`transship.plans.selection` makes copies of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.destinations import Destination, destinations, settled
from transship.plans.globs import Patterns, parse_patterns
from transship.plans.naming import Origin, parse_map
from transship.plans.plan import Plan
from transship.plans.rule import Rule
from transship.plans.tags import Reason, Sifted, Step, TagSieve

_NO_RULE = Reason(Step.NO_RULE, "no rule looks there")
_OWN_TARGET = Reason(Step.OWN_TARGET, "is where the rule copies to")


@dataclass(frozen=True, slots=True)
class Portion:
    """What one rule makes of one repository that it takes.

    `named` says that the rule writes the repository out in full.
    """

    rule: int
    origin: Origin
    sifted: Sifted
    digests: tuple[Digest, ...] = ()
    destinations: tuple[Destination, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True)
class PassedBy:
    """A repository that no rule takes, and why; `rule` is the one that came nearest."""

    source: Reference
    reason: Reason
    rule: int | None


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What one rule does, in numbers.

    `repositories` are those that it takes. Their tags are `kept`, `dropped` or `needed`; `copies`
    are made of those kept, one for each target, without what an earlier rule copies there already,
    and without what is `impossible`.
    """

    repositories: int = 0
    kept: int = 0
    dropped: int = 0
    needed: int = 0
    copies: int = 0
    impossible: int = 0


@dataclass(frozen=True, slots=True)
class Outline:
    """What the rules take, portion by portion in the order of rules, and what they pass by."""

    rules: int
    portions: tuple[Portion, ...]
    passed_by: tuple[PassedBy, ...] = field(default=())

    @property
    def by_rule(self) -> tuple[RuleCount, ...]:
        """What each rule does, in the order of rules."""
        counts = [RuleCount()] * self.rules
        for portion in self.portions:
            counts[portion.rule] = _counted(counts[portion.rule], portion)
        return tuple(counts)


def outline(plan: Plan, catalogues: Mapping[str, Catalogue], now: float) -> Outline:
    """Return what the rules of `plan` make of the catalogues of its sources, by names.

    `catalogues` go by registry, `now` is in seconds since the epoch. Raises BadPattern, BadRange
    and BadMapping when a rule can't be used.
    """
    portions: list[Portion] = []
    nearest: dict[tuple[str, str], tuple[Reason, int]] = {}
    taken: set[tuple[str, str]] = set()
    for number, rule in enumerate(plan.rules):
        catalogue = catalogues.get(rule.source.registry)
        if catalogue is None:
            continue
        ready = _Ready(plan, number, rule, now)
        for repository, tags in catalogue.tags.items():
            key = rule.source.registry, repository
            reason = ready.passes_by(repository)
            if reason is None:
                taken.add(key)
                portions.append(ready.portion(catalogue, repository, tags))
            elif reason.step > nearest.get(key, (_NO_RULE, 0))[0].step:
                nearest[key] = reason, number
    return Outline(
        len(plan.rules),
        tuple(_settled(plan, portions)),
        tuple(_passed_by(plan, catalogues, taken, nearest)),
    )


def scope(rule: Rule, repository: str) -> str | None:
    """Return a repository's name below the path of a rule's source; None when it isn't there."""
    path = rule.source.repository
    if not path:
        return repository
    if repository == path:
        return ""
    return repository.removeprefix(f"{path}/") if repository.startswith(f"{path}/") else None


class _Ready:
    """A rule made ready: its patterns compiled, its filter and its mapping read."""

    def __init__(self, plan: Plan, number: int, rule: Rule, now: float) -> None:
        self._number = number
        self._rule = rule
        self._everything = plan.is_replication
        self._patterns = parse_patterns(rule.repositories)
        self._map = parse_map(rule.map)
        self._sieve = TagSieve(rule.tags, now, artifacts=rule.artifacts, referrers=plan.referrers)

    def passes_by(self, repository: str) -> Reason | None:
        """Return why the rule doesn't take a repository, None when it does."""
        return passes_by(self._rule, self._patterns, repository)

    def portion(self, catalogue: Catalogue, repository: str, tags: Sequence[str]) -> Portion:
        """Return what the rule makes of a repository that it takes."""
        below = scope(self._rule, repository) or ""
        origin = Origin(self._rule.source.registry, repository, below)
        if len(set(tags)) != len(tags):
            tags = tuple(dict.fromkeys(tags))
        named = not below or writes_out(self._patterns, below)
        digests: tuple[Digest, ...] = ()
        if self._everything:
            sifted = Sifted(tuple(tags), {})
        else:
            sifted = self._sieve.sift(repository, tags, catalogue.facts)
            digests = self._digests(catalogue, repository, tags, named=named)
        where = destinations(
            self._number, origin, self._rule.targets, self._map, sifted.kept, digests
        )
        return Portion(self._number, origin, sifted, digests, where, named)

    def _digests(
        self, catalogue: Catalogue, repository: str, tags: Sequence[str], *, named: bool
    ) -> tuple[Digest, ...]:
        """Return the digests that the rule names, where they are known to be, or it says so."""
        digests = tuple(dict.fromkeys(self._rule.tags.digests))
        if not digests:
            return ()
        facts = (catalogue.facts.get((repository, tag)) for tag in tags)
        tagged = {known.digest for known in facts if known}

        def is_there(digest: Digest) -> bool:
            looked_up = catalogue.facts.get((repository, digest))
            if looked_up is not None:
                return looked_up.digest is not None
            return named or digest in tagged

        return tuple(filter(is_there, digests))


def _settled(plan: Plan, portions: Sequence[Portion]) -> Iterator[Portion]:
    """Give the portions with their destinations settled among all of them."""
    alike = {
        number: (rule.platforms or plan.platforms, rule.artifacts)
        for number, rule in enumerate(plan.rules)
    }
    every = settled([each for portion in portions for each in portion.destinations], alike)
    place = 0
    for portion in portions:
        end = place + len(portion.destinations)
        yield replace(portion, destinations=every[place:end])
        place = end


def _passed_by(
    plan: Plan,
    catalogues: Mapping[str, Catalogue],
    taken: set[tuple[str, str]],
    nearest: Mapping[tuple[str, str], tuple[Reason, int]],
) -> Iterator[PassedBy]:
    for source in dict.fromkeys(rule.source.registry for rule in plan.rules):
        catalogue = catalogues.get(source)
        for repository in catalogue.tags if catalogue else ():
            key = source, repository
            if key not in taken:
                reason, rule = nearest.get(key, (_NO_RULE, None))
                yield PassedBy(Reference(source, repository), reason, rule)


def _counted(count: RuleCount, portion: Portion) -> RuleCount:
    sifted = portion.sifted
    return RuleCount(
        count.repositories + 1,
        count.kept + len(sifted.kept),
        count.dropped + len(sifted.dropped),
        count.needed + len(sifted.needed),
        count.copies + sum(len(each.versions) for each in portion.destinations),
        count.impossible + sum(len(each.impossible) for each in portion.destinations),
    )


def passes_by(rule: Rule, patterns: Patterns, repository: str) -> Reason | None:
    """Return why `rule`, with its `patterns`, doesn't take a repository; None when it does."""
    below = scope(rule, repository)
    if below is None:
        return _NO_RULE
    if not patterns.wants(below):
        shown = ", ".join(pattern.text for pattern in patterns.wanted[:3])
        return Reason(
            Step.REPOSITORY, f"isn't {shown}" + (", …" if len(patterns.wanted) > 3 else "")
        )
    by = patterns.left_out_by(below)
    if by is not None:
        return Reason(Step.LEFT_OUT, f"left out by !{by}")
    if _is_own_target(rule, repository) and not writes_out(patterns, below):
        return _OWN_TARGET
    return None


def writes_out(patterns: Patterns, below: str) -> bool:
    """Tell whether one of `patterns` is a repository's name, written out in full."""
    return below in patterns.written_out


def _is_own_target(rule: Rule, repository: str) -> bool:
    """Tell whether a repository stands below a target that stands below the source.

    It is a copy; each run would copy the copies of the run before, one path deeper.
    """
    return any(
        target.registry == rule.source.registry
        and target.repository != rule.source.repository
        and scope(rule, target.repository) is not None
        and f"{repository}/".startswith(f"{target.repository}/")
        for target in rule.targets
        if target.repository
    )
