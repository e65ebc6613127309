"""A running job in a few lines, whatever its numbers and however narrow the terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from transship.transfers.copies import JobState
from transship.transfers.job_view import JobBytes, JobCounts, JobView
from transship.transfers.journal import Failure, Lane
from transship.transfers.limits import Limit
from transship_tui.commands.progress import block, sentence

MIB = 1024 * 1024
DIGEST = "sha256:0123456789ab"


@pytest.fixture
def running() -> JobView:
    """A job in the middle of its work."""
    return JobView(
        id="abcdef",
        kind="copy",
        state=JobState.RUNNING,
        source="old.example/team/web",
        target="new.example/team/web",
        created=1000.0,
        started=1001.0,
        ended=None,
        planned=True,
        found=12,
        pausing=False,
        counts=JobCounts(total=12, copied=4, same=1, failed=1, waiting=6),
        bytes=JobBytes(total=100 * MIB, done=40 * MIB, sent=40 * MIB, saved=70 * MIB),
        rate=10.0 * MIB,
        lanes=tuple(Lane(f"team/web {DIGEST}", n * MIB, 10 * n * MIB, 0.0) for n in range(1, 7)),
        failures=(Failure("no-right", "No right to do this", "Ask.", 1, (("web:1", "403"),)),),
        problem=None,
    )


def test_a_job_at_work(running: JobView) -> None:
    assert block(running, 1011.0, 80) == [
        "copying  10 s, about 6 s left",
        "images   6 of 12  (4 copied, 1 same, 1 FAILED)",
        "data     [========            ]  40%  40 MiB of 100 MiB  10 MiB/s",
        "saved    70 MiB that needn't be sent",
        f"  team/web {DIGEST}   10% of 60 MiB",
        f"  team/web {DIGEST}   10% of 50 MiB",
        f"  team/web {DIGEST}   10% of 40 MiB",
        f"  team/web {DIGEST}   10% of 30 MiB",
        "  and 2 more",
        "failed   1  No right to do this: web:1",
    ]


def test_what_waits_for_a_new_login(running: JobView) -> None:
    problem = ("Password not accepted", "6 images wait for the account at new.example", "Log in.")
    waiting = replace(running, problem=problem, signed_out=("new.example",))

    assert block(waiting, 1011.0, 80)[4] == (
        "problem  Password not accepted: 6 images wait for the account at new.example"
    )
    assert "6 images wait for the account at new.example" in sentence(waiting, 1011.0)


def test_what_registries_ask_for(running: JobView) -> None:
    limits = (Limit("old.example", 2, until=1020.5), Limit("new.example", 1, at_once=16))
    lines = [
        "limits   old.example asked 2× to slow down, waiting 10 s",
        "         new.example asked to slow down, 16 requests at once",
    ]
    limited = replace(running, limits=limits)
    assert block(limited, 1011.0, 80)[4:6] == lines
    assert block(replace(limited, planned=False), 1011.0, 80)[1:] == lines
    assert sentence(limited, 1011.0).endswith(", ".join(line[9:] for line in ["", *lines]))
    assert sentence(replace(limited, planned=False, found=0), 1011.0).startswith("looking: old")
    narrow = block(limited, 1011.0, 40)
    assert max(map(len, narrow[4:6])) <= 40
    assert narrow[4].endswith("waiting 10 s")


def test_until_all_is_known_there_is_no_percentage(running: JobView) -> None:
    looking = replace(running, planned=False, found=120)
    assert block(looking, 1004.0, 80) == ["looking  3 s  120 images found so far"]
    assert sentence(looking, 1004.0) == "looking: 120 images found so far"


def test_in_one_line(running: JobView) -> None:
    assert sentence(running, 1011.0) == (
        "copying: 6 of 12 images, 40 MiB of 100 MiB (40%), 10 MiB/s, about 6 s left, 1 failed"
    )


@pytest.mark.parametrize("width", [20, 30, 40, 60, 79])
def test_a_digest_stays_readable_in_a_narrow_terminal(running: JobView, width: int) -> None:
    lanes = [line for line in block(running, 1011.0, width) if "% of " in line]
    assert len(lanes) == 4
    assert all("89ab" in line for line in lanes) or width < 30
    assert max(map(len, lanes)) <= max(width, 22)


@pytest.mark.parametrize(
    ("state", "word"), [(JobState.WAITING, "starting"), (JobState.DONE, "done")]
)
def test_the_word_says_what_the_job_does(running: JobView, state: JobState, word: str) -> None:
    assert block(replace(running, state=state), 1011.0, 80)[0].startswith(word)
    assert block(replace(running, pausing=True), 1011.0, 80)[0].startswith("pausing")
