"""A job in a few lines: what is said of it at each moment."""

from __future__ import annotations

import pytest

from fakes.jobs import job_view
from transship.accounts.registry_file import Account
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobBytes, JobCounts, JobView
from transship.transfers.limits import Limit
from transship_tui.naming import Naming
from transship_tui.widgets.totals import (
    clock_text,
    left_text,
    share_text,
    sparkline,
    total_lines,
    when_text,
)

GIB = 1024**3
NOW = 1_790_000_100.0
NAMING = Naming([Account("docker.example", alias="hub")])


def lines(view: JobView, *, width: int = 78, rates: tuple[float, ...] = ()) -> list[str]:
    return [line.plain for line in total_lines(view, NOW, width, NAMING, {}, rates)]


def test_a_running_job() -> None:
    view = job_view(
        "abc234",
        counts=JobCounts(100, 20, 5, 1, 2, 72),
        bytes=JobBytes(10 * GIB, 4 * GIB, 3 * GIB, GIB),
        rate=GIB / 10,
    )
    assert lines(view) == [
        "▸ running  1 min 39 s, about 1 min 00 s left",
        "Images  28 of 100   2 failed · 20 copied · 5 same · 1 skipped",
        "Data    ━━━━━━━━────────────  40%  4.0 GiB of 10 GiB  102 MiB/s",
        "Sent    3.0 GiB, saved 1.0 GiB (mounted, or there already)",
    ]


def test_rates_are_drawn_where_there_is_room() -> None:
    view = job_view("abc234", counts=JobCounts(1), bytes=JobBytes(GIB, GIB // 2), rate=GIB / 10)
    assert "▁▅█" in lines(view, rates=(1.0, 50.0, 100.0))[2]
    assert "█" not in lines(view, width=54, rates=(1.0, 50.0, 100.0))[2]


@pytest.mark.parametrize("width", [30, 40, 58, 78, 118])
def test_the_line_of_data_fits(width: int) -> None:
    view = job_view(
        "abc234", counts=JobCounts(1), bytes=JobBytes(1000 * GIB, 4 * GIB), rate=GIB / 10
    )
    assert len(lines(view, width=width, rates=(1.0,) * 24)[2]) <= max(width, 45)


def test_the_time_between_two_runs_is_no_work() -> None:
    again = job_view(
        "abc234", JobState.DONE, planned=True, bytes=JobBytes(200, 200, 200), started=NOW - 5000,
        ended=NOW, worked=20.0,
    )  # fmt: skip
    told = lines(again)
    assert told[0].endswith("after 20 s")
    assert "(10 B/s)" in told[-1]


def test_why_a_registry_holds_it_up_is_never_cut_off() -> None:
    limit = Limit(
        "registry.example.com",
        silent_since=NOW - 40,
        why="Connection refused",
        patient_until=NOW + 860,
    )
    told = lines(job_view("abc234", limits=(limit,)))[2:]
    assert len(told) == 2
    assert all(len(line) <= 78 for line in told)
    assert " ".join(line[8:] for line in told).endswith("(connection refused); tried until 14:29")


def test_what_registries_ask_for_is_said_while_the_job_runs() -> None:
    limits = (
        Limit("old.example", 3, until=NOW + 11.2, at_once=8),
        Limit("new.example", silent_since=NOW - 40),
        Limit("third.example", 1, at_once=16),
    )
    assert lines(job_view("abc234", limits=limits))[2:] == [
        "Limits  old.example asked 3× to slow down, waiting 12 s",
        "        new.example hasn't answered for 40 s",
        "        and 1 other registry",
    ]
    assert lines(job_view("abc234", JobState.PAUSED, limits=limits))[2:] == [
        "Limits  old.example wants to be left alone for 11 s"
    ]
    assert "Limits" not in "".join(lines(job_view("abc234", JobState.DONE, limits=limits)))


def test_before_the_inventory_has_ended_only_what_was_found() -> None:
    view = job_view("abc234", planned=False, found=7, bytes=JobBytes(GIB, GIB // 2), rate=1e6)
    assert lines(view) == ["▸ running  1 min 39 s, looking at both sides", "Images  7 found so far"]


def test_a_job_that_is_being_paused() -> None:
    first = lines(job_view("abc234", pausing=True))[0]
    assert first.startswith("‖ pausing")
    assert first.endswith("its lanes come to a good point first")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (JobState.WAITING, "its process is being started"),
        (JobState.PAUSED, "p goes on with it"),
        (JobState.INTERRUPTED, "its process ended; p goes on from where it was"),
        (JobState.FAILED, "R tries again what failed"),
    ],
)
def test_what_comes_next_is_said(state: JobState, words: str) -> None:
    assert words in lines(job_view("abc234", state))[0]


def test_a_job_that_a_check_has_stopped_is_not_to_be_retried() -> None:
    first = lines(job_view("abc234", JobState.FAILED, stopped=True))[0]
    assert first.endswith("change its plan, and run that again: the job keeps its own")


def test_a_job_that_has_ended_says_when_and_after_how_long() -> None:
    view = job_view(
        "abc234",
        JobState.DONE,
        counts=JobCounts(3, 3),
        bytes=JobBytes(GIB, GIB, GIB),
        started=1_790_000_000.0,
        ended=1_790_000_010.0,
    )
    assert lines(view)[0] == f"✓ done  {when_text(1_790_000_010.0, NOW)}, after 10 s"
    assert "Sent    1.0 GiB (102 MiB/s)" in lines(view)


def test_a_job_whose_process_died_says_when_it_was_begun() -> None:
    view = job_view("abc234", JobState.INTERRUPTED)
    assert lines(view)[0].startswith("! interrupted  begun 14:13")


def test_a_job_that_has_not_begun() -> None:
    view = job_view("abc234", JobState.WAITING, started=None, planned=False)
    assert lines(view)[0].startswith("· waiting  since ")


def test_a_problem_of_the_whole_job_comes_with_its_remedy() -> None:
    view = job_view("a", JobState.FAILED, planned=False, problem=("Title", "detail", "Do this."))
    assert lines(view)[1:] == ["Problem Title: detail", "        → Do this."]


def test_a_share_is_whole_only_when_nothing_is_missing() -> None:
    assert share_text(999, 1000) == "99%"
    assert share_text(1000, 1000) == "100%"
    assert share_text(0, 0) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(8, "8 s left"), (540, "9 min left"), (7300, "2 h left"), (1e9, "days left")],
)
def test_what_is_left_is_short(seconds: float, words: str) -> None:
    assert left_text(seconds) == words
    assert len(words) <= 12


def test_times_are_as_short_as_they_are_clear() -> None:
    day = 86_400
    assert when_text(NOW, NOW) == "14:15"
    assert when_text(NOW - 3 * day, NOW) == "18 Sep 14:15"
    assert when_text(NOW - 400 * day, NOW) == "17 Aug 2025"
    assert clock_text(NOW) == "14:15:00"


def test_bars_are_drawn_to_the_highest() -> None:
    assert sparkline((0.0, 50.0, 100.0)) == "▁▅█"
    assert sparkline(()) == ""
    assert sparkline((0.0, 0.0)) == ""


def test_what_holds_a_job_up_is_called_by_its_alias() -> None:
    limits = (Limit("docker.example", slowed=1), Limit("other.example", opens=NOW + 60))
    told = lines(job_view("abc234", limits=limits))[2:]
    assert told[0] == "Limits  hub asked to slow down"
    assert told[1].endswith("(window of other.example)")


@pytest.mark.parametrize(
    ("state", "words"),
    [(JobState.PAUSED, "f9 goes on with it"), (JobState.FAILED, "f10 tries again what failed")],
)
def test_the_keys_are_those_that_were_chosen(state: JobState, words: str) -> None:
    keys = {"jobs.resume": "f9", "jobs.retry": "f10,x"}
    first = next(total_lines(job_view("abc234", state), NOW, 78, NAMING, keys))
    assert words in first.plain
