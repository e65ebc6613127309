"""How much a job may do at each registry: said by its plan, changed while it runs.

What a runner sees of the registries' own limits is kept in its journal and told in words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

import msgspec

from transship.clock import Clock
from transship.errors import BadRequest
from transship.plans.plan import MOST_AT_ONCE, Limits, Plan, Window
from transship.plans.quantities import parse_rate, parse_window, write_rate, write_window
from transship.plans.schedule import LOCAL
from transship.registry.http.rate_limiter import RateLimitedRegistry, RateLimiter
from transship.registry.registry import Registry
from transship.text import counted, duration_text, rate_text
from transship.transfers.copies import JobState
from transship.transfers.journal import JobLog, Journal
from transship.transfers.lanes import Windows

_SILENT_SECONDS = 5.0
"""How long a registry doesn't answer before that is worth a word: one request may well fail."""

_SAME_SECONDS = 1.0
"""By how much two looks at the same moment differ: clocks don't tick in step."""

_TELL_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds a job up at one registry.

    `slowed` is how often it has asked to slow down since the job's process began. `until` is when
    it may be asked again, `silent_since` when it stopped to answer, both in seconds since the
    epoch; `why` says what the last request came to, and until `patient_until` none is given up.
    `at_once` is how many requests it gets at once, where that is fewer than at first.
    `rate` (bytes per second) and `concurrency` (requests at once) are what the operator allows,
    `opens` is when the window begins that it is outside of, in seconds since the epoch.
    """

    registry: str
    slowed: int = 0
    until: float | None = None
    at_once: int | None = None
    silent_since: float | None = None
    why: str = ""
    patient_until: float | None = None
    rate: int | None = None
    concurrency: int | None = None
    opens: float | None = None


def encoded(limits: Sequence[Limit]) -> str:
    """Return limits as a fact of the journal."""
    return msgspec.json.encode(limits).decode()


def decoded(fact: str) -> tuple[Limit, ...]:
    """Return the limits in a fact of the journal."""
    return msgspec.json.decode(fact, type=tuple[Limit, ...]) if fact else ()


def limit_words(
    limits: Sequence[Limit], state: JobState, now: float, zone: tzinfo = LOCAL
) -> list[str]:
    """Return what there is to say of each registry, at `now` in seconds since the epoch.

    Of a job that stands still only what a registry still asks for is of use, and of one that has
    ended nothing is.
    """
    if state is JobState.RUNNING:
        return [_running_words(limit, now, zone) for limit in limits]
    if state.ended:
        return []
    return [
        f"{limit.registry} wants to be left alone for {duration_text(limit.until - now)}"
        for limit in limits
        if limit.until is not None and limit.until > now
    ]


def _running_words(limit: Limit, now: float, zone: tzinfo) -> str:
    if limit.opens is not None:
        return f"waits until {_wall_clock(limit.opens, zone)} (window of {limit.registry})"
    held = held_words(limit.rate, limit.concurrency)
    words = [_asked_words(limit, now, zone), f"held to {held}" if held else ""]
    return f"{limit.registry} {'; '.join(filter(None, words))}"


def _asked_words(limit: Limit, now: float, zone: tzinfo) -> str:
    """Return what the registry itself holds the job up by, if it does."""
    if limit.silent_since is not None:
        why = f" ({limit.why[0].lower()}{limit.why[1:]})" if limit.why else ""
        lasts = limit.patient_until is not None and limit.patient_until > now
        until = f"; tried until {_wall_clock(limit.patient_until or now, zone)}" if lasts else ""
        return f"hasn't answered for {duration_text(now - limit.silent_since)}{why}{until}"
    if not limit.slowed:
        return ""
    times = f" {limit.slowed}×" if limit.slowed > 1 else ""
    words = f"asked{times} to slow down"
    if limit.until is not None and limit.until > now:
        return f"{words}, waiting {duration_text(math.ceil(limit.until - now))}"
    if limit.at_once is not None:
        return f"{words}, {counted(limit.at_once, 'request')} at once"
    return words


def _wall_clock(moment: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(moment, UTC).astimezone(zone):%H:%M}"


class LimitWatch:
    """Looks at the paces of a job's places a few times a second, and logs when one changes."""

    def __init__(
        self,
        places: Mapping[str, Registry],
        log: JobLog,
        clock: Clock,
        windows: Windows | None = None,
    ) -> None:
        windows = windows or Windows({}, clock)
        self._watched = [
            _Watched(
                name,
                place.pacer if isinstance(place, RateLimitedRegistry) else None,
                log,
                clock,
                windows,
            )
            for name, place in places.items()
        ]

    def look(self) -> list[Limit]:
        """Return the limits there are now."""
        return [limit for watched in self._watched if (limit := watched.look()) is not None]


class _Watched:
    """One registry, as it was seen last."""

    def __init__(
        self, name: str, pacer: RateLimiter | None, log: JobLog, clock: Clock, windows: Windows
    ) -> None:
        self._name = name
        self._pacer = pacer or RateLimiter(clock)
        self._log = log
        self._clock = clock
        self._windows = windows
        self._seen = Limit(name)
        self._slow = _Spell(clock)
        self._silent = _Spell(clock)

    def look(self) -> Limit | None:
        """Return the limit that there is now, if any, and log what is another one."""
        before, self._seen = self._seen, self._limit()
        self._log_slow(before)
        self._log_silence(before)
        self._log_window(before)
        return self._seen if self._seen != Limit(self._name) else None

    def _limit(self) -> Limit:
        pacer, now = self._pacer, self._clock.now()
        waiting, silent = pacer.waiting, pacer.silent
        silent_since = _steady(
            self._seen.silent_since, now - silent if silent >= _SILENT_SECONDS else None
        )
        return Limit(
            self._name,
            pacer.slowed,
            until=_steady(self._seen.until, now + waiting if waiting else None),
            at_once=pacer.allowed if pacer.narrowed else None,
            silent_since=silent_since,
            why="" if silent_since is None else pacer.last_failure,
            patient_until=None if silent_since is None else silent_since + pacer.patient_for,
            rate=pacer.throttle.rate,
            concurrency=pacer.concurrency,
            opens=self._windows.waits_until(self._name),
        )

    def _log_slow(self, before: Limit) -> None:
        if self._seen.slowed > before.slowed and self._slow.begins():
            pacer = self._pacer
            pause = f"nothing for {duration_text(pacer.waiting)}, then " if pacer.waiting else ""
            at_once = counted(pacer.allowed, "request")
            self._log.warning(self._name, f"it asks to slow down: {pause}{at_once} at once")
        elif self._pacer.slowed and self._pacer.recovered and self._slow.ends():
            times = counted(self._seen.slowed, "time")
            self._log.info(self._name, f"it answers again; it has asked {times} to slow down")

    def _log_silence(self, before: Limit) -> None:
        if self._seen.silent_since is not None:
            if before.silent_since is None and self._silent.begins():
                left = duration_text(self._pacer.patient_for - self._pacer.silent)
                words = f"it doesn't answer: {self._seen.why}; it is asked again for {left}"
                self._log.warning(self._name, words)
        elif before.silent_since is not None and self._silent.ends():
            lasted = duration_text(self._clock.now() - before.silent_since)
            self._log.info(self._name, f"it answers again, after {lasted}")

    def _log_window(self, before: Limit) -> None:
        opens = self._seen.opens
        if opens is not None and before.opens is None:
            left = duration_text(opens - self._clock.now())
            self._log.info(self._name, f"outside its window; nothing begins there for {left}")
        elif opens is None and before.opens is not None:
            self._log.info(self._name, "its window is open")


class _Spell:
    """Something that lasts for a while. Of spells that come often, not each is told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = -math.inf
        self._lasts = False

    def begins(self) -> bool:
        """Return whether to tell that it begins."""
        now = self._clock.monotonic()
        if self._lasts or now - self._told < _TELL_AGAIN_SECONDS:
            return False
        self._lasts, self._told = True, now
        return True

    def ends(self) -> bool:
        """Return whether to tell that it ends: only if it was told that it began."""
        lasted, self._lasts = self._lasts, False
        return lasted


def _steady(before: float | None, now: float | None) -> float | None:
    """Return a moment as it was seen before if it is the same one."""
    if before is not None and now is not None and abs(now - before) < _SAME_SECONDS:
        return before
    return now


LIMIT_REQUEST = "limit"
_NONE = "none"
_WRITTEN = re.compile(r"(\S+)(?: rate=(\S+))?(?: concurrency=(\S+))?(?: window=(\S+))?")

ALL_DAY = Window(0, 0)
"""The window of a wish that takes the window away: from midnight to midnight."""


@dataclass(frozen=True, slots=True)
class LimitRequest:
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


def limit_request(
    registry: str, rate: str = "", concurrency: str = "", window: str = ""
) -> LimitRequest:
    """Return the wish in what an operator has written of one registry.

    `rate` and `window` are as a plan writes them (`20 MiB/s`, `22:00-06:00`), `concurrency` is a
    number of requests at once; `none` takes a limit away, and nothing leaves it as it is. Raises
    BadRequest.
    """
    return LimitRequest(registry, _rate_in(rate), _concurrency_in(concurrency), _window_in(window))


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


def request_in(text: str) -> LimitRequest:
    """Return the wish that a journal keeps as `text`."""
    match = _WRITTEN.fullmatch(text)
    assert match is not None, text
    registry, rate, concurrency, window = match.groups()
    return LimitRequest(
        registry,
        rate=None if rate is None else 0 if rate == _NONE else parse_rate(rate),
        concurrency=None if concurrency is None else int(concurrency.replace(_NONE, "0")),
        window=_window_in(window or ""),
    )


def changed(limits: Limits, wish: LimitRequest) -> Limits:
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
    for _, text in journal.wished(LIMIT_REQUEST):
        wish = request_in(text)
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


def hold(places: Mapping[str, Registry], limits: Mapping[str, Limits]) -> None:
    """Hold each registry to its limits, from the next request on."""
    for name, each in limits.items():
        place = places.get(name)
        if isinstance(place, RateLimitedRegistry):
            place.pacer.limit(each.concurrency, each.rate)


class LimitControl:
    """Holds the places of one job to what its plan and its operator say."""

    def __init__(
        self,
        plan: Plan,
        places: Mapping[str, Registry],
        journal: Journal,
        log: JobLog,
        windows: Windows,
    ) -> None:
        self._plan = plan
        self._places = places
        self._journal = journal
        self._log = log
        self._windows = windows
        self._seen = max((number for number, _ in journal.wished(LIMIT_REQUEST)), default=0)
        limits = limits_of(plan, journal)
        hold(places, limits)
        windows.hold(windows_in(limits))

    def take_up(self) -> None:
        """Take up what the operator has wished since, and log it."""
        new = self._journal.wished(LIMIT_REQUEST, after=self._seen)
        if not new:
            return
        self._seen = new[-1][0]
        limits = limits_of(self._plan, self._journal)
        hold(self._places, limits)
        self._windows.hold(windows_in(limits))
        for registry in dict.fromkeys(request_in(text).registry for _, text in new):
            held = limits[registry]
            words = held_words(held.rate, held.concurrency, held.window)
            self._log.info(registry, f"it is held to {words}" if words else "it has no limit")
