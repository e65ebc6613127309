"""`transship delegate`: lets an engine elsewhere do the moving, by commands of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from transship_tui.commands.listed import Command, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "ways": Command("delegate_plan", "Show who could move a plan, and why the others can't."),
    "show": Command("delegate_plan", "Show what would be made at an engine for a plan."),
    "apply": Command("delegate_plan", "Let an engine move a plan: shown, asked, made, read back."),
    "list": Command("delegate_made", "List what was delegated from this machine."),
    "status": Command("delegate_made", "Show how a delegation stands at its engine."),
    "resume": Command("delegate_made", "Go on with a delegation that was broken off."),
    "undo": Command("delegate_made", "Take back what a delegation has made."),
    "start": Command("delegate_run", "Begin an execution, where the engine can be told to."),
    "stop": Command("delegate_run", "Ask for executions that run to be stopped."),
    "follow": Command("delegate_run", "Follow what the engine does until nothing runs."),
    "log": Command("delegate_run", "Print the log of a task."),
    "quick": Command("delegate_quick", "Move all of a TCR Personal account to an instance."),
    "replica": Command("delegate_replica", "List the replicas of a TCR, make or delete one."),
    "network": Command("delegate_network", "Explain who gets through to a TCR, or change it."),
    "domain": Command(
        "delegate_domain", "List, add or remove custom domains of a TCR.", group=True
    ),
}
"""The commands, in the order of the help."""


def group(words: Sequence[str]) -> typer.Typer:
    """Return the app that understands what comes after `transship delegate`."""
    app = typer.Typer(
        help=(
            "Let Harbor or Tencent TCR do the moving.\n\n"
            "What would be changed there is shown, asked about, made and read back; it is "
            "journalled, and can be taken back."
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    fill(app, COMMANDS, words, prefix="delegate_")
    return app
