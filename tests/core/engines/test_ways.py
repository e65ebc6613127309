"""Who could move it is told for any two sides, with a reason and an alternative for each no."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.engines.choice import (
    EngineChoice,
    EngineKind,
    engine_choices,
    registry_pairs,
    untranslated_parts,
)
from transship.engines.filters import UntranslatedPart, translate_plan
from transship.oci.reference import Reference
from transship.plans.advice import Edition, End, Ends
from transship.plans.plan import Kind, Plan, Rule, TagFilter, wanted

GUANGZHOU = End("gz.tencentcloudcr.com", "tcr", Edition.PREMIUM, "ap-guangzhou")
SHANGHAI = End("sh.tencentcloudcr.com", "tcr", Edition.PREMIUM, "ap-shanghai")
SINGAPORE = End("sg.tencentcloudcr.com", "tcr", Edition.STANDARD, "ap-singapore")
HARBOR = End("harbor.example", "harbor")
ACR = End("old.azurecr.io", "acr")
PLAIN = End("registry.example")


def way(who: EngineKind, source: End, target: End, **more: object) -> EngineChoice:
    facts = {name: more.pop(name) for name in list(more) if name in Ends.__dataclass_fields__}
    found = engine_choices(Ends(source, target, **facts), **more)  # type: ignore[arg-type]
    return next(each for each in found if each.who is who)


def test_the_kinds_are_stable() -> None:
    assert [str(who) for who in EngineKind] == [
        "transship", "harbor", "harbor-relay", "tcr-sync", "tcr-replica",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "source", "target", "more"),
    [
        (EngineKind.TRANSSHIP, PLAIN, ACR, {}),
        (EngineKind.HARBOR, HARBOR, ACR, {}),
        (EngineKind.HARBOR, ACR, HARBOR, {}),
        (EngineKind.HARBOR_RELAY, ACR, SHANGHAI, {"harbors": ["harbor.example"]}),
        (EngineKind.TCR_SYNC, SHANGHAI, SINGAPORE, {}),
        (EngineKind.TCR_REPLICA, GUANGZHOU, SHANGHAI, {"whole": True}),
        (EngineKind.TCR_REPLICA, GUANGZHOU, GUANGZHOU, {"whole": True}),
        (
            EngineKind.TCR_REPLICA,
            GUANGZHOU,
            replace(SHANGHAI, edition=Edition.BASIC),
            {"whole": True},
        ),
    ],
)
def test_who_can(who: EngineKind, source: End, target: End, more: dict[str, object]) -> None:
    assert way(who, source, target, **more).is_possible


@pytest.mark.parametrize(
    ("who", "source", "target", "more", "why"),
    [
        (EngineKind.TRANSSHIP, PLAIN, ACR, {"here_reaches": False}, "This machine can't reach"),
        (EngineKind.HARBOR, PLAIN, ACR, {}, "Neither side is a Harbor"),
        (EngineKind.HARBOR, HARBOR, ACR, {"source_reaches_target": False}, "can't reach the other"),
        (EngineKind.HARBOR, HARBOR, ACR, {"harbor_admin": False}, "system administrators"),
        (EngineKind.HARBOR, HARBOR, ACR, {"pairs": 2}, "several pairs"),
        (EngineKind.HARBOR, HARBOR, End("layout:/x"), {}, "folder on this machine"),
        (EngineKind.HARBOR_RELAY, ACR, SHANGHAI, {}, "No account is a Harbor"),
        (EngineKind.HARBOR_RELAY, HARBOR, SHANGHAI, {"harbors": ["harbor.example"]},
        "a Harbor itself"),
        (EngineKind.TCR_SYNC, ACR, SHANGHAI, {}, "instances of Tencent TCR only"),
        (
            EngineKind.TCR_SYNC, replace(SHANGHAI, edition=Edition.BASIC), SINGAPORE, {},
            "sh.tencentcloudcr.com is basic",
        ),
        (EngineKind.TCR_REPLICA, GUANGZHOU, replace(SINGAPORE, edition=Edition.PREMIUM), {},
        "border"),
        (EngineKind.TCR_SYNC, SHANGHAI, SHANGHAI, {}, "the same instance"),
        (EngineKind.TCR_REPLICA, replace(GUANGZHOU, edition=Edition.STANDARD), SHANGHAI, {},
        "premium"),
        (EngineKind.TCR_REPLICA, GUANGZHOU, SHANGHAI, {"whole": False}, "full copy"),
        (EngineKind.TCR_REPLICA, GUANGZHOU, SHANGHAI, {"target_written": True}, "Nobody can push"),
        (EngineKind.TCR_REPLICA, GUANGZHOU, SHANGHAI, {"same_owner": False}, "owner"),
    ],
)  # fmt: skip
def test_who_cannot(
    who: EngineKind, source: End, target: End, more: dict[str, object], why: str
) -> None:
    assert why in way(who, source, target, **more).obstacle


def test_what_the_filters_cannot_say_is_in_an_engines_way() -> None:
    unsaid = UntranslatedPart("tags.semver", "An engine doesn't read tags as versions.")
    found = way(EngineKind.HARBOR, HARBOR, ACR, unsaid=[unsaid])
    assert found.obstacle.startswith("tags.semver:")
    assert found.instead == unsaid.instead
    assert way(EngineKind.TRANSSHIP, HARBOR, ACR, unsaid=[unsaid]).is_possible


def test_what_is_not_known_is_asked_and_in_nobodys_way() -> None:
    found = way(EngineKind.TCR_REPLICA, replace(GUANGZHOU, edition=None), SHANGHAI)
    assert found.is_possible
    assert "source-edition" in found.asks


def test_a_replica_is_of_the_source_and_the_target_gets_nothing() -> None:
    found = way(EngineKind.TCR_REPLICA, GUANGZHOU, replace(SHANGHAI, edition=None))
    assert "target-edition" not in found.asks
    assert "sh.tencentcloudcr.com itself gets nothing." in found.means.filters
    assert "gets nothing" not in way(EngineKind.TCR_REPLICA, GUANGZHOU, GUANGZHOU).means.filters


def test_who_is_handed_whose_login_is_said() -> None:
    assert "handed the login of old.azurecr.io" in way(EngineKind.HARBOR, HARBOR, ACR).means.logins
    relayed = way(EngineKind.HARBOR_RELAY, ACR, SHANGHAI, harbors=["harbor.example"]).means
    assert relayed.logins == (
        "Harbor at harbor.example is handed the logins of old.azurecr.io and sh.tencentcloudcr.com."
    )


sides = st.sampled_from([GUANGZHOU, SHANGHAI, SINGAPORE, HARBOR, ACR, PLAIN, End("layout:/x")])
maybe = st.none() | st.booleans()


@given(
    st.builds(
        Ends, sides, sides, whole=maybe, same_owner=maybe, target_written=maybe,
        source_reaches_target=maybe, target_reaches_source=maybe, here_reaches=maybe,
        harbor_admin=maybe,
    ),
    st.lists(st.sampled_from(["harbor.example", "other.example"]), unique=True),
)  # fmt: skip
def test_every_no_has_a_sentence_and_an_alternative(ends: Ends, harbors: list[str]) -> None:
    found = engine_choices(ends, harbors=harbors)
    assert [each.who for each in found] == list(EngineKind)
    for each in found:
        assert bool(each.obstacle) == bool(each.instead)
        for words in (each.obstacle, each.instead):
            assert not words or words.endswith(".")
        for words in (each.means.freshness, each.means.filters, each.means.deletes):
            assert words.endswith(".")


def test_the_pairs_of_a_plan_and_what_an_engine_is_told_of_it() -> None:
    rule = Rule(Reference("a"), (Reference("b", "x"), Reference("c")), tags=TagFilter(newest=1))
    copy = wanted(Reference("a", "web", "1"), Reference("c", "web"))
    plan = Plan(copies=(copy,), rules=(rule,), kind=Kind.SYNC)
    assert registry_pairs(plan) == (("a", "c"), ("a", "b"))
    told = [unsaid.part for made in translate_plan(plan, "a", "c") for unsaid in made.unsaid]
    assert told == ["tags.newest", "copies"]
    assert [unsaid.part for unsaid in untranslated_parts(plan, Ends(End("a"), End("b")))] == [
        "tags.newest"
    ]


def test_what_a_service_never_has_need_not_be_said() -> None:
    """No repository of Harbor is called `team` alone, so that nothing else need become `x`."""
    rule = Rule(Reference("a", "team"), (Reference("b", "x"),))
    plan = Plan(rules=(rule,), kind=Kind.SYNC)
    assert not untranslated_parts(plan, Ends(End("a", "harbor"), End("b")))
    assert untranslated_parts(plan, Ends(End("a"), End("b")))


def test_what_is_named_instead_of_a_replica_is_possible_itself() -> None:
    standard = way(EngineKind.TCR_REPLICA, replace(GUANGZHOU, edition=Edition.STANDARD), SHANGHAI)
    basic = way(EngineKind.TCR_REPLICA, replace(GUANGZHOU, edition=Edition.BASIC), SHANGHAI)
    assert "by rules" in standard.instead
    assert "by rules" not in basic.instead
    assert "Let Transship move it." in basic.instead
