"""Versions in tags, and ranges of them: semantic versioning as tags really have it.

A tag is a version when it is one to three numbers, with or without a `v` in front: `1`, `v1.2`,
`1.2.3`. What is left out counts as 0. After a `-` comes a pre-release (`1.2.3-rc.1`, and as well
`1.2.3-alpine`: semver 2.0.0, 9), after a `+`, or the `_` that stands for it in tags, build
metadata, which doesn't count (semver 2.0.0, 10). Leading zeros are read as if they weren't there.

Ranges are those of npm: `>=1.2 <3`, `^1.2`, `~1.2`, `1.x`, `1.2 - 2.3`, and `||` for or; a comma
between two conditions is as good as a space. A pre-release is in a range when the range says so:
when it names a pre-release of the same three numbers, or when pre-releases are asked for.

The libraries there are read no tags (`1.2`, `v1.2.3`, `1.2.3_build`) and no comma, and take 12 to
160 µs for a tag, where a hundred thousand must be gone through while somebody types.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from transship.errors import BadRange

Numbers = tuple[int, int, int]
Label = tuple[int | str, ...]

_TAG = re.compile(
    r"[vV]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:[+_][0-9A-Za-z._-]*)?"
)
_NUMBER = r"(?:[0-9]+|[xX*])"
_BOUND = re.compile(
    rf"(>=|<=|>|<|=|\^|~>|~)?\s*[vV]?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?"
    r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
_HYPHEN = re.compile(r"\s+-\s+")
_RELEASE: Label = (1,)
_LOWEST: Label = (0,)


class Version(NamedTuple):
    """A version, in the order of semver 2.0.0, 11.

    `label` puts a pre-release before its release, and orders pre-releases.
    """

    numbers: Numbers
    label: Label = _RELEASE

    @property
    def is_prerelease(self) -> bool:
        """Whether it comes before the release of its numbers."""
        return self.label != _RELEASE


def parse_version(tag: str) -> Version | None:
    """Return the version that a tag is, None when it isn't one."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    major, minor, patch, label = match.groups()
    numbers = (int(major), int(minor or 0), int(patch or 0))
    return Version(numbers, _label(label)) if label else Version(numbers)


def _label(text: str) -> Label:
    """Return what orders a pre-release: numbers by value, before words by their letters."""
    parts: list[int | str] = [0]
    for part in text.split("."):
        parts += (1, int(part)) if part.isdigit() else (2, part)
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Interval:
    """The versions from `low` up to and without `high` (None: no end).

    `prereleases` are the numbers of which the range names a pre-release.
    """

    low: Version
    high: Version | None
    prereleases: frozenset[Numbers] = frozenset()

    def holds(self, version: Version) -> bool:
        """Tell whether a version lies in it, pre-release or not."""
        return self.low <= version and (self.high is None or version < self.high)


@dataclass(frozen=True, slots=True)
class Range:
    """A range of versions, as `text` writes it."""

    text: str
    intervals: tuple[Interval, ...]

    def holds(self, version: Version, *, prereleases: bool = False) -> bool:
        """Tell whether a version is in the range. `prereleases` lets all of those in it through."""
        if prereleases or not version.is_prerelease:
            return any(interval.holds(version) for interval in self.intervals)
        return any(
            version.numbers in interval.prereleases and interval.holds(version)
            for interval in self.intervals
        )


@lru_cache(maxsize=256)
def parse_range(text: str) -> Range:
    """Return the range that `text` writes down. Raises BadRange."""
    if not text.strip():
        raise BadRange("an empty range holds nothing; * holds every version")
    return Range(text.strip(), tuple(_interval(part, text) for part in text.split("||")))


class _Bound(NamedTuple):
    """One condition, taken apart: an operator, the numbers that are given, and a pre-release."""

    operator: str
    given: tuple[int, ...]
    label: Label

    @property
    def first(self) -> Version:
        """The lowest version that it means."""
        full = len(self.given) == 3
        return Version(_filled(self.given), self.label if full else _LOWEST)

    def after(self, kept: int) -> Version | None:
        """Return the lowest version whose first `kept` numbers are past those given."""
        if not kept:
            return None
        head = self.given[:kept]
        return Version(_filled((*head[:-1], head[-1] + 1)), _LOWEST)


_ZERO = Version((0, 0, 0), _LOWEST)
_NOTHING = (_ZERO, _ZERO)
Ends = tuple[Version, Version | None]


def _filled(numbers: tuple[int, ...]) -> Numbers:
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def _interval(part: str, text: str) -> Interval:
    ends = _HYPHEN.split(part.strip())
    if len(ends) == 2:
        first, last = (_bound(end, text) for end in ends)
        if any(end.startswith(tuple("<>=^~")) for end in ends):
            raise BadRange(f"{text!r}: the ends of {part.strip()!r} are versions, no conditions")
        bounds = [first._replace(operator=">="), last._replace(operator="<=")]
    elif len(ends) > 2:
        raise BadRange(f"{text!r}: {part.strip()!r} has more than two ends")
    else:
        bounds = _bounds(part, text)
    low, high = _ZERO, None
    for bound in bounds:
        begins, ends_before = _ENDS[bound.operator](bound)
        low = max(low, begins)
        if ends_before is not None:
            high = ends_before if high is None else min(high, ends_before)
    named = {_filled(b.given) for b in bounds if b.label not in (_RELEASE, _LOWEST)}
    return Interval(low, high, frozenset(named))


def _bounds(part: str, text: str) -> list[_Bound]:
    """Return the conditions that stand beside each other, all of which must hold."""
    bounds: list[_Bound] = []
    place = 0
    while rest := part[place:].lstrip(" \t,"):
        place = len(part) - len(rest)
        match = _BOUND.match(part, place)
        if match is None or part[match.end() : match.end() + 1].strip(" \t,"):
            word = rest.split()[0]
            raise BadRange(f"{text!r}: {word!r} is not a condition on a version")
        bounds.append(_bound(match[0], text))
        place = match.end()
    if not bounds:
        raise BadRange(f"{text!r}: a side of || is empty; * is every version")
    return bounds


def _bound(condition: str, text: str) -> _Bound:
    match = _BOUND.fullmatch(condition.strip())
    if match is None:
        raise BadRange(f"{text!r}: {condition.strip()!r} is not a version")
    operator, *parts, label = match.groups()
    given: list[int] = []
    for number in parts:
        if number is None or not number.isdigit():
            break
        given.append(int(number))
    if label and len(given) < 3:
        raise BadRange(f"{text!r}: a pre-release needs all three numbers, as 1.2.0-{label}")
    return _Bound(operator or "=", tuple(given), _label(label) if label else _RELEASE)


def _same(bound: _Bound) -> Ends:
    if len(bound.given) == 3:
        return bound.first, _just_after(bound.first)
    return bound.first, bound.after(len(bound.given))


def _just_after(version: Version) -> Version:
    """Return what comes next: nothing lies between a version and the same with one part more."""
    return Version(version.numbers, (*version.label, 0))


def _at_most(bound: _Bound) -> Ends:
    return _ZERO, _same(bound)[1]


def _above(bound: _Bound) -> Ends:
    past = _same(bound)[1]
    return (past, None) if past is not None else _NOTHING


def _below(bound: _Bound) -> Ends:
    return _ZERO, bound.first


def _caret(bound: _Bound) -> Ends:
    """Up to the next change of the first number that isn't 0."""
    leading = next((n for n, number in enumerate(bound.given) if number), len(bound.given) - 1)
    return bound.first, bound.after(leading + 1)


def _tilde(bound: _Bound) -> Ends:
    """Up to the next minor version, or major when only that is given."""
    return bound.first, bound.after(min(len(bound.given), 2))


_ENDS: dict[str, Callable[[_Bound], Ends]] = {
    "=": _same,
    ">=": lambda bound: (bound.first, None),
    "<=": _at_most,
    ">": _above,
    "<": _below,
    "^": _caret,
    "~": _tilde,
    "~>": _tilde,
}
