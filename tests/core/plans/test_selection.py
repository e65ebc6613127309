"""What the rules of a plan select, where it goes, and why not the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from transship.errors import BadMapping, RepositoryNotFound
from transship.oci.artifact import Artifact
from transship.oci.digest import digest_of, fallback_tag
from transship.oci.platform import parse_platform
from transship.oci.reference import parse_reference
from transship.plans.catalogue import Catalogue, TagFacts
from transship.plans.outline import RuleCount, outline_plan
from transship.plans.plan import Kind, Plan, Rule, TagFilter, Terms
from transship.plans.selection import (
    Selection,
    literal_repositories,
    may_take_below,
    select_tags,
    takes_repository,
    targets_of,
    to_look_up,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_700_000_000.0
DIGEST = digest_of(b"an image")
FALLBACK = fallback_tag(DIGEST)


def rule(source: str = "old.example", to: str = "new.example", **more: object) -> Rule:
    targets = tuple(parse_reference(target) for target in to.split())
    return Rule(parse_reference(source), targets, **more)  # type: ignore[arg-type]


def plan(*rules: Rule, kind: Kind = Kind.SYNC, **more: object) -> Plan:
    return Plan(kind=kind, rules=rules, **more)  # type: ignore[arg-type]


def there(
    facts: Mapping[tuple[str, str], TagFacts] | None = None, **tags: Sequence[str]
) -> dict[str, Catalogue]:
    """Return what the old registry has; `team__web` is `team/web`."""
    named = {name.replace("__", "/"): tuple(each) for name, each in tags.items()}
    return {"old.example": Catalogue("old.example", named, facts or {})}


def copies(selection: Selection) -> list[str]:
    return [
        f"{str(c.wanted.source).removeprefix('old.example/')}"
        f" > {str(c.wanted.target).removeprefix('new.example/')}"
        for c in selection.chosen
    ]


def said(dropped: Sequence[object]) -> list[str]:
    return [
        f"{str(d.source).removeprefix('old.example/')}: {d.why}"  # type: ignore[attr-defined]
        for d in dropped
    ]


def test_a_rule_selects_repositories_and_tags_and_says_why_not_the_rest() -> None:
    asked = rule(
        repositories=("team/**", "!team/tmp-*"), tags=TagFilter(include=("v*",)), to="new.example/m"
    )
    held = there(team__web=["v1", "latest"], **{"team__tmp-1": ["v1"]}, other=["v1"])
    selection = select_tags(plan(asked), held, NOW)
    assert copies(selection) == ["team/web:v1 > m/team/web:v1"]
    assert said(selection.dropped) == [
        "team/tmp-1: left out by !team/tmp-*",
        "other: isn't team/**",
        "team/web:latest: isn't v*",
    ]


def test_a_source_with_a_path_looks_below_it_only() -> None:
    selection = select_tags(
        plan(rule("old.example/team", "new.example/m")),
        there(team__web=["1"], team=["1"], teams=["1"], a__team=["1"]),
        NOW,
    )
    assert copies(selection) == ["team/web:1 > m/web:1", "team:1 > m:1"]
    assert said(selection.dropped) == ["teams: no rule looks there", "a/team: no rule looks there"]
    assert {dropped.rule for dropped in selection.dropped} == {None}


def test_all_rules_apply_to_all_their_targets() -> None:
    selection = select_tags(
        plan(rule(to="new.example/a spare.example"), rule(to="new.example/b")),
        there(web=["1"]),
        NOW,
    )
    assert copies(selection) == [
        "web:1 > a/web:1",
        "web:1 > spare.example/web:1",
        "web:1 > b/web:1",
    ]
    assert [chosen.rule for chosen in selection.chosen] == [0, 0, 1]


def test_what_two_rules_send_to_the_same_place_is_one_copy() -> None:
    twice = plan(rule(tags=TagFilter(include=("v*",))), rule(to="new.example new.example"))
    selection = select_tags(twice, there(web=["v1", "latest"]), NOW)
    assert copies(selection) == ["web:v1 > web:v1", "web:latest > web:latest"]
    assert [chosen.rule for chosen in selection.chosen] == [0, 1]
    assert not selection.impossible


def test_not_so_when_they_would_copy_it_otherwise() -> None:
    some = rule(platforms=(parse_platform("linux/amd64"),))
    selection = select_tags(plan(rule(), some), there(web=["1"]), NOW)
    assert copies(selection) == ["web:1 > web:1"]
    assert said(selection.impossible) == [
        "web:1: rule 1 copies it to new.example/web:1 on other terms"
    ]
    assert selection.impossible[0].rule == 1


def test_the_rule_that_came_nearest_says_why() -> None:
    rules = plan(
        rule(repositories=("other",)),
        rule(repositories=("web",), tags=TagFilter(semver=">=2")),
        rule(tags=TagFilter(include=("x*",)), to="b.example"),
    )
    dropped = select_tags(rules, there(web=["v1"], api=["v1"]), NOW).dropped
    assert said(dropped) == ["web:v1: outside >=2", "api:v1: isn't x*"]
    assert [each.rule for each in dropped] == [1, 2]


def test_signatures_follow_their_image_in_a_sync_and_everything_goes_in_a_replication() -> None:
    held = there(web=["1", FALLBACK, f"{FALLBACK}.sig", "latest"])
    ruled = rule(tags=TagFilter(include=("1",)))
    assert copies(select_tags(plan(ruled), held, NOW)) == ["web:1 > web:1"]
    everything = select_tags(plan(ruled, kind=Kind.REPLICATION), held, NOW)
    assert len(everything.chosen) == 4
    assert not everything.dropped


@pytest.mark.parametrize("tag", ["latest", "Latest", "1.0_b", "9" * 120, "007", "_x"])
def test_odd_tags_keep_their_names(tag: str) -> None:
    assert copies(select_tags(plan(rule()), there(web=[tag]), NOW)) == [f"web:{tag} > web:{tag}"]


def test_what_is_no_tag_is_named_as_impossible() -> None:
    selection = select_tags(plan(rule()), there(web=["1.0,1.1", "x" * 129, "1\n2", "1"]), NOW)
    assert copies(selection) == ["web:1 > web:1"]
    assert [d.why.partition("' ")[2] for d in selection.impossible] == ["is not a tag"] * 3


def test_two_sources_for_one_tag_are_both_impossible() -> None:
    held = there(a__web=["1", "2"], b__web=["1"], api=["1"])
    selection = select_tags(plan(rule(map="{name}")), held, NOW)
    assert copies(selection) == ["a/web:2 > web:2", "api:1 > api:1"]
    assert said(selection.impossible) == [
        "a/web:1: old.example/b/web:1 would become new.example/web:1 too",
        "b/web:1: old.example/a/web:1 would become new.example/web:1 too",
    ]


def test_two_rules_can_clash_as_well() -> None:
    clash = plan(rule(map="all:{name}-{tag}"), rule(repositories=("web",), map="all:web-1"))
    selection = select_tags(clash, there(web=["1", "2"]), NOW)
    assert copies(selection) == ["web:2 > all:web-2"]
    assert said(selection.impossible) == [
        "web:1: old.example/web:2 would become new.example/all:web-1 too",
        "web:1: old.example/web:2 would become new.example/all:web-1 too",
        "web:2: old.example/web:1 would become new.example/all:web-1 too",
    ]


def test_a_mapping_may_be_impossible_for_one_target_alone() -> None:
    long = "a" * 250
    selection = select_tags(
        plan(rule(to=f"new.example new.example/{long}")), there(web2345=["1"]), NOW
    )
    assert copies(selection) == ["web2345:1 > web2345:1"]
    assert "longer than the 255" in selection.impossible[0].why


def test_a_tag_in_the_path_gives_a_repository_for_each() -> None:
    selection = select_tags(plan(rule(map="{name}/{tag}")), there(web=["1", "RC"]), NOW)
    assert copies(selection) == ["web:1 > web/1:1"]
    assert "lower case" in selection.impossible[0].why


def test_nothing_is_copied_onto_itself() -> None:
    onto = rule(to="old.example", repositories=("web",))
    selection = select_tags(plan(onto), there(web=["1"]), NOW)
    assert not selection.chosen
    assert said(selection.impossible) == ["web:1: would be copied onto itself"]
    backup = rule(to="old.example", repositories=("web",), map="{name}:{tag}-old")
    selection = select_tags(plan(backup), there(web=["1"]), NOW)
    assert [str(c.wanted.target) for c in selection.chosen] == ["old.example/web:1-old"]


def test_copies_below_the_source_arent_copied_again() -> None:
    selection = select_tags(
        plan(rule(to="old.example/mirror")), there(web=["1"], mirror__web=["1"]), NOW
    )
    assert copies(selection) == ["web:1 > old.example/mirror/web:1"]
    assert said(selection.dropped) == ["mirror/web: is where the rule copies to"]


def test_a_source_that_is_a_repository_goes_to_the_target_itself() -> None:
    selection = select_tags(
        plan(rule("old.example/team/web", "new.example/mirror/app")), there(team__web=["1"]), NOW
    )
    assert copies(selection) == ["team/web:1 > mirror/app:1"]


def test_terms_come_along_where_they_differ_from_the_plan() -> None:
    linux = parse_platform("linux/amd64")
    rules = (
        rule(to="a.example"),
        rule(to="b.example", platforms=(linux,), artifacts=frozenset({Artifact.IMAGE})),
        rule(to="c.example", immutable=("v*", "!v0*")),
    )
    selection = select_tags(plan(*rules), there(web=["v1", "v0", "latest"]), NOW)
    terms = [chosen.wanted.terms for chosen in selection.chosen]
    assert terms[:3] == [None, None, None]
    assert terms[3:6] == [Terms((linux,), frozenset({Artifact.IMAGE}))] * 3
    assert terms[6:] == [Terms(immutable=True), None, None]


def test_what_a_rule_names_and_isnt_there_is_missing() -> None:
    asked = rule(repositories=("web", "gone", "gone-*", "web-*"), tags=TagFilter(exact=("1", "9")))
    selection = select_tags(plan(asked), there(web=["1"], **{"web-a": ["1"]}), NOW)
    assert copies(selection) == ["web:1 > web:1", "web-a:1 > web-a:1"]
    assert said(selection.missing) == ["gone: isn't there", "web:9: isn't there"]
    assert said(selection.unmatched) == ["old.example: gone-* matches no repository"]


def test_a_tag_that_patterns_name_must_be_in_one_of_the_repositories() -> None:
    asked = rule(tags=TagFilter(exact=("1", "9")))
    selection = select_tags(plan(asked), there(web=["1"], api=["2"]), NOW)
    assert said(selection.missing) == ["old.example: no repository has the tag 9"]


def test_what_nobody_can_ask_for_is_dropped_and_named() -> None:
    odd = {"": ("TEAM/x",), "web": ("a b", "../x")}
    catalogue = Catalogue("old.example", {"web": ("1",)}, unnameable=odd)
    selection = select_tags(plan(rule()), {"old.example": catalogue}, NOW)
    assert copies(selection) == ["web:1 > web:1"]
    assert said(selection.dropped) == [
        "TEAM/x: isn't a repository's name by the distribution spec",
        "web:a b: isn't a tag by the distribution spec",
        "web:../x: isn't a tag by the distribution spec",
    ]


def test_where_something_would_go_is_known_without_it() -> None:
    asked = rule(to="new.example/m layout:/data//lay", map="{repository}:x-{tag}")
    source = parse_reference("old.example/team/web:9")
    assert list(map(str, targets_of(asked, source))) == [
        "new.example/m/team/web:x-9",
        "layout:/data//lay/team/web:x-9",
    ]


def test_where_the_mapping_makes_no_name_it_is_its_own_below_the_target() -> None:
    asked = rule(to="new.example/m", map="strip:2")
    [target] = targets_of(asked, parse_reference("old.example/web:9"))
    assert str(target) == "new.example/m/web:9"


def test_what_couldnt_be_listed_isnt_missing() -> None:
    held = {
        "old.example": Catalogue("old.example", {}, {}, {"web": RepositoryNotFound("web")}),
    }
    selection = select_tags(plan(rule(repositories=("web", "w*"))), held, NOW)
    assert selection == Selection(())


def test_a_source_that_isnt_listed_selects_nothing() -> None:
    assert select_tags(plan(rule()), {}, NOW) == Selection(())


def test_a_digest_is_taken_where_it_is_named_or_known_to_be() -> None:
    wanted = TagFilter(digests=(DIGEST,))
    held = there({("api", "1"): TagFacts(digest=DIGEST)}, web=["1"], api=["1"])
    selection = select_tags(plan(rule(repositories=("web",), tags=wanted)), held, NOW)
    assert copies(selection) == [f"web@{DIGEST} > web@{DIGEST}"]
    selection = select_tags(plan(rule(tags=wanted, map="all:{name}-{tag}")), held, NOW)
    assert copies(selection) == [f"api@{DIGEST} > all@{DIGEST}"]
    selection = select_tags(plan(rule(tags=wanted)), there(web=["1"]), NOW)
    assert said(selection.missing) == [f"old.example: no tag is known to be {DIGEST}"]


def test_what_must_be_looked_up_first_is_needed() -> None:
    asked = plan(rule(tags=TagFilter(newest=1)), rule(repositories=("web",), to="b.example"))
    held = there({("web", "a"): TagFacts(created=NOW)}, web=["a", "b"], api=["1"])
    selection = select_tags(asked, held, NOW)
    assert [str(source) for source in selection.needed] == [
        "old.example/web:a",
        "old.example/web:b",
    ]
    assert [str(source) for source in to_look_up(selection, held)] == ["old.example/web:b"]
    assert copies(selection) == [
        "api:1 > api:1",
        "web:a > b.example/web:a",
        "web:b > b.example/web:b",
    ]
    held["old.example"].facts["web", "b"] = TagFacts(created=NOW + 1)  # type: ignore[index]
    selection = select_tags(asked, held, NOW)
    assert not selection.needed
    assert copies(selection)[0] == "web:b > web:b"


def test_counts_tell_what_each_rule_does() -> None:
    rules = plan(
        rule(repositories=("team/*",), tags=TagFilter(include=("v*",)), to="new.example b.example"),
        rule(tags=TagFilter(newest=1)),
        rule(map="{name}"),
    )
    held = there(team__web=["v1", "latest"], api__web=["v1"])
    assert outline_plan(rules, held, NOW).by_rule == (
        RuleCount(repositories=1, kept=1, dropped=1, copies=2),
        RuleCount(repositories=2, kept=1, needed=2, copies=1),
        RuleCount(repositories=2, kept=3, copies=1, impossible=2),
    )


def test_a_rule_that_cant_be_used_is_refused() -> None:
    with pytest.raises(BadMapping):
        select_tags(plan(rule(map="{what}")), there(web=["1"]), NOW)


@pytest.mark.parametrize(
    ("source", "repositories", "names"),
    [
        ("old.example", ("web", "team/api"), ("web", "team/api")),
        ("old.example/team", ("web",), ("team/web",)),
        ("old.example", ("web", "api", "!a*"), ("web",)),
        ("old.example", ("web", "team/*"), None),
        ("old.example", ("!web",), None),
        ("old.example", ("**",), None),
    ],
)
def test_repositories_that_are_written_out_need_no_list(
    source: str, repositories: tuple[str, ...], names: tuple[str, ...] | None
) -> None:
    asked = rule(source, repositories=repositories)
    assert literal_repositories(asked) == names
    assert all(takes_repository(asked, name) for name in names or ())


@pytest.mark.parametrize(
    ("made", "path", "may"),
    [
        (rule(), "team", True),
        (rule(), "", True),
        (rule("old.example/team"), "team", True),
        (rule("old.example/team/web"), "team", True),
        (rule("old.example/team"), "other", False),
        (rule("old.example/team"), "teams", False),
        (rule(repositories=("team/**",)), "other", False),
        (rule(repositories=("**", "!team/**")), "team", False),
        (rule(repositories=("**", "!team/web")), "team", True),
        (rule("old.example/shop", repositories=("team/*",)), "shop/team", True),
        (rule("old.example/shop", repositories=("team/*",)), "shop/other", False),
    ],
)
def test_where_a_rule_may_take_something_that_isnt_listed(made: Rule, path: str, may: bool) -> None:
    assert may_take_below(made, path) is may
