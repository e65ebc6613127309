"""What the rules of a plan select from what is there, and why not the rest. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from transship.errors import BadMapping
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.mapping import NameMap, NameOrigin, named_at, parse_map
from transship.plans.outline import Outline, Portion, outline_plan, passes_by, scope
from transship.plans.patterns import Patterns, matches_all_below, may_match_below, parse_patterns
from transship.plans.plan import Kind, Plan, Rule, Terms, Wanted
from transship.plans.tag_filter import SieveReason


@dataclass(frozen=True, slots=True)
class Dropped:
    """What no rule selected, and why: a tag, or a whole repository (no version).

    `rule` is the number (from 0) of the rule that came nearest to it, None where none did.
    """

    source: Reference
    why: str
    rule: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """One copy that a rule asks for, with the number (from 0) of the rule."""

    wanted: Wanted
    rule: int


@dataclass(frozen=True, slots=True)
class SelectedLot:
    """What goes from one repository to one other on the same terms: a copy of each version.

    `versions` are tags and digests; those that are `renamed` are called something else at the
    target. What `immutable` selects of the tags at the target can't change there.
    """

    source: Reference
    target: Reference
    versions: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    terms: Terms | None = None
    immutable_terms: Terms | None = None
    immutable: Patterns | None = None
    rule: int = 0

    def __len__(self) -> int:
        return len(self.versions)

    def __iter__(self) -> Iterator[Wanted]:
        for version in self.versions:
            target = _at(self.target, self.renamed.get(version, version))
            believed = self.immutable is not None and self.immutable.selects(target.tag)
            terms = self.immutable_terms if believed else self.terms
            yield Wanted(_at(self.source, version), target, terms)

    def of(self, versions: Iterable[str]) -> SelectedLot:
        """Return the same with these versions only."""
        return replace(self, versions=tuple(versions))


@dataclass(frozen=True, slots=True)
class Selection:
    """What the rules select: in `lots`, of which `chosen` makes single copies.

    To each rule a listed tag is chosen, dropped, needed or impossible, one of them for each of the
    rule's targets. `dropped` has the tags that are dropped to all rules, so that it has nothing in
    common with the others; a tag that is in a dropped repository isn't there by itself.

    `needed` are the tags of which more must be known (when they were created) before the rules
    can choose, or that wait for others of which more must be known. `impossible` are selected, but
    what the mapping makes of them is no name, or the name that something else gets as well;
    `missing` are named by a rule, and not there. `unmatched` are patterns for repositories that
    match nothing.
    """

    lots: tuple[SelectedLot, ...]
    dropped: tuple[Dropped, ...] = ()
    needed: tuple[Reference, ...] = ()
    impossible: tuple[Dropped, ...] = ()
    missing: tuple[Dropped, ...] = ()
    unmatched: tuple[Dropped, ...] = ()

    @property
    def chosen(self) -> tuple[Chosen, ...]:
        """Every copy that the rules ask for, made anew each time: there may be very many."""
        return tuple(Chosen(wanted, lot.rule) for lot in self.lots for wanted in lot)


def select_tags(plan: Plan, catalogues: Mapping[str, Catalogue], now: float) -> Selection:
    """Return what the rules of `plan` select from the catalogues of its sources.

    `catalogues` go by registry, `now` is in seconds since the epoch. What the plan names in
    `copies` is no part of it. Everything is in the order of rules, then of the catalogues. Raises
    BadPattern, BadRange and BadMapping when a rule can't be used.
    """
    drawn = outline_plan(plan, catalogues, now)
    return Selection(
        tuple(_lots(plan, drawn)),
        (*_dropped(drawn), *_unnameable(plan, catalogues)),
        tuple(_needed(drawn)),
        tuple(_impossible(drawn)),
        tuple(_missing(plan, drawn, catalogues)),
        tuple(_unmatched(plan, catalogues)),
    )


def takes_repository(rule: Rule, repository: str) -> bool:
    """Tell whether a rule takes a repository of its source, whatever tags that has."""
    return passes_by(rule, parse_patterns(rule.repositories), repository) is None


def may_take_below(rule: Rule, path: str) -> bool:
    """Tell whether a rule may take a repository below `path`: false only where it can take none.

    An empty path is the whole registry.
    """
    base = rule.source.repository
    # The path may hold all that the rule is about, or a part of that.
    below = "" if not path or f"{base}/".startswith(f"{path}/") else scope(rule, path)
    if below is None:
        return False
    patterns = parse_patterns(rule.repositories)
    if any(matches_all_below(pattern, below) for pattern in patterns.unwanted):
        return False
    return not patterns.wanted or any(may_match_below(each, below) for each in patterns.wanted)


def literal_repositories(rule: Rule) -> tuple[str, ...] | None:
    """Return the repositories that a rule writes out in full; None when it has a pattern.

    Where it does, nobody needs to ask the source for a list of its repositories.
    """
    patterns = parse_patterns(rule.repositories)
    if not patterns.wanted or not all(pattern.literal for pattern in patterns.wanted):
        return None
    names = dict.fromkeys(_full(rule, pattern.text) for pattern in patterns.wanted)
    return tuple(name for name in names if passes_by(rule, patterns, name) is None)


def targets_of(rule: Rule, source: Reference) -> tuple[Reference, ...]:
    """Return where a rule would send a repository, a tag or a digest of its source.

    Where its mapping makes no name of it, that is its own name below the path of the target.
    """
    below = scope(rule, source.repository) or ""
    origin = NameOrigin(source.registry, source.repository, below)
    names = parse_map(rule.map)
    return tuple(_sent(names, origin, target, source) for target in rule.targets)


def _sent(names: NameMap, origin: NameOrigin, target: Reference, source: Reference) -> Reference:
    try:
        repository = named_at(target, names.repository(origin, source.tag))
        tag = names.renamed(origin, source.tag) if source.tag else ""
    except BadMapping:
        path = "/".join(part for part in (target.repository, origin.below) if part)
        return replace(source, registry=target.registry, repository=path)
    return replace(source, registry=target.registry, repository=repository, tag=tag)


def to_look_up(selection: Selection, catalogues: Mapping[str, Catalogue]) -> tuple[Reference, ...]:
    """Return those of the needed tags whose manifests must be read."""
    return tuple(
        source
        for source in selection.needed
        if not _is_known(catalogues[source.registry].facts.get((source.repository, source.tag)))
    )


def _is_known(facts: TagFacts | None) -> bool:
    return facts is not None and (facts.examined or facts.created is not None)


def _lots(plan: Plan, drawn: Outline) -> Iterator[SelectedLot]:
    ready: dict[int, tuple[Terms | None, Terms, Patterns | None]] = {}
    for number, rule in enumerate(plan.rules):
        immutable = parse_patterns(rule.immutable) if rule.immutable else None
        ready[number] = (*_terms(plan, rule), immutable)
    for portion in drawn.portions:
        source = Reference(portion.origin.registry, portion.origin.repository)
        terms, immutable_terms, immutable = ready[portion.rule]
        for each in portion.destinations:
            if each.versions:
                yield SelectedLot(
                    source,
                    each.target,
                    each.versions,
                    each.renamed,
                    terms,
                    immutable_terms,
                    immutable,
                    portion.rule,
                )


def _terms(plan: Plan, rule: Rule) -> tuple[Terms | None, Terms]:
    """Return how a rule copies: what can change, and what can't. None means as the plan says."""
    terms = Terms(platforms=rule.platforms or plan.platforms, artifacts=rule.artifacts)
    as_plan = terms == Terms(platforms=plan.platforms)
    return None if as_plan else terms, replace(terms, immutable=True)


def _dropped(drawn: Outline) -> Iterator[Dropped]:
    yield from (Dropped(each.source, each.reason.why, each.rule) for each in drawn.passed_by)
    for portions in _by_repository(drawn).values():
        if len(portions) == 1:
            [portion] = portions
            for tag, reason in portion.sifted.dropped.items():
                yield Dropped(_source(portion, tag), reason.why, portion.rule)
        else:
            yield from _dropped_by_all(portions)


def _unnameable(plan: Plan, catalogues: Mapping[str, Catalogue]) -> Iterator[Dropped]:
    for registry in dict.fromkeys(rule.source.registry for rule in plan.rules):
        catalogue = catalogues.get(registry)
        for repository, names in catalogue.unnameable.items() if catalogue else ():
            yield from unnameable(Reference(registry, repository), names)


def unnameable(at: Reference, names: Iterable[str]) -> Iterator[Dropped]:
    """Give what a place lists and nobody can ask it for: tags of `at`, or repositories."""
    for name in names:
        if at.repository:
            yield Dropped(replace(at, tag=name), "isn't a tag by the distribution spec")
        else:
            yield Dropped(
                replace(at, repository=name), "isn't a repository's name by the distribution spec"
            )


def _dropped_by_all(portions: Sequence[Portion]) -> Iterator[Dropped]:
    taken = {tag for p in portions for tag in (*p.sifted.kept, *p.sifted.needed)}
    nearest: dict[str, tuple[SieveReason, int]] = {}
    for portion in portions:
        for tag, reason in portion.sifted.dropped.items():
            if tag not in taken and (tag not in nearest or reason.step > nearest[tag][0].step):
                nearest[tag] = reason, portion.rule
    for tag, (reason, rule) in nearest.items():
        yield Dropped(_source(portions[0], tag), reason.why, rule)


def _by_repository(drawn: Outline) -> dict[tuple[str, str], list[Portion]]:
    found: dict[tuple[str, str], list[Portion]] = defaultdict(list)
    for portion in drawn.portions:
        found[portion.origin.registry, portion.origin.repository].append(portion)
    return found


def _needed(drawn: Outline) -> Iterable[Reference]:
    return dict.fromkeys(_source(p, tag) for p in drawn.portions for tag in p.sifted.needed)


def _impossible(drawn: Outline) -> Iterable[Dropped]:
    return dict.fromkeys(
        Dropped(_source(portion, version), why, portion.rule)
        for portion in drawn.portions
        for each in portion.destinations
        for version, why in each.impossible.items()
    )


def _source(portion: Portion, version: str) -> Reference:
    return _at(Reference(portion.origin.registry, portion.origin.repository), version)


def _at(repository: Reference, version: str) -> Reference:
    if ":" in version:
        return Reference(repository.registry, repository.repository, digest=Digest(version))
    return Reference(repository.registry, repository.repository, version)


def _missing(plan: Plan, drawn: Outline, catalogues: Mapping[str, Catalogue]) -> Iterator[Dropped]:
    by_rule: dict[int, list[Portion]] = defaultdict(list)
    for portion in drawn.portions:
        by_rule[portion.rule].append(portion)
    for number, rule in enumerate(plan.rules):
        catalogue = catalogues.get(rule.source.registry)
        for name in _written_out(rule):
            if catalogue and name not in catalogue.tags and name not in catalogue.problems:
                yield Dropped(Reference(rule.source.registry, name), "isn't there", number)
        if not plan.is_replication:
            yield from _missing_versions(rule, number, by_rule[number])


def _missing_versions(rule: Rule, number: int, portions: Sequence[Portion]) -> Iterator[Dropped]:
    """Give the tags and digests that a rule names, and no repository has.

    A repository that is written out must have each of them; of others, one.
    """
    named = [portion for portion in portions if portion.named]
    for tag in dict.fromkeys(rule.tags.exact):
        without = [portion for portion in named if not _has(portion, tag)]
        yield from (Dropped(_source(portion, tag), "isn't there", number) for portion in without)
        if portions and not named and not any(_has(portion, tag) for portion in portions):
            yield Dropped(rule.source, f"no repository has the tag {tag}", number)
    for digest in dict.fromkeys(rule.tags.digests):
        if portions and not any(digest in portion.digests for portion in portions):
            yield Dropped(rule.source, f"no tag is known to be {digest}", number)


def _has(portion: Portion, tag: str) -> bool:
    return tag in portion.sifted.kept


def _written_out(rule: Rule) -> Iterator[str]:
    patterns = parse_patterns(rule.repositories)
    for pattern in patterns.wanted:
        if pattern.literal and patterns.left_out_by(pattern.text) is None:
            yield _full(rule, pattern.text)


def _full(rule: Rule, below: str) -> str:
    return "/".join(part for part in (rule.source.repository, below) if part)


def _unmatched(plan: Plan, catalogues: Mapping[str, Catalogue]) -> Iterator[Dropped]:
    for number, rule in enumerate(plan.rules):
        catalogue = catalogues.get(rule.source.registry)
        if catalogue is None:
            continue
        patterns: Patterns = parse_patterns(rule.repositories)
        names = [*catalogue.tags, *catalogue.problems]
        below = [name for name in (scope(rule, each) for each in names) if name is not None]
        for pattern in patterns.wanted:
            if not pattern.literal and not any(map(pattern.matches, below)):
                yield Dropped(rule.source, f"{pattern.text} matches no repository", number)


_EVERY_TAG = ("*",)


def wants_all(plan: Plan) -> bool | None:
    """Tell whether everything at the source is wanted; None where the plan doesn't say."""
    if plan.kind is Kind.REPLICATION:
        return True
    return False if plan.copies or any(map(selects, plan.rules)) else None


def selects(rule: Rule) -> bool:
    """Tell whether a rule leaves something out of what stands below its source."""
    plain = Rule(rule.source, rule.targets)
    tags = replace(rule.tags, include=()) if rule.tags.include == _EVERY_TAG else rule.tags
    return (rule.repositories, tags, rule.platforms, rule.artifacts) != (
        plain.repositories, plain.tags, plain.platforms, plain.artifacts,
    )  # fmt: skip
