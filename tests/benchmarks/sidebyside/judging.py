"""What the runs of a scenario come to: medians, and which goals were missed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sidebyside.measuring import STOPPED, Cost
from sidebyside.peers import Tool
from sidebyside.request_plan import planned
from sidebyside.scenarios import Scenario
from sidebyside.world import Traffic

MEBIBYTE = 1024 * 1024
_MOST_MEMORY = 150 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it cost, what the registries were asked for, and whether all is there."""

    cost: Cost
    traffic: Traffic
    whole: bool

    @property
    def stopped(self) -> bool:
        """Whether it took longer than it was given: its time is the least that it takes."""
        return self.cost.status == STOPPED

    @property
    def failed(self) -> bool:
        """Whether it ended badly, or left something out."""
        return self.cost.status != 0 or not self.whole


@dataclass(frozen=True, slots=True)
class Summary:
    """The medians of a tool's runs in one scenario; `said` is the end of what a failed one said.

    One that was `stopped` has failed, too, and takes `wall` seconds or more.
    """

    tool: str
    ours: bool
    default: bool
    trusts: bool
    wall: float
    cpu: float
    memory: int
    source_requests: int
    target_requests: int
    bytes_up: int
    twice: int
    failed: bool
    runs: int
    stopped: bool = False
    said: str = ""


def summaries(runs: Mapping[str, Sequence[Run]], tools: Mapping[str, Tool]) -> list[Summary]:
    """Return the medians by tool; one failed run makes a tool's figures no figures."""
    return [_summary(tools[name], every) for name, every in runs.items()]


def _summary(tool: Tool, runs: Sequence[Run]) -> Summary:
    failed = [run for run in runs if run.failed]
    return Summary(
        tool.name,
        tool.ours,
        tool.default,
        tool.trusts,
        median(run.cost.wall for run in runs),
        median(run.cost.cpu for run in runs),
        max(run.cost.memory for run in runs),
        round(median(run.traffic.source for run in runs)),
        round(median(run.traffic.target for run in runs)),
        round(median(run.traffic.bytes_up for run in runs)),
        max(len(run.traffic.twice) for run in runs),
        bool(failed),
        len(runs),
        bool(failed) and all(run.stopped for run in failed),
        failed[0].cost.output.strip()[-400:] if failed else "",
    )


def fastest_peer(found: Sequence[Summary]) -> Summary | None:
    """Return the peer that took least, of those whose runs were complete."""
    peers = [each for each in found if not each.ours and not each.failed]
    return min(peers, key=lambda each: each.wall, default=None)


def misses(scenario: Scenario, found: Sequence[Summary]) -> list[str]:
    """Return in words which goals Transship missed."""
    fastest = fastest_peer(found)
    peers = [each for each in found if not each.ours and not each.failed]
    beaten = [each for each in found if not each.ours and (each.stopped or not each.failed)]
    missed = []
    for ours in (each for each in found if each.ours):
        place = f"{scenario.name}, {ours.tool}"
        if ours.failed:
            missed.append(f"{place}: a run was not complete")
        goal = scenario.goal_trusting if ours.trusts else scenario.goal
        if fastest and goal and ours.wall > goal * fastest.wall:
            ratio = ours.wall / fastest.wall
            missed.append(f"{place}: {ratio:.2f} of {fastest.tool}, wanted {goal:.2f}")
        for peer in beaten:
            wanted = scenario.goal_default
            if peer.default and wanted and ours.wall > wanted * peer.wall:
                ratio = f"{ours.wall / peer.wall:.2f} of {peer.tool}"
                known = " or less, it was stopped" if peer.stopped else ""
                missed.append(f"{place}: {ratio}{known}, wanted {wanted:.2f}")
        asked = ours.source_requests + ours.target_requests
        plan = planned(scenario, trusts=ours.trusts)
        if asked > plan.allowed:
            missed.append(f"{place}: {asked} requests, the plan has {plan.total}")
        if ours.twice:
            missed.append(f"{place}: {ours.twice} blobs were uploaded twice")
        if ours.memory > _MOST_MEMORY:
            missed.append(f"{place}: {ours.memory / MEBIBYTE:.0f} MiB of memory")
        if peers and ours.cpu > median(peer.cpu for peer in peers):
            missed.append(f"{place}: {ours.cpu:.2f} CPU-s, more than the median peer")
    return missed
