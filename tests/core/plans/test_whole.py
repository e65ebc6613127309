"""Whether a plan wants all that is at its source."""

from __future__ import annotations

import pytest

from transship.oci.reference import Reference
from transship.plans.plan import Kind, Plan, Rule, TagFilter, wanted
from transship.plans.selection import wants_all

A, B = Reference("a.example"), Reference("b.example")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Rule(A, (B,)), None),
        (Rule(A, (B,), tags=TagFilter(include=("*",))), None),
        (Rule(A, (B,), tags=TagFilter(include=("*",), exclude=("x",))), False),
        (Rule(A, (B,), tags=TagFilter(include=("v*",))), False),
        (Rule(A, (B,), ("team/**",)), False),
    ],
)
def test_a_sync_that_selects_wants_less_and_one_that_does_not_leaves_it_open(
    rule: Rule, says: bool | None
) -> None:
    assert wants_all(Plan(kind=Kind.SYNC, rules=(rule,))) is says


def test_a_replication_wants_all_and_single_copies_do_not() -> None:
    assert wants_all(Plan(kind=Kind.REPLICATION, rules=(Rule(A, (B,)),))) is True
    copy = wanted(Reference("a", "web", "1"), Reference("b", "web"))
    assert wants_all(Plan(kind=Kind.SYNC, copies=(copy,))) is False
