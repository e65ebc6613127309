"""What moves, how fast, and whether it stands still."""

from __future__ import annotations

from dataclasses import replace

from transship.transfers.journal import Lane
from transship_tui.screens.jobs.job import LaneMonitor

MIB = 1024**2
SMALL = Lane("team/ui sha256:dd23456789ab", 1 * MIB, 10 * MIB, 100.0)
LARGE = Lane("team/api sha256:0123456789ab", 100 * MIB, 1000 * MIB, 100.0)


def lines(
    watch: LaneMonitor, *lanes: Lane, now: float, width: int = 78, most: int = 3
) -> list[str]:
    return [line.plain.rstrip() for line in watch.lines(lanes, now, width, most)]


def test_the_largest_come_first() -> None:
    watch = LaneMonitor()
    watch.look([SMALL, LARGE], 110.0)
    assert lines(watch, SMALL, LARGE, now=110.0) == [
        "Lanes   team/api sha256:0123456789ab   10% of 1000 MiB",
        "        team/ui sha256:dd23456789ab    10% of 10 MiB",
    ]
    assert lines(watch, SMALL, LARGE, now=110.0, most=1)[1:] == ["        and 1 more"]


def test_without_lanes_there_is_nothing_to_say() -> None:
    assert lines(LaneMonitor(), now=1.0) == []


def test_the_rate_is_that_between_two_looks_and_follows_smoothly() -> None:
    watch = LaneMonitor()
    watch.look([LARGE], 110.0)
    watch.look([replace(LARGE, moved=120 * MIB)], 112.0)
    assert "10 MiB/s" in lines(watch, LARGE, now=112.0)[0]
    watch.look([replace(LARGE, moved=160 * MIB)], 114.0)
    assert "13 MiB/s" in lines(watch, LARGE, now=114.0)[0]


def test_an_upload_that_begins_again_has_no_negative_rate() -> None:
    watch = LaneMonitor()
    watch.look([LARGE], 110.0)
    watch.look([replace(LARGE, moved=0)], 111.0)
    assert "/s" not in lines(watch, LARGE, now=111.0)[0]


def test_a_lane_that_stands_still_says_for_how_long() -> None:
    watch = LaneMonitor()
    watch.look([LARGE, SMALL], 110.0)
    watch.look([LARGE, replace(SMALL, moved=2 * MIB)], 117.0)
    large, small = lines(watch, LARGE, SMALL, now=117.0)
    assert large.endswith("still 7 s")
    assert small.endswith("146 KiB/s")


def test_when_nothing_moves_at_all_that_is_said() -> None:
    watch = LaneMonitor()
    watch.look([LARGE, SMALL], 110.0)
    assert lines(watch, LARGE, SMALL, now=122.0, most=1)[-1].strip() == (
        "nothing has moved for 12 s"
    )


def test_a_lane_that_takes_up_another_blob_begins_anew() -> None:
    watch = LaneMonitor()
    watch.look([LARGE], 110.0)
    other = Lane("team/db sha256:cc23456789ab", 5 * MIB, 900 * MIB, 130.0)
    watch.look([other], 131.0)
    assert "still" not in lines(watch, other, now=131.0)[0]


def test_of_a_long_name_the_end_is_seen() -> None:
    lane = replace(LARGE, what=f"{'very/' * 30}long sha256:0123456789ab")
    watch = LaneMonitor()
    watch.look([lane], 110.0)
    for width in (48, 58, 78):
        (line,) = lines(watch, lane, now=110.0, width=width)
        assert "sha256:0123456789ab" in line
        assert len(line) <= width
