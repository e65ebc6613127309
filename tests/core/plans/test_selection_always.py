"""What holds for every selection, whatever the rules and whatever is there."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from transship.oci.digest import digest_of, fallback_tag
from transship.oci.platform import parse_platform
from transship.oci.reference import Reference, is_repository, is_tag, parse_reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.outline import outline_plan
from transship.plans.plan import Kind, NewestBy, Plan, Rule, TagFilter
from transship.plans.selection import select_tags

NOW = 1_700_000_000.0
FALLBACK = fallback_tag(digest_of(b"an image"))


def rule(source: str, targets: list[str], **more: object) -> Rule:
    places = tuple(parse_reference(target) for target in targets)
    return Rule(parse_reference(source), places, **more)  # type: ignore[arg-type]


def plan(*rules: Rule, kind: Kind) -> Plan:
    return Plan(kind=kind, rules=rules)


REPOSITORIES = st.sampled_from(["web", "team/web", "team/api", "team/a/b", "mirror/web", "a-b"])
TAGS = st.sampled_from(["v1", "v2", "v2-rc", "v10", "latest", "Latest", "1,2", FALLBACK, "007"])
FACTS = st.builds(
    TagFacts, created=st.none() | st.integers(0, 9).map(lambda days: NOW - days * 86_400)
)
FILTERS = st.builds(
    TagFilter,
    include=st.sampled_from([(), ("v*",), ("v*", "!v1"), ("[0-9]*", "latest")]),
    exclude=st.sampled_from([(), ("*-rc",), ("regex:.*a.*",)]),
    semver=st.sampled_from(["", "", ">=2", "<=007"]),
    newest=st.none() | st.integers(1, 3),
    newest_by=st.sampled_from(NewestBy),
    since=st.none() | st.just(5 * 86_400.0),
    exact=st.sampled_from([(), (), ("v1",), ("gone",)]),
)
PLACES = st.sampled_from(["old.example", "old.example/team", "old.example/team/web", "b.example"])
RULES = st.builds(
    rule,
    PLACES,
    st.lists(
        st.sampled_from(["new.example", "new.example/m", "b.example", "old.example/mirror"]),
        min_size=1,
        max_size=2,
    ),
    repositories=st.sampled_from([("**",), ("team/*",), ("web", "**/web"), ("!team/**",)]),
    tags=FILTERS,
    map=st.sampled_from(
        ["", "{name}", "flatten", "strip:1", "all:{name}-{tag}", "{name}/{tag}", "{namespace}/x"]
    ),
    platforms=st.sampled_from([(), (), (parse_platform("linux/amd64"),)]),
    immutable=st.sampled_from([(), ("v*",)]),
)
PLANS = st.builds(
    lambda rules, kind: plan(*rules, kind=kind),
    st.lists(RULES, min_size=1, max_size=3),
    st.sampled_from([Kind.SYNC, Kind.SYNC, Kind.REPLICATION]),
)


def _catalogue(place: str) -> st.SearchStrategy[Catalogue]:
    return st.builds(
        Catalogue,
        st.just(place),
        st.dictionaries(REPOSITORIES, st.lists(TAGS, max_size=6).map(tuple)),
        st.dictionaries(st.tuples(REPOSITORIES, TAGS), FACTS),
    )


CATALOGUES = st.fixed_dictionaries(
    {"old.example": _catalogue("old.example"), "b.example": _catalogue("b.example")}
)


@given(PLANS, CATALOGUES)
def test_each_listed_tag_is_accounted_for(asked: Plan, held: dict[str, Catalogue]) -> None:
    selection = select_tags(asked, held, NOW)
    chosen = {chosen.wanted.source for chosen in selection.chosen}
    impossible = {each.source for each in selection.impossible}
    taken = chosen | impossible | set(selection.needed)
    dropped = Counter(each.source for each in selection.dropped)
    assert all(count == 1 for count in dropped.values())
    for source in {each.source.registry for each in asked.rules}:
        for repository, tags in held[source].tags.items():
            whole = Reference(source, repository)
            for tag in tags:
                one = Reference(source, repository, tag)
                assert (one in taken) + dropped[whole] + dropped[one] == 1
    listed = {
        Reference(place, repository, tag)
        for place, catalogue in held.items()
        for repository, tags in catalogue.tags.items()
        for tag in tags
    }
    assert taken <= listed


@given(PLANS, CATALOGUES)
def test_each_rule_by_itself_puts_a_tag_in_one_place(
    asked: Plan, held: dict[str, Catalogue]
) -> None:
    for alone in asked.rules:
        selection = select_tags(plan(alone, kind=asked.kind), held, NOW)
        chosen = {chosen.wanted.source for chosen in selection.chosen}
        assert not chosen & set(selection.needed)
        assert not {each.source for each in selection.dropped} & (chosen | set(selection.needed))


@given(PLANS, CATALOGUES)
def test_nothing_is_written_twice_nor_onto_what_is_no_name(
    asked: Plan, held: dict[str, Catalogue]
) -> None:
    selection = select_tags(asked, held, NOW)
    targets = Counter(chosen.wanted.target for chosen in selection.chosen)
    assert all(count == 1 for count in targets.values())
    for chosen in selection.chosen:
        wanted = chosen.wanted
        assert is_repository(wanted.target.repository)
        assert is_tag(wanted.target.tag)
        assert wanted.source != wanted.target
        below = asked.rules[chosen.rule].targets
        assert any(
            f"{wanted.target}".startswith(f"{target}/") or target.repository for target in below
        )


@given(PLANS, CATALOGUES)
def test_a_rule_more_takes_nothing_away_but_by_a_clash(
    asked: Plan, held: dict[str, Catalogue]
) -> None:
    before = select_tags(plan(*asked.rules[:-1], kind=asked.kind), held, NOW)
    after = select_tags(asked, held, NOW)
    clashed = {each.source for each in after.impossible}
    kept = {(c.wanted.source, c.wanted.target) for c in after.chosen}
    for chosen in before.chosen:
        pair = chosen.wanted.source, chosen.wanted.target
        assert pair in kept or chosen.wanted.source in clashed


@given(PLANS, CATALOGUES)
def test_the_same_comes_out_in_the_same_order(asked: Plan, held: dict[str, Catalogue]) -> None:
    selection = select_tags(asked, held, NOW)
    assert select_tags(asked, held, NOW) == selection
    assert [chosen.rule for chosen in selection.chosen] == sorted(c.rule for c in selection.chosen)


@given(PLANS, CATALOGUES)
def test_the_outline_counts_what_the_selection_has(asked: Plan, held: dict[str, Catalogue]) -> None:
    selection = select_tags(asked, held, NOW)
    counts = outline_plan(asked, held, NOW).by_rule
    assert sum(count.copies for count in counts) == len(selection.chosen)
    for number, count in enumerate(counts):
        assert count.copies == sum(chosen.rule == number for chosen in selection.chosen)
        assert count.repositories <= len(held[asked.rules[number].source.registry].tags)


@given(PLANS, CATALOGUES)
def test_a_replication_takes_all_tags_of_what_it_takes(
    asked: Plan, held: dict[str, Catalogue]
) -> None:
    selection = select_tags(plan(*asked.rules, kind=Kind.REPLICATION), held, NOW)
    assert not selection.needed
    assert all(not dropped.source.tag for dropped in selection.dropped)
