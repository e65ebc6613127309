"""How a list of names is narrowed: what an operator types, and what it matches.

* `web` matches every name with `web` in it;
* `v1.*` and `v1.?` are globs over the whole name (`*`, `?` and `[...]`, as a shell has them);
* `~tapi` matches names that have these letters in this order, as `team/api` does;
* `!` before any of them takes what doesn't match.

Letters in lower case match both cases; one in upper case makes the pattern exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate

Matcher = Callable[[str], bool]


def matches(pattern: str, text: str) -> bool:
    """Tell whether `text` is among what `pattern` asks for."""
    return matcher(pattern)(text)


def matcher(pattern: str) -> Matcher:
    """Return the test that `pattern` stands for. An empty pattern asks for everything."""
    pattern = pattern.strip()
    wanted = pattern.removeprefix("!").lstrip()
    found = _finder(wanted)
    if not pattern.startswith("!") or is_everything(pattern):
        return found
    return lambda text: not found(text)


def is_everything(pattern: str) -> bool:
    """Tell whether a pattern has nothing to look for yet, as `!` hasn't."""
    return pattern.strip().removeprefix("!").lstrip() in ("", "~")


def _finder(wanted: str) -> Matcher:
    exact = wanted != wanted.lower()
    letters = wanted.removeprefix("~")
    if letters != wanted:
        found = _in_order(letters)
    elif "*" in wanted or "?" in wanted:
        found = _glob(wanted)
    else:
        found = _part(wanted)
    return found if exact else lambda text: found(text.lower())


def _part(wanted: str) -> Matcher:
    return lambda text: wanted in text


def _glob(wanted: str) -> Matcher:
    whole = re.compile(translate(wanted)).match
    return lambda text: whole(text) is not None


def _in_order(letters: str) -> Matcher:
    def found(text: str) -> bool:
        place = 0
        for letter in letters:
            place = text.find(letter, place) + 1
            if place == 0:
                return False
        return True

    return found
