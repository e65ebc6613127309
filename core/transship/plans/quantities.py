"""How a plan writes down spans of time, moments, rates, hours of the day, and shares. Pure.

Each has one meaning. Each `parse_...` raises BadRequest, in words, and each `write_...` gives the
shortest text that is read as the same.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from transship.errors import BadRequest
from transship.plans.plan import Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = 36_500 * 86_400
_BYTES = {
    "B": 1,
    "kB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
}
_MOST_BYTES = 2**50
_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,25})?"
_DURATION = re.compile(rf"({_NUMBER})([smhdw])")
_RATE = re.compile(rf"({_NUMBER}) ?(B|[kKMG]i?B)/s")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_WINDOW = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_SHARE = re.compile(rf"({_NUMBER}) ?%")
_DAY = 24 * 60


def parse_duration(text: str) -> float:
    """Return the seconds in `10s`, `5m` (minutes), `2h`, `90d` or `1w`; more than none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadRequest(f"{text!r} is not a span of time; write 10s, 5m, 2h, 90d or 1w")
    seconds = Decimal(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _LONGEST:
        raise BadRequest(f"{text!r} is no time at all, or more than a hundred years")
    return float(seconds)


def write_duration(seconds: float) -> str:
    """Return a span of time in the largest unit that it is whole in: 600 is `10m`."""
    unit = next((unit for unit in reversed(_SECONDS) if seconds % _SECONDS[unit] == 0), "s")
    return f"{_plain(Decimal(repr(seconds)) / _SECONDS[unit])}{unit}"


def parse_moment(value: str | date) -> float:
    """Return a moment in seconds since the epoch: a day (its first moment, UTC), or RFC 3339.

    A time of day needs its offset from UTC: `2026-01-31T08:00:00+02:00`, or `Z` at its end.
    """
    if isinstance(value, str):
        value = _date(value)
    if not isinstance(value, datetime):
        value = datetime.combine(value, time(), tzinfo=UTC)
    if value.tzinfo is None:
        raise BadRequest(f"{value.isoformat()} doesn't say its offset from UTC; add Z or +02:00")
    return (value - _EPOCH) / timedelta(seconds=1)


def _date(text: str) -> date:
    try:
        if _MOMENT.fullmatch(text):
            return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        pass
    raise BadRequest(
        f"{text!r} is neither a day like 2026-01-31 nor a time like 2026-01-31T08:00:00Z"
    )


def write_moment(seconds: float) -> str:
    """Return a moment as a day where it begins one, else as RFC 3339, in UTC."""
    moment = _EPOCH + timedelta(seconds=seconds)
    if moment.time() == time():
        return moment.date().isoformat()
    return moment.isoformat().replace("+00:00", "Z")


def parse_rate(text: str) -> int:
    """Return the bytes per second in `50 MiB/s` (1024 each) or `10 MB/s` (1000 each)."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise BadRequest(
            f"{text!r} is not a rate; write it in bytes, like 50 MiB/s or 10 MB/s"
            + (" (8 Mbit/s are 1 MB/s)" if re.search("bit|[kKMG]b", text) else "")
        )
    rate = int(Decimal(match[1]) * _BYTES["kB" if match[2] == "KB" else match[2]])
    if not 0 < rate <= _MOST_BYTES:
        raise BadRequest(f"{text!r} is nothing at all, or more than any line carries")
    return rate


def write_rate(rate: int) -> str:
    """Return a rate in the largest unit that it is whole in."""
    unit = next(unit for unit in reversed(_BYTES) if rate % _BYTES[unit] == 0)
    return f"{rate // _BYTES[unit]} {unit}/s"


def parse_window(text: str) -> Window:
    """Return the part of each day in `22:00-06:00`; `24:00` is the day's end."""
    match = _WINDOW.fullmatch(text)
    if match is None or (match[3] == "24" and match[4] != "00"):
        raise BadRequest(f"{text!r} is not a part of the day; write 22:00-06:00")
    begins, ends = (60 * int(match[n]) + int(match[n + 1]) for n in (1, 3))
    if begins == ends:
        raise BadRequest(f"{text!r} has no time in it")
    if (begins, ends) == (0, _DAY):
        raise BadRequest(f"{text!r} is the whole day; leave it out")
    return Window(begins, ends % _DAY)


def write_window(window: Window) -> str:
    """Return a part of the day: `22:00-06:00`."""
    begins, ends = (f"{m // 60:02}:{m % 60:02}" for m in (window.begins, window.ends))
    return f"{begins}-{ends}"


def parse_share(text: str) -> float:
    """Return the part of one in `5%`: more than nothing, at most all."""
    match = _SHARE.fullmatch(text)
    share = Decimal(match[1]) / 100 if match else Decimal()
    if not 0 < share <= 1:
        raise BadRequest(f"{text!r} is not a share; write more than 0% and at most 100%")
    return float(share)


def write_share(share: float) -> str:
    """Return a part of one in percent: `5%`."""
    return f"{_plain(Decimal(repr(share)) * 100)}%"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
