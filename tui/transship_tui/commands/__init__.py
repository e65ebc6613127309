"""The line: `transship COMMAND`. Each command parses, calls the core, and prints."""

from __future__ import annotations

import sys
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Annotated

import typer

from transship_tui.commands.output import say, show
from transship_tui.commands.reported import reported

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULES = {
    "login": "login",
    "registries": "registries",
    "logout": "logout",
    "ls": "ls",
    "inspect": "inspect",
    "copy": "copy",
    "advise": "advise",
    "plan": "plan",
    "drift": "drift",
    "run": "run",
    "import": "importing",
    "verify": "verify",
    "jobs": "jobs",
    "attach": "control",
    "pause": "control",
    "resume": "control",
    "cancel": "control",
    "retry": "control",
    "limit": "control",
    "undo": "undo",
    "promote": "promote",
    "flow": "flow",
    "report": "report",
    "check": "check",
    "cutover": "cutover",
    "demo": "demo",
}
"""The commands, in the order of the help, and the modules that their functions are in."""

_WELCOME = """\
Transship moves container images between registries, and proves it.

  transship demo                      watch it work, no account needed
  transship login HOST                add a registry
  transship ls HOST[/REPOSITORY]      see what is there
  transship copy SOURCE TARGET        copy a tag, or every tag of a repository
  transship verify SOURCE TARGET      prove that it has arrived
  transship jobs                      see what ran, and what runs

transship --help lists every command, transship COMMAND --help explains one."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        # Where the terminal's encoding lacks a character, a question mark beats an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if hasattr(sys.stdout, "reconfigure") and not sys.stdout.isatty():
        # Who reads a pipe wants each line when it is written, not when the watch is over.
        sys.stdout.reconfigure(line_buffering=True)
    app_for(words)(args=words, prog_name="transship")


def app_for(words: Sequence[str]) -> typer.Typer:
    """Return the app that understands these words.

    Only the modules that they need are imported: what lists jobs needn't wait for what speaks to
    registries.
    """
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_transship)
    for name in _needed(words):
        module = import_module(f"transship_tui.commands.{_MODULES[name]}")
        function = f"{name}_" if iskeyword(name) else name
        app.command(name)(reported(getattr(module, function)))
    return app


def _needed(words: Sequence[str]) -> list[str]:
    first = words[0] if words else "--version"
    if first in _MODULES:
        return [first]
    return list(_MODULES) if first in ("-h", "--help") or not first.startswith("-") else []


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
