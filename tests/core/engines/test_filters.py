"""A rule as an engine's filters selects what the rule selects, or says what it can't say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from planning.any_plan import rules as any_rules
from servers.harbor_replication.doublestar import matches
from transship.engines.filters import (
    KEEPS_LAST,
    PolicySelection,
    RuleTranslation,
    pattern_regex,
    translate_rule,
)
from transship.errors import BadMapping, BadPattern
from transship.oci.artifact import Artifact
from transship.oci.platform import Platform
from transship.oci.reference import Reference, is_repository, is_tag
from transship.plans.mapping import NameOrigin, named_at, parse_map
from transship.plans.plan import Deletion, Kind, Limits, OnConflict, Plan, Rule, TagFilter
from transship.plans.selection import takes_repository
from transship.plans.tag_filter import TagSieve

OLD, NEW = "old.example", "new.example"

# Few letters, so that patterns and names meet.
_sets = st.sampled_from(["[ab]", "[!a]", "[a-c]", "[a-]", "[-1]", "[!.]", "[0-9]", "[x]", "[]a]"])
_pieces = st.sampled_from(["a", "b", "a-b", "1", "*", "?", "a*", "*b", "v", "."])
components = st.lists(_pieces | _sets, min_size=1, max_size=3).map("".join)
globs = st.lists(components | st.just("**"), min_size=1, max_size=4).map("/".join)
names = st.from_regex(
    r"[abcv1](?:[.-]?[abc1]){0,2}(?:/[abcv1](?:-?[ab1]){0,2}){0,4}", fullmatch=True
)
paths = st.sampled_from(["", "a", "a/b", "team"])
maps = st.sampled_from(
    [
        "{repository}", "keep", "{name}", "strip:1", "strip:2", "mirror/{repository}",
        "{registry}/{repository}", "m/{name}", "flatten", "{namespace}/{name}", "x-{repository}",
        "join:2", "m/{flat}",
    ]
)  # fmt: skip


def rule(**more: object) -> Rule:
    said = {"source": Reference(OLD), "targets": (Reference(NEW, "mirror"),), **more}
    return Rule(**said)  # type: ignore[arg-type]


def translation(said: Rule, plan: Plan | None = None, **more: object) -> RuleTranslation:
    plan = replace(plan or Plan(kind=Kind.SYNC), rules=(said,))
    return translate_rule(plan, said, said.targets[0], **more)  # type: ignore[arg-type]


def parts_for(made: RuleTranslation, name: str) -> list[PolicySelection]:
    return [part for part in made.parts if matches(part.name, name)]


@settings(max_examples=600)
@given(
    st.lists(globs, min_size=1, max_size=3),
    paths,
    names,
    st.sampled_from(["", "mirror", "a"]),
    maps,
)
@example(["**"], "a", "a", "mirror", "keep")
@example(["a/**", "a/b"], "", "a", "mirror", "keep")
@example(["a**"], "", "a/b", "mirror", "keep")
@example(["[a-]*"], "a/b", "a/b/-", "mirror", "keep")
def test_a_name_is_selected_and_called_as_the_rule_has_it(
    texts: list[str], path: str, name: str, to: str, mapping: str
) -> None:
    said = rule(
        source=Reference(OLD, path),
        targets=(Reference(NEW, to),),
        repositories=tuple(texts),
        map=mapping,
    )
    assume(is_repository(name))
    try:
        made = translation(said)
        takes = takes_repository(said, name)
        below = name.removeprefix(path).removeprefix("/")
        called = parse_map(mapping).repository(NameOrigin(OLD, name, below))
        wanted = named_at(said.targets[0], called)
    except BadPattern:
        return
    except BadMapping:
        # No name comes of it, so that Transship would copy nothing: nor may an engine.
        assert made.unsaid or not parts_for(made, name)
        return
    if made.unsaid:
        return
    found = parts_for(made, name)
    assert bool(found) == takes
    assert {part.renamed(name) for part in found} <= {wanted}


@given(st.lists(globs, min_size=1, max_size=3), paths, names)
def test_patterns_are_read_here_as_the_engine_reads_them(
    texts: list[str], path: str, name: str
) -> None:
    try:
        made = translation(rule(source=Reference(OLD, path), repositories=tuple(texts)))
    except BadPattern:
        return
    for part in made.parts:
        assert bool(pattern_regex(part.name).fullmatch(name)) == matches(part.name, name)


_tag_globs = st.lists(
    st.sampled_from(["v", "1", ".", "-rc", "*", "?", "**", "[0-9]", "[!v]", "[.-]", "A"]),
    min_size=1,
    max_size=3,
).map("".join)
some_tag_globs = st.lists(_tag_globs | st.sampled_from(["**/v1", "v1/**"]), max_size=3).map(tuple)
tags = st.from_regex(r"[vA1](?:[.1v-]|rc){0,4}", fullmatch=True)


@settings(max_examples=500)
@given(some_tag_globs, some_tag_globs, st.lists(tags, max_size=2, unique=True).map(tuple), tags)
@example(("*",), (), (), "v1")
@example((), ("*-rc*",), (), "v1-rc1")
@example((), ("*",), ("v1",), "v1")
def test_a_tag_is_selected_where_the_rule_selects_it(
    include: tuple[str, ...], exclude: tuple[str, ...], exact: tuple[str, ...], tag: str
) -> None:
    assume(is_tag(tag))
    tag_filter = TagFilter(include=include, exclude=exclude, exact=exact)
    made = translation(rule(tags=tag_filter))
    selects = any(
        all(matches(each.pattern, tag) != each.excludes for each in part.tags)
        for part in made.parts
    )
    kept = TagSieve(tag_filter, 0.0).sift("team/web", [tag], {}).kept
    if not made.unsaid:
        assert selects == (tag in kept)
    else:
        assert not made.parts
        assert not kept


@given(some_tag_globs, some_tag_globs)
def test_what_has_no_tag_is_never_selected(
    include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    made = translation(rule(tags=TagFilter(include=include, exclude=exclude)))
    for part in made.parts:
        assert any(not each.excludes and not matches(each.pattern, "") for each in part.tags)


@settings(max_examples=300)
@given(any_rules(selecting=True))
def test_any_rule_is_said_whole_or_it_is_named_why_not(said: Rule) -> None:
    for target in said.targets:
        made = translate_rule(Plan(kind=Kind.SYNC, rules=(said,)), said, target)
        assert made.parts or made.unsaid
        for unsaid in made.unsaid:
            assert unsaid.why.endswith(".")


def test_a_plain_rule_is_one_policy() -> None:
    said = rule(
        source=Reference(OLD, "team"),
        repositories=("shop/**",),
        tags=TagFilter(include=("v*", "latest"), exclude=("*-rc*",)),
    )
    made = translation(said, from_harbor=True)
    assert not made.unsaid
    assert [part.name for part in made.parts] == ["team/shop", "team/shop/**"]
    assert made.parts[1].filters == [
        {"type": "name", "value": "team/shop/**"},
        {"type": "tag", "value": "{v*,latest}", "decoration": "matches"},
        {"type": "tag", "value": "*-rc*", "decoration": "excludes"},
    ]
    assert made.parts[1].renamed("team/shop/web") == "mirror/shop/web"


def test_a_project_of_harbor_is_one_pattern() -> None:
    """No repository of Harbor has a single component, so `team/**` need not take in `team`."""
    made = translation(rule(repositories=("team/**",)), at_least=2, from_harbor=True)
    assert [part.name for part in made.parts] == ["team/**"]


def test_names_written_out_are_one_policy_where_they_differ_in_one_component() -> None:
    said = rule(source=Reference(OLD, "team"), repositories=("web", "api", "db/main"))
    made = translation(said)
    assert sorted(part.name for part in made.parts) == ["team/db/main", "team/{web,api}"]


def test_what_is_exact_is_taken_beside_what_is_excluded() -> None:
    made = translation(rule(tags=TagFilter(exclude=("*-rc*",), exact=("v1-rc1",))))
    assert [[each.pattern for each in part.tags] for part in made.parts] == [
        ["?*", "*-rc*"],
        ["v1-rc1"],
    ]


@pytest.mark.parametrize(
    ("said", "part"),
    [
        (rule(tags=TagFilter(semver=">=1")), "tags.semver"),
        (rule(tags=TagFilter(newest=3)), "tags.newest"),
        (rule(tags=TagFilter(since=60.0)), "tags.since"),
        (rule(tags=TagFilter(include=("regex:v.*",))), "tags.include"),
        (rule(repositories=("team/**", "!team/tmp-*")), "repositories"),
        (rule(repositories=("regex:team/.*",)), "repositories"),
        (rule(repositories=("te**/web",)), "repositories"),
        (rule(platforms=(Platform("linux", "arm64"),)), "platforms"),
        (rule(artifacts=frozenset({Artifact.CHART})), "artifacts"),
        (rule(immutable=("v*",)), "immutable"),
        (rule(map="flatten"), "map"),
        (rule(map="{name}-{tag}"), "map"),
        (rule(map="strip:1"), "map"),
        (rule(source=Reference(OLD, "team"), targets=(Reference(NEW),)), "to"),
    ],
)
def test_what_cannot_be_said_is_named(said: Rule, part: str) -> None:
    made = translation(said)
    assert part in {unsaid.part for unsaid in made.unsaid}
    for unsaid in made.unsaid:
        assert unsaid.why.endswith(".")
        assert unsaid.instead.endswith(".")


@pytest.mark.parametrize(
    ("plan", "part"),
    [
        (Plan(on_conflict=OnConflict.FAIL), "on_conflict"),
        (Plan(kind=Kind.REPLICATION, delete=Deletion()), "delete"),
        (Plan(referrers=False), "referrers"),
    ],
)
def test_what_the_whole_plan_says_is_looked_at_too(plan: Plan, part: str) -> None:
    made = translation(rule(), plan, from_harbor=True)
    assert [unsaid.part for unsaid in made.unsaid] == [part]


def test_a_tag_that_differs_is_left_alone_where_the_plan_says_so() -> None:
    plan = Plan(on_conflict=OnConflict.SKIP, limits={OLD: Limits(rate=1)})
    made = translation(rule(immutable=("v*",)), plan)
    assert not made.unsaid
    assert not made.override
    assert len(made.notes) == 2


def test_filters_that_the_database_cannot_hold_are_refused() -> None:
    said = rule(tags=TagFilter(exact=tuple(f"tag-{number:04}" for number in range(120))))
    assert [unsaid.part for unsaid in translation(said).unsaid] == ["repositories"]


@pytest.mark.parametrize(
    ("replaces", "called"),
    [(KEEPS_LAST, "n/image"), (0, "n/a/b/image"), (1, "n/b/image"), (2, "n/image"), (3, None)],
)
def test_the_replace_count_takes_components_off(replaces: int, called: str | None) -> None:
    assert PolicySelection("**", namespace="n", replaces=replaces).renamed("a/b/image") == called


def test_a_namespace_that_is_empty_keeps_every_name() -> None:
    assert PolicySelection("**", replaces=2).renamed("a/b/image") == "a/b/image"
