"""Commands that are listed by their names, and imported only when they are run."""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, NamedTuple

from transship_tui.commands.reported import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import typer


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
