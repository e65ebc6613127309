"""The command: runs the scenarios, prints a table as it goes, and then what was missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sidebyside import measuring, peers, scenarios
from sidebyside.judging import Run, Summary, misses, summaries
from sidebyside.peers import Task, Tool
from sidebyside.request_plan import planned
from sidebyside.scenarios import Has, Scenario
from sidebyside.table import headline, line_of
from sidebyside.world import Prepared, World, prepare, tags_of, world

_LIMIT_SECONDS = 120.0
_QUICK_LIMIT_SECONDS = 60.0
_LONG_SECONDS = 40.0
"""What takes longer is run once: more rounds wouldn't change what it comes to."""
_ROOM = 12 * 1024**3
"""What the storages of the largest scenarios need, in bytes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 0, or 1 when a run of Transship's was not complete."""
    options = _options(arguments)
    measuring.adopt()
    known = scenarios.quick() if options.quick else scenarios.full()
    wanted = [each for each in known if not options.scenario or each.name in options.scenario]
    pace = _Pace(
        rounds=options.rounds or (1 if options.quick else 3),
        limit=options.limit or (_QUICK_LIMIT_SECONDS if options.quick else _LIMIT_SECONDS),
        seconds=options.minutes * 60,
        scenarios=len(wanted),
    )
    print(f"{_machine()}; up to {pace.rounds} rounds in turn, {pace.limit:.0f} s for each run")
    every: dict[str, list[Summary]] = {}
    fast = _fast_place()
    with tempfile.TemporaryDirectory(prefix="sidebyside-", dir=fast) as folder:
        for scenario in wanted:
            print(headline(scenario), flush=True)
            began = time.monotonic()
            tools = (
                peers.at_every_setting()
                if options.seek
                else peers.found(far=scenario.is_far, defaults=not options.quick)
            )
            asked = [each for each in tools if not options.tool or each.name in options.tool]
            every[scenario.name] = _measured(scenario, asked, pace, Path(folder))
            pace.scenario_is_over()
            print(f"  (it took {time.monotonic() - began:.0f} s)", flush=True)
    # With so little data it is the start of each program that is measured: no goal is for that.
    missed = [m for each in wanted for m in misses(each, every[each.name])]
    if not options.quick and not options.seek:
        print("\n".join(["", *(missed or ["every goal is reached"])]))
    if options.json:
        document = _document(wanted, every, missed, pace)
        Path(options.json).write_text(json.dumps(document, indent=2))
    ours = [each for found in every.values() for each in found if each.ours]
    return int(any(each.failed for each in ours))


@dataclass
class _Pace:
    """How often and how long: up to `rounds`, `limit` seconds a run, `seconds` for all (0: any).

    What one scenario leaves of its share of the time is the others'. One round is always run.
    """

    rounds: int
    limit: float
    seconds: float
    scenarios: int
    _over: int = 0
    _began: float = field(default_factory=time.monotonic)

    def scenario_is_over(self) -> None:
        self._over += 1

    def has_time(self) -> bool:
        """Tell whether there is time for one more round of the present scenario."""
        share = self.seconds * (self._over + 1) / self.scenarios
        return not self.seconds or time.monotonic() - self._began < share


def _measured(
    scenario: Scenario, tools: Sequence[Tool], pace: _Pace, folder: Path
) -> list[Summary]:
    """Measure the tools in turn, and print each one's line when all rounds are over."""
    place = folder / scenario.name.replace(" ", "-")
    prepared = prepare(scenario, place)
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools if _fits(tool, scenario)}
    for number in range(pace.rounds):
        if number and not pace.has_time():
            break
        for name in runs if number % 2 == 0 else reversed(runs):
            if any(run.cost.wall > _LONG_SECONDS for run in runs[name]):
                continue
            tool = next(each for each in tools if each.name == name)
            runs[name].append(_run(tool, scenario, prepared, place / "run", pace.limit))
    found = summaries(runs, {tool.name: tool for tool in tools})
    for summary in found:
        print(line_of(summary, found), flush=True)
    shutil.rmtree(place)
    return found


def _fits(tool: Tool, scenario: Scenario) -> bool:
    """Tell whether a tool has something to trust, where it is told to."""
    return not tool.trusts or scenario.has is Has.ALL


def _run(tool: Tool, scenario: Scenario, prepared: Prepared, folder: Path, limit: float) -> Run:
    """Run a tool once against fresh registries."""
    folder.mkdir()
    target = folder / "target-storage"
    try:
        if tool.trusts:
            with world(
                scenario, prepared.ports, prepared.before, target, folder / "first"
            ) as first:
                _once(tool, first, prepared, folder / "tool", limit)
        elif scenario.has is not Has.NOTHING:
            shutil.copytree(prepared.before, target)
        with world(scenario, prepared.ports, prepared.after, target, folder / "world") as here:
            if _fast_place() is None:
                os.sync()  # What was written before is no matter of whose turn it is.
            marks = here.mark()
            cost = _once(tool, here, prepared, folder / "tool", limit)
            traffic = here.traffic(marks, prepared.sizes)
        whole = tags_of(target) == tags_of(prepared.after)
        return Run(cost, traffic, whole)
    finally:
        shutil.rmtree(folder)


def _once(
    tool: Tool, here: World, prepared: Prepared, folder: Path, limit: float
) -> measuring.Cost:
    folder.mkdir(exist_ok=True)
    source, target = here.hosts
    ca = str(here.ca) if here.ca else ""
    task = Task(source, target, prepared.repositories, folder, ca)
    environment = _environment(folder, ca)
    return measuring.run(tool.lines(task), environment, folder / "output.log", limit)


def _environment(folder: Path, ca: str) -> Mapping[str, str]:
    """Return what a tool starts with: a home of its own, and whom it may trust."""
    given = {"HOME": str(folder), "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    return given | ({"SSL_CERT_FILE": ca} if ca else {}) | {"TRANSSHIP_HOME": str(folder / "home")}


def _fast_place() -> str | None:
    """Return where files are kept in memory, if there is room, so that no disk is measured."""
    place = "/dev/shm"
    room = os.access(place, os.W_OK) and shutil.disk_usage(place).free > _ROOM
    return place if room else None


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.system()} {platform.machine()}, {sys.version.split()[0]}"


def _document(
    wanted: Sequence[Scenario],
    every: Mapping[str, Sequence[Summary]],
    missed: Sequence[str],
    pace: _Pace,
) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "rounds": pace.rounds,
        "limit": pace.limit,
        "plans": {each.name: asdict(planned(each, trusts=False)) for each in wanted},
        "scenarios": {name: [asdict(each) for each in found] for name, found in every.items()},
        "missed": list(missed),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sidebyside", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, one round")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0, help="fewer rounds, where it is late")
    parser.add_argument("--limit", type=float, default=0, help="seconds for each run")
    parser.add_argument("--seek", action="store_true", help="try the settings of each peer")
    parser.add_argument("--scenario", action="append", help="only this one; can be repeated")
    parser.add_argument("--tool", action="append", help="only this one; can be repeated")
    parser.add_argument("--json", metavar="FILE", help="write all figures here, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
