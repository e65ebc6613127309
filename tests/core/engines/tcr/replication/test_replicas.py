"""What replicas would be made for a wish, with what is to be known before, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from delegating.tcr import OLD
from transship import errors
from transship.engines.changes import ChangeAction, ChangeSet
from transship.engines.tcr import replicas
from transship.engines.tcr.api import Region
from transship.engines.tcr.replicas import TcrReplica
from transship.plans.advice import side_of
from transship.services.tencent_cloud import TcrInstance

PRIMARY = TcrInstance("tcr-1", "old", "premium", "Running", "ap-guangzhou", 1, OLD)
SHANGHAI, HONG_KONG, NOWHERE = (
    Region(4, "ap-shanghai"), Region(5, "ap-hongkong"), Region(200, "ap-nowhere"),
)  # fmt: skip
REGIONS = (Region(1, "ap-guangzhou"), SHANGHAI, HONG_KONG, NOWHERE)


def wished(
    *names: str, primary: TcrInstance = PRIMARY, there: tuple[TcrReplica, ...] = ()
) -> ChangeSet:
    return replicas.plan_replicas(primary, names, REGIONS, there)


def test_what_it_is_and_what_it_costs_is_said() -> None:
    shown = wished("ap-shanghai")

    [change] = shown.changes
    assert str(change) == "create replication instance ap-shanghai"
    assert change.after == {"ReplicationRegionName": "ap-shanghai", "ReplicationRegionId": 4}
    assert "It costs money" in change.warns[0]
    for note in (replicas.WHAT_IT_IS, replicas.TAKES_A_WHILE, replicas.BEFORE_THE_INSTANCE):
        assert note in shown.notes
    assert not shown.gives


@pytest.mark.parametrize(
    ("edition", "remedy"),
    [
        ("standard", "Upgrade the instance. Let TCR synchronise two instances by rules instead."),
        ("basic", "Upgrade the instance to premium; or to standard, and let TCR synchronise"),
    ],
)
def test_other_editions_are_refused_with_the_alternative(edition: str, remedy: str) -> None:
    [refusal] = wished("ap-shanghai", primary=replace(PRIMARY, edition=edition)).refusals

    assert isinstance(refusal, errors.CantBeDelegated)
    assert f"of the {edition} edition" in refusal.detail
    assert refusal.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("here", "there"), [("ap-guangzhou", "ap-hongkong"), ("eu-frankfurt", "ap-shanghai")]
)
def test_across_the_border_is_refused_with_the_alternative(here: str, there: str) -> None:
    [refusal] = wished(there, primary=replace(PRIMARY, region=here)).refusals

    assert isinstance(refusal, errors.CantBeDelegated)
    assert "across the border" in refusal.detail
    assert refusal.remedy == "Let TCR synchronise two instances by rules instead."


def test_a_side_that_is_not_known_refuses_nothing_and_is_said() -> None:
    shown = wished("ap-nowhere")

    assert not shown.refusals
    assert any("China ap-nowhere is; TCR refuses" in note for note in shown.notes)
    assert not any("which side" in note for note in wished("ap-shanghai").notes)


def test_both_sides_of_the_border_have_regions_abroad_of_each_other() -> None:
    assert side_of("ap-guangzhou") is True
    assert side_of("eu-frankfurt") is False
    assert side_of("ap-nowhere") is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ap-guangzhou", "where the instance itself is"),
        ("mars", "TCR has no region mars; it has ap-guangzhou, ap-shanghai"),
    ],
)
def test_a_region_that_can_not_be_is_refused(name: str, says: str) -> None:
    [refusal] = wished(name).refusals

    assert isinstance(refusal, errors.BadRequest)
    assert says in refusal.detail


def test_an_instance_that_does_not_run_and_no_region_at_all_are_refused() -> None:
    stopped = replace(PRIMARY, status="Isolate")

    assert "it is Isolate" in wished("ap-shanghai", primary=stopped).refusals[0].detail
    assert "no region is wished for" in wished().refusals[0].detail


def test_an_edition_that_is_not_known_refuses_nothing_and_is_said() -> None:
    shown = wished("ap-shanghai", primary=replace(PRIMARY, edition="ultimate"))

    assert not shown.refusals
    assert any("ultimate" in note for note in shown.notes)


def test_what_is_there_is_left_and_how_it_is_is_said() -> None:
    shown = wished("ap-shanghai", there=(TcrReplica("tcr-1-4", SHANGHAI, "Unhealthy"),))

    assert [change.does for change in shown.changes] == [ChangeAction.LEAVE]
    assert not shown.to_make
    assert shown.notes == ("The replica in ap-shanghai isn't running, it is Unhealthy.",)


@pytest.mark.parametrize("wish", [wished, None])
def test_one_that_is_being_deleted_is_waited_for(wish: object) -> None:
    there = (TcrReplica("tcr-1-4", SHANGHAI, "Deleting"),)
    shown = (
        wished("ap-shanghai", there=there)
        if wish
        else replicas.plan_replica_removal(PRIMARY, ["ap-shanghai"], there)
    )

    assert "is being deleted" in shown.refusals[0].detail
    assert not shown.changes


def test_what_is_taken_away_is_warned_of() -> None:
    there = (TcrReplica("tcr-1-4", SHANGHAI, "Running"),)

    [change] = replicas.plan_replica_removal(PRIMARY, ["ap-shanghai"], there).changes
    [refusal] = replicas.plan_replica_removal(PRIMARY, ["ap-beijing"], there).refusals

    assert str(change) == "delete replication instance ap-shanghai"
    assert "finds nothing there" in change.warns[0]
    assert "no replica in ap-beijing" in refusal.detail
