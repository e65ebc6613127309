"""What the side-by-side benchmark makes of its runs: what counts, and what it calls a miss."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from sidebyside import measuring, peers, scenarios
from sidebyside.judging import Run, Summary, fastest_peer, misses, summaries
from sidebyside.measuring import STOPPED, Cost
from sidebyside.peers import Task, Tool
from sidebyside.request_plan import planned
from sidebyside.table import headline, line_of
from sidebyside.world import Traffic

if TYPE_CHECKING:
    from pathlib import Path

OURS = Tool("transship", lambda task: [], default=True, ours=True)
TRUSTING = Tool("trusting", lambda task: [], default=False, ours=True, trusts=True)
QUICK, SLOW = (Tool(name, lambda task: [], default=True) for name in ("quick", "slow"))
FAR = next(each for each in scenarios.full() if each.name == "far small")


def run(wall: float, *, status: int = 0, whole: bool = True, requests: int = 30) -> Run:
    """Return a run that took so long."""
    traffic = Traffic(10, requests - 10, 30, ())
    return Run(Cost(wall, 1.0, 1024, status, "what it said"), traffic, whole)


def summed(**runs: list[Run]) -> list[Summary]:
    """Return what these runs come to."""
    return summaries(runs, {tool.name: tool for tool in (OURS, QUICK, SLOW)})


def test_a_peer_that_left_something_out_is_no_peer_to_be_compared_with() -> None:
    found = summed(transship=[run(2.0)], quick=[run(1.0), run(1.0, whole=False)], slow=[run(9.0)])

    fastest = fastest_peer(found)

    assert fastest is not None
    assert fastest.tool == "slow"
    line = line_of(found[1], found)
    assert line.split()[1:9] == ["-"] * 8
    assert "NOT COMPLETE" in line


def test_the_median_of_the_rounds_counts() -> None:
    found = summed(transship=[run(2.0), run(50.0), run(3.0)])

    assert (found[0].wall, found[0].runs) == (3.0, 3)


def test_a_peer_that_was_stopped_took_at_least_that() -> None:
    stopped = run(120.0, status=STOPPED, whole=False)
    found = summed(transship=[run(10.0)], quick=[run(20.0)], slow=[stopped])

    told = misses(FAR, found)

    # 0.15 of each peer at its default settings is wanted: of the slow one it is 0.08 or less.
    assert told == ["far small, transship: 0.50 of quick, wanted 0.15"]
    line = line_of(found[2], found)
    assert line.split()[1:3] == [">120.00", ">6.00"]
    assert line.endswith("STOPPED")


def test_a_run_of_ours_that_was_not_complete_is_a_miss() -> None:
    found = summed(transship=[run(1.0, whole=False)], quick=[run(20.0)])

    assert "far small, transship: a run was not complete" in misses(FAR, found)


def test_requests_beside_the_plan_are_a_miss_from_a_twentieth_on() -> None:
    plan = planned(FAR, trusts=False).total

    for asked, expected in (
        (plan, []),
        (int(plan * 1.05), []),
        (int(plan * 1.05) + 1, [f"far small, transship: {int(plan * 1.05) + 1} requests"]),
    ):
        found = summed(transship=[run(1.0, requests=asked)], quick=[run(20.0, requests=9 * plan)])
        assert [each.partition(", the plan")[0] for each in misses(FAR, found)] == expected


def test_who_trusts_the_run_before_may_not_ask_the_target() -> None:
    again = next(each for each in scenarios.full() if each.name == "again")
    runs = {"trusting": [run(1.0, requests=planned(again, trusts=False).total)]}
    found = summaries(runs, {"trusting": TRUSTING})

    assert misses(again, found) == ["again, trusting: 2103 requests, the plan has 1202"]


def test_who_trusts_the_run_before_has_a_goal_where_one_was_set() -> None:
    tools = {"trusting": TRUSTING, "tuned": Tool("tuned", lambda task: [], default=False)}
    found = summaries({"trusting": [run(9.0)], "tuned": [run(10.0)]}, tools)

    told = {
        each.name: misses(each, found) for each in scenarios.full() if each.has is scenarios.Has.ALL
    }

    assert told == {"again": ["again, trusting: 0.90 of tuned, wanted 0.70"], "far again": []}


def test_the_head_of_the_table_says_how_many_requests_are_needed() -> None:
    small = next(each for each in scenarios.quick() if each.name == "small")

    head = headline(small).splitlines()

    # Six repositories of two tags: 42 blobs.
    assert head[1] == "small: target has nothing"
    assert head[3].split() == ["(plan)", "62", "109"]
    titles = head[2]
    assert titles.index("reads") + len("reads") == head[3].index("62") + len("62")


def test_what_a_program_leaves_behind_counts_until_its_end(tmp_path: Path) -> None:
    left = tmp_path / "left"
    work = f"sum(range(40_000_000)); open({str(left)!r}, 'w').close()"
    code = f"import os\nif os.fork() == 0:\n    os.setsid(); {work}"
    # Only a process of its own may become the parent of what others leave behind.
    measure = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from sidebyside import measuring\n"
        "measuring.adopt()\n"
        "cost = measuring.run([sys.argv[2:]], os.environ, Path(sys.argv[1]), 60.0)\n"
        f"assert Path({str(left)!r}).exists()\n"
        "assert cost.cpu > 0.05, cost\n"
        "assert cost.status == 0, cost\n"
    )
    log = str(tmp_path / "log")
    line = [sys.executable, "-c", measure, log, sys.executable, "-c", code]
    where = os.pathsep.join(each for each in sys.path if each)

    status = os.spawnve(os.P_WAIT, sys.executable, line, os.environ | {"PYTHONPATH": where})

    assert status == 0


def test_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    line = [sys.executable, "-c", "import time; time.sleep(60)"]

    cost = measuring.run([line], os.environ, tmp_path / "log", 0.5)

    assert cost.status == STOPPED
    assert 0.5 <= cost.wall < 30


REPOSITORIES = {f"app-{number}": ["v1", f"sha256-{number}"] for number in range(9)}


def told(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what each process of a peer is told: its words, and the files that it is given."""
    monkeypatch.setattr(peers.shutil, "which", lambda name: name)
    tool = next(each for each in peers.at_every_setting() if each.name == name)
    lines = tool.lines(Task("old.example", "new.example", REPOSITORIES, folder))
    files = {str(path): path.read_text() for path in folder.iterdir()}
    return [" ".join(files.get(word, word) for word in line) for line in lines]


_ONE_PROCESS = ("regsync", "image-syncer", "ocync")


@pytest.mark.parametrize("name", ["skopeo", "crane", "oras", *_ONE_PROCESS])
def test_all_repositories_are_shared_out_and_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shares = told(f"{name} x4", tmp_path, monkeypatch)

    assert len(shares) == (1 if name in _ONE_PROCESS else 4)
    for repository in REPOSITORIES:
        assert sum(repository in share for share in shares) == 1


def test_oras_copies_what_refers_to_an_image_and_not_the_tag_that_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (share,) = told("oras", tmp_path, monkeypatch)

    assert ":sha256-" not in share
    assert share.count("oras cp") == share.count(" -r ") == len(REPOSITORIES)
