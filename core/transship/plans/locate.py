"""Where things stand in a TOML text that has been read: lines, and where each table begins.

`tomllib` says what a text means, not where. What is here goes over a text that `tomllib` has
accepted, so it checks nothing; of another text it says something, and it always ends.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

Place = tuple[str | int, ...]
"""A way into a document: keys of tables, and numbers (from 0) of what stands in arrays."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE = re.compile(r"[^\s.=\]\"'#]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' r"'''.*?'{3,5}|" r'"(?:[^"\\\n]|\\.)*"|' r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([btnfr"\\]))')
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Header:
    """The line that begins a table: where it stands in the text, and the table's place."""

    offset: int
    place: Place


class Places:
    """Where everything stands in one text."""

    def __init__(self, text: str) -> None:
        scan = _Scan(text)
        scan.document()
        self._offsets = scan.offsets
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self.headers: tuple[Header, ...] = tuple(scan.headers)

    def line(self, place: Place) -> int:
        """Return the line (from 1) of a key, of what stands in an array, or of a table's header.

        What isn't in the text has the line of the nearest thing around it that is; 1 if none is.
        """
        while place and place not in self._offsets:
            place = place[:-1]
        return bisect_right(self._newlines, self._offsets.get(place, 0) - 1) + 1


def dotted(place: Place) -> str:
    """Return a place as a person reads it: `rules[0].tags.newest`."""
    parts = (
        f"[{part}]"
        if isinstance(part, int)
        else f".{part if _PLAIN_KEY.fullmatch(part) else repr(part)}"
        for part in place
    )
    return "".join(parts).removeprefix(".")


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[Place, int] = {}
        self.headers: list[Header] = []
        self._arrays: dict[Place, int] = {}

    def document(self) -> None:
        table: Place = ()
        while self._skip():
            begins = self.at
            if self._take("[["):
                table = self._element(self._keys())
                self.headers.append(Header(begins, table))
                self.offsets[table] = begins
                self._take("]]")
            elif self._take("["):
                table = self._inside(self._keys())
                self.headers.append(Header(begins, table))
                self._note(table, begins)
                self._take("]")
            else:
                self._pair(table)
            if self.at == begins:
                self.at += 1

    def _skip(self) -> bool:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def _take(self, token: str) -> bool:
        found = self.text.startswith(token, self.at)
        self.at += len(token) if found else 0
        return found

    def _keys(self) -> Place:
        """Return the key that stands here, and go behind it."""
        return tuple(self._parts())

    def _parts(self) -> Iterator[str]:
        while self._skip():
            string = _STRING.match(self.text, self.at)
            match = string or _BARE.match(self.text, self.at)
            if match is None:
                return
            self.at = match.end()
            yield _key(match[0]) if string else match[0]
            self._skip()
            if not self._take("."):
                return

    def _inside(self, keys: Place) -> Place:
        """Return the place that a header's key means: the last element of each array on the way."""
        place: Place = ()
        for key in keys:
            place = (*place, key)
            if place in self._arrays:
                place = (*place, self._arrays[place])
        return place

    def _element(self, keys: Place) -> Place:
        array = (*self._inside(keys[:-1]), *keys[-1:])
        number = self._arrays.get(array, -1) + 1
        self._arrays[array] = number
        self._note(array, self.at)
        return (*array, number)

    def _note(self, place: Place, offset: int) -> None:
        for prefix in accumulate((part,) for part in place):
            self.offsets.setdefault(prefix, offset)

    def _pair(self, table: Place) -> None:
        begins = self.at
        place = (*table, *self._keys())
        self._note(place, begins)
        self._skip()
        if self._take("="):
            self._value(place)

    def _value(self, place: Place) -> None:
        # A stack of what is open, not recursion: a text may nest deeper than Python does.
        opened: list[tuple[Place, int | None]] = []
        self._open_or_pass(place, opened)
        while opened and self._skip():
            inside, number = opened[-1]
            begins = self.at
            if self._take("]") or self._take("}"):
                opened.pop()
            elif self._take(","):
                pass
            elif number is None:
                here = (*inside, *self._keys())
                self._note(here, begins)
                self._skip()
                if self._take("="):
                    self._open_or_pass(here, opened)
            else:
                opened[-1] = (inside, number + 1)
                here = (*inside, number)
                self._note(here, begins)
                self._open_or_pass(here, opened)
            if self.at == begins:
                self.at += 1

    def _open_or_pass(self, place: Place, opened: list[tuple[Place, int | None]]) -> None:
        self._skip()
        if self._take("["):
            opened.append((place, 0))
        elif self._take("{"):
            opened.append((place, None))
        else:
            match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = match.end() if match else self.at


def _key(quoted: str) -> str:
    inner = quoted[1:-1]
    return inner if quoted[0] == "'" else _ESCAPE.sub(_unescape, inner)


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _ESCAPED[match[3]]
