"""When a plan runs again. Pure, apart from the machine's time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from transship.errors import BadRequest
from transship.plans.plan import Schedule

_ITEM = r"(?:[0-9]{1,2}|[A-Za-z]{3})"
_TERM = rf"(?:\*|{_ITEM}(?:-{_ITEM})?)(?:/[0-9]{{1,2}})?"
_FIELD = re.compile(rf"{_TERM}(?:,{_TERM})*")
_LONGEST = 200
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class _LocalZone(tzinfo):
    """The machine's time zone, with its changes over the year."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        del dt
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, dt: datetime) -> datetime:
        there = dt.replace(tzinfo=UTC).astimezone()
        local = there.replace(tzinfo=self, fold=0)
        # Of an hour that comes twice, the second is told by its offset.
        return local if local.utcoffset() == there.utcoffset() else local.replace(fold=1)


LOCAL = _LocalZone()


def check_cron(line: str) -> None:
    """Raise BadRequest unless `line` is a cron line that comes true some day.

    It has five fields: minute, hour, day of the month, month, day of the week; each with numbers
    (or the first three letters of an English month or day), `*`, lists, ranges and steps.
    """
    if len(line) > _LONGEST:
        raise BadRequest(f"a cron line is not longer than {_LONGEST} characters")
    fields = line.split()
    if len(fields) != 5:
        raise BadRequest(
            f"{line!r} has {len(fields)} fields; a cron line has five: "
            "minute, hour, day of the month, month, day of the week"
        )
    wrong = next((field for field in fields if not _FIELD.fullmatch(field)), None)
    if wrong is not None:
        raise BadRequest(f"{wrong!r} in {line!r} is not a field of a cron line")
    try:
        next(CronSim(line, _SOME_DAY))
    except CronSimError as error:
        raise BadRequest(f"{str(error).lower()} in {line!r}") from None
    except StopIteration:
        raise BadRequest(f"{line!r} never comes true") from None


def next_run(schedule: Schedule, after: datetime, zone: tzinfo = LOCAL) -> datetime:
    """Return when a plan runs next: the first time that is later than `after`, which is aware.

    A cron line is read in `zone`, as Debian's cron does: what falls into the hour that clocks
    leave out in spring runs right after it, what falls into the hour that comes twice in autumn
    runs once, and what runs every so many minutes or hours goes on as if there were no change.
    """
    # In UTC, because arithmetic and comparisons within one zone are Python's on the clock's face.
    moment = after.astimezone(UTC)
    if schedule.every is not None:
        return (moment + timedelta(seconds=schedule.every)).astimezone(zone)
    times = CronSim(schedule.cron, moment.astimezone(zone))
    return next(run for run in times if run.astimezone(UTC) > moment)
