"""The command: runs the scenarios, prints a table as it goes, and then what was missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sidebyside import measuring, peers, scenarios
from sidebyside.judging import Run, Summary, misses, summaries
from sidebyside.peers import Task, Tool
from sidebyside.scenarios import Has, Scenario
from sidebyside.table import headline, line_of
from sidebyside.world import Prepared, World, prepare, tags_of, world

_LIMIT_SECONDS = 900.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 0, or 1 when a run of Transship's was not complete."""
    options = _options(arguments)
    measuring.adopt()
    known = scenarios.quick() if options.quick else scenarios.full()
    wanted = [each for each in known if not options.scenario or each.name in options.scenario]
    tools = [each for each in peers.found() if not options.tool or each.name in options.tool]
    rounds = options.rounds or (1 if options.quick else 3)
    print(f"{_machine()}; {rounds} rounds in turn; {', '.join(each.name for each in tools)}")
    every: dict[str, list[Summary]] = {}
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sidebyside-", dir=fast) as folder:
        for scenario in wanted:
            print(headline(scenario), flush=True)
            every[scenario.name] = _measured(scenario, tools, rounds, Path(folder))
    missed = [miss for each in wanted for miss in misses(each, every[each.name])]
    print("\n".join(["", *(missed or ["every goal is reached"])]))
    if options.json:
        Path(options.json).write_text(json.dumps(_document(every, missed, rounds), indent=2))
    ours = [each for found in every.values() for each in found if each.ours]
    return int(any(each.failed for each in ours))


def _measured(
    scenario: Scenario, tools: Sequence[Tool], rounds: int, folder: Path
) -> list[Summary]:
    """Measure the tools in turn, and print each one's line when all rounds are over."""
    place = folder / scenario.name.replace(" ", "-")
    prepared = prepare(scenario, place)
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools if _fits(tool, scenario)}
    for number in range(rounds):
        turn = list(runs) if number % 2 == 0 else list(reversed(runs))
        for name in turn:
            tool = next(each for each in tools if each.name == name)
            runs[name].append(_run(tool, scenario, prepared, place / "run"))
    found = summaries(runs, {tool.name: tool for tool in tools})
    for summary in found:
        print(line_of(summary, found), flush=True)
    shutil.rmtree(place)
    return found


def _fits(tool: Tool, scenario: Scenario) -> bool:
    """Tell whether a tool has something to trust, where it is told to."""
    return not tool.trusts or scenario.has is Has.ALL


def _run(tool: Tool, scenario: Scenario, prepared: Prepared, folder: Path) -> Run:
    """Run a tool once against fresh registries."""
    folder.mkdir()
    target = folder / "target-storage"
    try:
        if tool.trusts:
            with world(
                scenario, prepared.ports, prepared.before, target, folder / "first"
            ) as first:
                _once(tool, first, prepared, folder / "tool")
        elif scenario.has is not Has.NOTHING:
            shutil.copytree(prepared.before, target)
        with world(scenario, prepared.ports, prepared.after, target, folder / "world") as here:
            marks = here.mark()
            cost = _once(tool, here, prepared, folder / "tool")
            traffic = here.traffic(marks, prepared.sizes)
        whole = tags_of(target) == tags_of(prepared.after)
        return Run(cost, traffic, whole)
    finally:
        shutil.rmtree(folder)


def _once(tool: Tool, here: World, prepared: Prepared, folder: Path) -> measuring.Cost:
    folder.mkdir(exist_ok=True)
    source, target = here.hosts
    ca = str(here.ca) if here.ca else ""
    task = Task(source, target, prepared.repositories, folder, ca)
    return measuring.run(
        tool.lines(task), _environment(folder, ca), folder / "output.log", _LIMIT_SECONDS
    )


def _environment(folder: Path, ca: str) -> Mapping[str, str]:
    """Return what a tool starts with: a home of its own, and whom it may trust."""
    given = {"HOME": str(folder), "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    return given | ({"SSL_CERT_FILE": ca} if ca else {}) | {"TRANSSHIP_HOME": str(folder / "home")}


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.system()} {platform.machine()}, {sys.version.split()[0]}"


def _document(
    every: Mapping[str, Sequence[Summary]], missed: Sequence[str], rounds: int
) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "rounds": rounds,
        "scenarios": {name: [asdict(each) for each in found] for name, found in every.items()},
        "missed": list(missed),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sidebyside", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small data, one round")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--scenario", action="append", help="only this one; can be repeated")
    parser.add_argument("--tool", action="append", help="only this one; can be repeated")
    parser.add_argument("--json", metavar="FILE", help="write all figures here, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
