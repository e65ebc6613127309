"""A plan falls into parts by registries: nothing is lost, nothing is in two of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.oci.digest import digest_of
from transship.oci.reference import Reference
from transship.plans.catalogue import Catalogue
from transship.plans.plan import Kind, Limits, Plan, Rule, wanted
from transship.transfers.copies import Copy, Verdict
from transship.watch.offline import is_empty, mark_of, may_be_meant, only, rest, without

HOSTS = tuple(f"{letter}.example" for letter in "abcd")
OLD, NEW = Reference("a.example", "team"), Reference("b.example", "mirror")

hosts = st.sampled_from(HOSTS)
rules = st.builds(
    lambda source, targets: Rule(
        Reference(source, "team"), tuple(Reference(target, "mirror") for target in targets)
    ),
    hosts,
    st.lists(hosts, min_size=1, max_size=4, unique=True),
)
plans = st.builds(
    lambda several: Plan(kind=Kind.SYNC, rules=tuple(several)), st.lists(rules, max_size=4)
)


def ways(plan: Plan) -> set[tuple[str, str]]:
    return {(rule.source.registry, t.registry) for rule in plan.rules for t in rule.targets}


@given(plan=plans, some=st.frozensets(hosts))
def test_what_is_left_out_and_what_stays_are_the_whole(plan: Plan, some: frozenset[str]) -> None:
    stays, goes = without(plan, some), only(plan, some)
    assert ways(stays) | ways(goes) == ways(plan)
    assert all(not some & set(way) for way in ways(stays))
    assert all(some & set(way) for way in ways(goes))
    assert ways(rest(plan, stays)) == ways(goes)
    assert ways(rest(plan, goes)) == ways(stays)
    assert is_empty(rest(plan, plan))


def test_a_part_has_no_limits_of_registries_that_take_no_part() -> None:
    plan = Plan(
        kind=Kind.SYNC,
        rules=(Rule(OLD, (NEW, Reference("c.example"))),),
        limits={"b.example": Limits(4), "c.example": Limits(4)},
    )
    assert without(plan, {"c.example"}).limits == {"b.example": Limits(4)}


def test_copies_by_name_fall_apart_in_the_same_way() -> None:
    one, other = (
        wanted(OLD.at("1"), Reference(host, "mirror").at("1"))
        for host in ("b.example", "c.example")
    )
    plan = Plan((one, other))
    assert without(plan, {"c.example"}).copies == (one,)
    assert only(plan, {"c.example"}).copies == (other,)
    assert rest(plan, Plan((one,))).copies == (other,)
    assert is_empty(without(plan, {"a.example"}))


def test_another_plan_has_another_mark() -> None:
    plan = Plan(kind=Kind.SYNC, rules=(Rule(OLD, (NEW,)),))
    assert mark_of(plan) == mark_of(replace(plan))
    assert mark_of(plan) != mark_of(replace(plan, retries=1))


class TestWhatMayBeMeantOtherwise:
    RULE = Rule(OLD, (NEW,))

    def copy(self, repository: str, *, there: bool = False, registry: str = "b.example") -> Copy:
        digest = digest_of(b"there") if there else None
        target = Reference(registry, repository, "1")
        return Copy(1, OLD.at("1"), target, digest_of(b"x"), digest, Verdict.COPY)

    def test_is_what_the_source_was_known_to_have(self) -> None:
        known = {"a.example": Catalogue("a.example", {"team/web": ("1",)})}
        tell = may_be_meant(Plan(kind=Kind.SYNC, rules=(self.RULE,)), known)
        assert tell(self.copy("mirror/web"))
        assert not tell(self.copy("mirror/api", there=True))
        assert not tell(self.copy("mirror/web", registry="c.example"))

    @pytest.mark.parametrize("rule", [RULE, replace(RULE, map="all:{name}-{tag}")])
    def test_is_all_that_is_there_where_that_was_never_known(self, rule: Rule) -> None:
        tell = may_be_meant(Plan(kind=Kind.SYNC, rules=(rule,)), {})
        assert tell(self.copy("mirror/web", there=True))
        assert not tell(self.copy("mirror/web"))
        assert not tell(self.copy("elsewhere/web", there=True))

    def test_is_what_another_copy_names(self) -> None:
        named = Plan((wanted(OLD.at("1"), Reference("b.example", "mirror/web").at("1")),))
        whole = Plan((wanted(OLD, Reference("b.example", "mirror/web")),))
        for plan in (named, whole):
            assert may_be_meant(plan, {})(self.copy("mirror/web"))
            assert not may_be_meant(plan, {})(self.copy("mirror/api"))
