"""A growing list of names as a person reads it: in order, and narrowed to what they look for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from transship.matching import is_everything, matcher

_DIGITS = re.compile("[0-9]+")


def natural_key(name: str) -> str:
    """Return what to sort a name by so that numbers count as numbers: `v2` before `v10`.

    Each number is led by its length, so that the longer of two is the larger. Names that differ
    only in leading zeros keep apart by the name itself, which ends the key.
    """
    return f"{_DIGITS.sub(_number, name)}\0{name}"


def _number(digits: re.Match[str]) -> str:
    value = digits[0].lstrip("0")
    return f"0{chr(0x30 + len(value))}{value}"


class Names:
    """Names as they come from a registry, each once, and those of them that are shown.

    Made to stay quick with fifty thousand: adding some costs one merge, narrowing one pass.
    """

    def __init__(self, names: Iterable[str] = (), *, natural: bool = True) -> None:
        self._keys: dict[str, str] = {}
        self._ordered: list[str] = []
        self._shown: list[str] = []
        self._pattern = ""
        self._natural = natural
        self.add(names)

    @property
    def total(self) -> int:
        """How many there are, shown or not."""
        return len(self._keys)

    @property
    def shown(self) -> Sequence[str]:
        """What is shown now. It stays as it is; a change makes another."""
        return self._shown

    @property
    def pattern(self) -> str:
        """What the names are narrowed to."""
        return self._pattern

    @property
    def natural(self) -> bool:
        """Whether they stand in natural order; else in the registry's."""
        return self._natural

    def add(self, names: Iterable[str]) -> None:
        """Take in more names. Those that are there already change nothing."""
        fresh = [name for name in dict.fromkeys(names) if name not in self._keys]
        self._keys.update((name, natural_key(name)) for name in fresh)
        self._ordered = self._in_order([*self._ordered, *fresh])
        if is_everything(self._pattern):
            self._shown = self._ordered
        else:
            self._shown = self._in_order([*self._shown, *filter(matcher(self._pattern), fresh)])

    def narrow(self, pattern: str) -> None:
        """Show only what `pattern` asks for (see `transship.matching`)."""
        self._pattern = pattern
        if is_everything(pattern):
            self._shown = self._ordered
        else:
            self._shown = list(filter(matcher(pattern), self._ordered))

    def order(self, *, natural: bool) -> None:
        """Put them in natural order, or in the registry's."""
        self._natural = natural
        self._ordered = self._in_order(list(self._keys))
        self.narrow(self._pattern)

    def _in_order(self, names: list[str]) -> list[str]:
        if self._natural:
            names.sort(key=self._keys.__getitem__)
        return names
