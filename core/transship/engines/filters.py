"""A rule of a plan as the filters of an engine that is Harbor or began as it: all of it or no.

A translation selects what the rule selects, neither less nor more; what can't be said in such
filters is named part by part, with what to do instead. A filter has one pattern for names, in the
syntax of doublestar 1 (https://github.com/bmatcuk/doublestar): `*` is any run within a component,
`**` any number of components, but at the end at least one, where a plan's glob takes none too, so
that one glob may need two patterns. Several patterns are several policies. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from transship.errors import BadMapping
from transship.oci.reference import Reference, is_repository
from transship.plans.mapping import NameMap, NameOrigin, keeps_names, named_at, parse_map
from transship.plans.patterns import REGEX, Pattern, Patterns, parse_pattern, parse_patterns
from transship.plans.plan import OnConflict, Plan, Rule, TagFilter
from transship.registry.service import service_named

DEEP = "**"
Components = tuple[str, ...]

_REPOSITORY = frozenset(ascii_lowercase + digits + "._-")
_TAG = _REPOSITORY | frozenset(ascii_uppercase)
_WILDCARD = re.compile(r"[*?\[{]")
_STARS = re.compile(r"\*+")
_PIECE = re.compile(r"\[[^\]]*\]|[*?.{,}]")
_EXPRESSIONS = {"*": "[^/]*", "?": "[^/]", ".": r"\.", "{": "(?:", ",": "|", "}": ")"}


class UntranslatableGlob(ValueError):
    """What a glob says can't be said so. Its words say why, to go on with after a colon."""


@dataclass(frozen=True, slots=True)
class RepositoryPatterns:
    """What a glob over repositories selects: what one of `patterns` does.

    `itself` says that it selects the empty name too: the path that the names are below.
    """

    patterns: tuple[Components, ...]
    itself: bool = False


def repository_patterns(text: str) -> RepositoryPatterns:
    """Return a glob over the names of repositories as patterns. Raises Unsayable, BadPattern."""
    pattern = parse_pattern(text)
    return RepositoryPatterns(tuple(_patterns(pattern)), bool(pattern.matches("")))


def tag_pattern(text: str) -> str | None:
    """Return a glob over tags as a pattern, None when no tag matches.

    Raises Unsayable and BadPattern.
    """
    pattern = parse_pattern(text)
    _check_glob(pattern)
    components = [each for each in pattern.text.split("/") if each != DEEP]
    if not components:
        return "*"
    if len(components) > 1:
        return None
    return _component(_STARS.sub("*", components[0]), _TAG)


def alternatives(patterns: Iterable[str]) -> str:
    """Return one pattern for what any of several matches, none of them with a slash or a brace."""
    each = tuple(dict.fromkeys(patterns))
    return each[0] if len(each) == 1 else f"{{{','.join(each)}}}"


def pattern_regex(pattern: str) -> re.Pattern[str]:
    """Return the regular expression, for the whole name, of a pattern that was made here."""
    made = ""
    parts = pattern.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == DEEP:
            made += ".+" if last else "(?:[^/]+/)*"
        else:
            made += _PIECE.sub(lambda found: _EXPRESSIONS.get(found[0], found[0]), part)
            made += "" if last else "/"
    return re.compile(made)


def is_wildcard(component: str) -> bool:
    """Tell whether a component of a pattern can be more than one text."""
    return bool(_WILDCARD.search(component))


def min_components(components: Components) -> int:
    """Return how many components a name has at least that matches."""
    deep = sum(component == DEEP for component in components)
    return len(components) - deep + (components[-1:] == (DEEP,))


def max_components(components: Components) -> int | None:
    """Return how many components a name has at most that matches; None where nothing bounds it."""
    return None if DEEP in components else len(components)


def merge_patterns(patterns: Iterable[Components]) -> tuple[Components, ...]:
    """Return the same in fewer patterns: those that differ in one component become one."""
    found = list(dict.fromkeys(patterns))
    for place in reversed(range(max(map(len, found), default=0))):
        groups: dict[tuple[Components, Components], list[str]] = {}
        rest: list[Components] = []
        for components in found:
            if place < len(components) and _can_merge(components[place]):
                key = components[:place], components[place + 1 :]
                groups.setdefault(key, []).append(components[place])
            else:
                rest.append(components)
        found = [(*a, alternatives(texts), *b) for (a, b), texts in groups.items()] + rest
    return tuple(found)


def _can_merge(component: str) -> bool:
    return component != DEEP and "{" not in component


def _patterns(pattern: Pattern) -> Iterable[Components]:
    _check_glob(pattern)
    parts = _collapse_deep(pattern.text.split("/"))
    tails = [parts]
    if parts != [DEEP] and parts[-1] == DEEP:
        # Zero components at the end are another pattern.
        tails = [parts] if parts[-2] == "*" else [parts[:-1], parts]
        if parts[-2] == "*":
            tails = [[*parts[:-2], DEEP]]
    elif _STARS.fullmatch(parts[-1]) and len(parts[-1]) > 2:
        tails = [_collapse_deep([*parts[:-1], DEEP])]
    elif parts[-1].endswith(DEEP) and parts[-1] != DEEP:
        begins = parts[-1].rstrip("*")
        tails = [[*parts[:-1], f"{begins}*"], [*parts[:-1], f"{begins}*", DEEP]]
    for tail in tails:
        made = [_pattern_component(part, pattern.text) for part in _collapse_deep(tail)]
        if None not in made:
            yield tuple(part for part in made if part is not None)


def _pattern_component(component: str, text: str) -> str | None:
    if component == DEEP:
        return DEEP
    if DEEP in component:
        raise UntranslatableGlob(f"in {text} a ** stands beside other characters")
    return _component(component, _REPOSITORY)


def _check_glob(pattern: Pattern) -> None:
    if pattern.text.startswith(REGEX):
        raise UntranslatableGlob(f"{pattern.text} is a regular expression")


def _collapse_deep(parts: Sequence[str]) -> list[str]:
    return [
        part
        for number, part in enumerate(parts)
        if part != DEEP or number == 0 or parts[number - 1] != DEEP
    ]


def _component(text: str, letters: frozenset[str]) -> str | None:
    """Return what stands between two slashes, None when no name has it."""
    made = ""
    place = 0
    while place < len(text):
        letter = text[place]
        end = place + 1
        if letter in "*?":
            made += letter
        elif letter == "[":
            end = _end_of_class(text, place)
            members = parse_pattern(text[place:end])
            drawn = _class_text({each for each in letters if members.matches(each)}, letters)
            if drawn is None:
                return None
            made += drawn
        elif letter in letters:
            made += letter
        else:
            return None
        place = end
    return made


def _end_of_class(text: str, begins: int) -> int:
    first = begins + 1
    first += text[first : first + 1] in ("!", "^")
    return text.index("]", first + 1) + 1


def _class_text(members: set[str], letters: frozenset[str]) -> str | None:
    if not members:
        return None
    if members == letters:
        return "?"
    if len(members) == 1:
        return members.pop()
    runs: list[list[str]] = []
    for each in sorted(members):
        if runs and each.isalnum() and ord(each) == ord(runs[-1][-1]) + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return f"[{''.join(map(_run_text, runs))}]"


def _run_text(letters: list[str]) -> str:
    if len(letters) > 2:
        return f"{letters[0]}-{letters[-1]}"
    return "".join(r"\-" if letter == "-" else letter for letter in letters)


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
class PolicySelection:
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
class UntranslatedPart:
    """A part of a plan that the filters can't say: where, why (a sentence), and what instead."""

    part: str
    why: str
    instead: str = _BY_LANES

    def __str__(self) -> str:
        return f"{self.part}: {self.why} {self.instead}"


@dataclass(frozen=True, slots=True)
class RuleTranslation:
    """What a rule becomes. With anything `unsaid`, `parts` aren't the rule.

    `notes` say in sentences what the engine does otherwise than Transship, though it selects alike.
    """

    parts: tuple[PolicySelection, ...]
    override: bool
    unsaid: tuple[UntranslatedPart, ...] = ()
    notes: tuple[str, ...] = ()


def translate_rule(
    plan: Plan,
    rule: Rule,
    target: Reference,
    *,
    at_least: int = 1,
    from_harbor: bool = False,
) -> RuleTranslation:
    """Return one rule of a plan, for one of its targets, as filters.

    `at_least` is how many components a repository's name has at the source. `from_harbor` says
    that the source is the engine itself, which knows what is attached to an image.
    """
    override = plan.on_conflict is OnConflict.OVERWRITE
    unsaid = [
        *_untranslated_in_plan(plan, from_harbor=from_harbor),
        *_untranslated_in_rule(rule, override=override),
    ]
    placing = _NameMapping(rule, target, parse_map(rule.map))
    names = _name_selections(rule, placing, at_least, unsaid)
    tags = _tag_selections(rule.tags, unsaid)
    parts = tuple(replace(name, tags=patterns) for name in names for patterns in tags)
    if not parts and not unsaid:
        unsaid.append(UntranslatedPart("rules", "It selects nothing.", "Look at its patterns."))
    unsaid += [
        UntranslatedPart("repositories", f"{part.name[:40]}… is too long for one policy.")
        for part in parts
        if len(json.dumps(part.filters)) > LONGEST_FILTERS
    ]
    return RuleTranslation(
        parts, override, tuple(unsaid), _translation_notes(plan, from_harbor=from_harbor)
    )


def translate_plan(
    plan: Plan, source: str, target: str, *, at_least: int = 1, from_harbor: bool = False
) -> tuple[RuleTranslation, ...]:
    """Return all of a plan that goes from one registry to another, rule by rule, as filters.

    What the plan copies by name is no rule, and unsaid.
    """
    made = [
        translate_rule(plan, rule, to, at_least=at_least, from_harbor=from_harbor)
        for rule in plan.rules
        if rule.source.registry == source
        for to in rule.targets
        if to.registry == target
    ]
    if any((c.source.registry, c.target.registry) == (source, target) for c in plan.copies):
        why = "An engine goes by patterns, not by single copies."
        unsaid = UntranslatedPart("copies", why, "Write a rule for them, or let Transship move it.")
        made.append(RuleTranslation((), override=False, unsaid=(unsaid,)))
    return tuple(made)


def _untranslated_in_plan(plan: Plan, *, from_harbor: bool) -> Iterable[UntranslatedPart]:
    if plan.on_conflict is OnConflict.FAIL:
        why = "An engine leaves a tag that differs alone, and says that all went well."
        yield UntranslatedPart(
            "on_conflict", why, 'Write on_conflict = "skip", or let Transship move it.'
        )
    if plan.delete is not None:
        why = "An engine deletes what is deleted at the source, with no bound and no exception."
        yield UntranslatedPart(
            "delete", why, "Ask the engine itself for deletion, or let Transship move it."
        )
    if from_harbor and not plan.referrers:
        yield UntranslatedPart(
            "referrers", "Harbor sends signatures and SBOMs along with their image."
        )


def _untranslated_in_rule(rule: Rule, *, override: bool) -> Iterable[UntranslatedPart]:
    if rule.immutable and override:
        why = "An engine overwrites every tag that differs, also one that is called immutable."
        yield UntranslatedPart(
            "immutable", why, 'Write on_conflict = "skip", or let Transship move it.'
        )
    if rule.platforms:
        yield UntranslatedPart("platforms", "An engine copies images with all their platforms.")
    if rule.artifacts:
        yield UntranslatedPart(
            "artifacts", "An engine doesn't tell kinds of artifacts apart as a rule does."
        )


def _translation_notes(plan: Plan, *, from_harbor: bool) -> tuple[str, ...]:
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
class _NameMapping:
    """What names the mapping of a rule gives, in the terms of an engine."""

    rule: Rule
    target: Reference
    names: NameMap

    @property
    def base(self) -> Components:
        """The components of the path at the source."""
        path = self.rule.source.repository
        return tuple(path.split("/")) if path else ()

    def put(self, components: Components) -> PolicySelection:
        """Return the part for one pattern of whole names. Raises Unsayable."""
        name = "/".join(components)
        if self.names.tag or self.names.by_tag:
            raise UntranslatableGlob("it names by tags, and an engine keeps every tag's name")
        if not any(map(is_wildcard, components)):
            return self._literal(name)
        path, drop = self._prefix()
        if drop == KEEPS_LAST:
            if not path:
                raise UntranslatableGlob(
                    "without a path at the target there is nothing to put before names"
                )
            return PolicySelection(name, namespace=path, replaces=KEEPS_LAST)
        if min_components(components) <= drop:
            raise UntranslatableGlob(
                f"{name} may select names of no more than {drop} components, and Harbor then fails "
                f"as a whole; begin its pattern with more, as in */*/**"
            )
        if path == "/".join(components[:drop]) and not any(map(is_wildcard, components[:drop])):
            return PolicySelection(name)
        if not path:
            raise UntranslatableGlob(
                "components are taken off names only where others take their place"
            )
        return PolicySelection(name, namespace=path, replaces=drop)

    def _prefix(self) -> tuple[str, int]:
        """Return what goes before names, and how many components it goes in the place of."""
        names, base = self.names, len(self.base)
        if names.joiner:
            raise UntranslatableGlob("an engine can't join components")
        if names.strip:
            return self.target.repository, base + names.strip
        fields = NameOrigin(self.rule.source.registry, "x", "x").fields()
        template = names.path.replace("{registry}", fields["registry"])
        template = template.replace("{namespace}/{name}", "{repository}")
        before, _, last = template.rpartition("/")
        if "{" in before or last not in ("{repository}", "{name}"):
            raise UntranslatableGlob(f"an engine can't make {names.text} of a name")
        path = "/".join(part for part in (self.target.repository, before) if part)
        if path and not is_repository(path):
            raise UntranslatableGlob(f"{path!r} is no path")
        return path, KEEPS_LAST if last == "{name}" else base

    def _literal(self, name: str) -> PolicySelection:
        wanted = self.wanted(name)
        if wanted == name:
            return PolicySelection(name)
        parts = name.split("/")
        counts = dict.fromkeys((min(len(self.base), len(parts) - 1), *range(len(parts))))
        for count in counts:
            rest = "/".join(parts[count:])
            if wanted.endswith(f"/{rest}"):
                return PolicySelection(
                    name, namespace=wanted.removesuffix(f"/{rest}"), replaces=count
                )
        raise UntranslatableGlob(
            f"{name} would become {wanted}, and an engine keeps the last component"
        )

    def wanted(self, name: str) -> str:
        """Return what the rule calls a repository at the target. Raises Unsayable."""
        below = name.removeprefix(self.rule.source.repository).removeprefix("/")
        try:
            made = self.names.repository(NameOrigin(self.rule.source.registry, name, below))
            return named_at(self.target, made)
        except BadMapping as error:
            raise UntranslatableGlob(error.detail) from None


def _name_selections(
    rule: Rule, placing: _NameMapping, at_least: int, unsaid: list[UntranslatedPart]
) -> tuple[PolicySelection, ...]:
    patterns = parse_patterns(rule.repositories)
    for left_out in patterns.unwanted:
        why = f"An engine's filter for names only takes in, so !{left_out.text} can't be said."
        unsaid.append(
            UntranslatedPart("repositories", why, "Name what is wanted, or let Transship move it.")
        )
    selected: list[Components] = []
    itself = False
    for text in _wanted_globs(patterns):
        try:
            found = repository_patterns(text)
        except UntranslatableGlob as error:
            unsaid.append(UntranslatedPart("repositories", f"An engine reads globs only: {error}."))
            continue
        itself = itself or found.itself
        whole = ((*placing.base, *each) for each in found.patterns)
        selected += (each for each in whole if (max_components(each) or at_least) >= at_least)
    parts = _mapped_selections(dict.fromkeys(selected), placing, unsaid)
    if itself and len(placing.base) >= max(at_least, 1):
        parts += _selection_of_itself(placing, unsaid)
    return tuple(parts)


def _wanted_globs(patterns: Patterns) -> Sequence[str]:
    """Return the globs that want something: without any, everything that isn't left out is."""
    return tuple(pattern.text for pattern in patterns.wanted) or ("**",)


def _mapped_selections(
    selected: Iterable[Components], placing: _NameMapping, unsaid: list[UntranslatedPart]
) -> list[PolicySelection]:
    alike: dict[tuple[str, int], list[Components]] = {}
    for components in selected:
        try:
            part = placing.put(components)
        except UntranslatableGlob as error:
            where = "to" if keeps_names(placing.rule.map) else "map"
            instead = "Write another `map` or `to`, or let Transship move it."
            unsaid.append(UntranslatedPart(where, f"Names can't be made so: {error}.", instead))
        else:
            alike.setdefault((part.namespace, part.replaces), []).append(components)
    return [
        PolicySelection("/".join(components), namespace=namespace, replaces=replaces)
        for (namespace, replaces), several in alike.items()
        for components in merge_patterns(several)
    ]


def _selection_of_itself(
    placing: _NameMapping, unsaid: list[UntranslatedPart]
) -> list[PolicySelection]:
    """Return the part for a repository that is called as the path of the source itself."""
    path = placing.rule.source.repository
    try:
        placing.wanted(path)
    except UntranslatableGlob:
        return []  # No name comes of it by the rule either.
    try:
        return [placing.put(placing.base)]
    except UntranslatableGlob as error:
        why = f"A repository that is itself called {path} is selected too: {error}."
        instead = 'Leave it out by repositories = ["*/**"], or let Transship move it.'
        unsaid.append(UntranslatedPart("repositories", why, instead))
        return []


def _tag_selections(
    tags: TagFilter, unsaid: list[UntranslatedPart]
) -> tuple[tuple[TagPattern, ...], ...]:
    """Return the patterns for tags, once for each policy that is needed."""
    by_facts = {
        "tags.semver": (bool(tags.semver), "An engine doesn't read tags as versions."),
        "tags.newest": (tags.newest is not None, "An engine can't count what is newest."),
        "tags.since": (tags.since is not None, "An engine doesn't look when an image was made."),
        "tags.digests": (bool(tags.digests), "An engine goes by tags."),
    }
    names = "Write patterns in tags.include, or let Transship move it."
    unsaid += [UntranslatedPart(part, why, names) for part, (said, why) in by_facts.items() if said]
    include = parse_patterns(tags.include)
    wanted = _tag_patterns("tags.include", (each.text for each in include.wanted), unsaid)
    unwanted = (
        *(each.text for each in include.unwanted),
        *(each.text for each in parse_patterns(tags.exclude).wanted),
    )
    excluded = _tag_patterns("tags.exclude", unwanted, unsaid)
    found: list[tuple[TagPattern, ...]] = []
    exact_only = (tags.exact or tags.digests) and not _selects_by_pattern(tags)
    if not exact_only and (wanted or not include.wanted) and "*" not in excluded:
        everything = not include.wanted or "*" in wanted
        taken = TagPattern(ANY_TAG if everything else alternatives(wanted))
        left = (TagPattern(alternatives(excluded), excludes=True),) if excluded else ()
        found.append((taken, *left))
    if tags.exact:
        found.append((TagPattern(alternatives(tags.exact)),))
    return tuple(found)


def _selects_by_pattern(tags: TagFilter) -> bool:
    return bool(
        tags.include
        or tags.exclude
        or tags.semver
        or tags.newest is not None
        or tags.since is not None
    )


def _tag_patterns(
    part: str, texts: Iterable[str], unsaid: list[UntranslatedPart]
) -> tuple[str, ...]:
    found: list[str] = []
    for text in texts:
        try:
            pattern = tag_pattern(text)
        except UntranslatableGlob as error:
            unsaid.append(UntranslatedPart(part, f"An engine reads globs only: {error}."))
            continue
        if pattern is not None:
            found.append("*" if set(pattern) == {"*"} else pattern)
    return tuple(found)


def fewest_name_components(service: str) -> int:
    """Return how many components a repository's name has at least, by the kind of its service."""
    known = service_named(service)
    return known.capabilities.parts[0] if known is not None else 1
