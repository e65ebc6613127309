"""What name a rule's mapping gives at a target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadMapping
from transship.oci.reference import Reference, is_repository
from transship.plans.mapping import NameOrigin, keeps_names, named_at, parse_map

COMPONENTS = st.from_regex("[a-z0-9]{1,4}", fullmatch=True)
REPOSITORIES = st.lists(COMPONENTS, min_size=1, max_size=4).map("/".join)


def origin(repository: str, *, path: str = "", registry: str = "old.example:5000") -> NameOrigin:
    below = repository.removeprefix(path).removeprefix("/")
    return NameOrigin(registry, repository, below)


@pytest.mark.parametrize(
    ("mapping", "repository", "becomes"),
    [
        ("", "team/web", "team/web"),
        ("keep", "team/web", "team/web"),
        ("{repository}", "team/web", "team/web"),
        ("mirror/{repository}", "team/web", "mirror/team/web"),
        ("{registry}/{repository}", "team/web", "old.example-5000/team/web"),
        ("{namespace}/{name}-copy", "a/b/web", "a/b/web-copy"),
        ("{namespace}/{name}", "web", "web"),
        ("{name}", "a/b/web", "web"),
        ("all", "a/b/web", "all"),
        ("strip:1", "a/b/web", "b/web"),
        ("strip:2", "a/b/web", "web"),
        ("flatten", "a/b/web", "a-b-web"),
        ("flatten:_", "a/b/web", "a_b_web"),
        ("flatten:__", "a/b/web", "a__b__web"),
        ("flatten:.", "a/b/web", "a.b.web"),
        ("join:1", "a/b/web", "a-b-web"),
        ("join:2", "a/b/web", "a/b-web"),
        ("join:2", "a/b/c/web", "a/b-c-web"),
        ("join:2:_", "a/b/web", "a/b_web"),
        ("join:2", "web", "web"),
        ("join:3", "a/b/web", "a/b/web"),
        ("library/{flat}", "a/b/web", "library/a-b-web"),
        ("library/{flat}", "web", "library/web"),
    ],
)
def test_what_a_mapping_makes_of_a_repository(mapping: str, repository: str, becomes: str) -> None:
    assert parse_map(mapping).repository(origin(repository)) == becomes


@pytest.mark.parametrize(
    ("mapping", "repository", "tag"),
    [
        ("{repository}:{tag}-mirror", "team/web", "v1-mirror"),
        ("all:{name}-{tag}", "all", "web-v1"),
        ("all:{namespace}_{tag}_{tag}", "all", "team_v1_v1"),
        ("{repository}:{tag}", "team/web", "v1"),
        ("{repository}:stable", "team/web", "stable"),
        ("{repository}/{tag}", "team/web/v1", "v1"),
    ],
)
def test_a_template_can_name_the_tag(mapping: str, repository: str, tag: str) -> None:
    names = parse_map(mapping)
    assert names.repository(origin("team/web"), "v1") == repository
    assert names.renamed(origin("team/web"), "v1") == tag


@pytest.mark.parametrize(
    ("registry", "word"),
    [
        ("old.example", "old.example"),
        ("localhost:5000", "localhost-5000"),
        ("layout:/srv/Images", "images"),
        ("[2001:db8::1]:5000", "2001-db8--1-5000"),
    ],
)
def test_a_registry_as_part_of_a_name(registry: str, word: str) -> None:
    made = parse_map("{registry}/{name}").repository(origin("web", registry=registry))
    assert made == f"{word}/web"
    assert is_repository(made)


def test_names_are_those_below_the_path_of_the_source() -> None:
    web = origin("team/app/web", path="team")
    assert parse_map("{repository}").repository(web) == "app/web"
    assert parse_map("{namespace}").repository(web) == "app"


def test_a_source_that_is_a_repository_leaves_nothing_below_it() -> None:
    web = origin("team/web", path="team/web")
    target = Reference("new.example", "mirror/web")
    assert named_at(target, parse_map("keep").repository(web)) == "mirror/web"
    assert parse_map("{name}").repository(web) == "web"
    with pytest.raises(BadMapping, match="nothing names the repository"):
        named_at(Reference("new.example"), parse_map("keep").repository(web))


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ("strip:0", "from 1 on"),
        ("strip:", "from 1 on"),
        ("strip:x", "from 1 on"),
        ("join:0", "number of components"),
        ("join:x", "number of components"),
        ("join:2:/", "joiner"),
        ("flatten:", "joiner"),
        ("flatten:/", "joiner"),
        ("flatten:x", "joiner"),
        ("flatten:+", "joiner"),
        ("{repo}", "there is no {repo}"),
        ("{}", "there is no {}"),
        ("{name!r}", "there is no {name"),
        ("{name.__class__}", "there is no"),
        ("{name", "a brace"),
        ("{{name}}", "brace"),
        ("a:b:c", "more than one colon"),
        ("{repository}:", "gives no tag"),
        ("{name}:{repository}", "gives no tag"),
        ("Mirror/{repository}", "no repository name"),
        ("{repository}-", "no repository name"),
        ("{name}@{tag}", "no repository name"),
        (":{tag}", "no repository name"),
        ("a b", "no repository name"),
    ],
)
def test_an_impossible_mapping_is_refused_in_words(mapping: str, why: str) -> None:
    with pytest.raises(BadMapping) as caught:
        parse_map(mapping)
    assert why in caught.value.detail


def test_some_names_only_turn_out_to_be_impossible() -> None:
    with pytest.raises(BadMapping, match="leaves nothing of 'team/web'"):
        parse_map("strip:2").repository(origin("team/web"))
    with pytest.raises(BadMapping, match="needs a tag"):
        parse_map("{name}/{tag}").repository(origin("web"))
    with pytest.raises(BadMapping, match="lower case"):
        named_at(Reference("new.example"), parse_map("{name}/{tag}").repository(origin("w"), "V1"))
    with pytest.raises(BadMapping, match="255"):
        named_at(Reference("new.example", "a" * 200), "b" * 60)
    with pytest.raises(BadMapping, match="is not a tag"):
        parse_map("{name}:{tag}-" + "x" * 100).renamed(origin("web"), "v" * 40)


def test_a_brace_in_a_name_is_no_field() -> None:
    with pytest.raises(BadMapping, match="not a tag"):
        parse_map("{name}:{tag}").renamed(origin("web"), "{name}")


@given(REPOSITORIES)
def test_keeping_stripping_and_flattening_fit_together(repository: str) -> None:
    here = origin(repository)
    assert keeps_names("keep")
    assert parse_map("keep").repository(here) == repository
    assert "/" not in parse_map("flatten").repository(here)
    assert parse_map("flatten").repository(here).replace("-", "/") == repository
    depth = repository.count("/")
    if depth:
        assert parse_map(f"strip:{depth}").repository(here) == parse_map("{name}").repository(here)
    assert parse_map("{namespace}/{name}").repository(here) == repository
