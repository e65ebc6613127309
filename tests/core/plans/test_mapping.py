"""From what was marked to what is copied where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadReference, BadRequest
from transship.oci.digest import digest_of
from transship.oci.reference import Reference, parse_reference
from transship.plans.mapping import mapped, proposed_path

DIGEST = digest_of(b"an image")
NAMES = st.sampled_from(["web", "team/web", "team/api", "a/b/c"])
VERSIONS = st.sampled_from(["", ":1", ":2", f"@{DIGEST}"])
SOURCES = st.lists(st.builds(lambda n, v: parse_reference(f"old.example/{n}{v}"), NAMES, VERSIONS))


def sources(*texts: str) -> list[Reference]:
    return [parse_reference(f"old.example/{text}") for text in texts]


def pairs(*texts: str, path: str) -> list[tuple[str, str]]:
    copies = mapped(sources(*texts), "new.example", path)
    return [(str(copy.source), str(copy.target)) for copy in copies]


def test_one_repository_takes_the_path_as_its_name() -> None:
    assert pairs("team/web", path="mirror") == [("old.example/team/web", "new.example/mirror")]


def test_tags_keep_their_names() -> None:
    assert pairs("team/web:1", "team/web:2", path="web") == [
        ("old.example/team/web:1", "new.example/web:1"),
        ("old.example/team/web:2", "new.example/web:2"),
    ]


def test_a_digest_stays_a_digest() -> None:
    [(_, target)] = pairs(f"web@{DIGEST}", path="web")
    assert target == f"new.example/web@{DIGEST}"


def test_several_repositories_are_put_under_the_path() -> None:
    assert pairs("team/web", "team/api:1", path="/mirror/") == [
        ("old.example/team/web", "new.example/mirror/team/web"),
        ("old.example/team/api:1", "new.example/mirror/team/api:1"),
    ]
    assert [target for _, target in pairs("web", "api", path="")] == [
        "new.example/web",
        "new.example/api",
    ]


def test_a_whole_repository_covers_its_tags() -> None:
    assert pairs("web:1", "web", "web:2", path="web") == [("old.example/web", "new.example/web")]


@pytest.mark.parametrize("path", ["", "Team/web", "team//web", "../web", "a b", "x" * 256, "web:1"])
def test_what_is_no_repository_name_is_refused(path: str) -> None:
    with pytest.raises(BadReference):
        mapped(sources("web"), "new.example", path)


def test_a_name_can_become_too_long_under_a_path() -> None:
    with pytest.raises(BadReference):
        mapped(sources("w" * 200, "api"), "new.example", "x" * 100)


def test_nothing_is_copied_onto_itself() -> None:
    with pytest.raises(BadRequest):
        mapped(sources("web:1"), "old.example", "web")


@given(SOURCES.filter(bool))
def test_the_proposed_path_keeps_every_name(chosen: list[Reference]) -> None:
    copies = mapped(chosen, "new.example", proposed_path(chosen))
    assert {copy.source.repository for copy in copies} == {each.repository for each in chosen}
    for copy in copies:
        assert str(copy.target) == str(copy.source).replace("old.example", "new.example")
