"""Many small rules, as other tools write them, made into few that select the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from transship.oci.digest import Digest
from transship.oci.reference import Reference, is_repository
from transship.plans.globs import parse_pattern
from transship.plans.naming import Origin, named_at, parse_map
from transship.plans.plan import Terms, Wanted
from transship.plans.rule import Rule, TagFilter

KEPT = "{repository}"
"""The template that keeps a repository's name."""

_WORDS = frozenset({"keep", "strip", "flatten"})


def placed(repository: str, target: Reference) -> tuple[Reference, str]:
    """Return the place of `target` and the template that makes its name from `repository`."""
    if target.repository == repository:
        return Reference(target.registry), KEPT
    prefix = target.repository.removesuffix(f"/{repository}")
    if prefix != target.repository and is_repository(prefix):
        return Reference(target.registry, prefix), KEPT
    name = target.repository
    # These are words of their own in a map; a slash in front makes them names.
    return Reference(target.registry), f"/{name}" if name in _WORDS else name


def compact(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return rules that select the same with fewer of them, in the order of the first of each.

    What differs only in the tags or digests that it names becomes one; then what differs only in
    targets; then what differs only in repositories, where their names come from a template.
    """
    by_tags: dict[Rule, list[TagFilter]] = {}
    for rule in rules:
        bare = TagFilter(exact=("",)) if _only_names(rule.tags) else rule.tags
        by_tags.setdefault(replace(rule, tags=bare), []).append(rule.tags)
    named = [replace(rule, tags=_joined(tags)) for rule, tags in by_tags.items()]

    by_target: dict[Rule, list[Reference]] = {}
    for rule in named:
        by_target.setdefault(replace(rule, targets=()), []).extend(rule.targets)
    fanned = [
        replace(rule, targets=tuple(dict.fromkeys(targets))) for rule, targets in by_target.items()
    ]

    by_repository: dict[tuple[Rule, tuple[str, ...]], list[str]] = {}
    for rule in fanned:
        leaves_out = any(pattern.startswith("!") for pattern in rule.repositories)
        own = rule.repositories if leaves_out or "{" not in rule.map else ()
        key = replace(rule, repositories=()), own
        by_repository.setdefault(key, []).extend(rule.repositories)
    return tuple(
        replace(rule, repositories=tuple(dict.fromkeys(repositories)))
        for (rule, _), repositories in by_repository.items()
    )


def is_plain(rule: Rule) -> bool:
    """Tell whether a rule names all that it selects, so that copies can say the same."""
    patterns = all(
        not pattern.startswith("!") and parse_pattern(pattern).literal
        for pattern in rule.repositories
    )
    return patterns and (rule.tags == TagFilter() or _only_names(rule.tags))


def copies_of(rule: Rule) -> Iterator[Wanted]:
    """Give the copies that a plain rule stands for."""
    terms = Terms(platforms=rule.platforms) if rule.platforms else None
    names = parse_map(rule.map)
    for repository in rule.repositories:
        source = replace(rule.source, repository=repository)
        origin = Origin(source.registry, repository, repository)
        for place in rule.targets:
            target = replace(place, repository=named_at(place, names.repository(origin)))
            if rule.tags == TagFilter():
                yield Wanted(source, target, terms)
            for tag in rule.tags.exact:
                yield Wanted(source.at(tag), target.at(names.renamed(origin, tag)), terms)
            for digest in rule.tags.digests:
                yield Wanted(source.at(digest), target.at(digest), terms)


def _only_names(tags: TagFilter) -> bool:
    bare = replace(tags, exact=(), digests=())
    return bool(tags.exact or tags.digests) and bare == TagFilter()


def _joined(filters: list[TagFilter]) -> TagFilter:
    if not _only_names(filters[0]):
        return filters[0]
    exact: dict[str, None] = {}
    digests: dict[Digest, None] = {}
    for each in filters:
        exact |= dict.fromkeys(each.exact)
        digests |= dict.fromkeys(each.digests)
    return TagFilter(exact=tuple(exact), digests=tuple(digests))
