"""Names come in any order and any number, and stand as a person reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transship.matching import matches
from transship.names import Names, natural_key

NAMES = st.text(alphabet="ab0129.-/", max_size=8)


def test_numbers_count_as_numbers() -> None:
    names = ["v10", "v2", "v1.10.0", "v1.9.3", "latest", "v1", "v02", "v2-rc1"]
    expected = ["latest", "v1", "v1.9.3", "v1.10.0", "v02", "v2", "v2-rc1", "v10"]
    assert sorted(names, key=natural_key) == expected


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_the_larger_number_comes_later(one: int, other: int) -> None:
    assert (natural_key(f"v{one}-x") < natural_key(f"v{other}-x")) is (one < other)


@given(NAMES, NAMES)
def test_no_two_names_have_the_same_place(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) is (one == other)


@given(st.lists(st.lists(NAMES)), st.sampled_from(["", "1", "!0", "a*", "~a1"]), st.booleans())
def test_it_does_not_matter_by_which_portions_names_come(
    portions: list[list[str]], pattern: str, natural: bool
) -> None:
    names = Names(natural=natural)
    names.narrow(pattern)
    for portion in portions:
        names.add(portion)
    every = list(dict.fromkeys(name for portion in portions for name in portion))
    if natural:
        every.sort(key=natural_key)
    assert names.total == len(every)
    assert list(names.shown) == [name for name in every if matches(pattern, name)]


def test_a_name_that_comes_twice_is_there_once() -> None:
    names = Names(["b", "a", "b"])
    names.add(["a"])
    assert list(names.shown) == ["a", "b"]


def test_the_order_of_the_registry_can_be_had_back() -> None:
    names = Names(["v10", "v9", "v1"])
    names.narrow("!v9")
    names.order(natural=False)
    assert list(names.shown) == ["v10", "v1"]
    names.order(natural=True)
    assert list(names.shown) == ["v1", "v10"]
    assert names.natural
    assert names.pattern == "!v9"


def test_what_is_shown_never_changes_under_whoever_draws_it() -> None:
    names = Names(["b"])
    drawn = names.shown
    names.add(["a"])
    names.narrow("a")
    assert list(drawn) == ["b"]
