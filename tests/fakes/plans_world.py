"""Plans for the world of every screen, what they would do, and the ways to their screens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fakes.screen import screen_text, until
from transship.oci.reference import Reference
from transship.plans.selection import Dropped
from transship.registry.registry import Quota
from transship.text import safe
from transship.transfers.copies import Found, Verdict, Worklist
from transship.transfers.preview import Preview
from transship.transfers.pruning import PrunedShare, PrunedTags
from transship_tui.screens.plan.rule_matches import RuleMatches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fakes.engine import FakeEngine
    from fakes.world import Walk

MIB = 1024**2
OLD, NEW = "old.example:5000", "new.example"
PLAN = """version = 1
kind = "sync"
retries = 1

# What the teams ship.
[[rules]]
from = "old/team"
repositories = ["**", "!tmp-*"]
tags = { include = ["v*"], exclude = ["*9"], newest = 20, by = "version" }
to = "new/mirror"

[[rules]]
from = "old"
repositories = ["**", "!team/**"]
to = ["new/rest", "docker.io/acme"]

[schedule]
every = "10m"
"""
KEEPING_STEP = """version = 1
kind = "replication"

[[rules]]
from = "old/library"
to = "new/library"

[delete]
at_most = "2%"
protect = ["alpine:3.*"]
"""
PLANS = {
    "nightly": PLAN,
    "keep-in-step": KEEPING_STEP,
    "broken": PLAN.replace("retries", "retry"),
}


def foreseen(worklist: Worklist, words: str = "") -> Preview:
    """Return what would be done: some copies, two deletions, and much that is left out."""
    gone = tuple(
        replace(copy, id=100 + copy.id, verdict=Verdict.DELETE, reason="gone at the source")
        for copy in worklist.copies[:2]
    )
    found = tuple(Found(c.target, c.target, None, c.digest, vanished=True) for c in gone)
    web = [Reference(OLD, "team/web", f"v{number}9") for number in range(6)]
    left_out = [Dropped(tag, words or "excluded by *9", 0) for tag in web]
    return Preview(
        replace(worklist, copies=(*worklist.copies, *gone)),
        dropped=(
            *left_out,
            Dropped(Reference(OLD, words or "team/tmp-1"), "left out by !tmp-*", 0),
        ),
        new_repositories=frozenset({(NEW, words or "mirror/web"), (NEW, "mirror/api")}),
        manifests_read={"docker.io": 120},
        quotas={"docker.io": Quota(left=76, limit=100, seconds=21_600)},
        vanished=PrunedTags(found, (PrunedShare(Reference("new.example"), len(found), 140, 7),)),
    )


def fill(engine: FakeEngine, words: str = "") -> None:
    """Put in plans, and what a look at both sides would find; `words` come from elsewhere."""
    engine.plan_texts = dict(PLANS)
    engine.rate = 42.0 * MIB
    if words:
        name = safe(words, limit=60).replace("/", "|")
        engine.plan_texts = {name: f"# {safe(words)}\n{PLAN.replace('new/', f'{NEW}/')}"}
    engine.foreseen = foreseen(engine.worklist, words)


async def _plans(walk: Walk) -> None:
    await walk.press("3")
    await walk.is_at("PlanScreen")
    await walk.press("G")


async def _settled(walk: Walk) -> None:
    matches = walk.app.screen.query_one(RuleMatches)
    await until(walk.pilot, lambda: not matches.is_busy, "the tags are gone through")
    await walk.rests()


async def _rule(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("enter")
    await walk.is_at("PlanEditorScreen")
    await _settled(walk)


async def _mistake(walk: Walk) -> None:
    await _rule(walk)
    await walk.press(*["down"] * 5, "end", *">=")
    await _settled(walk)


async def _dropped(walk: Walk) -> None:
    await _rule(walk)
    walk.app.screen.query_one("#matches VirtualTable").focus()
    await walk.press("f", "j", "j")


async def _whole(walk: Walk) -> None:
    await _rule(walk)
    await walk.press("f5")


async def _new(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("a")
    await walk.is_at("PlanEditorScreen")
    await _settled(walk)


async def _text(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("t")
    await walk.is_at("PlanTextDialog")


async def _changed(walk: Walk) -> None:
    await _rule(walk)
    await walk.press(*"x")
    name = max(walk.engine.plan_texts)
    walk.engine.plan_texts[name] += "# mine\n"
    await until(walk.pilot, lambda: "changed elsewhere" in screen_text(walk.app), "it is seen")
    await walk.press("ctrl+s")
    await walk.is_at("PlanChangedDialog")


async def _foreseen(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("p")
    await walk.is_at("PlanPreviewScreen")
    await until(walk.pilot, lambda: "Verdict" in screen_text(walk.app), "it is known")
    await walk.press("j", "j", "j")


async def _left_out(walk: Walk) -> None:
    await _foreseen(walk)
    await walk.press("right", "right")


async def _start(walk: Walk) -> None:
    await _plans(walk)
    await walk.press("R")
    await walk.is_at("ConfirmDialog")


WAYS: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "plans": _plans,
    "plan-rule": _rule,
    "plan-mistake": _mistake,
    "plan-dropped": _dropped,
    "plan-whole": _whole,
    "plan-new": _new,
    "plan-text": _text,
    "plan-changed": _changed,
    "plan-preview": _foreseen,
    "plan-left-out": _left_out,
    "plan-start": _start,
}
"""How to get to each of these from the first screen, by a name for it."""
