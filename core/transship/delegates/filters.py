"""A rule of a plan, as the filters of an engine that is Harbor or began as it: all of it or no.

A translation selects what the rule selects, neither less nor more. What can't be said in such
filters is named part by part, with what to do instead; then nothing is to be handed over. Pure.

A filter has one pattern for names (`transship.delegates.doublestar`) and takes tags by patterns
that match or exclude. Several patterns for names are several policies, one `Selecting` each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from transship.delegates.doublestar import (
    Components,
    Unsayable,
    alternatives,
    fewest,
    is_wild,
    merged,
    most,
    spelled,
    tag_pattern,
)
from transship.errors import BadMapping
from transship.oci.reference import Reference, is_repository
from transship.plans.globs import Patterns, parse_patterns
from transship.plans.naming import NameMap, Origin, keeps_names, named_at, parse_map
from transship.plans.plan import OnConflict, Plan
from transship.plans.rule import Rule, TagFilter

KEEPS_LAST = -1
"""The replace count that keeps nothing of a name but its last component."""

LONGEST_FILTERS = 1024
"""How many characters Harbor's database has for the filters of a policy, written as JSON."""

ANY_TAG = "?*"
"""Every tag. A pattern that matches the empty text takes what has no tag as well."""

_BY_LANES = "Let Transship move it."


@dataclass(frozen=True, slots=True)
class TagPattern:
    """A pattern for tags that match it, or for those that don't when it `excludes`."""

    pattern: str
    excludes: bool = False


@dataclass(frozen=True, slots=True)
class Selecting:
    """What one policy takes, and what that is called at its destination.

    All of `tags` have to be met; none take everything, what has no tag too. `namespace` goes in the
    place of the first `replaces` components of a name; left empty, names stay as they are.
    """

    name: str
    tags: tuple[TagPattern, ...] = (TagPattern(ANY_TAG),)
    namespace: str = ""
    replaces: int = 0

    @property
    def filters(self) -> list[dict[str, Any]]:
        """The filters, as Harbor and TCR write them."""
        made: list[dict[str, Any]] = [{"type": "name", "value": self.name}]
        for tags in self.tags:
            decoration = "excludes" if tags.excludes else "matches"
            made.append({"type": "tag", "value": tags.pattern, "decoration": decoration})
        return made

    def renamed(self, repository: str) -> str | None:
        """Return what a repository is called at the destination.

        None for one with too few components: with one of those, Harbor fails the whole execution.
        """
        if not self.namespace:
            return repository
        parts = repository.split("/")
        if self.replaces == KEEPS_LAST:
            return f"{self.namespace}/{parts[-1]}"
        if self.replaces > len(parts) - 1:
            return None
        return "/".join((self.namespace, *parts[self.replaces :]))


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A part of a plan that the filters can't say: where, why (a sentence), and what instead."""

    part: str
    why: str
    instead: str = _BY_LANES

    def __str__(self) -> str:
        return f"{self.part}: {self.why} {self.instead}"


@dataclass(frozen=True, slots=True)
class Translation:
    """What a rule becomes. With anything `unsaid`, `parts` aren't the rule.

    `notes` say in sentences what the engine does otherwise than Transship, though it selects alike.
    """

    parts: tuple[Selecting, ...]
    override: bool
    unsaid: tuple[Unsaid, ...] = ()
    notes: tuple[str, ...] = ()


def translated(
    plan: Plan,
    rule: Rule,
    target: Reference,
    *,
    at_least: int = 1,
    from_harbor: bool = False,
) -> Translation:
    """Return one rule of a plan, for one of its targets, as filters.

    `at_least` is how many components a repository's name has at the source. `from_harbor` says
    that the source is the engine itself, which knows what is attached to an image.
    """
    override = plan.on_conflict is OnConflict.OVERWRITE
    unsaid = [*_of_plan(plan, from_harbor=from_harbor), *_of_rule(rule, override=override)]
    placing = _Placing(rule, target, parse_map(rule.map))
    names = _names(rule, placing, at_least, unsaid)
    tags = _tags(rule.tags, unsaid)
    parts = tuple(replace(name, tags=patterns) for name in names for patterns in tags)
    if not parts and not unsaid:
        unsaid.append(Unsaid("rules", "It selects nothing.", "Look at its patterns."))
    unsaid += [
        Unsaid("repositories", f"{part.name[:40]}… is too long for one policy.")
        for part in parts
        if len(json.dumps(part.filters)) > LONGEST_FILTERS
    ]
    return Translation(parts, override, tuple(unsaid), _notes(plan, from_harbor=from_harbor))


def translations(
    plan: Plan, source: str, target: str, *, at_least: int = 1, from_harbor: bool = False
) -> tuple[Translation, ...]:
    """Return all of a plan that goes from one registry to another, rule by rule, as filters.

    What the plan copies by name is no rule, and unsaid.
    """
    made = [
        translated(plan, rule, to, at_least=at_least, from_harbor=from_harbor)
        for rule in plan.rules
        if rule.source.registry == source
        for to in rule.targets
        if to.registry == target
    ]
    if any((c.source.registry, c.target.registry) == (source, target) for c in plan.copies):
        why = "An engine goes by patterns, not by single copies."
        unsaid = Unsaid("copies", why, "Write a rule for them, or let Transship move it.")
        made.append(Translation((), override=False, unsaid=(unsaid,)))
    return tuple(made)


def _of_plan(plan: Plan, *, from_harbor: bool) -> Iterable[Unsaid]:
    if plan.on_conflict is OnConflict.FAIL:
        why = "An engine leaves a tag that differs alone, and says that all went well."
        yield Unsaid("on_conflict", why, 'Write on_conflict = "skip", or let Transship move it.')
    if plan.delete is not None:
        why = "An engine deletes what is deleted at the source, with no bound and no exception."
        yield Unsaid("delete", why, "Ask the engine itself for deletion, or let Transship move it.")
    if from_harbor and not plan.referrers:
        yield Unsaid("referrers", "Harbor sends signatures and SBOMs along with their image.")


def _of_rule(rule: Rule, *, override: bool) -> Iterable[Unsaid]:
    if rule.immutable and override:
        why = "An engine overwrites every tag that differs, also one that is called immutable."
        yield Unsaid("immutable", why, 'Write on_conflict = "skip", or let Transship move it.')
    if rule.platforms:
        yield Unsaid("platforms", "An engine copies images with all their platforms.")
    if rule.artifacts:
        yield Unsaid("artifacts", "An engine doesn't tell kinds of artifacts apart as a rule does.")


def _notes(plan: Plan, *, from_harbor: bool) -> tuple[str, ...]:
    notes = []
    if plan.referrers and not from_harbor:
        notes.append(
            "What is attached to an image by its digest (signatures, SBOMs) stays behind: the "
            "engine asks a registry for tags. What has a tag of its own goes along if that passes."
        )
    if plan.limits:
        notes.append("The plan's limits hold for Transship only; an engine has a speed of its own.")
    return tuple(notes)


@dataclass(frozen=True, slots=True)
class _Placing:
    """What names the mapping of a rule gives, in the terms of an engine."""

    rule: Rule
    target: Reference
    names: NameMap

    @property
    def base(self) -> Components:
        """The components of the path at the source."""
        path = self.rule.source.repository
        return tuple(path.split("/")) if path else ()

    def put(self, components: Components) -> Selecting:
        """Return the part for one pattern of whole names. Raises Unsayable."""
        name = "/".join(components)
        if self.names.tag or self.names.by_tag:
            raise Unsayable("it names by tags, and an engine keeps every tag's name")
        if not any(map(is_wild, components)):
            return self._literal(name)
        path, drop = self._prefix()
        if drop == KEEPS_LAST:
            if not path:
                raise Unsayable("without a path at the target there is nothing to put before names")
            return Selecting(name, namespace=path, replaces=KEEPS_LAST)
        if fewest(components) <= drop:
            raise Unsayable(
                f"{name} may select names of no more than {drop} components, and Harbor then fails "
                f"as a whole; begin its pattern with more, as in */*/**"
            )
        if path == "/".join(components[:drop]) and not any(map(is_wild, components[:drop])):
            return Selecting(name)
        if not path:
            raise Unsayable("components are taken off names only where others take their place")
        return Selecting(name, namespace=path, replaces=drop)

    def _prefix(self) -> tuple[str, int]:
        """Return what goes before names, and how many components it goes in the place of."""
        names, base = self.names, len(self.base)
        if names.joiner:
            raise Unsayable("an engine can't join components")
        if names.strip:
            return self.target.repository, base + names.strip
        fields = Origin(self.rule.source.registry, "x", "x").fields()
        template = names.path.replace("{registry}", fields["registry"])
        template = template.replace("{namespace}/{name}", "{repository}")
        before, _, last = template.rpartition("/")
        if "{" in before or last not in ("{repository}", "{name}"):
            raise Unsayable(f"an engine can't make {names.text} of a name")
        path = "/".join(part for part in (self.target.repository, before) if part)
        if path and not is_repository(path):
            raise Unsayable(f"{path!r} is no path")
        return path, KEEPS_LAST if last == "{name}" else base

    def _literal(self, name: str) -> Selecting:
        wanted = self.wanted(name)
        if wanted == name:
            return Selecting(name)
        parts = name.split("/")
        counts = dict.fromkeys((min(len(self.base), len(parts) - 1), *range(len(parts))))
        for count in counts:
            rest = "/".join(parts[count:])
            if wanted.endswith(f"/{rest}"):
                return Selecting(name, namespace=wanted.removesuffix(f"/{rest}"), replaces=count)
        raise Unsayable(f"{name} would become {wanted}, and an engine keeps the last component")

    def wanted(self, name: str) -> str:
        """Return what the rule calls a repository at the target. Raises Unsayable."""
        below = name.removeprefix(self.rule.source.repository).removeprefix("/")
        try:
            made = self.names.repository(Origin(self.rule.source.registry, name, below))
            return named_at(self.target, made)
        except BadMapping as error:
            raise Unsayable(error.detail) from None


def _names(
    rule: Rule, placing: _Placing, at_least: int, unsaid: list[Unsaid]
) -> tuple[Selecting, ...]:
    patterns = parse_patterns(rule.repositories)
    for left_out in patterns.unwanted:
        why = f"An engine's filter for names only takes in, so !{left_out.text} can't be said."
        unsaid.append(Unsaid("repositories", why, "Name what is wanted, or let Transship move it."))
    selected: list[Components] = []
    itself = False
    for text in _texts(patterns):
        try:
            found = spelled(text)
        except Unsayable as error:
            unsaid.append(Unsaid("repositories", f"An engine reads globs only: {error}."))
            continue
        itself = itself or found.itself
        whole = ((*placing.base, *each) for each in found.patterns)
        selected += (each for each in whole if (most(each) or at_least) >= at_least)
    parts = _placed(dict.fromkeys(selected), placing, unsaid)
    if itself and len(placing.base) >= max(at_least, 1):
        parts += _placed_itself(placing, unsaid)
    return tuple(parts)


def _texts(patterns: Patterns) -> Sequence[str]:
    """Return the globs that want something: without any, everything that isn't left out is."""
    return tuple(pattern.text for pattern in patterns.wanted) or ("**",)


def _placed(
    selected: Iterable[Components], placing: _Placing, unsaid: list[Unsaid]
) -> list[Selecting]:
    alike: dict[tuple[str, int], list[Components]] = {}
    for components in selected:
        try:
            part = placing.put(components)
        except Unsayable as error:
            where = "to" if keeps_names(placing.rule.map) else "map"
            instead = "Write another `map` or `to`, or let Transship move it."
            unsaid.append(Unsaid(where, f"Names can't be made so: {error}.", instead))
        else:
            alike.setdefault((part.namespace, part.replaces), []).append(components)
    return [
        Selecting("/".join(components), namespace=namespace, replaces=replaces)
        for (namespace, replaces), several in alike.items()
        for components in merged(several)
    ]


def _placed_itself(placing: _Placing, unsaid: list[Unsaid]) -> list[Selecting]:
    """Return the part for a repository that is called as the path of the source itself."""
    path = placing.rule.source.repository
    try:
        placing.wanted(path)
    except Unsayable:
        return []  # No name comes of it by the rule either.
    try:
        return [placing.put(placing.base)]
    except Unsayable as error:
        why = f"A repository that is itself called {path} is selected too: {error}."
        instead = 'Leave it out by repositories = ["*/**"], or let Transship move it.'
        unsaid.append(Unsaid("repositories", why, instead))
        return []


def _tags(tags: TagFilter, unsaid: list[Unsaid]) -> tuple[tuple[TagPattern, ...], ...]:
    """Return the patterns for tags, once for each policy that is needed."""
    by_facts = {
        "tags.semver": (bool(tags.semver), "An engine doesn't read tags as versions."),
        "tags.newest": (tags.newest is not None, "An engine can't count what is newest."),
        "tags.since": (tags.since is not None, "An engine doesn't look when an image was made."),
        "tags.digests": (bool(tags.digests), "An engine goes by tags."),
    }
    names = "Write patterns in tags.include, or let Transship move it."
    unsaid += [Unsaid(part, why, names) for part, (said, why) in by_facts.items() if said]
    include = parse_patterns(tags.include)
    wanted = _tag_patterns("tags.include", (each.text for each in include.wanted), unsaid)
    unwanted = (
        *(each.text for each in include.unwanted),
        *(each.text for each in parse_patterns(tags.exclude).wanted),
    )
    excluded = _tag_patterns("tags.exclude", unwanted, unsaid)
    found: list[tuple[TagPattern, ...]] = []
    exact_only = (tags.exact or tags.digests) and not _chooses(tags)
    if not exact_only and (wanted or not include.wanted) and "*" not in excluded:
        everything = not include.wanted or "*" in wanted
        taken = TagPattern(ANY_TAG if everything else alternatives(wanted))
        left = (TagPattern(alternatives(excluded), excludes=True),) if excluded else ()
        found.append((taken, *left))
    if tags.exact:
        found.append((TagPattern(alternatives(tags.exact)),))
    return tuple(found)


def _chooses(tags: TagFilter) -> bool:
    return bool(
        tags.include
        or tags.exclude
        or tags.semver
        or tags.newest is not None
        or tags.since is not None
    )


def _tag_patterns(part: str, texts: Iterable[str], unsaid: list[Unsaid]) -> tuple[str, ...]:
    found: list[str] = []
    for text in texts:
        try:
            pattern = tag_pattern(text)
        except Unsayable as error:
            unsaid.append(Unsaid(part, f"An engine reads globs only: {error}."))
            continue
        if pattern is not None:
            found.append("*" if set(pattern) == {"*"} else pattern)
    return tuple(found)
