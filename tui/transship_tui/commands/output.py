"""What is written where: results to standard output, everything else to standard error.

Whatever happens in a command, the operator reads words and no traceback.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum
from itertools import chain, islice
from typing import TYPE_CHECKING, TextIO, TypeVar

import typer

from transship.errors import BadFile, PluginBroken, TransshipError
from transship.plugins import tell_broken
from transship.text import safe
from transship_tui.faults import Faults

if TYPE_CHECKING:
    from transship.errors import FileMistake

_GAP = "  "
_PIECES = 10_000
_LONGEST = 4000
_NARROWEST = 20

_S = TypeVar("_S")
_T = TypeVar("_T")


class Ink(Enum):
    """The few colours that the line uses, by what they say (ECMA-48, SGR)."""

    GOOD = "32"
    BAD = "1;31"
    WARNING = "33"
    QUIET = "2"


def show(text: str = "") -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{text}\n")


def show_command(line: str) -> None:
    """Write a line command whose result comes next."""
    show()
    show(painted(f"$ {line}", Ink.QUIET, sys.stdout))
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Write a line that is no result: progress, a note, a question's answer."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Lazily(list[_T]):
    """A list for `show_json` of what `make` makes of `items`, each as it is written.

    There may be so many that they don't all fit into memory.
    """

    def __init__(self, make: Callable[[_S], _T], items: Collection[_S]) -> None:
        super().__init__()
        self._make, self._items = make, items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[_T]:
        return map(self._make, self._items)


def show_json(document: object) -> None:
    """Write the one document that `--json` asks for. Pure ASCII, so that it harms no terminal."""
    pieces = json.JSONEncoder(indent=2).iterencode(document)
    # Many at once: a stream that isn't a terminal is flushed with each line that is written.
    while some := "".join(islice(pieces, _PIECES)):
        sys.stdout.write(some)
    show()


def show_error(error: TransshipError, *, as_json: bool = False) -> None:
    """Write an error for a person, and with `as_json` as a document too."""
    mistakes = error.mistakes if isinstance(error, BadFile) else ()
    if len(mistakes) > 1:
        _say_mistakes(error, mistakes)
    else:
        say_problem(error.title, error.detail, error.remedy)
    if as_json:
        said: dict[str, object] = {
            "cause": error.cause,
            "title": error.title,
            "detail": error.detail,
            "remedy": error.remedy,
        }
        if mistakes:
            said["mistakes"] = list(map(_mistake, mistakes))
        show_json({"error": said})


def _say_mistakes(error: TransshipError, mistakes: Sequence[FileMistake]) -> None:
    """Write every mistake of a file, each with what to do about it."""
    say_problem(error.title, "", "")
    for mistake in mistakes:
        say_wrapped(str(mistake), "  ")
        if mistake.remedy:
            say_wrapped(mistake.remedy, "    ", "→ ")
    say_wrapped(error.remedy, "  ", "→ ")


def _mistake(mistake: FileMistake) -> dict[str, object]:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "what": mistake.what,
        "meant": mistake.meant or mistake.remedy,
    }


def say_problem(title: str, detail: str, remedy: str) -> None:
    """Write what went wrong, where, and what to do."""
    say(f"{painted('error:', Ink.BAD, sys.stderr)} {safe(title)}")
    if detail:
        say_wrapped(detail, "  ")
    if remedy:
        say_wrapped(remedy, "  ", "→ ")


def say_wrapped(text: str, indent: str, mark: str = "") -> None:
    """Write what is no result in as many lines as it needs on the terminal: see `wrapped`."""
    for line in wrapped(text, indent, width_of(sys.stderr), mark):
        say(line)


def painted(text: str, ink: Ink, stream: TextIO) -> str:
    """Return `text` in a colour, where `stream` shows colours and the operator wants them."""
    if os.environ.get("NO_COLOR") or not is_screen(stream):
        return text
    return f"\x1b[{ink.value}m{text}\x1b[0m"


def is_screen(stream: TextIO) -> bool:
    """Tell whether `stream` is a terminal that understands more than plain lines."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """Return how many columns the terminal behind `stream` has, or None if there is none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80 if stream.isatty() else None
    except (OSError, ValueError):
        return None


def wrapped(text: str, indent: str, width: int | None, mark: str = "") -> Iterator[str]:
    """Give a text, made harmless, in lines that are torn between words only.

    `mark` stands before the first, the others hang below what follows it. Without a `width` it is
    one line. A word that is wider, as a digest, stays whole, so that it can be copied.
    """
    plain = safe(text, limit=_LONGEST)
    if width is None:
        yield f"{indent}{mark}{plain}"
        return
    yield from textwrap.wrap(
        plain,
        max(width, _NARROWEST),
        initial_indent=f"{indent}{mark}",
        subsequent_indent=indent + " " * len(mark),
        break_on_hyphens=False,
        break_long_words=False,
    )


def cells(text: str) -> int:
    """Return how many columns `text` takes."""
    return sum(map(_cells_of, text))


def fitted(text: str, width: int) -> str:
    """Return `text`, cut so that it takes at most `width` columns."""
    if cells(text) <= width:
        return text
    kept, left = "", width - 1
    for character in text:
        left -= _cells_of(character)
        if left < 0:
            break
        kept += character
    return f"{kept}…" if width > 0 else ""


def tail(text: str, width: int) -> str:
    """Return `text`, cut at its beginning so that it takes at most `width` columns.

    For what differs at its end: references, digests.
    """
    if cells(text) <= width:
        return text
    return f"…{fitted(text[::-1], width)[-2::-1]}" if width > 0 else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]], width: int | None) -> Iterator[str]:
    """Give the lines of a table; with a `width` no line is wider. Columns that are empty go.

    Rows are gone through twice, and are in memory one at a time unless they come as an iterator.
    """
    rows = tuple(rows) if isinstance(rows, Iterator) else rows
    widest = _widest(header, rows)
    filled = [bool(width) for width in widest] if any(widest) else [True] * len(header)
    widths = [max(cells(name), most) for name, most in zip(header, widest, strict=True)]
    kept = [number for number, keep in enumerate(filled) if keep]
    for row in chain((header,), rows):
        columns = [(safe(row[number]), widths[number]) for number in kept]
        padded = [cell + " " * (most - cells(cell)) for cell, most in columns]
        text = _GAP.join(padded).rstrip()
        yield fitted(text, width) if width else text


def _widest(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[int]:
    """Return how wide the widest cell of each column is, without the header."""
    widest = [0] * len(header)
    for row in rows:
        widest = [max(most, cells(safe(cell))) for most, cell in zip(widest, row, strict=True)]
    return widest


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


INTERRUPTED = 130
_NOBODY_READS = 141  # 128 + SIGPIPE, as a shell sees a program that its reader has left.


def reported(command: Callable[..., int]) -> Callable[..., None]:
    """Return `command`, which gives its exit status, as typer calls it."""

    @functools.wraps(command)
    def run(**options: object) -> None:
        raise typer.Exit(_status_of(command, options))

    return run


def _warn_of(plugin: PluginBroken) -> None:
    say(f"{painted('warning:', Ink.WARNING, sys.stderr)} {plugin.title}: {plugin.detail}")
    say_wrapped(plugin.remedy, "  ", "→ ")


def _status_of(command: Callable[..., int], options: dict[str, object]) -> int:
    tell_broken(_warn_of)
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
