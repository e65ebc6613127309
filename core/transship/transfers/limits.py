"""What registries and their operator let a job do: seen by its runner, kept, told in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import msgspec

from transship.clock import Clock
from transship.plans.schedule import LOCAL
from transship.registries.pacing import Paced, Pacer
from transship.registries.place import Place
from transship.text import counted, duration_text
from transship.transfers.logbook import Logbook
from transship.transfers.steering import held_words
from transship.transfers.windows import Windows
from transship.transfers.work import JobState

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
        places: Mapping[str, Place],
        log: Logbook,
        clock: Clock,
        windows: Windows | None = None,
    ) -> None:
        windows = windows or Windows({}, clock)
        self._watched = [
            _Watched(name, place.pacer if isinstance(place, Paced) else None, log, clock, windows)
            for name, place in places.items()
        ]

    def look(self) -> list[Limit]:
        """Return the limits there are now."""
        return [limit for watched in self._watched if (limit := watched.look()) is not None]


class _Watched:
    """One registry, as it was seen last."""

    def __init__(
        self, name: str, pacer: Pacer | None, log: Logbook, clock: Clock, windows: Windows
    ) -> None:
        self._name = name
        self._pacer = pacer or Pacer(clock)
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
