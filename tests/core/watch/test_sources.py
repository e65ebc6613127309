"""Which tags of a plan's sources an event is about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import Kind, Plan, Rule, Wanted
from transship.watch.webhooks import EventAction, RegistryEvent, is_deletion, pushed

RULE = Rule(Reference("old.example"), (Reference("new.example"),), ("team/**", "!team/tmp-*"))
PLAN = Plan(kind=Kind.SYNC, rules=(RULE,))
PUSH = RegistryEvent(EventAction.PUSH, "old.example", "team/web", "v1")


def found(event: RegistryEvent, plan: Plan = PLAN) -> list[str]:
    return [str(tag) for tag in pushed([event], plan)]


def test_a_repository_that_a_rule_takes() -> None:
    assert found(PUSH) == ["old.example/team/web:v1"]


@pytest.mark.parametrize("repository", ["other/web", "team/tmp-x"])
def test_a_repository_that_no_rule_takes(repository: str) -> None:
    assert found(replace(PUSH, repository=repository)) == []


def test_a_name_that_the_plan_does_not_use_means_each_source_that_takes_the_repository() -> None:
    more = replace(RULE, source=Reference("older.example"))
    plan = replace(PLAN, rules=(RULE, more))
    assert found(replace(PUSH, host="10.0.0.7:5000"), plan) == [
        "old.example/team/web:v1",
        "older.example/team/web:v1",
    ]
    assert found(PUSH, plan) == ["old.example/team/web:v1"]


def test_docker_hub_is_never_taken_for_another_nor_another_for_it() -> None:
    hub = replace(PLAN, rules=(replace(RULE, source=Reference("docker.io")),))
    assert found(replace(PUSH, host="docker.io")) == []
    assert found(PUSH, hub) == []
    assert found(replace(PUSH, host="docker.io"), hub) == ["docker.io/team/web:v1"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("old.example/team/web", ["old.example/team/web:v1"]),
        ("old.example/team/web:v1", ["old.example/team/web:v1"]),
        ("old.example/team/web:v2", []),
        ("old.example/team/api", []),
    ],
)
def test_a_copy_that_is_named(source: str, expected: list[str]) -> None:
    named = Wanted(parse_reference(source), parse_reference("new.example/x"))
    assert found(PUSH, Plan(copies=(named,))) == expected


def test_the_same_tag_pushed_thrice_is_one() -> None:
    assert len(pushed([PUSH] * 3, PLAN)) == 1


def test_a_deletion_where_the_plan_looks() -> None:
    gone = replace(PUSH, action=EventAction.DELETE, tag="")
    assert is_deletion([gone], PLAN)
    assert pushed([gone], PLAN) == ()
    assert not is_deletion([PUSH], PLAN)
    elsewhere = replace(PLAN, rules=(replace(RULE, source=Reference("old.example", "apps")),))
    assert not is_deletion([gone], elsewhere)
