"""How far a target is from what a plan would make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadRequest, RepositoryNotFound
from transship.oci.digest import digest_of, fallback_tag
from transship.oci.platform import parse_platform
from transship.oci.reference import parse_reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.drift import Drift, DriftState, plan_of
from transship.plans.drift import compare as drift
from transship.plans.plan import Deletion, Kind, Plan, Rule, Schedule, TagFilter

NOW = 1_700_000_000.0
Tags = dict[str, str]


def digest(content: str) -> TagFacts:
    """Return the facts of a tag whose image has this content; "" is a digest that isn't known."""
    return TagFacts(digest=digest_of(content.encode()) if content else None)


def holds(place: str, repositories: dict[str, Tags]) -> dict[str, Catalogue]:
    facts = {
        (name, tag): digest(content)
        for name, tags in repositories.items()
        for tag, content in tags.items()
    }
    return {place: Catalogue(place, {n: tuple(tags) for n, tags in repositories.items()}, facts)}


def syncing(to: str = "new.example/m", kind: Kind = Kind.SYNC, **more: object) -> Plan:
    rule = Rule(parse_reference("old.example"), (parse_reference(to),), **more)  # type: ignore[arg-type]
    return Plan(kind=kind, rules=(rule,))


def compare(plan: Plan, source: dict[str, Tags], target: dict[str, Tags]) -> Drift:
    return drift(plan, holds("old.example", source), holds("new.example", target), NOW)


def rows(found: Drift) -> list[tuple[str, str]]:
    return [(str(row.target).removeprefix("new.example/"), str(row.state)) for row in found.rows]


def test_each_tag_is_compared_by_digest_under_its_name_at_the_target() -> None:
    found = compare(
        syncing(),
        {"web": {"v1": "a", "v2": "b", "v10": "c", "v3": "d"}},
        {"m/web": {"v1": "a", "v2": "x", "v10": "c", "old": "y"}, "else/web": {"v1": "a"}},
    )
    assert rows(found) == [
        ("m/web:old", "only at target"),
        ("m/web:v1", "same"),
        ("m/web:v2", "differs"),
        ("m/web:v3", "missing at target"),
        ("m/web:v10", "same"),
    ]
    assert found.counts == {
        DriftState.SAME: 2,
        DriftState.DIFFERS: 1,
        DriftState.MISSING: 1,
        DriftState.EXTRA: 1,
        DriftState.UNKNOWN: 0,
    }


def test_a_renamed_tag_is_found_under_its_new_name() -> None:
    found = compare(syncing(map="all:{name}-{tag}"), {"web": {"1": "a"}}, {"m/all": {"web-1": "a"}})
    assert rows(found) == [("m/all:web-1", "same")]


def test_a_repository_that_has_vanished_at_the_source_is_only_at_the_target() -> None:
    plan = syncing(kind=Kind.REPLICATION)
    found = compare(plan, {"web": {"1": "a"}}, {"m/web": {"1": "a"}, "m/gone": {"1": "b"}})
    assert rows(found) == [("m/gone:1", "only at target"), ("m/web:1", "same")]


def test_what_a_filter_drops_is_only_at_the_target() -> None:
    plan = syncing(tags=TagFilter(include=("v*",)))
    found = compare(plan, {"web": {"v1": "a", "rc": "b"}}, {"m/web": {"v1": "a", "rc": "b"}})
    assert rows(found) == [("m/web:rc", "only at target"), ("m/web:v1", "same")]


def test_tags_about_images_are_no_rows_of_a_sync() -> None:
    tag = fallback_tag(digest_of(b"a"))
    source, target = {"web": {"1": "a", tag: "s"}}, {"m/web": {"1": "a", tag: "s"}}
    assert rows(compare(syncing(), source, target)) == [("m/web:1", "same")]
    assert len(compare(syncing(kind=Kind.REPLICATION), source, target).rows) == 2


@pytest.mark.parametrize(("here", "there"), [("", "a"), ("a", ""), ("", "")])
def test_without_both_digests_nothing_is_said(here: str, there: str) -> None:
    [row] = compare(syncing(), {"web": {"1": here}}, {"m/web": {"1": there}}).rows
    assert (row.state, row.why) == (DriftState.UNKNOWN, "its digest isn't known")


def test_a_copy_of_some_platforms_cant_be_compared_by_digest() -> None:
    plan = syncing(platforms=(parse_platform("linux/amd64"),))
    [row] = compare(plan, {"web": {"1": "a"}}, {"m/web": {"1": "b"}}).rows
    assert row.state is DriftState.UNKNOWN
    assert "platforms" in row.why


def test_a_target_that_isnt_listed_isnt_empty() -> None:
    here = holds("old.example", {"web": {"1": "a"}})
    [row] = drift(syncing(), here, {}, NOW).rows
    assert (row.state, row.why) == (DriftState.UNKNOWN, "the target isn't listed")
    failed = Catalogue("new.example", {}, {}, {"m/web": RepositoryNotFound("m/web")})
    [row] = drift(syncing(), here, {"new.example": failed}, NOW).rows
    assert (row.state, row.why) == (DriftState.UNKNOWN, RepositoryNotFound.title)


@pytest.mark.parametrize("mapping", ["", "{name}/{tag}"])
def test_what_couldnt_be_listed_at_the_source_has_not_vanished(mapping: str) -> None:
    failed = Catalogue("old.example", {}, {}, {"web": RepositoryNotFound("web")})
    target = holds("new.example", {"m/web": {"1": "a"}, "m/web/1": {"1": "a"}})
    plan = syncing(kind=Kind.REPLICATION, map=mapping)
    states = {
        str(row.target): row.state for row in drift(plan, {"old.example": failed}, target, NOW).rows
    }
    assert states["new.example/m/web:1"] is DriftState.UNKNOWN
    assert {row.state for row in drift(plan, {}, target, NOW).rows} == {DriftState.UNKNOWN}


def test_what_isnt_decided_yet_has_not_vanished() -> None:
    plan = syncing(tags=TagFilter(newest=1))
    found = compare(plan, {"web": {"1": "a", "2": "b"}}, {"m/web": {"1": "a"}, "m/api": {"1": "a"}})
    assert rows(found) == [("m/api:1", "only at target"), ("m/web:1", "not compared")]


def test_the_source_is_no_surplus_of_a_target_around_it() -> None:
    rule = Rule(
        parse_reference("old.example"),
        (parse_reference("old.example"),),
        ("web",),
        map="{name}-copy",
    )
    both = holds("old.example", {"web": {"1": "a"}, "web-copy": {"1": "a", "2": "b"}})
    found = drift(Plan(kind=Kind.SYNC, rules=(rule,)), both, both, NOW)
    assert [(str(row.target), row.state) for row in found.rows] == [
        ("old.example/web-copy:1", DriftState.SAME),
        ("old.example/web-copy:2", DriftState.EXTRA),
    ]


def test_a_digest_is_found_under_any_tag() -> None:
    wanted = digest("a").digest
    assert wanted is not None
    plan = syncing(repositories=("web",), tags=TagFilter(digests=(wanted,)))
    [row] = [r for r in compare(plan, {"web": {"1": "a"}}, {"m/web": {"9": "a"}}).rows if r.wanted]
    assert row.state is DriftState.SAME
    [row] = compare(plan, {"web": {"1": "a"}}, {}).rows
    assert row.state is DriftState.UNKNOWN


def test_marked_rows_become_a_plan() -> None:
    plan = replace(
        syncing(kind=Kind.REPLICATION), schedule=Schedule(60), delete=Deletion(), retries=2
    )
    found = compare(plan, {"web": {"1": "a", "2": "b"}}, {"m/web": {"2": "x", "3": "y"}})
    made = plan_of(plan, found.rows)
    assert (made.kind, made.rules, made.schedule, made.delete) == (Kind.COPY, (), None, None)
    assert made.retries == 2
    assert [(str(c.source), str(c.target)) for c in made.copies] == [
        ("old.example/web:1", "new.example/m/web:1"),
        ("old.example/web:2", "new.example/m/web:2"),
    ]
    with pytest.raises(BadRequest):
        plan_of(plan, [row for row in found.rows if row.state is DriftState.EXTRA])


CONTENTS = st.dictionaries(
    st.sampled_from(["web", "api", "team/web"]),
    st.dictionaries(st.sampled_from(["1", "2", "10", "rc"]), st.sampled_from(["", "a", "b"])),
)


@given(CONTENTS, CONTENTS)
def test_each_tag_of_either_side_has_one_row(
    source: dict[str, Tags], target: dict[str, Tags]
) -> None:
    plan = syncing("new.example", kind=Kind.REPLICATION)
    found = compare(plan, source, target)
    either = {
        f"{name}:{tag}" for side in (source, target) for name, tags in side.items() for tag in tags
    }
    assert sorted(name for name, _ in rows(found)) == sorted(either)
    assert sum(found.counts.values()) == len(found.rows)


@given(CONTENTS)
def test_after_the_copy_nothing_differs(source: dict[str, Tags]) -> None:
    known = {n: {t: c or "a" for t, c in tags.items()} for n, tags in source.items()}
    found = compare(syncing("new.example"), known, known)
    assert all(row.state is DriftState.SAME for row in found.rows)
