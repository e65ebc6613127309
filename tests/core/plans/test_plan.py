"""Plans: what can be asked for, and the file that it is kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadFile, BadRequest
from transship.oci.platform import Platform
from transship.oci.reference import Reference, parse_reference
from transship.plans.plan import OnConflict, Plan, Wanted, read_plan, wanted, write_plan

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = f"sha256:{'a' * 64}"


def asked(source: str, target: str) -> tuple[str, str]:
    """Return both sides of what is wanted, written down."""
    copy = wanted(parse_reference(source), parse_reference(target))
    return str(copy.source), str(copy.target)


@pytest.mark.parametrize(
    ("source", "target", "becomes"),
    [
        ("a.example/web", "b.example/app", "b.example/app"),
        ("a.example/web:1", "b.example/app", "b.example/app:1"),
        ("a.example/web:1", "b.example/app:2", "b.example/app:2"),
        (f"a.example/web@{DIGEST}", "b.example/app", f"b.example/app@{DIGEST}"),
        (f"a.example/web@{DIGEST}", "b.example/app:2", "b.example/app:2"),
        (f"a.example/web:1@{DIGEST}", "b.example/app", "b.example/app:1"),
        ("a.example/web:1", "a.example/web:2", "a.example/web:2"),
        ("a.example/team/web:1", "layout:folder", "layout:folder//team/web:1"),
        ("a.example/team/web", "layout:folder", "layout:folder//team/web"),
        ("layout:folder", "b.example/mirror", "b.example/mirror"),
        ("layout:folder", "layout:other", "layout:other"),
        ("layout:folder//:1", "b.example/app", "b.example/app:1"),
    ],
)
def test_what_is_left_out_of_the_target_comes_from_the_source(
    source: str, target: str, becomes: str
) -> None:
    assert asked(source, target) == (source, becomes)


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("a.example", "b.example/app", "whole registry"),
        ("a.example/web", "b.example", "names no repository"),
        ("layout:folder", "b.example", "needs a repository"),
        ("a.example/web", "b.example/app:1", "all its tags"),
        ("a.example/web:1", f"b.example/app@{DIGEST}", "comes from the content"),
        ("a.example/web", "a.example/web", "the same repository"),
        ("a.example/web:1", "a.example/web", "the same"),
        (f"a.example/web@{DIGEST}", "a.example/web", "the same"),
        ("layout:folder", "layout:./folder", "the same repository"),
        ("layout:folder//web", "layout:folder", "the same repository"),
    ],
)
def test_what_does_not_go_together_is_refused(source: str, target: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        asked(source, target)


names = st.from_regex(r"[a-z][a-z0-9]{0,8}(/[a-z][a-z0-9]{0,8}){0,2}", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,10}", fullmatch=True)
places = st.sampled_from(
    ["old.example", "new.example:5000", "[::1]:5001", "layout:folder/of images"]
)
versions = st.one_of(st.just({}), st.builds(lambda tag: {"tag": tag}, tags))


@st.composite
def copies(draw: st.DrawFn) -> Wanted:
    """Any copy that may be asked for."""
    version = draw(versions)
    source = Reference(draw(places), draw(names), **version)
    target = Reference("third.example", draw(names), **version)
    return wanted(source, target)


plans = st.builds(
    Plan,
    st.lists(copies(), min_size=1, max_size=5).map(tuple),
    on_conflict=st.sampled_from(OnConflict),
    referrers=st.booleans(),
    platforms=st.lists(
        st.sampled_from([Platform("linux", "amd64"), Platform("linux", "arm", "v7")]), unique=True
    ).map(tuple),
)


@given(plan=plans)
def test_a_plan_is_read_as_it_was_written(
    plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.toml"

    write_plan(path, plan)

    assert read_plan(path) == plan
    assert [file.name for file in path.parent.iterdir()] == ["plan.toml"]


HEAD = 'version = 1\nkind = "copy"\n'
COPY = '[[copies]]\nfrom = "a.example/web"\nto = "b.example/web"\n'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("version = one", "line 1"),
        (f'version = 2\nkind = "copy"\n{COPY}', r"\$\.version"),
        (f'version = 1\nkind = "move"\n{COPY}', r"\$\.kind"),
        (f"version = 1\n{COPY}", "kind"),
        (f"{HEAD}copies = []\n", r"\$\.copies"),
        (HEAD, "copies"),
        (f'{HEAD}speed = "high"\n{COPY}', "speed"),
        (f'{HEAD}on_conflict = "ask"\n{COPY}', r"\$\.on_conflict"),
        (f'{HEAD}platforms = ["linux"]\n{COPY}', "platforms"),
        (f'{HEAD}{COPY}[[copies]]\nfrom = "web"\nto = "b.example/web"\n', r"copies\[1\]\.from"),
        (f'{HEAD}{COPY}[[copies]]\nfrom = "a.example/x"\nto = "B.example/X"\n', r"copies\[1\]\.to"),
        (f'{HEAD}[[copies]]\nfrom = "a.example/x"\nto = "b.example/x:1"\n', r"copies\[0\]: .*all"),
        (f'{HEAD}[[copies]]\nfrom = "a.example/x"\n', r"\$\.copies\[0\]"),
    ],
)
def test_a_file_that_can_t_be_understood_is_refused_with_the_place_in_it(
    text: str, place: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)

    with pytest.raises(BadFile, match=place) as refused:
        read_plan(path)

    assert str(path) in refused.value.detail


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    with pytest.raises(BadFile, match="No such file"):
        read_plan(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadFile):
        read_plan(path)


def test_the_target_may_be_left_incomplete_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(f'{HEAD}[[copies]]\nfrom = "a.example/x:1"\nto = "b.example/y"\n')

    assert str(read_plan(path).copies[0].target) == "b.example/y:1"
