"""Drafts: what fields say becomes what a plan file says, and nothing else in it changes."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings

from planning.any_plan import plans
from transship.oci.reference import parse_reference
from transship.plans.decode import decode_plan
from transship.plans.encode import document_text, encode_plan
from transship.plans.plan import Deletion, Kind, Limits, NewestBy, Schedule
from transship_tui.screens.plan.draft import SCHEDULE, PlanDraft

RULE = ("rules", 0)
SYNC = """
version = 1
kind = "sync"
[[rules]]
from = "old.example/team"
to = ["new.example/mirror", "backup.example"]
repositories = ["**", "!tmp-*"]
tags = { include = ["v*"], newest = 20, since = 2026-01-31 }
[limits."old.example"]
rate = "50 MiB/s"
"""


def draft(text: str = SYNC) -> PlanDraft:
    return PlanDraft(tomllib.loads(text), parse_reference)


def test_fields_say_what_the_file_says() -> None:
    it = draft()
    assert it.text((*RULE, "to")) == "new.example/mirror, backup.example"
    assert it.text((*RULE, "repositories")) == "** !tmp-*"
    assert it.text((*RULE, "tags", "newest")) == "20"
    assert it.text((*RULE, "tags", "since")) == "2026-01-31"
    assert it.text((*RULE, "tags", "semver")) == ""
    assert not it.is_changed


@settings(max_examples=30)
@given(plans((Kind.SYNC, Kind.REPLICATION)))
def test_a_field_that_says_the_same_changes_nothing(plan) -> None:  # type: ignore[no-untyped-def]
    document = tomllib.loads(document_text(encode_plan(plan)))
    it = PlanDraft(document, parse_reference)
    for number, rule in enumerate(it.rules):
        for key in ("from", "to", "repositories", "map", "immutable", "platforms"):
            it.put(("rules", number, key), it.text(("rules", number, key)))
        for key in rule.get("tags", {}):
            it.put(("rules", number, "tags", key), it.text(("rules", number, "tags", key)))
    it.put(SCHEDULE, it.text(SCHEDULE))
    assert not it.is_changed
    assert it.read().plan == decode_plan(document, parse_reference)[0]


def test_every_field_of_a_rule_reaches_the_plan() -> None:
    it = draft()
    for key, text in {
        "from": "other.example/x",
        "to": "new.example, third.example/y",
        "repositories": "a/** !a/b, c",
        "map": "strip:1",
        "platforms": "linux/amd64 linux/arm64",
        "artifacts": "images charts",
        "immutable": "v*",
    }.items():
        it.put((*RULE, key), text)
    for key, text in {
        "include": "v* latest",
        "exclude": "*-rc*",
        "semver": ">=1.2 <3",
        "newest": "5",
        "since": "90d",
        "exact": "x y",
        "digests": f"sha256:{'0' * 64}",
    }.items():
        it.put((*RULE, "tags", key), text)
    it.set((*RULE, "tags", "by"), "version")
    it.set((*RULE, "tags", "prereleases"), True)
    plan = it.read().plan
    assert plan is not None
    [rule] = plan.rules
    assert str(rule.source) == "other.example/x"
    assert [str(target) for target in rule.targets] == ["new.example", "third.example/y"]
    assert rule.repositories == ("a/**", "!a/b", "c")
    assert rule.map == "strip:1"
    assert len(rule.platforms) == len(rule.artifacts) == 2
    assert rule.immutable == ("v*",)
    tags = rule.tags
    assert (tags.include, tags.exclude, tags.semver) == (("v*", "latest"), ("*-rc*",), ">=1.2 <3")
    assert (tags.newest, tags.newest_by, tags.prereleases) == (5, NewestBy.VERSION, True)
    assert (tags.since, tags.exact, len(tags.digests)) == (90 * 86_400.0, ("x", "y"), 1)


def test_an_emptied_field_leaves_nothing_behind() -> None:
    it = draft()
    for key in ("include", "newest", "since"):
        it.put((*RULE, "tags", key), "")
    it.put((*RULE, "repositories"), " ")
    [rule] = it.document()["rules"]
    assert set(rule) == {"from", "to"}


@pytest.mark.parametrize(
    ("place", "text", "why"),
    [
        ((*RULE, "tags", "semver"), ">=", "Not a range of versions"),
        ((*RULE, "tags", "newest"), "many", "write a whole number from 1"),
        ((*RULE, "repositories"), "a//b", "has no //"),
        ((*RULE, "map"), "{nothing}", "there is no {nothing}"),
        ((*RULE, "to"), "", "to is missing"),
        ((*RULE, "platforms"), "linux", "Not a platform"),
        (SCHEDULE, "sometimes", "is not a span of time"),
        (SCHEDULE, "0 3 * *", "has 4 fields"),
        (("limits", "old.example", "rate"), "fast", "is not a rate"),
    ],
)
def test_a_mistake_is_said_where_it_is_in_the_words_of_the_core(
    place: tuple[str | int, ...], text: str, why: str
) -> None:
    it = draft()
    it.put(place, text)
    reading = it.read()
    assert reading.plan is None
    assert why in reading.at(place)
    assert reading.wrong_rules() == ((0,) if place[0] == "rules" else ())


def test_a_schedule_is_a_span_or_a_cron_line() -> None:
    it = draft()
    for text, schedule in (
        ("10m", Schedule(every=600.0)),
        (" 0  3 * * * ", Schedule(cron="0 3 * * *")),
        ("", None),
    ):
        it.put(SCHEDULE, text)
        plan = it.read().plan
        assert plan is not None
        assert plan.schedule == schedule


def test_what_a_replication_has_not_is_kept_for_who_turns_back() -> None:
    it = draft()
    it.set(("kind",), "replication")
    it.set(("delete",), {"at_most": "2%"})
    plan = it.read().plan
    assert plan is not None
    assert plan.delete == Deletion(at_most=0.02)
    assert plan.rules[0].tags.newest is None
    it.set(("kind",), "sync")
    plan = it.read().plan
    assert plan is not None
    assert plan.delete is None
    assert plan.rules[0].tags.newest == 20


def test_a_share_that_is_cleared_is_the_default_one() -> None:
    it = draft()
    it.set(("kind",), "replication")
    it.set(("delete",), {"at_most": "2%"})
    it.put(("delete", "at_most"), "")
    plan = it.read().plan
    assert plan is not None
    assert plan.delete == Deletion(at_most=0.05)
    it.set(("delete",), None)
    plan = it.read().plan
    assert plan is not None
    assert plan.delete is None


def test_limits_are_for_registries_that_take_part() -> None:
    it = draft()
    assert list(it.registries()) == ["old.example", "new.example", "backup.example"]
    it.put((*RULE, "from"), "other.example")
    plan = it.read().plan
    assert plan is not None
    assert plan.limits == {}
    it.put(("limits", "other.example", "concurrency"), "4")
    plan = it.read().plan
    assert plan is not None
    assert plan.limits == {"other.example": Limits(concurrency=4)}


def test_rules_come_and_go() -> None:
    it = draft()
    assert it.add_rule({"from": "a.example", "to": "b.example"}) == 1
    it.remove_rule(0)
    plan = it.read().plan
    assert plan is not None
    assert [str(rule.source) for rule in plan.rules] == ["a.example"]
    assert it.is_changed
