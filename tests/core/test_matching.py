"""What an operator types narrows a list to what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.matching import is_everything, matches

TEXTS = st.text(max_size=30)
PLAIN = st.text(alphabet=st.characters(blacklist_characters="!~*?"), max_size=10)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("web", "team/web", True),
        ("web", "team/api", False),
        (" web ", "team/web", True),
        ("v1.*", "v1.25", True),
        ("v1.*", "rev1.25", False),
        ("v1.?", "v1.25", False),
        ("*-rc[12]", "v2-rc2", True),
        ("[", "x[link]y", True),
        ("~tapi", "team/api", True),
        ("~tapi", "team/web", False),
        ("~ipa", "team/api", False),
        ("!web", "team/web", False),
        ("! web", "team/web", False),
        ("! web", "team/api", True),
        ("!v1.*", "v2.0", True),
        ("!~tapi", "team/api", False),
        ("rc", "v2-RC1", True),
        ("RC", "v2-RC1", True),
        ("RC", "v2-rc1", False),
        ("V1.*", "v1.2", False),
        ("~TA", "team/api", False),
    ],
)
def test_a_pattern_finds_what_it_says(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", ["", "  ", "!", "~", "!~"])
@given(text=TEXTS)
def test_a_pattern_that_was_only_begun_hides_nothing(pattern: str, text: str) -> None:
    assert is_everything(pattern)
    assert matches(pattern, text)


@given(PLAIN, TEXTS)
def test_not_is_the_opposite(pattern: str, text: str) -> None:
    assert is_everything(pattern) or matches(f"!{pattern}", text) is not matches(pattern, text)


@given(TEXTS, TEXTS, PLAIN.map(str.strip))
def test_a_name_is_found_by_any_part_of_it(before: str, after: str, part: str) -> None:
    assert matches(part, before + part + after)


@given(st.lists(st.sampled_from("aB1/-."), min_size=1), st.data())
def test_letters_in_their_order_are_found_whatever_is_between(
    letters: list[str], data: st.DataObject
) -> None:
    text = "".join(letter + data.draw(st.text(max_size=3)) for letter in letters)
    assert matches("~" + "".join(letters), text)


@given(st.text(), TEXTS)
def test_nothing_that_can_be_typed_fails(pattern: str, text: str) -> None:
    assert matches(pattern, text) in (True, False)
