"""Which mapping makes names fit that a target can't have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadMapping
from transship.oci.reference import Reference, is_repository
from transship.plans.mapping import NameOrigin, named_at, parse_map
from transship.plans.outline import Proposal, proposals
from transship.plans.plan import Rule
from transship.registry.registry import Capabilities
from transship.registry.service import Service, all_services

OLD, NEW, OTHER = "old.example:5000", "new.example", "other.example"


def rule(to: str = "", mapping: str = "{repository}", path: str = "", *more: str) -> Rule:
    targets = (Reference(NEW, to), *(Reference(name) for name in more))
    return Rule(Reference(OLD, path), targets, map=mapping)


def proposed(
    names: list[str], parts: tuple[int, int], *rules: Rule, of: int = 0
) -> Proposal | None:
    """Return what is proposed for one of the rules, of which each takes all of the names."""
    takes = Capabilities(parts=parts)
    ready = rules or (rule(),)
    found = proposals(
        ready,
        [(number, Reference(OLD, name)) for number in range(len(ready)) for name in names],
        lambda at: takes.refusal(at.repository) if at.registry == NEW else "",
    )
    return next((each for each in found if each.rule == of), None)


@pytest.mark.parametrize(
    ("names", "parts", "mapping", "becomes"),
    [
        (["web", "api"], (2, 0), "library/{repository}", "library/web"),
        (["web", "team/api"], (2, 0), "library/{repository}", "library/web"),
        (["team/web", "team/shop/web"], (2, 2), "join:2", "team/shop-web"),
        (["team/a/b/c/web"], (2, 3), "join:3", "team/a/b-c-web"),
        (["a/b", "c"], (1, 1), "join:1", "a-b"),
        (["a/b", "a-b"], (1, 1), "join:1:_", "a_b"),
        (["web", "team/shop/web"], (2, 2), "library/{flat}", "library/web"),
    ],
)
def test_a_mapping_is_proposed(
    names: list[str], parts: tuple[int, int], mapping: str, becomes: str
) -> None:
    found = proposed(names, parts)

    assert found is not None
    assert found.map == mapping
    assert Reference(NEW, becomes) in found.becomes.values()


@pytest.mark.parametrize(
    "service",
    [each for each in all_services() if each.capabilities.parts != (1, 0)],
    ids=lambda service: service.kind,
)
def test_one_is_proposed_for_the_shape_of_every_service(service: Service) -> None:
    takes, path = service.capabilities, "project" if service.kind == "gar" else ""
    names = ["web", "team/api", "team/shop/web"]
    below = f"{path}/" if path else ""
    refused = {name for name in names if takes.refusal(f"{below}{name}")}
    assert refused, "the rule of this service refuses something"

    found = proposed(names, takes.parts, rule(path))

    assert found is not None
    assert {source.repository for source, _ in found.becomes} == refused
    assert all(takes.refusal(target.repository) == "" for target in found.becomes.values())


def test_it_goes_below_the_path_of_the_target() -> None:
    found = proposed(["team/shop/web"], (2, 2), rule("mirror"))

    assert found is not None
    assert found.map == "join:1"
    assert found.becomes == {
        (Reference(OLD, "team/shop/web"), NEW): Reference(NEW, "mirror/team-shop-web")
    }


def test_a_template_of_the_operators_own_gets_a_namespace_before_it() -> None:
    found = proposed(["team/web"], (2, 0), rule(mapping="{name}:{tag}-old"))

    assert found is not None
    assert found.map == "library/{name}:{tag}-old"


def test_what_the_rule_calls_the_same_on_purpose_stays_the_same() -> None:
    found = proposed(["a/web", "b/web"], (2, 0), rule(mapping="all"))

    assert found is not None
    assert found.map == "library/all"
    assert set(found.becomes.values()) == {Reference(NEW, "library/all")}


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["web"], (3, 0)),
        (["a/b", "a-b", "a_b"], (1, 1)),
        (["team/web"], (2, 0)),
    ],
    ids=["two components are missing", "every way makes two the same", "all of them fit"],
)
def test_nothing_is_proposed_where_nothing_fits_or_all_does(
    names: list[str], parts: tuple[int, int]
) -> None:
    assert proposed(names, parts) is None


def test_a_name_that_would_be_too_long_is_not_proposed() -> None:
    assert proposed(["w" * 250], (2, 0)) is None


def test_a_name_that_another_rule_writes_to_is_not_proposed() -> None:
    keeps, mirrors = rule(), rule("library", "{repository}")

    assert proposed(["web"], (2, 0), keeps, mirrors) is None


def test_it_must_fit_at_all_targets_of_the_rule() -> None:
    both = rule("", "{repository}", "", OTHER)
    taken = [(0, Reference(OLD, "web"))]

    def refusal(at: Reference) -> str:
        parts = (2, 0) if at.registry == NEW else (1, 1)
        return Capabilities(parts=parts).refusal(at.repository)

    assert proposals((both,), taken, refusal) == ()


COMPONENTS = st.sampled_from(["a", "b", "a-b", "a_b", "web", "library", "x--y"])
REPOSITORIES = st.lists(COMPONENTS, min_size=1, max_size=4).map("/".join)
PARTS = st.tuples(st.integers(1, 3), st.integers(0, 3)).filter(lambda p: not p[1] or p[0] <= p[1])
MAPS = st.sampled_from(
    ["{repository}", "{name}", "{namespace}/x", "flatten", "strip:1", "join:2", "all", "m/{flat}"]
)


@given(
    names=st.lists(REPOSITORIES, min_size=1, max_size=6, unique=True),
    parts=PARTS,
    mapping=MAPS,
    to=st.sampled_from(["", "mirror", "a/b"]),
)
def test_what_is_proposed_fits_and_keeps_apart_what_was_apart(
    names: list[str], parts: tuple[int, int], mapping: str, to: str
) -> None:
    mine = rule(to, mapping)
    found = proposed(names, parts, mine)
    if found is None:
        return

    def called(text: str, name: str) -> str:
        return named_at(Reference(NEW, to), parse_map(text).repository(NameOrigin(OLD, name, name)))

    before = {name: called(mapping, name) for name in names}
    after = {name: called(found.map, name) for name in names}
    takes = Capabilities(parts=parts)
    assert any(map(takes.refusal, before.values()))
    assert not any(map(takes.refusal, after.values()))
    assert all(map(is_repository, after.values()))
    for one in names:
        for other in names:
            assert (before[one] == before[other]) == (after[one] == after[other])
    refused = {name for name in names if takes.refusal(before[name])}
    assert found.becomes == {
        (Reference(OLD, name), NEW): Reference(NEW, after[name]) for name in refused
    }


def test_a_mapping_that_names_the_tag_is_left_to_its_operator() -> None:
    assert proposed(["web"], (3, 0), rule(mapping="{name}/{tag}")) is None
    with pytest.raises(BadMapping):
        parse_map("{name}/{tag}").repository(NameOrigin(OLD, "web", "web"))
