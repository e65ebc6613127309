"""What was pushed meanwhile: copied in rounds, asked about, never overwritten.

The two registries are fakes; copying is the transfer's business, and proven there.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from transship.cutover.catchup import (
    CopiedTags,
    PairDigests,
    TagChoice,
    add_agreed,
    choose_tag,
    last_round,
    newest_rounds,
    quiet_rounds,
    run_round,
    run_rounds,
    sort_differences,
)
from transship.cutover.evidence import TagPair
from transship.cutover.journal import EntryKind
from transship.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transship.cutover.catchup import RoundAction, TagKey
    from transship.cutover.journal import CutoverJournal

APP = ("team/app", "1")
ME = Operator("maria", "laptop")


class FakeSides:
    """Two registries in memory. `pushes` happen one by one, before each look."""

    def __init__(self, old: dict[TagKey, str], new: dict[TagKey, str]) -> None:
        self.old, self.new = old, new
        self.pushes: list[Callable[[], None]] = []
        self.fails: dict[TagKey, str] = {}
        self.copied: list[TagKey] = []
        self.jobs: list[list[TagKey]] = []

    async def settle(self, doing: RoundAction) -> None:
        return

    async def digests(self) -> PairDigests:
        if self.pushes:
            self.pushes.pop(0)()
        return PairDigests(dict(self.old), dict(self.new))

    async def copy(self, pairs: Sequence[TagPair]) -> CopiedTags:
        self.jobs.append([(pair.repository, pair.tag) for pair in pairs])
        for pair in pairs:
            tag = (pair.repository, pair.tag)
            assert self.new.get(tag, "") == pair.new
            if tag not in self.fails:
                self.new[tag] = pair.old
                self.copied.append(tag)
        tried = self.jobs[-1]
        return CopiedTags(
            f"job{len(self.jobs)}", {tag: why for tag, why in self.fails.items() if tag in tried}
        )

    async def copy_back(self, pairs: Sequence[TagPair]) -> CopiedTags:
        for pair in pairs:
            tag = (pair.repository, pair.tag)
            assert self.old.get(tag, "") == pair.old
            self.old[tag] = pair.new
        return CopiedTags("fedcba", {})


@pytest.mark.parametrize(
    ("old", "new", "before", "kind"),
    [
        ("b", "a", "a", "copies"),
        ("a", "b", "a", "only_new"),
        ("b", "c", "a", "asks"),
        ("b", "c", "", "asks"),
        ("a", "", "", "copies"),
        ("", "a", "", "only_new"),
        ("a", "", "a", "gone"),
        ("", "a", "a", "gone"),
        ("b", "", "a", "asks"),
        ("", "b", "a", "asks"),
    ],
)
def test_who_has_pushed_is_told_by_what_both_agreed_on(
    old: str, new: str, before: str, kind: str
) -> None:
    def side(digest: str) -> dict[TagKey, str]:
        return {APP: digest} if digest else {}

    found = sort_differences(side(old), side(new), side(before))

    assert getattr(found, kind) == (TagPair(*APP, old, new),)
    assert sum(len(getattr(found, name)) for name in found.__slots__) == 1


digests = st.dictionaries(
    st.sampled_from([("r", str(n)) for n in range(4)]), st.sampled_from("abc")
)


@given(digests, digests, digests)
def test_nothing_that_the_new_side_has_made_is_ever_copied_over_unasked(
    old: dict[TagKey, str], new: dict[TagKey, str], before: dict[TagKey, str]
) -> None:
    for pair in sort_differences(old, new, before).copies:
        tag = (pair.repository, pair.tag)
        assert tag not in new or new[tag] == before[tag]


def test_a_choice_holds_for_the_digests_that_were_asked_about_only() -> None:
    asked = TagPair(*APP, "b", "c")

    kept = sort_differences({APP: "b"}, {APP: "c"}, {}, [TagChoice(asked, "new")])
    taken = sort_differences(
        {APP: "b"}, {APP: "c"}, {}, [TagChoice(asked, "new"), TagChoice(asked, "old")]
    )
    again = sort_differences({APP: "d"}, {APP: "c"}, {}, [TagChoice(asked, "old")])

    assert kept.only_new == (asked,)
    assert taken.copies == (asked,)
    assert again.asks == (TagPair(*APP, "d", "c"),)


async def test_rounds_go_on_until_two_in_a_row_found_nothing(journal: CutoverJournal) -> None:
    clock = FakeClock()
    sides = FakeSides({APP: "a"}, {APP: "a"})
    sides.pushes = [
        lambda: None,
        lambda: sides.old.update({APP: "b"}),
        lambda: sides.old.update({("team/new", "2"): "c"}),
    ]

    last = await run_rounds(sides, journal, clock, not_before=lambda: 0.0)

    assert last.quiet
    assert sides.copied == [APP, ("team/new", "2")]
    assert sides.old == sides.new
    assert [each.quiet for each in newest_rounds(journal)] == [True, False, False, True, True]


async def test_rounds_before_everybody_has_followed_do_not_count(journal: CutoverJournal) -> None:
    clock = FakeClock()
    later = clock.now() + 100

    last = await run_rounds(FakeSides({}, {}), journal, clock, not_before=lambda: later)

    assert last.at >= later + 30
    assert quiet_rounds(journal, later) == 2
    # In another process, later, nothing is looked at again.
    assert (
        await run_rounds(FakeSides({APP: "x"}, {}), journal, clock, not_before=lambda: later)
        == last
    )


async def test_a_tag_pushed_on_both_sides_waits_for_an_answer(journal: CutoverJournal) -> None:
    clock = FakeClock()
    sides = FakeSides({APP: "a"}, {APP: "a"})
    await run_round(sides, journal, clock)
    sides.old[APP], sides.new[APP] = "b", "c"

    asked = (await run_round(sides, journal, clock)).found.asks
    assert asked == (TagPair(*APP, "b", "c"),)
    assert sides.new[APP] == "c"

    choose_tag(journal, asked[0], "old", clock.now(), ME)
    await run_round(sides, journal, clock)
    assert sides.new[APP] == "b"
    assert (await run_round(sides, journal, clock)).found == sort_differences({}, {}, {})


async def test_what_could_not_be_copied_is_kept_with_why_and_tried_again(
    journal: CutoverJournal,
) -> None:
    clock = FakeClock()
    sides = FakeSides({APP: "a"}, {})
    sides.fails = {APP: "quota exceeded"}

    first = await run_round(sides, journal, clock)
    assert first.failed == ((*APP, "quota exceeded"),)
    sides.fails = {}

    await run_rounds(sides, journal, clock, not_before=lambda: 0.0)
    assert sides.new == {APP: "a"}


async def test_a_tag_that_always_fails_is_tried_ever_more_rarely_and_the_rest_goes_on(
    journal: CutoverJournal,
) -> None:
    clock = FakeClock()
    late = ("team/app", "2")
    sides = FakeSides({APP: "a"}, {})
    sides.fails = {APP: "quota exceeded"}
    tried: list[float] = []

    def tell(_: object) -> None:
        if len(sides.jobs) > len(tried):
            tried.append(clock.monotonic())
        if clock.monotonic() > 1800:
            sides.old[late] = "c"
        if clock.monotonic() > 2000:
            sides.fails, sides.old[APP] = {}, "b"  # Pushed anew: it is tried at once.

    await run_rounds(sides, journal, clock, not_before=lambda: 0.0, tell=tell)

    assert sides.jobs == [[APP]] * (len(sides.jobs) - 2) + [[late], [APP]]
    assert [later - sooner for sooner, later in pairwise(tried[:6])] == pytest.approx(
        [60, 120, 240, 480, 600], abs=30
    )
    assert sides.new == {APP: "b", late: "c"}
    known = newest_rounds(journal)
    assert len(known) > 50
    failing = [each for each in known if each.found.copies == (TagPair(*APP, "a", ""),)]
    assert all(each.failed == ((*APP, "quota exceeded"),) for each in failing)
    assert not any(each.copied for each in failing)
    assert {each.job for each in failing} == {"", "job1", "job2", "job3", "job4", "job5", "job6"}
    assert len(journal.entries(EntryKind.DELTA)) < 8, "what stays the same takes no room"


async def test_what_is_copied_anew_is_written_down_although_the_same_was_found(
    journal: CutoverJournal,
) -> None:
    clock = FakeClock()
    sides = FakeSides({APP: "a"}, {})
    await run_round(sides, journal, clock)
    del sides.new[APP]
    await run_round(sides, journal, clock, "back")
    sides.old[APP] = "a"
    choose_tag(journal, TagPair(*APP, "a", ""), "old", clock.now(), ME)
    await run_round(sides, journal, clock)
    await run_round(sides, journal, clock, "look")

    assert [(each.doing, len(each.copied)) for each in newest_rounds(journal)] == [
        ("copy", 1),
        ("back", 0),
        ("copy", 1),
        ("look", 0),
    ]


async def test_a_look_copies_nothing_and_says_what_is_left(journal: CutoverJournal) -> None:
    clock = FakeClock()
    sides = FakeSides({APP: "b"}, {})

    seen = await run_round(sides, journal, clock, "look")

    assert (seen.doing, seen.job, seen.copied, seen.quiet) == ("look", "", (), False)
    assert seen.left.copies == (TagPair(*APP, "b", ""),)
    assert seen.parity.different == seen.left.copies
    assert sides.new == {}


async def test_what_the_new_side_alone_has_goes_back_only_when_that_is_asked(
    journal: CutoverJournal,
) -> None:
    clock = FakeClock()
    late, gone = ("team/app", "2"), ("team/app", "3")
    sides = FakeSides({APP: "a", gone: "c"}, {APP: "a", gone: "c"})
    await run_round(sides, journal, clock)
    sides.new |= {APP: "b", late: "d"}
    del sides.old[gone]

    left = (await run_round(sides, journal, clock)).left
    assert left.hidden == (
        TagPair(*APP, "a", "b"),
        TagPair(*late, "", "d"),
        TagPair(*gone, "", "c"),
    )
    assert sides.old == {APP: "a"}

    back = await run_round(sides, journal, clock, "back", ME)

    assert back.job == "fedcba"
    assert sides.old == sides.new
    assert back.left == sort_differences({}, {}, {})
    # Both agree on it by now: who pushes next is known.
    sides.new[APP] = "e"
    assert (await run_round(sides, journal, clock)).found.only_new == (TagPair(*APP, "b", "e"),)


async def test_what_was_agreed_on_by_a_job_tells_who_has_pushed(journal: CutoverJournal) -> None:
    clock = FakeClock()
    add_agreed(journal, {APP: "a"}, clock.now())
    sides = FakeSides({APP: "b"}, {APP: "a"})

    assert (await run_round(sides, journal, clock)).copied == (TagPair(*APP, "b", "a"),)
    add_agreed(journal, {APP: "a"}, clock.now())
    sides.new[APP] = "c"
    assert (await run_round(sides, journal, clock)).found.only_new == (TagPair(*APP, "b", "c"),)


async def test_no_round_counts_while_some_still_go_to_the_old_side(journal: CutoverJournal) -> None:
    clock = FakeClock()
    since: list[float] = []

    def tell(_: object) -> None:
        if len(newest_rounds(journal)) == 4:
            since.append(clock.now() + 1)

    await run_rounds(
        FakeSides({}, {}), journal, clock, not_before=lambda: since[0] if since else None, tell=tell
    )

    assert len(newest_rounds(journal)) == 6


async def test_rounds_that_find_the_same_again_take_no_room(journal: CutoverJournal) -> None:
    clock = FakeClock()
    late = {("team/app", f"v{number}"): f"sha256:{number}" for number in range(500)}
    sides = FakeSides({APP: "a"}, {APP: "a", **late})
    await run_round(sides, journal, clock)
    sides.new[("team/app", "more")] = "b"
    for _ in range(4):
        clock.wall += 30
        await run_round(sides, journal, clock)

    every = newest_rounds(journal)

    assert [len(each.found.only_new) for each in every] == [500, 501, 501, 501, 501]
    assert [each.at - every[0].at for each in every] == [0, 30, 60, 90, 120]
    assert len(journal.entries(EntryKind.DELTA)) == 2
    assert newest_rounds(journal, 2) == every[-2:], "what is repeated is found, though it is older"
    assert last_round(journal, every[0].at + 30) == every[0]
    del sides.new[("team/app", "more")]
    await run_round(sides, journal, clock)
    assert len(newest_rounds(journal)[-1].found.only_new) == 500
