"""What the operator lets a job do at each registry: said by its plan, changed while it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from transship.plans.plan import Plan
from transship.plans.policy import Limits
from transship.plans.quantities import parse_rate, write_rate
from transship.registries.pacing import Paced
from transship.registries.place import Place
from transship.text import counted, rate_text
from transship.transfers.journal import Journal
from transship.transfers.logbook import Logbook

WISH = "limit"
_NONE = "none"
_WRITTEN = re.compile(r"(\S+)(?: rate=(\S+))?(?: concurrency=(\S+))?")


@dataclass(frozen=True, slots=True)
class LimitWish:
    """Another rate (bytes per second) or concurrency at one registry.

    None leaves it as it is, 0 takes it away.
    """

    registry: str
    rate: int | None = None
    concurrency: int | None = None

    def __str__(self) -> str:
        """Return it as a journal keeps it: `new.example rate=20MiB/s concurrency=none`."""
        rate = write_rate(self.rate).replace(" ", "") if self.rate else _NONE
        rate = f" rate={rate}" if self.rate is not None else ""
        at_once = f" concurrency={self.concurrency or _NONE}"
        return f"{self.registry}{rate}{at_once if self.concurrency is not None else ''}"


def wish_in(text: str) -> LimitWish:
    """Return the wish that a journal keeps as `text`."""
    match = _WRITTEN.fullmatch(text)
    assert match is not None, text
    registry, rate, concurrency = match.groups()
    return LimitWish(
        registry,
        rate=None if rate is None else 0 if rate == _NONE else parse_rate(rate),
        concurrency=None if concurrency is None else int(concurrency.replace(_NONE, "0")),
    )


def changed(limits: Limits, wish: LimitWish) -> Limits:
    """Return the limits that hold after a wish."""
    if wish.rate is not None:
        limits = replace(limits, rate=wish.rate or None)
    if wish.concurrency is not None:
        limits = replace(limits, concurrency=wish.concurrency or None)
    return limits


def limits_of(plan: Plan, journal: Journal) -> dict[str, Limits]:
    """Return what holds for a job: the limits of its plan, with all wishes since."""
    limits = dict(plan.limits)
    for _, text in journal.wished(WISH):
        wish = wish_in(text)
        limits[wish.registry] = changed(limits.get(wish.registry, Limits()), wish)
    return limits


def held_words(rate: int | None, concurrency: int | None) -> str:
    """Return limits in words: `20 MiB/s, 4 requests at once`; empty if there are none."""
    words = [rate_text(rate)] if rate else []
    return ", ".join(
        words + ([f"{counted(concurrency, 'request')} at once"] if concurrency else [])
    )


def hold(places: Mapping[str, Place], limits: Mapping[str, Limits]) -> None:
    """Hold each registry to its limits, from the next request on."""
    for name, each in limits.items():
        place = places.get(name)
        if isinstance(place, Paced):
            place.pacer.limit(each.concurrency, each.rate)


class Steering:
    """Holds the places of one job to what its plan and its operator say."""

    def __init__(
        self, plan: Plan, places: Mapping[str, Place], journal: Journal, log: Logbook
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._log = log
        self._seen = max((number for number, _ in journal.wished(WISH)), default=0)
        hold(places, limits_of(plan, journal))

    def take_up(self) -> None:
        """Take up what the operator has wished since, and log it."""
        new = self._journal.wished(WISH, after=self._seen)
        if not new:
            return
        self._seen = new[-1][0]
        limits = limits_of(self._plan, self._journal)
        hold(self._places, limits)
        for registry in dict.fromkeys(wish_in(text).registry for _, text in new):
            words = held_words(limits[registry].rate, limits[registry].concurrency)
            self._log.info(registry, f"it is held to {words}" if words else "it has no limit")
