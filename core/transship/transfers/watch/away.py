"""Registries that couldn't be looked at: why, and when each is asked again. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from transship.errors import TransshipError

_FIRST_PAUSE = 15.0
_LONGEST_PAUSE = 1800.0

Words = tuple[str, str, str]
"""An error's title, detail and remedy."""


class Absence(msgspec.Struct, frozen=True):
    """A registry that couldn't be looked at.

    `problem` is why (title, detail, remedy), `attempts` how often in a row, and `again_at` when it
    is asked again, in seconds since the epoch.
    """

    registry: str
    problem: Words
    attempts: int
    again_at: float


class Away:
    """The registries that are away. Each is left alone for a while, longer each time."""

    def __init__(self, known: Iterable[Absence] = ()) -> None:
        self._absences = {absence.registry: absence for absence in known}

    @property
    def known(self) -> tuple[Absence, ...]:
        """Those that are away."""
        return tuple(self._absences.values())

    @property
    def next_at(self) -> float | None:
        """When one of them is asked again, in seconds since the epoch; None when none is away."""
        return min((absence.again_at for absence in self._absences.values()), default=None)

    def left_alone(self, now: float) -> Mapping[str, Absence]:
        """Return those that it is too early to ask again, by registry."""
        return {name: each for name, each in self._absences.items() if now < each.again_at}

    def due(self, now: float) -> frozenset[str]:
        """Return those that may be asked again."""
        return frozenset(self._absences.keys() - self.left_alone(now).keys())

    def failed(self, registry: str, problem: Words, now: float) -> None:
        """Take note that a registry couldn't be looked at."""
        before = self._absences.get(registry)
        attempts = before.attempts + 1 if before else 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32))
        self._absences[registry] = Absence(registry, problem, attempts, now + pause)

    def answered(self, registries: Collection[str]) -> tuple[str, ...]:
        """Forget what was known of registries that have answered; return those that were away."""
        back = tuple(name for name in self._absences if name in registries)
        for name in back:
            del self._absences[name]
        return back

    def put_off(self, registries: Iterable[str], now: float) -> None:
        """Leave alone for longer what may be asked again by now, and can't be after all."""
        for registry in self.due(now).intersection(registries):
            self.failed(registry, self._absences[registry].problem, now)


def words_of(error: TransshipError) -> Words:
    """Return an error as a record keeps it."""
    return error.title, error.detail, error.remedy
