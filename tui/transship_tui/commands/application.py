"""What typer makes of the commands: the options of all, the list of them, and the one to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from transship_tui.commands.listed import Command, fill
from transship_tui.commands.output import say, show
from transship_tui.commands.reported import reported

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "login": Command("login", "Add a registry, or sign in to one again."),
    "registries": Command("registries", "List the accounts, or show what can be done at one."),
    "services": Command("services", "List the services that are known, or show one."),
    "logout": Command("logout", "Remove an account, and its secret from the keyring."),
    "ls": Command("ls", "List accounts, repositories or tags."),
    "inspect": Command("inspect", "Show what a tag or a digest points at."),
    "find": Command("find", "Look for a package in Artifact Hub."),
    "copy": Command("copy", "Copy a tag, a digest, or every tag of a repository."),
    "advise": Command("advise", "Recommend a way from one registry to another."),
    "plan": Command("plan", "Show what a plan would do, and what that costs."),
    "drift": Command("drift", "Compare the targets of a plan with its sources, tag by tag."),
    "run": Command("run", "Carry a plan out: once, or with --watch again and again."),
    "import": Command("importing", "Make a plan of the configuration of another copy tool."),
    "verify": Command("verify", "Prove that the target has all of the source."),
    "delegate": Command("delegate", "Let Harbor or Tencent TCR do the moving.", group=True),
    "jobs": Command("jobs", "List the jobs, and the plans that are watched."),
    "attach": Command("control", "Follow a job to its end."),
    "pause": Command("control", "Let a running job come to a stop at its next good point."),
    "resume": Command("control", "Go on with a job that stopped, and follow it."),
    "cancel": Command("control", "End a job for good."),
    "retry": Command("control", "Try again what failed in a job, and follow it."),
    "limit": Command("control", "Change how hard a job may ask a registry, and when."),
    "undo": Command("undo", "Put back what each tag pointed at before a job."),
    "promote": Command("promote", "Move an image to the next stage of a flow, by digest."),
    "flow": Command("flow", "Show the images of a flow, and in which stage they are."),
    "report": Command("report", "Tell what a job was asked, what it did, and the proof."),
    "check": Command("check", "See whether domains can be moved, and what would break."),
    "cutover": Command("cutover", "Move a domain to another registry, step by step."),
    "demo": Command("demo", "Try it without an account, in a small world of its own."),
}
"""The commands, in the order of the help. It is written down here, so that the list needs none."""

_WELCOME = """\
Transship moves container images between registries, and proves it.

  transship demo                      watch it work, no account needed
  transship login HOST                add a registry
  transship ls HOST[/REPOSITORY]      see what is there
  transship copy SOURCE TARGET        copy a tag, or every tag of a repository
  transship verify SOURCE TARGET      prove that it has arrived
  transship jobs                      see what ran, and what runs

transship --help lists every command, transship COMMAND --help explains one."""


def app_for(words: Sequence[str]) -> typer.Typer:
    """Return the app that understands these words.

    Only the module that they need is imported: what lists jobs needn't wait for what speaks to
    registries, and the list of commands for nothing.
    """
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_transship)
    fill(app, COMMANDS, words or ("--version",))
    return app


def _transship(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Ask and answer in plain lines, without the app.")
    ] = False,
    guide: Annotated[
        bool | None, typer.Option("--guide/--no-guide", help="Open the app with or without it.")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Open the app, and change no DNS record from it.")
    ] = False,
) -> None:
    """Move container images between registries, and prove it.

    In a terminal, without a command, the app opens.
    """
    if version:
        from transship import __version__

        show(f"transship {__version__}")
    elif context.invoked_subcommand is None:
        reported(_open)(plain=plain, guide=guide, read_only=read_only)
    else:
        return
    raise typer.Exit


def _open(*, plain: bool, guide: bool | None, read_only: bool) -> int:
    from transship_tui.launch import can_draw, open_app, open_plain, wants_plain, why_not_drawn

    plain = plain or wants_plain()
    if not plain and not can_draw():
        show(_WELCOME)
        say(f"{why_not_drawn()}, so the app doesn't open; transship --plain asks in plain lines.")
        return 0
    from transship_tui.commands.session import open_session

    session = open_session()
    return open_plain(session) if plain else open_app(session, guide=guide, read_only=read_only)
