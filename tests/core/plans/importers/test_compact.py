"""Few rules instead of many, that select the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from transship.oci.reference import Reference
from transship.plans.importers.draft import compact, copies_of, is_plain, placed
from transship.plans.plan import Rule, TagFilter, Wanted

names = st.sampled_from(["web", "t/web", "t/api"])
targets = st.sampled_from(["web", "m/t/web", "t/web", "keep", "m/web"])
hosts = st.sampled_from(["new.example", "backup.example"])
tags = st.sampled_from(
    [TagFilter(), TagFilter(exact=("1",)), TagFilter(exact=("2", "3")), TagFilter(exact=("1", "3"))]
)


@st.composite
def plain_rules(draw: st.DrawFn) -> Rule:
    """Any rule as one entry of another tool's file gives it."""
    repository = draw(names)
    place, template = placed(repository, Reference(draw(hosts), draw(targets)))
    return Rule(Reference("old.example"), (place,), (repository,), draw(tags), map=template)


def meant(rules: list[Rule]) -> set[Wanted]:
    return {copy for rule in rules for copy in copies_of(rule)}


@given(st.lists(plain_rules(), max_size=12))
def test_fewer_rules_mean_the_same_copies(rules: list[Rule]) -> None:
    fewer = list(compact(rules))
    assert meant(fewer) == meant(rules)
    assert len(fewer) <= len(rules)
    assert all(map(is_plain, fewer))
    assert compact(fewer) == tuple(fewer)


@given(names, hosts, targets)
def test_a_rule_gives_the_name_that_was_asked_for(name: str, host: str, target: str) -> None:
    place, template = placed(name, Reference(host, target))
    [copy] = copies_of(Rule(Reference("old.example"), (place,), (name,), map=template))
    assert str(copy.target) == f"{host}/{target}"


def test_what_has_patterns_is_left_alone() -> None:
    rule = Rule(Reference("old.example"), (Reference("new.example"),), ("**", "!tmp/**"))
    other = replace(rule, repositories=("base",))
    assert compact([rule, other]) == (rule, other)
    assert not is_plain(rule)
    assert not is_plain(replace(other, tags=TagFilter(include=("v*",))))
