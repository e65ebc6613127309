"""The cron lines of Harbor, which have seconds in front, and are read in UTC. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice, pairwise

from cronsim import CronSim

from transship.errors import BadRequest, CantBeDelegated
from transship.plans.policy import Schedule
from transship.plans.schedule import check_cron

_FIELDS = 6
_SOME_DAY = datetime(2001, 1, 1, tzinfo=UTC)
_RUNS = 2000
_SEVEN = re.compile(r"(?<![/\d])7(?!\d)")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def check_six(line: str) -> None:
    """Raise BadRequest unless Harbor takes a cron line: six fields, at most once in a minute.

    The first is for seconds and must be 0, the second for minutes and can't be `*`.
    """
    fields = line.split()
    if len(fields) != _FIELDS:
        raise BadRequest(
            f"{line!r} has {len(fields)} fields, and Harbor's cron lines have six",
            remedy="Write seconds (0), minutes, hours, day of month, month and day of week.",
        )
    if fields[0] != "0":
        raise BadRequest(f"{line!r}: Harbor takes nothing but 0 for the seconds, the first field")
    if fields[1] == "*":
        raise BadRequest(
            f"{line!r}: Harbor takes no * for the minutes, the second field",
            remedy="Write for example */5, for every five minutes.",
        )
    if _SEVEN.search(fields[5]):
        raise BadRequest(f"{line!r}: Harbor knows Sunday as 0, the last field goes from 0 to 6")
    check_cron(" ".join(fields[1:]))


def longest_pause(line: str) -> float:
    """Return the most seconds between two runs of a cron line of six fields."""
    runs = islice(CronSim(" ".join(line.split()[1:]), _SOME_DAY), _RUNS)
    return max((b - a).total_seconds() for a, b in pairwise(runs))


def six_of(schedule: Schedule) -> str:
    """Return the cron line of Harbor for the schedule of a plan.

    Raises CantBeDelegated for what such a line can't say: seconds, and what divides no hour or day.
    """
    if schedule.every is None:
        line = f"0 {schedule.cron}"
        if _SEVEN.search(schedule.cron.split()[4]):
            raise CantBeDelegated(
                f"{schedule.cron!r}: Harbor knows Sunday as 0",
                remedy="Write 0 for Sunday, or let Transship move it.",
            )
        if schedule.cron.split()[0] == "*":
            raise CantBeDelegated(
                f"{schedule.cron!r}: Harbor takes no * for the minutes",
                remedy="Write */5 for the minutes, or let Transship move it.",
            )
        return line
    every = schedule.every
    if every % _MINUTE == 0 and _MINUTE <= every < _HOUR and _HOUR % every == 0:
        # `*/1` is what Harbor takes for a `*`, which it doesn't take.
        return f"0 */{every / _MINUTE:.0f} * * * *"
    if every % _HOUR == 0 and _HOUR <= every < _DAY and _DAY % every == 0:
        return f"0 0 */{every / _HOUR:.0f} * * *"
    if every == _DAY:
        return "0 0 0 * * *"
    raise CantBeDelegated(
        f"every {every:g} seconds is no even part of an hour or a day",
        remedy="Write for example 5m, 15m, 1h or 6h, or let Transship move it.",
    )
