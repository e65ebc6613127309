"""The wildcards that services write their rules with, read as the services read them.

`*` is any run of characters but `/`, `?` is one of those, `[abc]`, `[a-z]` and `[!a]` (or `[^a]`)
are one of a set, `{one,other}` is either, a backslash takes what follows as it is. `**` as a whole
component is any number of components. This is what the Go package doublestar makes of a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_LONGEST = 1000
_SECONDS_FOR_A_NAME = 0.25
_CLASS = re.compile(r"\[([!^]?)((?:\\.|[^\]\\])+)\]", re.DOTALL)

_SINGLE = {"*": "[^/]*", "?": "[^/]"}
_BRACES = {"{": "(?:", "}": ")", ",": "|"}
_DEEPER = {"{": 1, "}": -1}


def covering(pattern: str) -> Callable[[str], bool] | None:
    """Return the test whether a whole name is what `pattern` stands for.

    An empty pattern stands for every name. None for a pattern that can't be read: a service that
    can't read it either covers nothing with it. A name that takes too long isn't covered.
    """
    if not pattern:
        return lambda _: True
    if len(pattern) > _LONGEST:
        return None
    import regex  # It takes as long as all else that opens a registry, and few services need it.

    try:
        fullmatch = regex.compile("".join(_expression(pattern))).fullmatch
    except (ValueError, regex.error):
        return None

    def covers(name: str) -> bool:
        try:
            return fullmatch(name, timeout=_SECONDS_FOR_A_NAME) is not None
        except TimeoutError:
            return False

    return covers


def selects(pattern: str, name: str, *, excludes: bool) -> bool:
    """Tell whether a rule for `pattern` is about a name; with `excludes` it is about all others.

    One that can't be read is about none.
    """
    covers = covering(pattern)
    return covers is not None and covers(name) != excludes


def _expression(pattern: str) -> Iterator[str]:
    """Give a regular expression in parts. Raises ValueError for what is left open."""
    place = depth = 0
    while place < len(pattern):
        letter = pattern[place]
        braces = _BRACES.get(letter, "") if depth or letter == "{" else ""
        if braces:
            depth += _DEEPER.get(letter, 0)
            width, part = 1, braces
        else:
            width, part = _part(pattern, place)
        yield part
        place += width
    if depth:
        raise ValueError("a brace is left open")


def _part(pattern: str, place: int) -> tuple[int, str]:
    """Return how long the part of a pattern at `place` is, and what it matches."""
    rest = pattern[place:]
    if rest.startswith("**"):
        return _many(pattern, place)
    if rest[0] in _SINGLE:
        return 1, _SINGLE[rest[0]]
    if rest[0] == "[":
        return _set(rest)
    if rest[0] == "\\":
        if len(rest) == 1:
            raise ValueError("nothing follows the backslash")
        return 2, re.escape(rest[1])
    return 1, re.escape(rest[0])


def _many(pattern: str, place: int) -> tuple[int, str]:
    """Return how long the stars at `place` are, and what they match."""
    if place and pattern[place - 1] not in "/{,":
        return 2, "[^/]*"
    after = pattern[place + 2 : place + 3]
    if after == "/":
        return 3, "(?:[^/]*/)*"
    return (2, ".*") if after in ("", "}", ",") else (2, "[^/]*")


def _set(rest: str) -> tuple[int, str]:
    """Return how long the set at the beginning of `rest` is, and what it matches."""
    found = _CLASS.match(rest)
    if found is None:
        raise ValueError("a set is left open")
    inner = found[2].replace("[", r"\[").replace("&&", r"&\&").replace("||", r"|\|")
    return found.end(), f"[{'^/' if found[1] else ''}{inner}]"
