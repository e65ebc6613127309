"""What would be changed at an engine is shown field by field, and can be turned back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transship.engines.changes import (
    ChangeAction,
    ChangedField,
    ChangeSet,
    change_between,
    reversed_change,
)

settings = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), min_size=1)


def test_what_is_as_it_should_be_is_left() -> None:
    change = change_between(
        "rule", "r", {"to": "x", "age": 3}, {"to": "x"}, gives=("new",), warns=("Costs.",)
    )
    assert change.does is ChangeAction.LEAVE
    assert not change.fields
    assert not ChangeSet("here", "", (change,)).gives


def test_a_change_names_only_the_fields_that_differ() -> None:
    change = change_between(
        "rule", "r", {"to": "x", "override": True}, {"to": "y", "override": True}
    )
    assert change.does is ChangeAction.CHANGE
    assert change.fields == (ChangedField("to", "x", "y"),)


def test_all_logins_that_are_handed_over_are_named_once() -> None:
    changes = (
        change_between("endpoint", "a", None, {"url": "u"}, gives=("new",)),
        change_between("rule", "b", None, {"to": "x"}, gives=("new", "old")),
    )
    assert ChangeSet("here", "", changes).gives == ("new", "old")


@given(before=st.none() | settings, after=st.none() | settings)
def test_undoing_leads_back_to_every_field_that_was_set(
    before: dict[str, int] | None, after: dict[str, int] | None
) -> None:
    if before is None and after is None:
        return
    change = change_between("rule", "r", before, after)
    if change.does is ChangeAction.LEAVE:
        return
    back = reversed_change(change)
    assert back.before == change.after
    assert reversed_change(change, ("It hurts.",)).warns == ("It hurts.",)
    if before is not None and after is not None:
        assert back.after == {name: before.get(name) for name in after}
    else:
        assert back.after == before
