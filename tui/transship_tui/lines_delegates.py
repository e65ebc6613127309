"""The line commands that do what the screens of delegations do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.delegates.options import Options
from transship.plans.plan import OnConflict
from transship_tui.lines import line

if TYPE_CHECKING:
    from transship_tui.engine_delegates import PlanWish, QuickWish


def ways_line(plan: str) -> str:
    """Return the line that says who could move a plan."""
    return line("delegate", "ways", plan)


def plan_wish_line(wish: PlanWish, what: str = "apply") -> str:
    """Return the line that shows or makes what a wish would; empty for a plan that isn't saved."""
    if not wish.saved:
        return ""
    options, terms = wish.options, wish.terms
    valued = [
        ("--harbor", options.harbor),
        ("--name", options.name),
        ("--begins", str(terms.begins or "")),
        ("--cron", terms.cron),
        ("--via", options.via if options.via != Options().via else ""),
        ("--uin", options.uin),
        ("--instance", options.instance),
        ("--region", options.region),
    ]
    words = [word for option, value in valued if value for word in (option, value)]
    words += ["--delete"] if terms.deletion else []
    return line("delegate", what, wish.saved, "--by", wish.who, *words)


def quick_line(wish: QuickWish) -> str:
    """Return the line that moves all of a personal account of TCR to an instance."""
    words = [] if wish.newest is None else ["--newest", str(wish.newest)]
    if wish.on_conflict is not OnConflict.FAIL:
        words += ["--on-conflict", str(wish.on_conflict)]
    if wish.incomplete:
        words.append("--incomplete")
    if wish.expose:
        words.append("--expose")
    return line("delegate", "quick", wish.source, wish.target, *words)


def delegations_line() -> str:
    """Return the line that lists what was delegated."""
    return line("delegate", "list")


def delegation_line(delegation: str, what: str = "status") -> str:
    """Return the line that does something with one delegation."""
    return line("delegate", what, delegation)


def task_log_line(delegation: str, task: str) -> str:
    """Return the line that prints the log of a task."""
    return line("delegate", "log", delegation, task)
