"""What a plan and the accounts tell of the two ends."""

from __future__ import annotations

from dataclasses import replace

from transship.accounts.registry_file import Account
from transship.oci.reference import parse_reference
from transship.plans.advice import Pace
from transship.plans.plan import Deletion, Kind, Plan, Rule, Schedule, TagFilter, wanted
from transship_tui.screens.plan.advice import ends_of

RULE = Rule(parse_reference("harbor.example"), (parse_reference("shop.tencentcloudcr.com/m"),))
SYNC = Plan(kind=Kind.SYNC, rules=(RULE,))


def test_the_account_knows_the_service_else_its_name_tells() -> None:
    ends = ends_of(SYNC, [Account("harbor.example", service="harbor")])
    assert (ends.source.service, ends.target.service) == ("harbor", "tcr")
    assert ends_of(SYNC, []).source.service == "registry"


def test_both_ends_go_by_their_alias() -> None:
    ends = ends_of(SYNC, [Account("harbor.example", alias="old")])
    assert ends.source.registry == "old"
    assert ends.target.registry == "shop.tencentcloudcr.com"


def test_a_rule_that_selects_does_not_want_everything() -> None:
    assert ends_of(SYNC, []).whole is None
    tags = replace(RULE, tags=TagFilter(newest=3))
    for rule in (tags, replace(RULE, repositories=("team/**",))):
        assert ends_of(replace(SYNC, rules=(rule,)), []).whole is False


def test_a_replication_wants_everything_and_goes_on() -> None:
    ends = ends_of(replace(SYNC, kind=Kind.REPLICATION, delete=Deletion()), [])
    assert (ends.whole, ends.pace, ends.tags_vanish) == (True, Pace.SOMETIMES, True)


def test_a_schedule_says_that_it_goes_on() -> None:
    assert ends_of(SYNC, []).pace is None
    assert ends_of(replace(SYNC, schedule=Schedule(every=600)), []).pace is Pace.SOMETIMES


def test_a_folder_has_no_service() -> None:
    copies = (wanted(parse_reference("layout:/a//x:1"), parse_reference("new.example/x:1")),)
    ends = ends_of(Plan(copies), [])
    assert (ends.source.service, ends.whole) == ("registry", False)
