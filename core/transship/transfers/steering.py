"""What the operator lets a job do at each registry: said by its plan, changed while it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from transship.errors import BadRequest
from transship.plans.plan import Plan
from transship.plans.policy import MOST_AT_ONCE, Limits, Window
from transship.plans.quantities import parse_rate, parse_window, write_rate, write_window
from transship.registries.pacing import Paced
from transship.registries.place import Place
from transship.text import counted, rate_text
from transship.transfers.journal import Journal
from transship.transfers.logbook import Logbook
from transship.transfers.windows import Windows

WISH = "limit"
_NONE = "none"
_WRITTEN = re.compile(r"(\S+)(?: rate=(\S+))?(?: concurrency=(\S+))?(?: window=(\S+))?")

ALL_DAY = Window(0, 0)
"""The window of a wish that takes the window away: from midnight to midnight."""


@dataclass(frozen=True, slots=True)
class LimitWish:
    """Another rate (bytes per second), concurrency or window at one registry.

    None leaves it as it is, 0 takes it away, and so does the window `ALL_DAY`.
    """

    registry: str
    rate: int | None = None
    concurrency: int | None = None
    window: Window | None = None

    def __str__(self) -> str:
        """Return it as a journal keeps it: `new.example rate=20MiB/s window=none`."""
        rate = write_rate(self.rate).replace(" ", "") if self.rate else _NONE
        rate = f" rate={rate}" if self.rate is not None else ""
        at_once = f" concurrency={self.concurrency or _NONE}"
        at_once = at_once if self.concurrency is not None else ""
        window = f" window={_window_words(self.window)}" if self.window is not None else ""
        return f"{self.registry}{rate}{at_once}{window}"


def wish_for(registry: str, rate: str = "", concurrency: str = "", window: str = "") -> LimitWish:
    """Return the wish in what an operator has written of one registry.

    `rate` and `window` are as a plan writes them (`20 MiB/s`, `22:00-06:00`), `concurrency` is a
    number of requests at once; `none` takes a limit away, and nothing leaves it as it is. Raises
    BadRequest.
    """
    return LimitWish(registry, _rate_in(rate), _concurrency_in(concurrency), _window_in(window))


def _rate_in(text: str) -> int | None:
    return None if not text else 0 if text == _NONE else parse_rate(text)


def _concurrency_in(text: str) -> int | None:
    if not text or text == _NONE:
        return 0 if text else None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_AT_ONCE):
        raise BadRequest(
            f"{text!r} is no number of requests at once: "
            f"write a number from 1 to {MOST_AT_ONCE}, or none"
        )
    return int(text)


def _window_in(text: str) -> Window | None:
    return None if not text else ALL_DAY if text == _NONE else parse_window(text)


def _window_words(window: Window) -> str:
    return _NONE if window == ALL_DAY else write_window(window)


def wish_in(text: str) -> LimitWish:
    """Return the wish that a journal keeps as `text`."""
    match = _WRITTEN.fullmatch(text)
    assert match is not None, text
    registry, rate, concurrency, window = match.groups()
    return LimitWish(
        registry,
        rate=None if rate is None else 0 if rate == _NONE else parse_rate(rate),
        concurrency=None if concurrency is None else int(concurrency.replace(_NONE, "0")),
        window=_window_in(window or ""),
    )


def changed(limits: Limits, wish: LimitWish) -> Limits:
    """Return the limits that hold after a wish."""
    if wish.rate is not None:
        limits = replace(limits, rate=wish.rate or None)
    if wish.concurrency is not None:
        limits = replace(limits, concurrency=wish.concurrency or None)
    if wish.window is not None:
        limits = replace(limits, window=None if wish.window == ALL_DAY else wish.window)
    return limits


def limits_of(plan: Plan, journal: Journal) -> dict[str, Limits]:
    """Return what holds for a job: the limits of its plan, with all wishes since."""
    limits = dict(plan.limits)
    for _, text in journal.wished(WISH):
        wish = wish_in(text)
        limits[wish.registry] = changed(limits.get(wish.registry, Limits()), wish)
    return limits


def held_words(rate: int | None, concurrency: int | None, window: Window | None = None) -> str:
    """Return limits in words: `20 MiB/s, 4 requests at once, 22:00-06:00`; empty without any."""
    words = (
        rate_text(rate) if rate else "",
        f"{counted(concurrency, 'request')} at once" if concurrency else "",
        write_window(window) if window else "",
    )
    return ", ".join(filter(None, words))


def windows_in(limits: Mapping[str, Limits]) -> dict[str, Window]:
    """Return the windows among limits, by registry."""
    return {name: each.window for name, each in limits.items() if each.window}


def hold(places: Mapping[str, Place], limits: Mapping[str, Limits]) -> None:
    """Hold each registry to its limits, from the next request on."""
    for name, each in limits.items():
        place = places.get(name)
        if isinstance(place, Paced):
            place.pacer.limit(each.concurrency, each.rate)


class Steering:
    """Holds the places of one job to what its plan and its operator say."""

    def __init__(
        self,
        plan: Plan,
        places: Mapping[str, Place],
        journal: Journal,
        log: Logbook,
        windows: Windows,
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._log = log
        self._windows = windows
        self._seen = max((number for number, _ in journal.wished(WISH)), default=0)
        limits = limits_of(plan, journal)
        hold(places, limits)
        windows.hold(windows_in(limits))

    def take_up(self) -> None:
        """Take up what the operator has wished since, and log it."""
        new = self._journal.wished(WISH, after=self._seen)
        if not new:
            return
        self._seen = new[-1][0]
        limits = limits_of(self._plan, self._journal)
        hold(self._places, limits)
        self._windows.hold(windows_in(limits))
        for registry in dict.fromkeys(wish_in(text).registry for _, text in new):
            held = limits[registry]
            words = held_words(held.rate, held.concurrency, held.window)
            self._log.info(registry, f"it is held to {words}" if words else "it has no limit")
