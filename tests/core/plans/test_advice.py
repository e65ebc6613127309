"""Which way is recommended, why, and what rules the others out."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadRequest
from transship.plans.advice import (
    Advice,
    Edition,
    End,
    EndChoice,
    Ends,
    Pace,
    Way,
    advise,
    answered,
)
from transship.registry.service import all_services

STANDARD, PREMIUM, BASIC = Edition.STANDARD, Edition.PREMIUM, Edition.BASIC
HOME, ABROAD = "ap-guangzhou", "ap-singapore"


def tcr(name: str, edition: Edition | None = PREMIUM, region: str = HOME) -> End:
    return End(f"{name}.tencentcloudcr.example", "tcr", edition, region)


HARBOR = End("harbor.example", "harbor")
OLD = End("old.example")
NEW = End("new.example")
ECR = End("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr")
WORLD = End("docker.io", "docker-hub")


def why_not(advice: Advice, way: Way) -> str:
    return next(other.why for other in advice.others if other.way is way)


@pytest.mark.parametrize(
    ("source", "target", "more", "way"),
    [
        # Two instances of TCR.
        (tcr("a"), tcr("b"), {}, Way.TCR_REPLICATION),
        (tcr("a"), tcr("b", region="ap-shanghai"), {}, Way.TCR_REPLICATION),
        (tcr("a", region=ABROAD), tcr("b", region="eu-frankfurt"), {}, Way.TCR_REPLICATION),
        (tcr("a"), tcr("b", region=ABROAD), {}, Way.TCR_SYNC),
        (tcr("a", STANDARD), tcr("b", region=ABROAD), {}, Way.TCR_SYNC),
        (tcr("a", STANDARD), tcr("b", STANDARD), {}, Way.TCR_SYNC),
        (tcr("a"), tcr("b"), {"whole": False}, Way.TCR_SYNC),
        (tcr("a"), tcr("b"), {"same_owner": False}, Way.TCR_SYNC),
        (tcr("a"), tcr("b"), {"target_written": True}, Way.TCR_SYNC),
        (tcr("a"), tcr("b", region="ap-somewhere"), {}, Way.TCR_SYNC),
        (tcr("a"), tcr("b"), {"here_reaches": False}, Way.TCR_REPLICATION),
        (tcr("a", BASIC), tcr("b"), {}, Way.COPY),
        (tcr("a"), tcr("b", BASIC), {"pace": Pace.SOMETIMES}, Way.SYNC),
        (tcr("a", None), tcr("b"), {}, Way.COPY),
        (tcr("a"), tcr("a"), {}, Way.COPY),
        (tcr("a"), NEW, {}, Way.COPY),
        (End("ccr.ccs.tencentyun.example", "ccr"), tcr("b"), {}, Way.COPY),
        # Harbor.
        (HARBOR, NEW, {}, Way.HARBOR),
        (HARBOR, tcr("b"), {}, Way.HARBOR),
        (HARBOR, ECR, {"pace": Pace.ONCE}, Way.HARBOR),
        (HARBOR, NEW, {"source_reaches_target": False}, Way.COPY),
        (HARBOR, NEW, {"harbor_admin": False}, Way.COPY),
        (HARBOR, NEW, {"here_reaches": False}, Way.HARBOR),
        (OLD, HARBOR, {}, Way.COPY),
        (OLD, HARBOR, {"pace": Pace.CONSTANTLY}, Way.SYNC),
        (OLD, HARBOR, {"here_reaches": False}, Way.HARBOR),
        (OLD, HARBOR, {"here_reaches": False, "target_reaches_source": False}, Way.COPY),
        # Anything else.
        (OLD, NEW, {}, Way.COPY),
        (OLD, NEW, {"pace": Pace.ONCE, "whole": True}, Way.COPY),
        (OLD, NEW, {"pace": Pace.SOMETIMES, "whole": True}, Way.REPLICATION),
        (OLD, NEW, {"pace": Pace.CONSTANTLY, "whole": False}, Way.SYNC),
        (OLD, NEW, {"pace": Pace.CONSTANTLY}, Way.SYNC),
        (OLD, NEW, {"here_reaches": False}, Way.COPY),
        (ECR, ECR, {}, Way.COPY),
        (WORLD, ECR, {"pace": Pace.SOMETIMES, "whole": False}, Way.SYNC),
    ],
)
def test_the_way_that_is_recommended(
    source: End, target: End, more: dict[str, Any], way: Way
) -> None:
    assert advise(Ends(source, target, **more)).way is way


@pytest.mark.parametrize(
    ("source", "target", "more", "way", "why"),
    [
        (OLD, NEW, {}, Way.TCR_REPLICATION, "two instances of Tencent TCR"),
        (OLD, NEW, {}, Way.TCR_SYNC, "two instances of Tencent TCR"),
        (OLD, NEW, {}, Way.HARBOR, "neither end is a Harbor"),
        (tcr("a"), tcr("a"), {}, Way.TCR_SYNC, "the same instance"),
        (tcr("a"), tcr("a"), {}, Way.TCR_REPLICATION, "delegate replica a.tencentcloudcr.example"),
        (tcr("a", BASIC), tcr("b"), {}, Way.TCR_SYNC, "a.tencentcloudcr.example is basic"),
        (tcr("a", None), tcr("b"), {}, Way.TCR_SYNC, "isn't known"),
        (tcr("a", STANDARD), tcr("b"), {}, Way.TCR_REPLICATION, "premium edition"),
        (tcr("a"), tcr("b", region=ABROAD), {}, Way.TCR_REPLICATION, "across the border"),
        (tcr("a"), tcr("b", region=""), {}, Way.TCR_REPLICATION, "isn't known where"),
        (tcr("a"), tcr("b"), {"same_owner": False}, Way.TCR_REPLICATION, "same owner"),
        (tcr("a"), tcr("b"), {"whole": False}, Way.TCR_REPLICATION, "can't select"),
        (tcr("a"), tcr("b"), {"target_written": True}, Way.TCR_REPLICATION, "nobody can push"),
        (tcr("a"), tcr("b"), {}, Way.COPY, "through this machine"),
        (tcr("a"), tcr("b"), {}, Way.TCR_SYNC, "without rules"),
        (HARBOR, NEW, {"source_reaches_target": False}, Way.HARBOR, "can't reach"),
        (HARBOR, NEW, {"harbor_admin": False}, Way.HARBOR, "administrator"),
        (HARBOR, NEW, {}, Way.SYNC, "through this machine"),
        (OLD, HARBOR, {}, Way.HARBOR, "by the clock"),
        (OLD, HARBOR, {"here_reaches": False}, Way.COPY, "can't reach both"),
        (OLD, NEW, {"pace": Pace.ONCE}, Way.SYNC, "a copy does it once"),
        (OLD, NEW, {"pace": Pace.ONCE}, Way.REPLICATION, "nothing changes"),
        (OLD, NEW, {"whole": False}, Way.REPLICATION, "only a part"),
        (OLD, NEW, {"pace": Pace.SOMETIMES, "whole": True}, Way.COPY, "stays behind"),
        (OLD, NEW, {"pace": Pace.SOMETIMES, "whole": True}, Way.SYNC, "everything is wanted"),
        (OLD, NEW, {"pace": Pace.SOMETIMES}, Way.REPLICATION, "whether everything is wanted"),
    ],
)
def test_what_rules_a_way_out(
    source: End, target: End, more: dict[str, Any], way: Way, why: str
) -> None:
    assert why in why_not(advise(Ends(source, target, **more)), way)


@pytest.mark.parametrize(
    ("source", "target", "more", "why"),
    [
        (tcr("a"), tcr("b"), {}, "same side of the border"),
        (tcr("a"), tcr("b", region=ABROAD), {}, "rules may go across the border"),
        (tcr("a"), tcr("b"), {"same_owner": False}, "long-term token"),
        (HARBOR, NEW, {}, "a replication policy of its own"),
        (OLD, HARBOR, {"here_reaches": False}, "Harbor can pull"),
        (OLD, NEW, {"size": 5 * 2**30}, "5.0 GiB go down and up again"),
        (OLD, NEW, {"here_reaches": False}, "an OCI layout folder"),
        (OLD, OLD, {}, "mount layers"),
        (OLD, NEW, {"pace": Pace.SOMETIMES, "whole": False, "tags_vanish": True}, "never deletes"),
    ],
)
def test_the_reason_says_what_matters(
    source: End, target: End, more: dict[str, Any], why: str
) -> None:
    assert why in advise(Ends(source, target, **more)).reason


def asked(facts: Ends) -> set[str]:
    return {question.id for question in advise(facts).questions}


def test_what_is_asked_depends_on_the_ends() -> None:
    assert asked(Ends(OLD, NEW)) == {"here", "pace", "whole"}
    assert asked(Ends(tcr("a", None, ""), tcr("b"))) >= {"source-edition", "source-side", "owner"}
    assert not asked(Ends(tcr("a", BASIC, ""), tcr("b"))) & {"source-side", "owner"}
    assert asked(Ends(HARBOR, NEW)) == {"source-reaches", "harbor-admin", "vanish"}
    assert "target-reaches" in asked(Ends(OLD, HARBOR))


def test_answers_lead_from_a_copy_to_the_engine_of_the_service() -> None:
    facts = Ends(tcr("a", None, ""), tcr("b", None, ""))
    assert advise(facts).way is Way.COPY
    for end in ("source", "target"):
        facts = answered(facts, f"{end}-edition", "premium")
        facts = answered(facts, f"{end}-side", "no")
    assert advise(facts).way is Way.TCR_REPLICATION
    assert advise(answered(facts, "target-written", "yes")).way is Way.TCR_SYNC


@pytest.mark.parametrize(("name", "value"), [("pace", "never"), ("colour", "red"), ("here", "")])
def test_an_answer_is_one_of_the_choices(name: str, value: str) -> None:
    with pytest.raises(BadRequest):
        answered(Ends(OLD, NEW), name, value)


maybe = st.sampled_from([None, True, False])
ends = st.builds(
    End,
    st.sampled_from(["one.example", "two.example"]),
    st.sampled_from([service.kind for service in all_services()])
    | st.sampled_from(["tcr", "harbor"]),
    st.none() | st.sampled_from(Edition),
    st.sampled_from(["", HOME, ABROAD, "elsewhere"]),
    maybe,
)
booleans = {field.name: maybe for field in fields(Ends) if field.type == "bool | None"}
everything = st.builds(
    Ends,
    ends,
    ends,
    pace=st.none() | st.sampled_from(Pace),
    size=st.none() | st.integers(0, 2**50),
    **booleans,
)


@given(everything)
def test_there_is_one_way_and_a_reason_against_each_other(facts: Ends) -> None:
    advice = advise(facts)
    assert advice.reason
    assert [advice.way, *(other.way for other in advice.others)].count(advice.way) == 1
    assert {advice.way, *(other.way for other in advice.others)} == set(Way)
    assert all(other.why for other in advice.others)
    assert advise(facts) == advice


@given(everything)
def test_a_way_that_can_t_work_is_never_recommended(facts: Ends) -> None:
    advice = advise(facts)
    if advice.way in (Way.TCR_REPLICATION, Way.TCR_SYNC):
        assert facts.source.service == facts.target.service == "tcr"
        assert facts.source.edition in (STANDARD, PREMIUM)
        assert facts.target.edition in (STANDARD, PREMIUM)
    if advice.way is Way.TCR_REPLICATION:
        assert facts.source.edition is facts.target.edition is PREMIUM
        assert facts.source.side is facts.target.side is not None
    if advice.way is Way.HARBOR:
        assert "harbor" in (facts.source.service, facts.target.service)
        assert facts.harbor_admin is not False
    if facts.here_reaches is False and advice.way in (Way.COPY, Way.SYNC, Way.REPLICATION):
        assert "OCI layout folder" in advice.reason


@given(everything, st.data())
def test_questions_come_to_an_end(facts: Ends, data: st.DataObject) -> None:
    for _ in range(len(fields(Ends)) + 4):
        questions = advise(facts).questions
        if not questions:
            return
        assert len({question.id for question in questions}) == len(questions)
        question = data.draw(st.sampled_from(questions))
        choice: EndChoice = data.draw(st.sampled_from(question.choices))
        before, facts = facts, answered(facts, question.id, choice.value)
        assert facts != before
    raise AssertionError("there is always one more question")


def test_where_an_end_stands_may_be_said_against_its_region() -> None:
    assert tcr("a").side is True
    assert tcr("a", region=ABROAD).side is False
    assert replace(tcr("a"), mainland=False).side is False
