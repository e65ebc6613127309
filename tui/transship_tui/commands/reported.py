"""Around every command: whatever happens in it, the operator reads words and no traceback."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from transship.errors import TransshipError
from transship.paths import default_paths, private_folder
from transship_tui.commands.output import say, say_problem, show_error

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
    except TransshipError as error:
        show_error(error, as_json=bool(options.get("as_json")))
        return error.exit_status
    except BrokenPipeError:
        # What is still in the buffer would complain again at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except OSError as error:
        say_problem(
            "The system refused",
            f"{error.filename or command.__name__}: {error.strerror or error}",
            "Check the rights and the room there; TRANSSHIP_HOME moves what Transship keeps.",
        )
        return 1
    except Exception as error:  # noqa: BLE001 - the last place where it can be put into words
        say_problem(
            "Transship has a fault",
            f"{type(error).__name__} in `transship {command.__name__}`",
            f"Please report it with what {_logged(error)} says.",
        )
        return 1
    return status


def _logged(error: BaseException) -> str:
    """Keep where an unexpected error came from, and return the place.

    The error's own words are left out: they may quote a secret.
    """
    path = private_folder(default_paths().state) / "errors.log"
    lines = [f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {sys.version.split()[0]}"]
    cause: BaseException | None = error
    while cause is not None:
        lines += [type(cause).__qualname__, *traceback.format_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as log:
        log.write("\n".join(lines) + "\n")
    return str(path)
