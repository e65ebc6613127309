"""TOML as a person writes it: strict tables, and where each thing stands in the text.

A `TomlTable` gives what stands under its keys in the wanted type. What can't be had is noted as
a mistake, with its place, and reads as if it were left out, so that one reading finds all of
them. `tomllib` says what a text means, not where: `TextPlaces` goes over a text that it has
accepted, so it checks nothing; of another text it says something, and it always ends.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from itertools import accumulate
from typing import TypeVar

from transship.errors import BadRequest, UsageError
from transship.text import safe

TextPlace = tuple[str | int, ...]
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
class TableHeader:
    """The line that begins a table: where it stands in the text, and the table's place."""

    offset: int
    place: TextPlace


class TextPlaces:
    """Where everything stands in one text."""

    def __init__(self, text: str) -> None:
        scan = _Scan(text)
        scan.document()
        self._offsets = scan.offsets
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self.headers: tuple[TableHeader, ...] = tuple(scan.headers)

    def line(self, place: TextPlace) -> int:
        """Return the line (from 1) of a key, of what stands in an array, or of a table's header.

        What isn't in the text has the line of the nearest thing around it that is; 1 if none is.
        """
        while place and place not in self._offsets:
            place = place[:-1]
        return bisect_right(self._newlines, self._offsets.get(place, 0) - 1) + 1


def dotted(place: TextPlace) -> str:
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
        self.offsets: dict[TextPlace, int] = {}
        self.headers: list[TableHeader] = []
        self._arrays: dict[TextPlace, int] = {}

    def document(self) -> None:
        table: TextPlace = ()
        while self._skip():
            begins = self.at
            if self._take("[["):
                table = self._element(self._keys())
                self.headers.append(TableHeader(begins, table))
                self.offsets[table] = begins
                self._take("]]")
            elif self._take("["):
                table = self._inside(self._keys())
                self.headers.append(TableHeader(begins, table))
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

    def _keys(self) -> TextPlace:
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

    def _inside(self, keys: TextPlace) -> TextPlace:
        """Return the place that a header's key means: the last element of each array on the way."""
        place: TextPlace = ()
        for key in keys:
            place = (*place, key)
            if place in self._arrays:
                place = (*place, self._arrays[place])
        return place

    def _element(self, keys: TextPlace) -> TextPlace:
        array = (*self._inside(keys[:-1]), *keys[-1:])
        number = self._arrays.get(array, -1) + 1
        self._arrays[array] = number
        self._note(array, self.at)
        return (*array, number)

    def _note(self, place: TextPlace, offset: int) -> None:
        for prefix in accumulate((part,) for part in place):
            self.offsets.setdefault(prefix, offset)

    def _pair(self, table: TextPlace) -> None:
        begins = self.at
        place = (*table, *self._keys())
        self._note(place, begins)
        self._skip()
        if self._take("="):
            self._value(place)

    def _value(self, place: TextPlace) -> None:
        # A stack of what is open, not recursion: a text may nest deeper than Python does.
        opened: list[tuple[TextPlace, int | None]] = []
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

    def _open_or_pass(self, place: TextPlace, opened: list[tuple[TextPlace, int | None]]) -> None:
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


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_SECRET = re.compile(
    r".*(?:password|passwd|passphrase|secret|token|credential|apikey|accesskey|privatekey).*"
    r"|pass|pwd|creds?|auth|key"
)
_SHOWN = 80
_LIKENESS = 0.76
_MOST_MISTAKES = 1000


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a document, where, and (when it is known) what to do about it.

    `meant` is the word that was probably meant.
    """

    place: TextPlace
    why: str
    remedy: str | None = None
    meant: str | None = None

    def __str__(self) -> str:
        return f"{safe(dotted(self.place), limit=_SHOWN)}: {self.why}" if self.place else self.why


@dataclass(slots=True)
class Mistakes:
    """What is wrong in one document, in the order in which it was found."""

    found: list[Mistake] = field(default_factory=list)

    def note(
        self, place: TextPlace, why: str, remedy: str | None = None, meant: str | None = None
    ) -> None:
        """Keep a mistake. After a thousand, the rest tells nobody anything."""
        if len(self.found) < _MOST_MISTAKES:
            self.found.append(Mistake(place, why, remedy, meant))

    def note_error(self, place: TextPlace, error: UsageError) -> None:
        """Keep what an error says."""
        title = "" if isinstance(error, BadRequest) else f"{error.title}: "
        remedy = None if error.remedy == type(error).remedy and not title else error.remedy
        self.note(place, f"{title}{error.detail}", remedy)


@dataclass(frozen=True, slots=True)
class TomlWords:
    """Keys that are known in a table, and what to say of some that aren't.

    `meant` gives the right key for what other tools call it, `elsewhere` says where a key belongs.
    """

    known: frozenset[str]
    meant: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def without(self, keys: frozenset[str], why: str) -> TomlWords:
        """Return the same words with some keys refused, and why."""
        refused = dict.fromkeys(sorted(keys), why)
        return TomlWords(self.known - keys, self.meant, {**self.elsewhere, **refused})

    def objection(self, key: str) -> str | None:
        """Return what to say of `key`; None when it is known."""
        if key in self.known:
            return None
        if key in self.elsewhere:
            return self.elsewhere[key]
        if _SECRET.fullmatch(re.sub(r"[^a-z]", "", key.lower())):
            return "a plan holds no secrets; `transship login HOST` puts them into the keyring"
        meant = self.nearest(key)
        if meant:
            return f"unknown key; was {meant} meant?"
        return f"unknown key; there are {', '.join(sorted(self.known))}"

    def nearest(self, key: str) -> str | None:
        """Return what was probably meant by a key that isn't known; None when that can't be told.

        A key that belongs elsewhere, or would hold a secret, is none that was misspelt.
        """
        if key in self.elsewhere or _SECRET.fullmatch(re.sub(r"[^a-z]", "", key.lower())):
            return None
        near = get_close_matches(key.lower()[:_SHOWN], sorted(self.known), 1, _LIKENESS)
        return self.meant.get(key.lower()) or (near[0] if near else None)


class TomlTable:
    """One table of a document, and its place there."""

    def __init__(self, values: Mapping[str, object], place: TextPlace, mistakes: Mistakes) -> None:
        self._values = values
        self._mistakes = mistakes
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def only(self, words: TomlWords) -> None:
        """Note every key that isn't known."""
        for key in self._values:
            objection = words.objection(key)
            if objection is not None:
                meant = words.nearest(key)
                self._mistakes.note((*self.place, key), objection, meant=meant)

    def note(self, why: str, *keys: str | int, remedy: str | None = None) -> None:
        """Note a mistake in this table, or under a key of it."""
        self._mistakes.note((*self.place, *keys), why, remedy)

    def needs(self, *keys: str) -> None:
        """Note which of `keys` aren't there."""
        missing = [key for key in keys if key not in self]
        if missing:
            self.note(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")

    def text(self, key: str) -> str | None:
        """Return a text that isn't empty."""
        value = self._values.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if key in self:
            self.note(f"is {_is(value)}, not a text in quotes", key)
        return None

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._values.get(key, default)
        if isinstance(value, bool):
            return value
        self.note(f"is {_is(value)}; write true or false, without quotes", key)
        return default

    def count(self, key: str, least: int, most: int) -> int | None:
        """Return a whole number from `least` to `most`."""
        value = self._values.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        if key in self:
            self.note(f"is {_is(value)}; write a whole number from {least} to {most:,}", key)
        return None

    def one_of(self, key: str, choices: type[E], default: E) -> E:
        """Return one of the words of an enumeration."""
        value = self._values.get(key, default)
        if isinstance(value, str) and value in list(choices):
            return choices(value)
        self.note(f"is {_is(value)}; write {_alternatives(choices)}", key)
        return default

    def parsed(self, key: str, parse: Callable[[str], T]) -> T | None:
        """Return what `parse` makes of a text. Its UsageError is a mistake."""
        text = self.text(key)
        return None if text is None else self._tried(parse, text, key)

    def moment(self, key: str, parse: Callable[[str | date], T]) -> T | None:
        """Return what `parse` makes of a text, or of a date or a time of TOML's own."""
        value = self._values.get(key)
        return (
            self._tried(parse, value, key) if isinstance(value, date) else self.parsed(key, parse)
        )

    def each(
        self,
        key: str,
        parse: Callable[[str], T],
        *,
        bare: bool = False,
        empty: str | None = "leave it out",
    ) -> tuple[T, ...]:
        """Return what `parse` makes of each text in an array.

        With `bare` a single text may stand for an array of one. An array with nothing in it is a
        mistake, and `empty` says what to do; with None it is right.
        """
        value = self._values.get(key, [])
        single = bare and isinstance(value, str)
        texts = [value] if single else value
        if not isinstance(texts, list):
            self.note(f"is {_is(value)}, not a list of texts", key)
            return ()
        if not texts and key in self and empty is not None:
            self.note(f"is an empty list; {empty}", key)
        found: list[T] = []
        for number, text in enumerate(texts):
            place = (key,) if single else (key, number)
            if not isinstance(text, str) or not text.strip():
                self.note(f"is {_is(text)}, not a text in quotes", *place)
                continue
            parsed = self._tried(parse, text, *place)
            if parsed is not None and parsed in found:
                self.note(f"{safe(text, limit=_SHOWN)!r} stands there twice", *place)
            elif parsed is not None:
                found.append(parsed)
        return tuple(found)

    def table(self, key: str) -> TomlTable | None:
        """Return the table under `key`."""
        value = self._values.get(key)
        if isinstance(value, dict):
            return TomlTable(value, (*self.place, key), self._mistakes)
        if key in self:
            self.note(f"is {_is(value)}, not a table", key)
        return None

    def inner(self) -> Iterator[tuple[str, TomlTable]]:
        """Yield the tables in this one, with their keys. Anything else in it is a mistake."""
        for key in self._values:
            table = self.table(key)
            if table is not None:
                yield key, table

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        """Return the tables in the array under `key`, of which there must be one."""
        value = self._values.get(key)
        if not isinstance(value, list) or not value:
            write = f"write one or more [[{key}]]"
            if key in self:
                self.note(f"is {_is(value)}; {write}", key)
            else:
                self.note(f"{key} is missing; {write}")
            return ()
        found = []
        for number, entry in enumerate(value):
            if isinstance(entry, dict):
                found.append(TomlTable(entry, (*self.place, key, number), self._mistakes))
            else:
                self.note(f"is {_is(entry)}, not a table", key, number)
        return tuple(found)

    def error(self, error: UsageError, *keys: str | int) -> None:
        """Note what an error says, in this table or under a key of it."""
        self._mistakes.note_error((*self.place, *keys), error)

    def _tried(self, parse: Callable[..., T], value: object, *keys: str | int) -> T | None:
        try:
            return parse(value)
        except UsageError as error:
            self.error(error, *keys)
            return None


def _is(value: object) -> str:
    """Say what a value is. Texts are cut, and what is in tables and arrays isn't said."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return safe(str(value), limit=_SHOWN) if abs(value) < 10**15 else "a huge number"
        case str():
            return repr(safe(value, limit=_SHOWN)) if value.strip() else "an empty text"
        case dict():
            return "a table"
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a date or a time"


def _alternatives(choices: type[StrEnum]) -> str:
    *others, last = (str(choice) for choice in choices)
    return f"{', '.join(others)} or {last}"
