"""Around every command: whatever happens in it, the operator reads words and no traceback."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING

import typer

from transship_tui.commands.output import say, show_error
from transship_tui.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
_NOBODY_READS = 141  # 128 + SIGPIPE, as a shell sees a program that its reader has left.


def reported(command: Callable[..., int]) -> Callable[..., None]:
    """Return `command`, which gives its exit status, as typer calls it."""

    @functools.wraps(command)
    def run(**options: object) -> None:
        raise typer.Exit(_status_of(command, options))

    return run


def _status_of(command: Callable[..., int], options: dict[str, object]) -> int:
    try:
        status = command(**options)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would complain again at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place where it can be put into words
        name = command.__name__
        called = "" if name[0] == "_" else f" {name.replace('_', ' ').strip()}"
        shown = Faults().shown(error, f"`transship{called}`")
        show_error(shown, as_json=bool(options.get("as_json")))
        return shown.exit_status
    return status
