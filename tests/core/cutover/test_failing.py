"""What couldn't be copied is left alone for a while, and never for longer than that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transship.cutover.catchup import FailedTags, pause_after
from transship.cutover.evidence import TagPair

APP = TagPair("team/app", "1", "a", "")
NAME = (APP.repository, APP.tag)


@given(st.integers(1, 10_000))
def test_the_pauses_grow_up_to_ten_minutes(attempts: int) -> None:
    assert 60 <= pause_after(attempts) <= pause_after(attempts + 1) <= 600


def test_what_has_failed_waits_with_why_and_then_is_tried() -> None:
    failing = FailedTags()
    failing.tried([APP], {NAME: "quota exceeded"}, 1000.0)

    assert failing.waiting([APP], 1059.0) == {APP: "quota exceeded"}
    assert failing.waiting([APP], 1060.0) == {}
    failing.tried([APP], {NAME: "still"}, 1060.0)
    assert failing.waiting([APP], 1179.0) == {APP: "still"}


def test_other_digests_are_tried_at_once() -> None:
    failing = FailedTags()
    failing.tried([APP], {NAME: "quota exceeded"}, 1000.0)

    assert failing.waiting([TagPair(*NAME, "b", ""), TagPair(*NAME, "a", "c")], 1001.0) == {}


def test_what_went_well_or_is_no_longer_to_be_copied_is_forgotten() -> None:
    failing = FailedTags()
    failing.tried([APP], {NAME: "quota exceeded"}, 1000.0)
    failing.tried([APP], {}, 1060.0)
    assert not failing.trials

    failing.tried([APP], {NAME: "quota exceeded"}, 1000.0)
    failing.keep_only(())
    assert not failing.trials
