"""The wildcards of the services' rules mean what the services mean by them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.registry.wildcards import covering

TAGS = st.text("abcv019.-_", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("pattern", "covered", "not_covered"),
    [
        ("", ["1.0", "team/web"], []),
        ("**", ["1.0", "team/web", "a/b/c"], []),
        ("*", ["1.0"], ["team/web"]),
        ("v*", ["v1", "v"], ["1", "av1", "v1/x"]),
        ("v**", ["v1"], ["v1/x"]),
        ("v?", ["v1"], ["v", "v12"]),
        ("v[0-9]", ["v1"], ["va", "v10"]),
        ("v[!0-9]", ["va"], ["v1", "v/"]),
        ("v[^0-9]", ["va"], ["v1"]),
        ("{stable,v*}", ["stable", "v1"], ["unstable"]),
        ("{v{1,2},latest}", ["v1", "v2", "latest"], ["v3", "v12"]),
        ("team/**", ["team/web", "team/a/b"], ["teams/web", "other/web"]),
        ("**/web", ["web", "team/web", "a/b/web"], ["webs", "team/webs"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az", "a/zz"]),
        ("{**,x}", ["1.0", "a/b"], []),
        (r"v\*", ["v*"], ["v1"]),
        ("1.0", ["1.0"], ["1x0", "11.0"]),
        ("a,b", ["a,b"], ["a", "b"]),
        ("a}b", ["a}b"], ["ab"]),
    ],
)
def test_a_pattern_covers_whole_names(
    pattern: str, covered: list[str], not_covered: list[str]
) -> None:
    covers = covering(pattern)

    assert covers is not None
    assert [name for name in covered if not covers(name)] == []
    assert [name for name in not_covered if covers(name)] == []


@pytest.mark.parametrize("pattern", ["{a", "{a,b", "[a", "a\\", "[]", "[z-a]", "a" * 1001])
def test_what_can_not_be_read_covers_nothing(pattern: str) -> None:
    assert covering(pattern) is None


@given(st.text(max_size=30), TAGS)
def test_any_pattern_has_an_answer_for_any_tag(pattern: str, tag: str) -> None:
    covers = covering(pattern)

    assert covers is None or covers(tag) in (True, False)


@given(TAGS)
def test_a_tag_without_wildcards_covers_itself_alone(tag: str) -> None:
    covers = covering(tag)

    assert covers is not None
    assert covers(tag)
    assert not covers(f"{tag}x")
    assert not covers(f"x{tag}")


def test_a_pattern_that_would_take_years_covers_nothing() -> None:
    covers = covering("*a" * 60 + "b")
    began = time.monotonic()

    assert covers is not None
    assert not covers("a" * 128)
    assert time.monotonic() - began < 30
