"""Which tags are versions, how they are ordered, and which ranges they are in."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from transship.errors import BadRange
from transship.plans.versions import Version, parse_range, parse_version

NUMBERS = st.tuples(*[st.integers(0, 4)] * 3)
LABELS = st.sampled_from(["", "-alpha", "-alpha.1", "-alpha.beta", "-rc.2", "-rc.10", "-1"])
TAGS = st.builds(lambda n, label: f"{n[0]}.{n[1]}.{n[2]}{label}", NUMBERS, LABELS)


def version(tag: str) -> Version:
    found = parse_version(tag)
    assert found is not None, tag
    return found


def holds(text: str, tag: str, *, prereleases: bool = False) -> bool:
    return parse_range(text).holds(version(tag), prereleases=prereleases)


def test_versions_come_in_the_order_of_semver() -> None:
    ordered = [
        *("1.0.0-1", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta"),
        *("1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2", "1.10", "2"),
    ]
    backwards = ordered[::-1]
    assert sorted(backwards, key=version) == ordered


@pytest.mark.parametrize(
    ("tag", "same"),
    [
        ("v1.2.3", "1.2.3"),
        ("V1.2", "1.2.0"),
        ("1", "1.0.0"),
        ("v1.02.003", "1.2.3"),
        ("1.2.3_build.5", "1.2.3"),
        ("1.2.3-rc.1_build", "1.2.3-rc.1"),
        ("1.2-alpine", "1.2.0-alpine"),
        ("9" * 100, "9" * 100 + ".0"),
    ],
)
def test_tags_that_are_the_same_version(tag: str, same: str) -> None:
    assert version(tag) == version(same)


@pytest.mark.parametrize(
    "tag",
    [
        *("latest", "Latest", "", "v", "1.2.3.4", "release-1.2", "1.x", "1.2.", "1..2", "1.2,1.3"),
        *("12e4f", "1.2.3-", "1 ", "١.٢", "sha256-" + "a" * 64),
    ],
)
def test_tags_that_are_no_version(tag: str) -> None:
    assert parse_version(tag) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.2 <3", ["1.2", "v1.2.0", "2.99.99", "v1.2.3_b1"], ["1.1.9", "3", "3.0.0", "1"]),
        (">=1.2, <3", ["1.2", "2.9"], ["1.1", "3.0.0"]),
        (">= 1.2.3", ["1.2.3", "1.3"], ["1.2.2", "1.2"]),
        (">1.2", ["1.3.0"], ["1.2.0", "1.2.9"]),
        (">1.2.3", ["1.2.4"], ["1.2.3"]),
        ("<=1.2", ["1.2.9", "0.1"], ["1.3.0"]),
        ("<=1.2.3", ["1.2.3"], ["1.2.4"]),
        ("^1.2", ["1.2.0", "1.9"], ["1.1", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0.0", ["0.0.9"], ["0.1.0"]),
        ("^0", ["0.9.9"], ["1.0.0"]),
        ("~1.2", ["1.2.9"], ["1.3.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0", "1.2.2"]),
        ("~1", ["1.9.9"], ["2"]),
        ("1.x", ["1.0.0", "1.9"], ["2", "0.9"]),
        ("1.2.*", ["1.2.9"], ["1.3"]),
        ("1", ["1.0.0", "1.9"], ["2.0.0"]),
        ("=1.2.3", ["1.2.3", "v1.2.3_b"], ["1.2.4", "1.2.2"]),
        ("v1.2.3", ["1.2.3"], ["1.2.4"]),
        ("1.2 - 2.3", ["1.2.0", "2.3.9"], ["1.1.9", "2.4.0"]),
        ("1.2.3 - 2.3.4", ["1.2.3", "2.3.4"], ["2.3.5"]),
        ("1.x || >=2.5", ["1.1", "2.5", "9"], ["2.4"]),
        ("*", ["0", "0.0.0", "9.9.9"], []),
        ("<x", [], ["0.0.0", "1.0.0"]),
        (">1 <1", [], ["1.0.0"]),
    ],
)
def test_what_a_range_holds(text: str, inside: list[str], outside: list[str]) -> None:
    assert [tag for tag in (*inside, *outside) if holds(text, tag)] == inside


def test_a_prerelease_is_in_a_range_that_names_one_of_its_numbers() -> None:
    assert holds(">=1.2.0-rc.1", "1.2.0-rc.2")
    assert not holds(">=1.2.0-rc.2", "1.2.0-rc.1")
    assert not holds(">=1.2.0-rc.1", "1.3.0-rc.1")
    assert not holds(">=1.2 <3", "1.3.0-rc.1")
    assert not holds("*", "1.2.3-alpine")
    assert not holds(">=1.2.0-rc.1 || >=2", "2.1.0-rc.1")


def test_prereleases_that_are_asked_for_are_in_the_range_of_their_release() -> None:
    assert holds(">=1.2 <3", "1.3.0-rc.1", prereleases=True)
    assert holds(">=1.2", "1.2.0-rc.1", prereleases=True)
    assert not holds(">=1.2 <3", "3.0.0-rc.1", prereleases=True)
    assert not holds("^1.2", "2.0.0-rc.1", prereleases=True)
    assert holds("<3.0.0", "3.0.0-rc.1", prereleases=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("latest", "'latest' is not a condition"),
        (">=1.2 <three", "'<three' is not a condition"),
        (">=", "'>=' is not a condition"),
        ("1.2.3.4", "'1.2.3.4' is not a condition"),
        ("1.2 - 2 - 3", "more than two ends"),
        (">1 - 2", "no conditions"),
        ("a - 2", "'a' is not a version"),
        ("1.x ||", "a side of || is empty"),
        ("1.2-rc.1", "all three numbers"),
        ("!=1.2", "'!=1.2' is not a condition"),
        ("=>1.2", "is not a condition"),
    ],
)
def test_a_bad_range_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(BadRange) as caught:
        parse_range(text)
    assert why in caught.value.detail


@given(TAGS, TAGS)
def test_conditions_say_what_the_order_says(bound: str, tag: str) -> None:
    here, there = version(tag), version(bound)
    for operator, says in (
        (">=", here >= there),
        (">", here > there),
        ("<=", here <= there),
        ("<", here < there),
        ("=", here == there),
    ):
        assert holds(f"{operator}{bound}", tag, prereleases=True) == says


@given(TAGS, TAGS, TAGS)
def test_or_holds_what_either_side_holds_and_two_conditions_what_both_do(
    one: str, other: str, tag: str
) -> None:
    assume("-" not in tag)
    low, high = holds(f">={one}", tag), holds(f"<{other}", tag)
    assert holds(f">={one} || <{other}", tag) == (low or high)
    assert holds(f">={one} <{other}", tag) == (low and high)


@given(NUMBERS, TAGS)
def test_a_tilde_lies_within_a_caret_within_what_is_at_least(
    numbers: tuple[int, int, int], tag: str
) -> None:
    assume(numbers[0] > 0)
    bound = ".".join(map(str, numbers))
    held = [holds(f"{sign}{bound}", tag, prereleases=True) for sign in ("~", "^", ">=")]
    assert held == sorted(held)
