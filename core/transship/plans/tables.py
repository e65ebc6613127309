"""Strict reading of TOML tables: every key is known, every value is meant, all mistakes are kept.

A `Table` gives what stands under its keys in the wanted type. What can't be had is noted as a
mistake, with its place, and reads as if it were left out, so that one reading finds all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from transship.errors import BadRequest, UsageError
from transship.plans.locate import Place, dotted
from transship.text import safe

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

    place: Place
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
        self, place: Place, why: str, remedy: str | None = None, meant: str | None = None
    ) -> None:
        """Keep a mistake. After a thousand, the rest tells nobody anything."""
        if len(self.found) < _MOST_MISTAKES:
            self.found.append(Mistake(place, why, remedy, meant))

    def note_error(self, place: Place, error: UsageError) -> None:
        """Keep what an error says."""
        title = "" if isinstance(error, BadRequest) else f"{error.title}: "
        remedy = None if error.remedy == type(error).remedy and not title else error.remedy
        self.note(place, f"{title}{error.detail}", remedy)


@dataclass(frozen=True, slots=True)
class Words:
    """Keys that are known in a table, and what to say of some that aren't.

    `meant` gives the right key for what other tools call it, `elsewhere` says where a key belongs.
    """

    known: frozenset[str]
    meant: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def without(self, keys: frozenset[str], why: str) -> Words:
        """Return the same words with some keys refused, and why."""
        refused = dict.fromkeys(sorted(keys), why)
        return Words(self.known - keys, self.meant, {**self.elsewhere, **refused})

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


class Table:
    """One table of a document, and its place there."""

    def __init__(self, values: Mapping[str, object], place: Place, mistakes: Mistakes) -> None:
        self._values = values
        self._mistakes = mistakes
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def only(self, words: Words) -> None:
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

    def table(self, key: str) -> Table | None:
        """Return the table under `key`."""
        value = self._values.get(key)
        if isinstance(value, dict):
            return Table(value, (*self.place, key), self._mistakes)
        if key in self:
            self.note(f"is {_is(value)}, not a table", key)
        return None

    def inner(self) -> Iterator[tuple[str, Table]]:
        """Yield the tables in this one, with their keys. Anything else in it is a mistake."""
        for key in self._values:
            table = self.table(key)
            if table is not None:
                yield key, table

    def tables(self, key: str) -> tuple[Table, ...]:
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
                found.append(Table(entry, (*self.place, key, number), self._mistakes))
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
