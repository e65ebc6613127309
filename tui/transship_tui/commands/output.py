"""What is written where: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import TextIO

from transship.errors import TransshipError
from transship.text import safe

_GAP = "  "


class Ink(Enum):
    """The few colours that the line uses, by what they say (ECMA-48, SGR)."""

    GOOD = "32"
    BAD = "1;31"
    WARNING = "33"
    QUIET = "2"


def show(text: str = "") -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{text}\n")


def say(text: str = "") -> None:
    """Write a line that is no result: progress, a note, a question's answer."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show_json(document: object) -> None:
    """Write the one document that `--json` asks for. Pure ASCII, so that it harms no terminal."""
    show(json.dumps(document, indent=2))


def show_error(error: TransshipError, *, as_json: bool = False) -> None:
    """Write an error for a person, and with `as_json` as a document too."""
    say_problem(error.title, error.detail, error.remedy)
    if as_json:
        show_json(
            {
                "error": {
                    "cause": error.cause,
                    "title": error.title,
                    "detail": error.detail,
                    "remedy": error.remedy,
                }
            }
        )


def say_problem(title: str, detail: str, remedy: str) -> None:
    """Write what went wrong, where, and what to do."""
    say(f"{painted('error:', Ink.BAD, sys.stderr)} {safe(title)}")
    if detail:
        say(f"  {safe(detail)}")
    if remedy:
        say(f"  → {safe(remedy)}")


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
    """Give the lines of a table; with a `width` no line is wider. Columns that are empty go."""
    every = [tuple(map(safe, row)) for row in rows]
    filled = [any(column) for column in zip(*every, strict=True)] or [True] * len(header)
    lines = [
        [cell for cell, keep in zip(row, filled, strict=True) if keep]
        for row in (tuple(header), *every)
    ]
    widths = [max(map(cells, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        columns = zip(line, widths, strict=True)
        padded = [cell + " " * (most - cells(cell)) for cell, most in columns]
        text = _GAP.join(padded).rstrip()
        yield fitted(text, width) if width else text


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
