"""Which mapping would make names fit that a target can't have. Pure.

What is proposed gives every repository that a rule takes a name that each of the rule's targets can
have, gives no two of them the same name that had two, and none of them a name that another rule of
the plan gives, or its own. Where no such mapping is found, none is proposed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from transship.errors import BadMapping
from transship.oci.reference import Reference
from transship.plans.naming import NameMap, Origin, keeps_names, named_at, parse_map
from transship.plans.outline import scope
from transship.plans.rule import Rule

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
        origin = Origin(source.registry, source.repository, below or "")
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
