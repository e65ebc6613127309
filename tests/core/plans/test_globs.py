"""Which names a pattern means."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.errors import BadPattern
from transship.plans.patterns import (
    matches_all_below,
    may_match_below,
    parse_pattern,
    parse_patterns,
)

COMPONENTS = st.text("ab-", min_size=1, max_size=4)
NAMES = st.lists(COMPONENTS, min_size=1, max_size=4).map("/".join)
GLOB_COMPONENTS = st.text("ab-*?", min_size=1, max_size=6).filter(lambda text: "**" not in text)
GLOBS = st.lists(st.just("**") | GLOB_COMPONENTS, min_size=1, max_size=5).map("/".join)


def matches(pattern: str, name: str) -> bool:
    return bool(parse_pattern(pattern).matches(name))


def matches_by_hand(pattern: list[str], name: list[str]) -> bool:
    """Tell the same in the plainest way: try every number of components for each `**`."""
    if not pattern:
        return not name
    head, *rest = pattern
    if head == "**":
        return any(matches_by_hand(rest, name[n:]) for n in range(len(name) + 1))
    return bool(name) and fnmatchcase(name[0], head) and matches_by_hand(rest, name[1:])


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("team/*", ["team/a", "team/web-1"], ["team", "team/a/b", "steam/a"]),
        ("team/**", ["team/a", "team/a/b", "team"], ["teams/a", "steam"]),
        ("**/web", ["web", "a/web", "a/b/web"], ["a/web/b", "webs", "a/wweb"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "ab", "a/b/c"]),
        ("**", ["web", "a/b/c", ""], []),
        ("**/**", ["web", "a/b/c"], []),
        ("*", ["web"], ["a/b", ""]),
        ("team**", ["team", "team-a", "team/a/b"], ["a/team"]),
        ("*-*-api", ["a-b-api", "a-b-c-api"], ["a-api", "a/b-c-api"]),
        ("v1.?", ["v1.2", "v1.x"], ["v1.", "v1.10", "v112"]),
        ("v[0-9]*", ["v1", "v1.2"], ["va", "v"]),
        ("v[!0-9]*", ["va", "v-1"], ["v1", "v/a", "v"]),
        ("v[]x]", ["v]", "vx"], ["v"]),
        ("a[b-]c", ["abc", "a-c"], ["axc"]),
        ("a[!-~]c", ["abc", "a?c"], ["a-c", "a~c"]),
        ("a.b", ["a.b"], ["axb"]),
        ("Latest", ["Latest"], ["latest"]),
        (r"regex:v\d+", ["v1", "v22"], ["v1.0", "xv1", "v1\n"]),
        ("regex:a|b", ["a", "b"], ["ab", "ac"]),
        ("regex:(?i)latest", ["Latest"], ["latest-1"]),
        ("regex:(?!.*rc).*", ["1.0"], ["1.0-rc1"]),
    ],
)
def test_what_a_pattern_matches(pattern: str, matching: list[str], other: list[str]) -> None:
    assert [name for name in (*matching, *other) if matches(pattern, name)] == matching


@given(GLOBS, NAMES)
def test_a_glob_matches_what_trying_everything_matches(pattern: str, name: str) -> None:
    assert matches(pattern, name) == matches_by_hand(pattern.split("/"), name.split("/"))


@given(st.lists(COMPONENTS, min_size=2, max_size=4), NAMES)
def test_two_stars_beside_other_letters_run_over_slashes(pieces: list[str], name: str) -> None:
    assert matches("**".join(pieces), name) == fnmatchcase(name, "*".join(pieces))


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("/team", "begins"),
        ("team/", "ends"),
        ("team//web", "//"),
        ("1.0,1.1", "comma"),
        ("{a,b}/*", "several patterns"),
        ("v[0-9", "not closed"),
        ("v[9-0]", "backwards"),
        ("regex:", "no expression"),
        ("regex:(a", "unterminated"),
        ("regex:*a", "nothing to repeat"),
        ("regex:[[:alpha:]]", "set"),
        ("regex:(?R)", "extension"),
        ("regex:((a{1000}){1000}){1000}", "repeats too much"),
        ("a" * 1001, "longer than"),
    ],
)
def test_what_is_no_pattern_is_refused_in_words(pattern: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why):
        parse_pattern(pattern)


def test_one_that_is_left_out_is_left_out_wherever_it_stands() -> None:
    for texts in (["team/**", "!team/tmp-*"], ["!team/tmp-*", "team/**"]):
        patterns = parse_patterns(texts)
        assert patterns.selects("team/web")
        assert not patterns.selects("team/tmp-1")
        assert patterns.left_out_by("team/tmp-1") == "team/tmp-*"


def test_a_list_of_nothing_but_those_wants_everything_else() -> None:
    patterns = parse_patterns(["!tmp/**", "!regex:.*-old"])
    assert [n for n in ("web", "tmp/a", "tmp", "web-old") if patterns.selects(n)] == ["web"]


def test_only_a_name_that_is_written_out_is_literal() -> None:
    assert parse_pattern("team/web-1.0").literal
    assert not any(parse_pattern(p).literal for p in ("team/*", "we?", "[w]eb", "regex:web"))


def test_names_that_are_written_out_stand_beside_patterns() -> None:
    patterns = parse_patterns(["team/web", "tools/*", "team/api", "!team/api"])
    assert patterns.written_out == {"team/web", "team/api"}
    assert [n for n in ("team/web", "team/api", "tools/a", "team/x") if patterns.wants(n)] == [
        "team/web",
        "team/api",
        "tools/a",
    ]
    assert not patterns.selects("team/api")


@pytest.mark.parametrize("expression", ["(a|a)*", "(a|aa)+"])
def test_an_expression_that_would_take_years_gives_up_and_says_so(expression: str) -> None:
    began = time.process_time()
    with pytest.raises(BadPattern, match="takes too long"):
        matches(f"regex:{expression}", "a" * 127 + "-")
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "expression", ["(a+)+", "(a*)*[bc]", r"(\w+\s?)+", "(.*a){20}", ".*a.*a.*b"]
)
def test_repeats_within_repeats_still_give_an_answer(expression: str) -> None:
    began = time.process_time()
    assert not matches(f"regex:{expression}", "a" * 127 + "-")
    assert time.process_time() - began < 5


@pytest.mark.parametrize("pattern", ["*a" * 20 + "*b", "**/a/" * 10 + "b", "a**" * 8 + "b"])
def test_no_glob_takes_long(pattern: str) -> None:
    began = time.process_time()
    assert not matches(pattern, "a/" * 60 + "a" * 100 + "c")
    assert not matches(pattern, "a" * 255)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("pattern", "path", "may", "all_of_it"),
    [
        ("**", "team", True, True),
        ("**", "", True, True),
        ("team/**", "team", True, True),
        ("team/**", "team/web", True, True),
        ("team/**", "", True, False),
        ("team/*", "team", True, False),
        ("team/web", "team", True, False),
        ("team", "team", False, False),
        ("other/**", "team", False, False),
        ("te*/web", "team", True, False),
        ("**/web", "team", True, False),
        ("team-a/**", "team", False, False),
        ("regex:other/.*", "team", True, False),
    ],
)
def test_what_a_pattern_says_of_all_below_a_path(
    pattern: str, path: str, may: bool, all_of_it: bool
) -> None:
    parsed = parse_pattern(pattern)
    assert may_match_below(parsed, path) is may
    assert matches_all_below(parsed, path) is all_of_it


@given(GLOBS, NAMES, NAMES)
def test_what_is_said_of_all_below_a_path_holds_for_each_name(
    pattern: str, path: str, rest: str
) -> None:
    parsed = parse_pattern(pattern)
    matched = bool(parsed.matches(f"{path}/{rest}"))
    assert may_match_below(parsed, path) or not matched
    assert not matches_all_below(parsed, path) or matched
