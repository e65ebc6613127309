"""What rules would be made for a wish, with what is to be known before, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegating.tcr import NEW, OLD, OWNER, PEER
from transship import errors
from transship.engines.changes import ChangeAction, ChangeSet
from transship.engines.tcr import sync_rules
from transship.engines.tcr.sync_rules import (
    ExistingRule,
    SyncDestination,
    SyncRule,
    TcrPolicy,
    existing_rule,
)
from transship.oci.reference import Reference
from transship.plans.plan import Kind, OnConflict, Plan, Rule, TagFilter
from transship.services.tencent_cloud import TcrInstance

SOURCE = TcrInstance("tcr-1", "old", "standard", "Running", "ap-guangzhou", 1, OLD)
TARGET = SyncDestination.of(TcrInstance("tcr-2", "new", "premium", "Running", "ap-beijing", 8, NEW))
ABROAD = SyncDestination("tcr-3", PEER, 9, region="ap-singapore", uin=OWNER)
RULE = SyncRule("team", names="team/**", namespace="team")


def wished(
    *rules: SyncRule, source: TcrInstance = SOURCE, to: SyncDestination = TARGET
) -> ChangeSet:
    return sync_rules.plan_rules(source, to, rules, ())


def as_read(rule: SyncRule, to: SyncDestination = TARGET, **more: Any) -> ExistingRule:
    settings = rule.settings(to)
    policy = TcrPolicy(
        id=7,
        name=rule.name,
        description=settings["Description"],
        override=rule.override,
        enabled=rule.enabled,
    )
    for name, value in more.items():
        setattr(policy, name, value)
    found = existing_rule(policy)
    return replace(found, found=replace(found.found, settings={**found.found.settings,
        "Filters": settings["Filters"]}))  # fmt: skip


def plan_of(rule: Rule, **more: Any) -> Plan:
    return replace(Plan(kind=Kind.SYNC, rules=(rule,)), **more)


def of_plan(
    source: str = "team",
    target: str = "mirror",
    repositories: tuple[str, ...] = ("**",),
    **more: Any,
) -> ChangeSet:
    tags = more.pop("tags", TagFilter())
    rule = Rule(Reference(OLD, source), (Reference(NEW, target),), repositories, tags)
    plan = plan_of(rule, **more)
    return sync_rules.plan_rules_from(SOURCE, TARGET, "nightly", plan, ())


def test_filters_are_shown_as_they_are_sent() -> None:
    shown = wished(replace(RULE, tags="v*", resource="image"))

    [change] = shown.changes
    assert (change.does, change.kind, change.name) == (ChangeAction.CREATE, "sync rule", "team")
    assert change.after is not None
    assert change.after["Filters"] == [
        {"Type": "name", "Value": "team/**"},
        {"Type": "resource", "Value": "image"},
        {"Type": "tag", "Value": "v*"},
    ]
    assert shown.notes[0] == (
        "team takes images in repositories that match team/**, with tags that match v*; that is "
        "what is sent."
    )


@pytest.mark.parametrize(
    ("rule", "in_doubt"),
    [
        (SyncRule("r", names="team/**"), False),
        (SyncRule("r", names="team/web"), False),
        (SyncRule("r", names="team/web", tags="latest"), False),
        (SyncRule("r", names="team/w*"), True),
        (SyncRule("r", names="team/.*"), True),
        (SyncRule("r", names="team/**", tags="v1.*"), True),
        (SyncRule("r", names="team/**", tags="release**"), True),
    ],
)
def test_a_pattern_that_may_be_read_in_two_ways_is_said(rule: SyncRule, in_doubt: bool) -> None:
    assert (sync_rules.SYNTAX_IN_DOUBT in wished(rule).notes) is in_doubt


def test_what_begins_it_and_what_can_not_be_read_back_is_said() -> None:
    notes = wished(RULE).notes

    for note in (sync_rules.BEGINS, sync_rules.READS_BACK, sync_rules.BEFORE_THE_INSTANCE):
        assert note in notes
    assert any("left alone" in note for note in notes)
    assert not any("left alone" in note for note in wished(replace(RULE, override=True)).notes)


@pytest.mark.parametrize(
    ("namespaces", "says"),
    [
        (None, "Look whether new.tencentcloudcr.com has the namespace"),
        ((), "new.tencentcloudcr.com has no namespace"),
        (("mirror",), ""),
    ],
)
@pytest.mark.parametrize("rule", [replace(RULE, namespace="mirror"), SyncRule("r", "mirror/**")])
def test_a_namespace_that_may_be_missing_is_said(
    rule: SyncRule, namespaces: tuple[str, ...] | None, says: str
) -> None:
    notes = sync_rules.plan_rules(SOURCE, TARGET, [rule], (), namespaces=namespaces).notes

    found = [note for note in notes if "TCR makes" in note]
    assert bool(found) is bool(says)
    assert not says or found[0].startswith(f"{says} mirror")


def test_deletion_is_warned_of() -> None:
    [change] = wished(replace(RULE, deletion=True)).changes

    assert change.after is not None
    assert change.after["Deletion"] is True
    assert "no way back" in change.warns[0]
    assert change.after["Description"].endswith("deletion on")


def test_another_owner_is_handed_nothing_that_is_not_shown() -> None:
    shown = wished(RULE, to=ABROAD)

    [change] = shown.changes
    assert change.gives == shown.gives == (PEER,)
    assert OWNER in change.warns[0]
    assert "The rule ends with that token" in change.warns[0]
    assert any("isn't checked" in note for note in shown.notes)


@pytest.mark.parametrize(
    ("region", "across"), [("ap-beijing", False), ("eu-frankfurt", True), ("ap-new", False)]
)
def test_rules_may_cross_the_border_and_say_so(region: str, across: bool) -> None:
    shown = wished(RULE, to=replace(TARGET, region=region))

    assert not shown.refusals
    assert any("across the border" in note for note in shown.notes) is across


@pytest.mark.parametrize(
    ("source", "to", "says"),
    [
        (replace(SOURCE, edition="basic"), TARGET, "of the basic edition"),
        (SOURCE, replace(TARGET, edition="basic"), "of the basic edition"),
        (replace(SOURCE, status="Isolate"), TARGET, "isn't running, it is Isolate"),
        (SOURCE, replace(TARGET, status="Pending"), "isn't running, it is Pending"),
        (SOURCE, replace(TARGET, id="tcr-1"), "the same instance"),
        (SOURCE, replace(TARGET, region="ap-taipei"), "nothing from or to ap-taipei"),
    ],
)
def test_instances_that_can_not_are_refused_before(
    source: TcrInstance, to: SyncDestination, says: str
) -> None:
    shown = wished(RULE, source=source, to=to)

    assert not shown.changes
    [refusal] = shown.refusals
    assert isinstance(refusal, errors.CantBeDelegated)
    assert says in refusal.detail
    assert refusal.remedy


def test_the_basic_edition_has_an_alternative() -> None:
    [refusal] = wished(RULE, source=replace(SOURCE, edition="basic")).refusals

    assert refusal.remedy == "Upgrade the instance, or let Transship move it."


def test_an_edition_that_is_not_known_refuses_nothing() -> None:
    shown = wished(RULE, source=replace(SOURCE, edition="ultimate"))

    assert not shown.refusals
    assert any("The edition of old" in note for note in shown.notes)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (replace(RULE, name="Team"), "no name for a rule"),
        (replace(RULE, name="-team"), "no name for a rule"),
        (SyncRule("r"), "needs a pattern"),
        (replace(RULE, resource="model"), "neither image nor chart"),
        (replace(RULE, namespace="a/b"), "no namespace of TCR"),
    ],
)
def test_a_rule_that_can_not_be_is_refused(rule: SyncRule, says: str) -> None:
    [refusal] = wished(rule).refusals
    assert isinstance(refusal, errors.BadRequest)
    assert says in refusal.detail


def test_two_rules_of_one_name_none_at_all_and_a_bad_owner_are_refused() -> None:
    assert "two rules are called team" in wished(RULE, RULE).refusals[0].detail
    assert "no rule" in wished().refusals[0].detail
    assert "no account ID" in wished(RULE, to=replace(ABROAD, uin="me")).refusals[0].detail


def test_what_is_there_already_is_left() -> None:
    shown = sync_rules.plan_rules(SOURCE, TARGET, [RULE], [as_read(RULE)])

    assert [change.does for change in shown.changes] == [ChangeAction.LEAVE]
    assert not shown.to_make


def test_a_rule_with_a_token_is_changed_without_a_new_one() -> None:
    changed = replace(RULE, override=True)
    shown = sync_rules.plan_rules(SOURCE, ABROAD, [changed], [as_read(RULE, ABROAD)])

    assert [change.does for change in shown.changes] == [ChangeAction.CHANGE]
    assert not shown.gives


@pytest.mark.parametrize("to", [ABROAD, replace(TARGET, id="tcr-9"), replace(TARGET, uin="5")])
def test_where_a_rule_leads_can_not_be_changed(to: SyncDestination) -> None:
    shown = sync_rules.plan_rules(SOURCE, to, [RULE], [as_read(RULE)])

    [refusal] = shown.refusals
    assert isinstance(refusal, errors.CantBeDelegated)
    assert "leads to tcr-2" in refusal.detail


def test_a_rule_of_others_is_not_changed() -> None:
    there = as_read(RULE, description="by hand", dest_resource="tcr-5/x ap-beijing")

    [refusal] = sync_rules.plan_rules(SOURCE, TARGET, [RULE], [there]).refusals

    assert isinstance(refusal, errors.NameTaken)
    assert "tcr-5/x" in refusal.detail
    assert there.leads_to == "tcr-5"


def test_what_is_taken_away_is_named_and_what_is_not_there_refused() -> None:
    there = [as_read(RULE), as_read(replace(RULE, name="other"))]

    shown = sync_rules.plan_rule_removal(SOURCE, ["other", "team"], there)
    assert [str(each) for each in shown.changes] == [
        "delete sync rule other",
        "delete sync rule team",
    ]
    refused = sync_rules.plan_rule_removal(SOURCE, ["team", "gone"], there)
    assert not refused.changes
    assert "has no rule gone" in refused.refusals[0].detail


def test_a_plan_becomes_rules() -> None:
    shown = of_plan(tags=TagFilter(include=("v*",)), on_conflict=OnConflict.OVERWRITE)

    assert not shown.refusals
    settings = [change.after for change in shown.changes if change.after]
    assert [change.name for change in shown.changes] == ["nightly"]
    assert settings[0]["DestNamespace"] == "mirror"
    assert settings[0]["Override"] is True
    assert settings[0]["Filters"][0] == {"Type": "name", "Value": "team/**"}
    assert settings[0]["Filters"][-1] == {"Type": "tag", "Value": "v*"}


def test_a_plan_that_takes_every_tag_has_no_filter_for_tags() -> None:
    [change] = of_plan().changes

    assert change.after is not None
    assert [each["Type"] for each in change.after["Filters"]] == ["name"]


def test_several_patterns_are_several_rules() -> None:
    shown = of_plan(repositories=("web", "api/**"))

    assert not shown.refusals
    names = [change.after["Filters"][0]["Value"] for change in shown.changes if change.after]
    assert len(names) == len(set(names)) >= 2
    assert [change.name for change in shown.changes][:2] == ["nightly", "nightly-2"]


def test_names_that_stay_keep_their_namespace() -> None:
    [change] = of_plan(target="team").changes

    assert change.after is not None
    assert change.after["DestNamespace"] == "team"


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"tags": TagFilter(exclude=("*-rc*",))}, "one pattern for tags"),
        ({"source": ""}, "for one namespace"),
        ({"target": "mirror/team"}, "names can't be made otherwise"),
        ({"tags": TagFilter(semver=">=1")}, "tags.semver"),
        ({"on_conflict": OnConflict.FAIL}, "on_conflict"),
    ],
)
def test_what_of_a_plan_rules_can_not_say_is_refused(wish: dict[str, Any], says: str) -> None:
    shown = of_plan(**wish)

    assert not shown.changes
    assert says in " ".join(refusal.detail for refusal in shown.refusals)
    assert all(refusal.remedy for refusal in shown.refusals)


def test_a_plan_between_others_is_refused() -> None:
    rule = Rule(Reference("elsewhere.example", "team"), (Reference(NEW, "team"),))

    [refusal] = sync_rules.plan_rules_from(SOURCE, TARGET, "n", plan_of(rule), ()).refusals

    assert "copies nothing" in refusal.detail


TEXT = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=2, max_size=30).filter(
    lambda text: text[0].isalnum()
)


@given(
    st.builds(
        SyncRule,
        name=TEXT,
        names=st.just("team/**"),
        namespace=st.one_of(st.just(""), TEXT),
        override=st.booleans(),
        deletion=st.booleans(),
        enabled=st.booleans(),
    ),
    st.builds(
        SyncDestination,
        id=TEXT.map("tcr-{}".format),
        host=st.just(NEW),
        region_id=st.integers(1, 500),
        uin=st.one_of(st.just(""), st.integers(1, 10**12).map(str)),
    ),
)
def test_what_is_asked_for_is_what_is_read(rule: SyncRule, to: SyncDestination) -> None:
    found = as_read(rule, to)

    assert found.is_ours
    assert found.found.settings == rule.settings(to)


@pytest.mark.parametrize("deletion", [False, True])
def test_what_is_deleted_goes_at_the_destination_only_where_it_is_asked(deletion: bool) -> None:
    rule = Rule(Reference(OLD, "team"), (Reference(NEW, "mirror"),), ("**",), TagFilter())
    shown = sync_rules.plan_rules_from(
        SOURCE, TARGET, "nightly", plan_of(rule), (), deletion=deletion
    )

    [change] = shown.changes
    assert change.after is not None
    assert change.after["Deletion"] is deletion
    assert any("no bound, and no way back" in warning for warning in change.warns) is deletion
