"""Patterns as doublestar 1 documents them, which Harbor reads its filters with: the judge.

`*` is any run but of slashes, `**` as a whole component any number of components and at the end at
least one, `?` one character, `[a-z]` and `[^a-z]` a class, `{a,b}` alternatives without a slash,
and a backslash takes the next character as it is. What the library refuses is refused here.
"""

from __future__ import annotations

import itertools

from servers.harbor_replication.refusing import BadRequest


def matches(pattern: str, name: str) -> bool:
    """Tell whether a pattern matches the whole of a name. An empty pattern matches all."""
    if not pattern:
        return True
    return any(
        _components(spread.split("/"), name.split("/")) for spread in _spread(pattern, pattern)
    )


def _spread(pattern: str, whole: str) -> list[str]:
    """Return the patterns without alternatives that one with them stands for."""
    begins = pattern.find("{")
    if begins < 0:
        return [pattern]
    ends = pattern.find("}", begins)
    inside = pattern[begins + 1 : ends]
    if ends < 0 or "{" in inside or "/" in inside:
        raise BadRequest(f"syntax error in pattern {whole}")
    rest = _spread(pattern[ends + 1 :], whole)
    chosen = itertools.product(inside.split(","), rest)
    return [pattern[:begins] + one + after for one, after in chosen]


def _components(pattern: list[str], name: list[str]) -> bool:
    if not pattern or not name:
        return not pattern and not name
    if pattern[0] == "**":
        if len(pattern) == 1:
            return True
        return any(_components(pattern[1:], name[place:]) for place in range(len(name)))
    return _text(pattern[0], name[0]) and _components(pattern[1:], name[1:])


def _text(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    match pattern[0]:
        case "*":
            return any(_text(pattern[1:], text[place:]) for place in range(len(text) + 1))
        case "?":
            return bool(text) and _text(pattern[1:], text[1:])
        case "[":
            ends = pattern.find("]")
            if ends < 0:
                raise BadRequest(f"syntax error in pattern {pattern}")
            within = bool(text) and _in_class(pattern[1:ends], text[0])
            return within and _text(pattern[ends + 1 :], text[1:])
        case "\\":
            return text[:1] == pattern[1:2] and _text(pattern[2:], text[1:])
        case letter:
            return text[:1] == letter and _text(pattern[1:], text[1:])


def _in_class(inside: str, letter: str) -> bool:
    turned = inside.startswith("^")
    members = inside[turned:]
    found = not members
    place = 0
    while place < len(members):
        low, place = _member(members, place)
        high = low
        if members[place : place + 1] == "-":
            high, place = _member(members, place + 1)
        found = found or low <= letter <= high
    if not members:
        raise BadRequest("syntax error in pattern: an empty class")
    return found != turned


def _member(members: str, place: int) -> tuple[str, int]:
    letter = members[place : place + 1]
    if letter == "\\":
        return members[place + 1 : place + 2], place + 2
    if letter in ("-", ""):
        raise BadRequest("syntax error in pattern: a bare - in a class")
    return letter, place + 1
