"""The commands: listed by their names, imported when they are run, with the options of all."""

from __future__ import annotations

from importlib import import_module
from itertools import dropwhile
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from transship.errors import BadRequest
from transship_tui.commands.output import reported, say, show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Command(NamedTuple):
    """The module that a command's function is in, and what the list of commands says of it.

    A `group` has commands of its own: its module's `group` makes them, of the words that follow.
    """

    module: str
    help: str
    group: bool = False


def fill(
    app: typer.Typer, commands: Mapping[str, Command], words: Sequence[str], *, prefix: str = ""
) -> None:
    """Give an app the command that these words begin with, or the list of all of them.

    Its function is called as the command is, after `prefix`. Only the module that is needed is
    imported.
    """
    first = words[0] if words else ""
    command = commands.get(first)
    if command is None:
        if first in ("", "-h", "--help") or not first.startswith("-"):
            for name, each in commands.items():
                app.command(name, short_help=each.help)(_named_only)
        return
    module = import_module(f"transship_tui.commands.{command.module}")
    if command.group:
        app.add_typer(module.group(words[1:]), name=first)
        return
    called = f"{prefix}{first}"
    function: Callable[..., int] = getattr(module, f"{called}_" if iskeyword(called) else called)
    app.command(first)(reported(function))


def _named_only() -> None:
    """Stand for a command that is listed, and not run."""


COMMANDS = {
    "login": Command("login", "Add a registry, or sign in to one again."),
    "registries": Command("registry", "List the accounts, or show what can be done at one."),
    "services": Command("registry", "List the services that are known, or show one."),
    "logout": Command("registry", "Remove an account, and its secret from the keyring."),
    "ls": Command("registry", "List accounts, repositories or tags."),
    "inspect": Command("registry", "Show what a tag or a digest points at."),
    "find": Command("registry", "Look for a package in Artifact Hub."),
    "copy": Command("copy", "Copy a tag, a digest, or every tag of a repository."),
    "advise": Command("advise", "Recommend a way from one registry to another."),
    "plan": Command("plan", "Show what a plan would do, and what that costs."),
    "drift": Command("plan", "Compare the targets of a plan with its sources, tag by tag."),
    "run": Command("run", "Carry a plan out: once, or with --watch again and again."),
    "import": Command("plan", "Make a plan of the configuration of another copy tool."),
    "verify": Command("job", "Prove that the target has all of the source."),
    "delegate": Command("engine", "Let Harbor or Tencent TCR do the moving.", group=True),
    "jobs": Command("jobs", "List the jobs, and the plans that are watched."),
    "attach": Command("job", "Follow a job to its end."),
    "pause": Command("job", "Let a running job come to a stop at its next good point."),
    "resume": Command("job", "Go on with a job that stopped, and follow it."),
    "cancel": Command("job", "End a job for good."),
    "retry": Command("job", "Try again what failed in a job, and follow it."),
    "limit": Command("job", "Change how hard a job may ask a registry, and when."),
    "undo": Command("job", "Put back what each tag pointed at before a job."),
    "promote": Command("flow", "Move an image to the next stage of a flow, by digest."),
    "flow": Command("flow", "Show the images of a flow, and in which stage they are."),
    "report": Command("job", "Tell what a job was asked, what it did, and the proof."),
    "check": Command("check", "See whether domains can be moved, and what would break."),
    "cutover": Command("cutover", "Move a domain to another registry, step by step.", group=True),
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
    # What stands before a command is refused by it, which can be said once it is known.
    called = list(dropwhile(lambda word: word[:1] == "-" and word not in ("-h", "--help"), words))
    fill(app, COMMANDS, called or words or ("--version",))
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
    elif plain or guide is not None or read_only:
        option = "--plain" if plain else "--read-only" if read_only else "--guide"
        context.fail(f"{option} is for the app, which `{context.invoked_subcommand}` doesn't open.")
    else:
        return
    raise typer.Exit


def _open(*, plain: bool, guide: bool | None, read_only: bool) -> int:
    if plain and guide is not None:
        raise BadRequest("--plain is a guide in lines, so --guide and --no-guide say nothing")
    from transship_tui.launch import can_draw, open_app, open_plain, wants_plain, why_not_drawn

    plain = plain or wants_plain()
    if not plain and not can_draw():
        show(_WELCOME)
        say(f"{why_not_drawn()}, so the app doesn't open; transship --plain asks in plain lines.")
        return 0
    from transship_tui.commands.options import open_application

    app = open_application()
    app.cutovers.read_only = read_only
    return open_plain(app) if plain else open_app(app, guide=guide)
