"""What a name holds, and what a change makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.cutover.change.records import (
    PlannedChange,
    Snapshot,
    desired_records,
    leading_records,
    plan_change,
    same_records,
)
from transship.cutover.evidence import RecordSet

NAME = "images.example.com"
A = RecordSet(NAME, "A", 60, ("192.0.2.1",))
AAAA = RecordSet(NAME, "AAAA", 60, ("2001:db8::1",))
TXT = RecordSet(NAME, "TXT", 60, ('"of ours"',))
CNAME = RecordSet(NAME, "CNAME", 60, ("registry.new.example.",))

sets = st.sampled_from([(), (CNAME,), (A,), (A, AAAA), (A, TXT), (AAAA, TXT), (TXT,)])
wishes = st.sampled_from([(CNAME,), (A,), (AAAA,), (A, AAAA)])


def test_a_name_is_led_to_another_name_or_to_addresses() -> None:
    assert desired_records(NAME, ["Registry.New.example"], 60) == (CNAME,)
    assert desired_records(NAME, ["2001:db8::1", "192.0.2.1"], 60) == (A, AAAA)


def test_a_cname_suffers_nothing_beside_it() -> None:
    planned = plan_change((A, AAAA, TXT), (CNAME,))

    assert (planned.added, planned.removed, planned.after) == ((CNAME,), (A, AAAA, TXT), (CNAME,))
    assert planned.turns


def test_what_does_not_lead_stays_beside_addresses_and_left_over_ipv6_goes() -> None:
    other = RecordSet(NAME, "A", 60, ("192.0.2.9",))
    planned = plan_change((A, AAAA, TXT), (other,))

    assert planned.after == (other, TXT)
    assert (planned.added, planned.removed, planned.turns) == ((other,), (AAAA,), False)


@pytest.mark.parametrize(("old", "new"), [((A,), ()), ((A,), (RecordSet("x", "A", 1, ("y",)),))])
def test_a_change_is_of_one_name_and_leaves_something(
    old: tuple[RecordSet, ...], new: tuple[RecordSet, ...]
) -> None:
    with pytest.raises(ValueError, match="one name"):
        plan_change(old, new)


@given(sets, wishes)
def test_a_change_and_its_reverse_are_nothing(
    old: tuple[RecordSet, ...], new: tuple[RecordSet, ...]
) -> None:
    planned = plan_change(old, new)

    assert planned.reverse.reverse == planned
    assert same_records(_made(planned), planned.after)
    assert same_records(_made(planned.reverse), old)
    assert leading_records(planned.after) == leading_records(new)


def _made(planned: PlannedChange) -> list[RecordSet]:
    """What the name holds when what is added and removed is done."""
    types = {each.type for each in (*planned.added, *planned.removed)}
    return [*(each for each in planned.before if each.type not in types), *planned.added]


def test_order_and_repetition_make_no_difference_and_the_ttl_does() -> None:
    two = RecordSet(NAME, "A", 60, ("192.0.2.1", "192.0.2.2"))
    turned = RecordSet(NAME, "A", 60, ("192.0.2.2", "192.0.2.1"))

    assert same_records([two, TXT], [TXT, turned])
    assert not same_records([two], [RecordSet(NAME, "A", 61, two.values)])
    assert leading_records((TXT, turned)) == (two,)


def test_a_snapshot_is_shown_as_a_zone_file_has_it() -> None:
    assert Snapshot(NAME, 0.0, (CNAME, TXT)).lines == (
        "images.example.com. 60 IN CNAME registry.new.example.",
        'images.example.com. 60 IN TXT "of ours"',
    )
