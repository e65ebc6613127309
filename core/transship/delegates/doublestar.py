r"""Patterns as Harbor, and what began as Harbor, reads them, for the globs of a plan. Pure.

Harbor hands them to doublestar 1 (https://github.com/bmatcuk/doublestar): `*` is any run within a
component, `?` one character, `[...]` one of a class (`^` turns it round, `\` takes a character as
it is), `{a,b}` one of several. `**` is any number of components; at the end it is at least one,
where a plan's glob takes none too, so that one glob may need two patterns.

A class is written out by the characters that names can have, so that nothing hangs on how either
side reads an odd one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits

from transship.plans.globs import REGEX, Pattern, parse_pattern

DEEP = "**"
Components = tuple[str, ...]

_REPOSITORY = frozenset(ascii_lowercase + digits + "._-")
_TAG = _REPOSITORY | frozenset(ascii_uppercase)
_WILD = re.compile(r"[*?\[{]")
_STARS = re.compile(r"\*+")
_PIECE = re.compile(r"\[[^\]]*\]|[*?.{,}]")
_EXPRESSIONS = {"*": "[^/]*", "?": "[^/]", ".": r"\.", "{": "(?:", ",": "|", "}": ")"}


class Unsayable(ValueError):
    """What a glob says can't be said so. Its words say why, to go on with after a colon."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """What a glob over repositories selects: what one of `patterns` does.

    `itself` says that it selects the empty name too: the path that the names are below.
    """

    patterns: tuple[Components, ...]
    itself: bool = False


def spelled(text: str) -> Spelled:
    """Return a glob over the names of repositories as patterns. Raises Unsayable, BadPattern."""
    pattern = parse_pattern(text)
    return Spelled(tuple(_patterns(pattern)), bool(pattern.matches("")))


def tag_pattern(text: str) -> str | None:
    """Return a glob over tags as a pattern, None when no tag matches.

    Raises Unsayable and BadPattern.
    """
    pattern = parse_pattern(text)
    _check_glob(pattern)
    components = [each for each in pattern.text.split("/") if each != DEEP]
    if not components:
        return "*"
    if len(components) > 1:
        return None
    return _component(_STARS.sub("*", components[0]), _TAG)


def alternatives(patterns: Iterable[str]) -> str:
    """Return one pattern for what any of several matches, none of them with a slash or a brace."""
    each = tuple(dict.fromkeys(patterns))
    return each[0] if len(each) == 1 else f"{{{','.join(each)}}}"


def matcher(pattern: str) -> re.Pattern[str]:
    """Return the regular expression, for the whole name, of a pattern that was made here."""
    made = ""
    parts = pattern.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == DEEP:
            made += ".+" if last else "(?:[^/]+/)*"
        else:
            made += _PIECE.sub(lambda found: _EXPRESSIONS.get(found[0], found[0]), part)
            made += "" if last else "/"
    return re.compile(made)


def is_wild(component: str) -> bool:
    """Tell whether a component of a pattern can be more than one text."""
    return bool(_WILD.search(component))


def fewest(components: Components) -> int:
    """Return how many components a name has at least that matches."""
    deep = sum(component == DEEP for component in components)
    return len(components) - deep + (components[-1:] == (DEEP,))


def most(components: Components) -> int | None:
    """Return how many components a name has at most that matches; None where nothing bounds it."""
    return None if DEEP in components else len(components)


def merged(patterns: Iterable[Components]) -> tuple[Components, ...]:
    """Return the same in fewer patterns: those that differ in one component become one."""
    found = list(dict.fromkeys(patterns))
    for place in reversed(range(max(map(len, found), default=0))):
        groups: dict[tuple[Components, Components], list[str]] = {}
        rest: list[Components] = []
        for components in found:
            if place < len(components) and _merges(components[place]):
                key = components[:place], components[place + 1 :]
                groups.setdefault(key, []).append(components[place])
            else:
                rest.append(components)
        found = [(*a, alternatives(texts), *b) for (a, b), texts in groups.items()] + rest
    return tuple(found)


def _merges(component: str) -> bool:
    return component != DEEP and "{" not in component


def _patterns(pattern: Pattern) -> Iterable[Components]:
    _check_glob(pattern)
    parts = _collapsed(pattern.text.split("/"))
    tails = [parts]
    if parts != [DEEP] and parts[-1] == DEEP:
        # Zero components at the end are another pattern.
        tails = [parts] if parts[-2] == "*" else [parts[:-1], parts]
        if parts[-2] == "*":
            tails = [[*parts[:-2], DEEP]]
    elif _STARS.fullmatch(parts[-1]) and len(parts[-1]) > 2:
        tails = [_collapsed([*parts[:-1], DEEP])]
    elif parts[-1].endswith(DEEP) and parts[-1] != DEEP:
        begins = parts[-1].rstrip("*")
        tails = [[*parts[:-1], f"{begins}*"], [*parts[:-1], f"{begins}*", DEEP]]
    for tail in tails:
        made = [_part(part, pattern.text) for part in _collapsed(tail)]
        if None not in made:
            yield tuple(part for part in made if part is not None)


def _part(component: str, text: str) -> str | None:
    if component == DEEP:
        return DEEP
    if DEEP in component:
        raise Unsayable(f"in {text} a ** stands beside other characters")
    return _component(component, _REPOSITORY)


def _check_glob(pattern: Pattern) -> None:
    if pattern.text.startswith(REGEX):
        raise Unsayable(f"{pattern.text} is a regular expression")


def _collapsed(parts: Sequence[str]) -> list[str]:
    return [
        part
        for number, part in enumerate(parts)
        if part != DEEP or number == 0 or parts[number - 1] != DEEP
    ]


def _component(text: str, letters: frozenset[str]) -> str | None:
    """Return what stands between two slashes, None when no name has it."""
    made = ""
    place = 0
    while place < len(text):
        letter = text[place]
        end = place + 1
        if letter in "*?":
            made += letter
        elif letter == "[":
            end = _end_of_set(text, place)
            members = parse_pattern(text[place:end])
            drawn = _class({each for each in letters if members.matches(each)}, letters)
            if drawn is None:
                return None
            made += drawn
        elif letter in letters:
            made += letter
        else:
            return None
        place = end
    return made


def _end_of_set(text: str, begins: int) -> int:
    first = begins + 1
    first += text[first : first + 1] in ("!", "^")
    return text.index("]", first + 1) + 1


def _class(members: set[str], letters: frozenset[str]) -> str | None:
    if not members:
        return None
    if members == letters:
        return "?"
    if len(members) == 1:
        return members.pop()
    runs: list[list[str]] = []
    for each in sorted(members):
        if runs and each.isalnum() and ord(each) == ord(runs[-1][-1]) + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return f"[{''.join(map(_run, runs))}]"


def _run(letters: list[str]) -> str:
    if len(letters) > 2:
        return f"{letters[0]}-{letters[-1]}"
    return "".join(r"\-" if letter == "-" else letter for letter in letters)
