"""Rules that copy back what others have copied: which do for certain, and which tags stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadFile
from transship.oci.reference import Reference, parse_reference
from transship.plans.catalogue import Catalogue
from transship.plans.file import plan_in
from transship.plans.plan import Kind, OnConflict, Plan, Rule, TagFilter
from transship.plans.replication_loop import find_loops, loop_of_rules
from transship.plans.selection import select_tags

A, B, C = (Reference(f"{name}.example", "team") for name in "abc")


def plan_of(*rules: Rule, on_conflict: OnConflict = OnConflict.OVERWRITE) -> Plan:
    return Plan(kind=Kind.SYNC, rules=rules, on_conflict=on_conflict)


def kept_still(plan: Plan, *tags: Reference) -> set[Reference]:
    """What may not move, where these tags stand."""
    catalogues = {place.registry: Catalogue(place.registry, {}) for place in (A, B, C)}
    for tag in tags:
        known = catalogues[tag.registry]
        here = (*known.tags.get(tag.repository, ()), tag.tag)
        catalogues[tag.registry] = replace(known, tags={**known.tags, tag.repository: here})
    return set(find_loops(plan, select_tags(plan, catalogues, 0).lots))


def tag(place: Reference, name: str = "web", version: str = "1") -> Reference:
    return Reference(place.registry, f"{place.repository}/{name}", version)


@pytest.mark.parametrize(
    ("rules", "circle"),
    [
        ((Rule(A, (B,)), Rule(B, (A,))), (0, 1)),
        ((Rule(A, (B,)), Rule(B, (C,)), Rule(C, (A,))), (0, 1, 2)),
        ((Rule(C, (A,)), Rule(A, (C, B)), Rule(B, (A,), map="flatten")), (0, 1)),
        ((Rule(A, (B,)), Rule(B, (C,))), ()),
        ((Rule(A, (A,)),), ()),
        ((Rule(A, (A, B)), Rule(B, (A,))), (0, 1)),
        ((Rule(A, (B, C)), Rule(B, (C,))), ()),
        ((Rule(A, (B,), ("x/**",)), Rule(B, (A,), ("y/**",))), ()),
        ((Rule(A, (B,), ("x", "y")), Rule(B, (A,), ("y", "x"))), (0, 1)),
        ((Rule(A, (B,)), Rule(B, (A,), tags=TagFilter(include=("v*",)))), ()),
        ((Rule(A, (B,), immutable=("**",)), Rule(B, (A,), immutable=("**",))), ()),
    ],
)
def test_a_circle_is_certain_where_names_alone_tell_it(
    rules: tuple[Rule, ...], circle: tuple[int, ...]
) -> None:
    assert loop_of_rules(plan_of(*rules)) == circle
    for other in (OnConflict.SKIP, OnConflict.FAIL):
        assert loop_of_rules(plan_of(*rules, on_conflict=other)) == ()


def test_a_file_with_such_a_plan_is_refused_before_it_runs_and_read_to_be_shown(
    tmp_path: Path,
) -> None:
    text = (
        'version = 1\nkind = "replication"\n'
        '[[rules]]\nfrom = "a.example/p"\nto = "b.example/p"\n'
        '[[rules]]\nfrom = "b.example/p"\nto = "a.example/p"\n'
    )
    with pytest.raises(BadFile, match=r":8: rules\[1\]\.to: copies in a circle with rules\[0\]"):
        plan_in(text, tmp_path / "plan.toml", parse_reference, now=0.0)
    assert len(plan_in(text, tmp_path / "plan.toml").rules) == 2
    apart = text.replace("[[rules]]", 'on_conflict = "skip"\n[[rules]]', 1)
    assert len(plan_in(apart, tmp_path / "plan.toml", parse_reference, now=0.0).rules) == 2


def test_a_tag_that_stands_on_both_sides_of_two_rules_stays_on_both() -> None:
    plan = plan_of(Rule(A, (B,)), Rule(B, (A,)))
    only_here = tag(A, version="2")
    assert kept_still(plan, tag(A), tag(B), only_here) == {tag(A), tag(B)}
    assert kept_still(plan, only_here) == set()
    assert kept_still(replace(plan, on_conflict=OnConflict.SKIP), tag(A), tag(B)) == set()


def test_a_chain_may_move_and_so_may_what_a_circle_only_passes_on() -> None:
    chain = plan_of(Rule(A, (B,)), Rule(B, (C,)))
    assert kept_still(chain, tag(A), tag(B), tag(C)) == set()
    passing_on = plan_of(Rule(A, (B,)), Rule(B, (A, C)))
    assert kept_still(passing_on, tag(A), tag(B), tag(C)) == {tag(A), tag(B)}


def test_where_one_side_is_immutable_the_other_follows_it() -> None:
    plan = plan_of(Rule(A, (B,)), Rule(B, (A,), immutable=("**",)))
    assert kept_still(plan, tag(A), tag(B)) == set()


def test_rules_that_share_no_tag_are_no_circle() -> None:
    plan = plan_of(
        Rule(A, (B,), tags=TagFilter(include=("a*",))),
        Rule(B, (A,), tags=TagFilter(include=("b*",))),
    )
    every = [tag(place, version=version) for place in (A, B) for version in ("a1", "b1")]
    assert kept_still(plan, *every) == set()


PLACES = [Reference("a.example", name) for name in "pqrs"]


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), max_size=7))
def test_exactly_what_leads_back_to_its_source_stays(
    ways: list[tuple[Reference, Reference]],
) -> None:
    rules = tuple(Rule(source, (target,)) for source, target in ways if source != target)
    # Where two places are copied to one, neither goes there.
    targets = [rule.targets[0] for rule in rules]
    rules = tuple(rule for rule in dict.fromkeys(rules) if targets.count(rule.targets[0]) == 1)
    plan = plan_of(*rules)
    catalogue = Catalogue("a.example", {place.repository: ("1",) for place in PLACES})

    still = find_loops(plan, select_tags(plan, {"a.example": catalogue}, 0).lots)

    came_from = {rule.targets[0]: rule.source for rule in rules}

    def leads_back(place: Reference) -> bool:
        at, steps = came_from.get(place), 0
        while at is not None and at != place and steps < len(PLACES):
            at, steps = came_from.get(at), steps + 1
        return at == place

    assert still == {place.at("1") for place in PLACES if leads_back(place)}
    assert bool(loop_of_rules(plan)) == bool(still)
