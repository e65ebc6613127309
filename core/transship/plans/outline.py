"""What the rules of a plan make of what is there, by names: quick enough to follow a typing hand.

Where the tags end up, which names a target can't have, and which mapping would make them fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from transship.errors import BadMapping
from transship.oci.digest import Digest
from transship.oci.reference import Reference, is_tag
from transship.plans.catalogue import Catalogue
from transship.plans.mapping import NameMap, NameOrigin, keeps_names, named_at, parse_map
from transship.plans.patterns import Patterns, parse_patterns
from transship.plans.plan import Plan, Rule
from transship.plans.tag_filter import SieveReason, SieveStep, Sifted, TagSieve

Source = tuple[str, str, str]
"""A registry, a repository, and a tag or a digest."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A repository at a target, and what one rule sends there from one repository.

    `versions` are tags and digests of the source, in the source's order; `renamed` holds what
    those that get a name of their own are called at the target. `impossible` has the others, with
    the reason. `target` has no repository when no version has a name there.
    """

    rule: int
    origin: NameOrigin
    target: Reference
    versions: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    impossible: Mapping[str, str] = field(default_factory=dict)

    def name(self, version: str) -> str:
        """Return what a version is called at the target."""
        return self.renamed.get(version, version)

    def without(self, impossible: Mapping[str, str], already: Iterable[str] = ()) -> Destination:
        """Return the same without the versions that turned out to be impossible, or sent."""
        gone = {*impossible, *already}
        return replace(
            self,
            versions=tuple(version for version in self.versions if version not in gone),
            impossible={**self.impossible, **impossible},
        )


def destinations(
    rule: int,
    origin: NameOrigin,
    targets: Iterable[Reference],
    names: NameMap,
    tags: Sequence[str],
    digests: Sequence[Digest],
) -> tuple[Destination, ...]:
    """Return where one rule sends tags and digests of one repository, target by target."""
    found: list[Destination] = []
    for target in dict.fromkeys(targets):
        if names.by_tag:
            found += [_one(rule, origin, target, names, (tag,), (), tag) for tag in tags]
            if digests:
                found.append(_one(rule, origin, target, names, (), digests, ""))
        else:
            found.append(_one(rule, origin, target, names, tags, digests, ""))
    return tuple(found)


def _one(
    rule: int,
    origin: NameOrigin,
    target: Reference,
    names: NameMap,
    tags: Sequence[str],
    digests: Sequence[Digest],
    tag: str,
) -> Destination:
    nowhere = Reference(target.registry)
    try:
        repository = named_at(target, names.repository(origin, tag))
    except BadMapping as error:
        failed = dict.fromkeys((*tags, *digests), error.detail)
        return Destination(rule, origin, nowhere, (), impossible=failed)
    place = Reference(target.registry, repository)
    called = names.called(origin, tags)
    illegal = {
        tag: f"{name!r} is not a tag"
        for tag, name in zip(tags, called, strict=True)
        if not is_tag(name)
    }
    renamed = dict(zip(tags, called, strict=True)) if names.tag else {}
    made = Destination(rule, origin, place, (*tags, *digests), renamed)
    if illegal:
        made = made.without(illegal)
    if (target.registry, repository) == (origin.registry, origin.repository):
        onto = (version for version in made.versions if made.name(version) == version)
        made = made.without(dict.fromkeys(onto, "would be copied onto itself"))
    return made


def settled(
    all_of_them: Sequence[Destination], alike: Mapping[int, object]
) -> tuple[Destination, ...]:
    """Return destinations without clashes, and with each copy only once.

    Where two sources would become the same tag, neither may. Where two rules send the same source
    to the same place, the first does, when `alike` says the same of both rules: how they copy.
    """
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, each in enumerate(all_of_them):
        if each.versions:
            groups[each.target.registry, each.target.repository].append(number)
    result = list(all_of_them)
    for numbers in groups.values():
        if len(numbers) > 1 or result[numbers[0]].renamed:
            together = [result[number] for number in numbers]
            for number, each in zip(numbers, _settle(together, alike), strict=True):
                result[number] = each
    return tuple(result)


def _settle(together: Sequence[Destination], alike: Mapping[int, object]) -> list[Destination]:
    """Settle what goes to one repository."""
    senders: dict[str, dict[Source, int]] = defaultdict(dict)
    for each in together:
        for version in each.versions:
            source = each.origin.registry, each.origin.repository, version
            senders[each.name(version)].setdefault(source, each.rule)
    sent: set[tuple[str, Source]] = set()
    result: list[Destination] = []
    for each in together:
        impossible: dict[str, str] = {}
        already: set[str] = set()
        for version in each.versions:
            name = each.name(version)
            source = each.origin.registry, each.origin.repository, version
            first = senders[name][source]
            others = [other for other in senders[name] if other != source]
            if others and not _is_content(version):
                impossible[version] = f"{_text(others[0])} would become {each.target}:{name} too"
            elif (name, source) not in sent:
                sent.add((name, source))
            elif alike[first] == alike[each.rule]:
                already.add(version)
            else:
                impossible[version] = (
                    f"rule {first + 1} copies it to {each.target}:{name} on other terms"
                )
        result.append(each.without(impossible, already) if impossible or already else each)
    return result


def _is_content(version: str) -> bool:
    """Tell whether a version is a digest: the same from wherever it comes."""
    return ":" in version


def _text(source: Source) -> str:
    registry, repository, version = source
    return f"{registry}/{repository}:{version}"


_NO_RULE = SieveReason(SieveStep.NO_RULE, "no rule looks there")
_OWN_TARGET = SieveReason(SieveStep.OWN_TARGET, "is where the rule copies to")


@dataclass(frozen=True, slots=True)
class Portion:
    """What one rule makes of one repository that it takes.

    `named` says that the rule writes the repository out in full.
    """

    rule: int
    origin: NameOrigin
    sifted: Sifted
    digests: tuple[Digest, ...] = ()
    destinations: tuple[Destination, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True)
class PassedBy:
    """A repository that no rule takes, and why; `rule` is the one that came nearest."""

    source: Reference
    reason: SieveReason
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


def outline_plan(plan: Plan, catalogues: Mapping[str, Catalogue], now: float) -> Outline:
    """Return what the rules of `plan` make of the catalogues of its sources, by names.

    `catalogues` go by registry, `now` is in seconds since the epoch. Raises BadPattern, BadRange
    and BadMapping when a rule can't be used.
    """
    portions: list[Portion] = []
    nearest: dict[tuple[str, str], tuple[SieveReason, int]] = {}
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

    def passes_by(self, repository: str) -> SieveReason | None:
        """Return why the rule doesn't take a repository, None when it does."""
        return passes_by(self._rule, self._patterns, repository)

    def portion(self, catalogue: Catalogue, repository: str, tags: Sequence[str]) -> Portion:
        """Return what the rule makes of a repository that it takes."""
        below = scope(self._rule, repository) or ""
        origin = NameOrigin(self._rule.source.registry, repository, below)
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
    nearest: Mapping[tuple[str, str], tuple[SieveReason, int]],
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


def passes_by(rule: Rule, patterns: Patterns, repository: str) -> SieveReason | None:
    """Return why `rule`, with its `patterns`, doesn't take a repository; None when it does."""
    below = scope(rule, repository)
    if below is None:
        return _NO_RULE
    if not patterns.wants(below):
        shown = ", ".join(pattern.text for pattern in patterns.wanted[:3])
        return SieveReason(
            SieveStep.REPOSITORY, f"isn't {shown}" + (", …" if len(patterns.wanted) > 3 else "")
        )
    by = patterns.left_out_by(below)
    if by is not None:
        return SieveReason(SieveStep.LEFT_OUT, f"left out by !{by}")
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


NAMESPACE = "library"
"""What is put in front of a name of too few components; any other namespace does as well."""

_MOST_COMPONENTS = 8
_JOINERS = ("-", "_")

Refusal = Callable[[Reference], str]
"""Says why a target can't have a repository of this name; an empty string where it can."""

_Names = Mapping[tuple[Reference, Reference], Reference]
"""Repositories at the target, by the repository at the source and the rule's target."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping with which all names of a rule fit.

    `rule` is its number (from 0), `map` the value of its key. `becomes` has what each repository
    that is refused would be called, by the repository at the source and the registry of the target.
    """

    rule: int
    map: str
    becomes: Mapping[tuple[Reference, str], Reference]


def proposals(
    rules: Sequence[Rule], taken: Iterable[tuple[int, Reference]], refusal: Refusal
) -> tuple[Proposal, ...]:
    """Return a mapping for each rule that gives names which are refused, where there is one.

    `taken` are the repositories that the rules take, each with the number (from 0) of the rule.
    """
    sources: dict[int, dict[Reference, None]] = defaultdict(dict)
    for number, source in taken:
        sources[number][source] = None
    given = {n: _given(rules[n], parse_map(rules[n].map), sources[n]) or {} for n in sources}
    found: list[Proposal] = []
    for number, names in given.items():
        refused = [pair for pair, name in names.items() if refusal(name)]
        if not refused:
            continue
        others = {name for n, more in given.items() if n != number for name in more.values()}
        for text in _candidates(rules[number]):
            made = _given(rules[number], parse_map(text), sources[number])
            if made is not None and _fits(names, made, others, refusal):
                becomes = {(pair[0], pair[1].registry): made[pair] for pair in refused}
                found.append(Proposal(number, text, becomes))
                break
    return tuple(found)


def _candidates(rule: Rule) -> Iterator[str]:
    """Give mappings that may do, those first that change names the least."""
    text = rule.map.strip()
    if keeps_names(text):
        yield f"{NAMESPACE}/{{repository}}"
        for joiner in _JOINERS:
            tail = "" if joiner == "-" else f":{joiner}"
            yield from (f"join:{most}{tail}" for most in range(_MOST_COMPONENTS, 0, -1))
        yield f"{NAMESPACE}/{{flat}}"
    elif text.startswith("flatten"):
        yield f"{NAMESPACE}/{{flat}}"
    elif not text.startswith(("strip:", "join:")):
        yield f"{NAMESPACE}/{text}"


def _given(rule: Rule, names: NameMap, sources: Iterable[Reference]) -> _Names | None:
    """Return what a mapping calls repositories at each target; None when it can't for one."""
    made: dict[tuple[Reference, Reference], Reference] = {}
    if names.by_tag:
        return None
    for source in sources:
        below = scope(rule, source.repository)
        origin = NameOrigin(source.registry, source.repository, below or "")
        for target in rule.targets:
            try:
                name = named_at(target, names.repository(origin))
            except BadMapping:
                return None
            made[source, target] = Reference(target.registry, name)
    return made


def _fits(before: _Names, made: _Names, others: Set[Reference], refusal: Refusal) -> bool:
    """Tell whether new names can be had, and keep apart what was apart."""
    ways = {(before[pair], name) for pair, name in made.items()}
    apart = len({name for _, name in ways}) == len({name for name, _ in ways}) == len(ways)
    return (
        apart
        and not any(map(refusal, set(made.values())))
        and others.isdisjoint(made.values())
        and all(name != source for (source, _), name in made.items())
    )
