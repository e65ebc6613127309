"""The parts of the day in which a registry may be used. By the clock on the wall."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo

from transship.clock import Clock
from transship.plans.policy import Window
from transship.plans.schedule import LOCAL

_MINUTE = 60
_LONGEST = 49 * 60
"""In how many minutes each window opens: on one day the clocks may leave it out altogether."""


def is_open(window: Window, moment: datetime) -> bool:
    """Tell whether a moment, as the clock on the wall shows it, is in the window.

    The first minute is, the last one isn't. One that ends before it begins reaches over midnight.
    """
    minute = moment.hour * 60 + moment.minute
    if window.begins < window.ends:
        return window.begins <= minute < window.ends
    return minute >= window.begins or minute < window.ends


def opens(window: Window, now: float, zone: tzinfo = LOCAL) -> float:
    """Return when the window is open next: `now`, or a later minute, in seconds since the epoch.

    Where clocks leave out its beginning in spring, it opens right after the gap; an hour that
    comes twice in autumn is in it both times.
    """
    if is_open(window, _on_the_wall(now, zone)):
        return now
    minute = math.floor(now / _MINUTE) * _MINUTE
    later = (minute + _MINUTE * count for count in range(1, _LONGEST))
    return next(moment for moment in later if is_open(window, _on_the_wall(moment, zone)))


def _on_the_wall(moment: float, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(zone)


class Windows:
    """The windows of a job's registries, at this moment."""

    def __init__(self, windows: Mapping[str, Window], clock: Clock, zone: tzinfo = LOCAL) -> None:
        self._windows = windows
        self._clock = clock
        self._zone = zone
        self._opens: dict[str, float] = {}

    def hold(self, windows: Mapping[str, Window]) -> None:
        """Let these windows hold from here on, and no others."""
        self._windows = windows
        self._opens.clear()

    def waits_until(self, registry: str) -> float | None:
        """Return when a registry may be used again, in seconds since the epoch; None: now."""
        window = self._windows.get(registry)
        if window is None:
            return None
        now = self._clock.now()
        moment = self._opens.get(registry, now)
        if moment <= now:
            moment = self._opens[registry] = opens(window, now, self._zone)
        return moment if moment > now else None

    def are_open(self, registries: tuple[str, ...]) -> bool:
        """Tell whether all of these may be used now."""
        return all(self.waits_until(registry) is None for registry in registries)
