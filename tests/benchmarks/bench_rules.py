"""How long the app is deaf while a rule is typed against a thousand repositories and their tags.

The lag is how much later than asked a sleeper in the app's loop is woken, while a source of 1,000
repositories with 100 tags each is listed, and a rule's fields are typed into. Run it by hand:

    python tests/benchmarks/bench_rules.py

It prints the lag in milliseconds for each step, and how long after the last key the matches are
right. It exits with 1 when the lag isn't under 50 ms at the 99th percentile of all but the first
step: to open the screen takes as long as that of any other.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.bench_browse import Lag, tell
from benchmarks.figures import Figure, keep
from fakes.engine import FakeEngine
from transship.accounts.registry_file import Account
from transship.settings import Settings
from transship_tui.app import TransshipApp
from transship_tui.screens.plan.rule_matches import RuleMatches
from transship_tui.widgets.table import VirtualTable

_REPOSITORIES, _TAGS = 1_000, 100
_MOST = 50.0
_PLAN = """version = 1
kind = "sync"

[[rules]]
from = "old.example"
to = "new.example/mirror"

[[rules]]
from = "old.example/team7"
repositories = ["**", "!tmp-*"]
tags = { include = ["v*"], semver = ">=1 <8", newest = 20, by = "version" }
to = "new.example/team7"
"""


def engine() -> FakeEngine:
    names = [f"team{number % 20}/app-{number}" for number in range(_REPOSITORIES)]
    tags = [f"v{n // 10}.{n % 10}.{n % 7}" for n in range(_TAGS - 5)]
    tags += ["latest", "main", "v9.0.0-rc1", "v9.0.0-rc2", "nightly"]
    return FakeEngine(
        known=[Account("old.example"), Account("new.example")],
        catalog={"old.example": names},
        tag_lists={f"old.example/{name}": tags for name in names},
        plan_texts={"bench": _PLAN},
    )


async def main() -> int:
    lag = Lag()
    began = time.perf_counter()
    app = TransshipApp(engine(), Settings(guide=False))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await pilot.pause()

        async def settled() -> float:
            since = time.perf_counter()
            await asyncio.sleep(RuleMatches.PAUSE)
            while app.screen.query_one(RuleMatches).is_busy:
                await asyncio.sleep(0.005)
            return time.perf_counter() - since

        async def typed(step: str, *keys: str) -> None:
            async with lag.of(step):
                await pilot.press(*keys)
                seconds = await settled()
            sys.stdout.write(f"{'':<24} right {seconds * 1000:.0f} ms after the last key\n")

        await typed("open, and list all tags", "enter")
        lag.samples = []
        # The app does this itself where it isn't driven by a pilot.
        gc.freeze()
        await typed("repositories", *"team1*/**")
        await typed("and not", *" !team11/*")
        await typed("include", "down", "down", "down", *"v*")
        await typed("exclude", "down", *"*-rc*")
        await typed("versions", "down", *">=1.2 <5")
        await typed("newest", "down", "down", *"20")
        app.screen.query_one(VirtualTable).focus()
        await typed("show what is dropped", "f")
        await typed("last and first", "G", "g", "G")
        await typed("the other rule", "right_square_bracket", "end", "backspace", "backspace")
    tell("all but opening", lag.samples, time.perf_counter() - began)
    p99 = quantiles(lag.samples, n=100)[98]
    tags = _REPOSITORIES * _TAGS
    return keep(Figure(f"rules, {tags:,} tags: lag of the loop, p99", p99, "ms", _MOST))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
