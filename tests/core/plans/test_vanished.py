"""What a replication may delete, by names alone."""

from __future__ import annotations

from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.oci.reference import Reference
from transship.plans.plan import Deletion, Kind, Plan, Rule
from transship.plans.pruning import (
    is_referrers_list,
    least_share,
    most_deletions,
    origins,
    protector,
    reader,
)
from transship.plans.quantities import parse_share

OLD, NEW = Reference("old.example"), Reference("new.example")


def plan_of(*rules: Rule) -> Plan:
    return Plan(kind=Kind.REPLICATION, rules=rules, delete=Deletion())


def test_what_a_rule_copies_from_is_known_by_the_number_of_the_rule() -> None:
    plan = plan_of(
        Rule(Reference("old.example", "q"), (Reference("new.example", "q"),)),
        Rule(Reference("new.example", "q/local"), (Reference("third.example", "local"),)),
    )
    assert reader(plan, Reference("new.example", "q/local/z")) == 1
    assert reader(plan, Reference("old.example", "q")) == 0
    assert reader(plan, Reference("new.example", "q/other")) is None
    assert reader(plan, Reference("third.example", "local/z")) is None


def test_a_rule_that_writes_below_its_own_source_does_not_copy_from_there() -> None:
    plan = plan_of(Rule(OLD, (Reference("old.example", "mirror"),)))
    assert reader(plan, Reference("old.example", "mirror/app")) is None
    assert reader(plan, Reference("old.example", "app")) == 0


def test_of_several_rules_each_that_may_have_made_a_tag_is_an_origin() -> None:
    target = Reference("new.example", "two")
    plan = plan_of(
        Rule(Reference("old.example", "team"), (target,)),
        Rule(Reference("third.example", "team"), (target,)),
        Rule(Reference("third.example", "other"), (target,), map="flatten"),
        Rule(Reference("third.example", "tags"), (target,), map="{repository}:v-{tag}"),
    )
    assert origins(plan, Reference("new.example", "two/web", "1")) == (
        Reference("old.example", "team/web", "1"),
        Reference("third.example", "team/web", "1"),
    )
    assert origins(plan, Reference("old.example", "two/web", "1")) == ()


def test_the_first_pattern_that_protects_a_tag_is_named() -> None:
    deletion = Deletion(protect=("base/**", "**:latest"))
    assert protector(deletion, Reference("new.example", "base/web", "latest")) == "base/**"
    assert protector(deletion, Reference("new.example", "web", "latest")) == "**:latest"
    assert protector(deletion, Reference("new.example", "web", "1")) is None


@pytest.mark.parametrize(
    ("tag", "is_one"), [("sha256-" + "0a" * 32, True), ("sha256-0a.sig", False), ("v1", False)]
)
def test_a_list_of_referrers_is_told_by_its_name(tag: str, is_one: bool) -> None:
    assert is_referrers_list(tag) is is_one


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_the_share_that_is_proposed_is_the_least_that_lets_them_go(
    numbers: tuple[int, int],
) -> None:
    gone, tags = numbers
    percent = least_share(gone, tags)
    assert most_deletions(Deletion(at_most=parse_share(f"{percent}%")), tags) >= gone
    assert floor((percent - 1) * tags / 100) < gone
    assert 1 <= percent <= 100
