"""The line commands that do what the screens of delegations do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transship.engines.choice import EngineOptions
from transship.plans.plan import OnConflict
from transship_tui.lines import line

if TYPE_CHECKING:
    from transship.app.engines import (
        DomainRequest,
        NetworkRequest,
        PlanRequest,
        QuickTransferRequest,
        ReplicaRequest,
    )


def ways_line(plan: str) -> str:
    """Return the line that says who could move a plan."""
    return line("delegate", "ways", plan)


def plan_wish_line(wish: PlanRequest, what: str = "apply") -> str:
    """Return the line that shows or makes what a wish would; empty for a plan that isn't saved."""
    if not wish.saved:
        return ""
    options, terms = wish.options, wish.terms
    valued = [
        ("--harbor", options.harbor),
        ("--name", options.name),
        ("--begins", str(terms.begins or "")),
        ("--cron", terms.cron),
        ("--speed", str(terms.speed or "")),
        ("--via", options.via if options.via != EngineOptions().via else ""),
        ("--uin", options.uin),
        ("--instance", options.instance),
        ("--region", options.region),
    ]
    words = [word for option, value in valued if value for word in (option, value)]
    flags = (
        ("--delete", terms.deletion),
        ("--chunks", terms.copy_by_chunk),
        ("--single", terms.single_active),
    )
    words += [option for option, is_said in flags if is_said]
    return line("delegate", what, wish.saved, "--by", wish.who, *words)


def quick_line(wish: QuickTransferRequest) -> str:
    """Return the line that moves all of a personal account of TCR to an instance."""
    words = [] if wish.newest is None else ["--newest", str(wish.newest)]
    if wish.on_conflict is not OnConflict.FAIL:
        words += ["--on-conflict", str(wish.on_conflict)]
    words += [word for old, new in wish.names for word in ("--rename", f"{old}={new}")]
    words += [word for name in wish.leave_out for word in ("--leave-out", name)]
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


def network_line(wish: NetworkRequest) -> str:
    """Return the line that explains, or changes, who gets through to an instance of TCR."""
    wishes = wish.wishes
    words = [] if wishes.public is None else ["--open" if wishes.public else "--close"]
    several = (
        ("--allow", wishes.allow),
        ("--disallow", wishes.disallow),
        ("--link", wishes.link),
        ("--unlink", wishes.unlink),
        ("--record", wishes.resolve),
        ("--unrecord", wishes.unresolve),
    )
    words += [word for option, values in several for value in values for word in (option, value)]
    words += ["--vpc-domain"] if wishes.vpc_domain else []
    words += ["--here", wish.here] if wish.here else []
    return line("delegate", "network", wish.host, *words)


def replica_line(wish: ReplicaRequest) -> str:
    """Return the line that replicates an instance of TCR to another region."""
    return line("delegate", "replica", wish.host, "--region", wish.region)


def domains_line(host: str) -> str:
    """Return the line that lists the custom domains of an instance of TCR."""
    return line("delegate", "domain", "list", host)


def domain_line(wish: DomainRequest) -> str:
    """Return the line that attaches or removes a custom domain."""
    if wish.remove:
        return line("delegate", "domain", "remove", wish.host, wish.name)
    words = ["--certificate", wish.certificate]
    if wish.files is not None:
        words = ["--upload", *map(str, wish.files)]
    return line("delegate", "domain", "add", wish.host, wish.name, *words)
