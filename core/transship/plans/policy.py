"""When a plan runs, how hard it may pull, and what it may delete. Data only."""

from __future__ import annotations

from dataclasses import dataclass

MOST_AT_ONCE = 1000
"""What is the highest concurrency that makes sense."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each day, in minutes since midnight, local time. It may reach over midnight."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one registry may be asked for.

    `concurrency` counts requests at once, blobs included; `rate` is in bytes of blobs per second,
    read and written together. Outside its `window` nothing is moved.
    """

    concurrency: int | None = None
    rate: int | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a plan runs again: every so many seconds, or when a cron line (5 fields) says so."""

    every: float | None = None
    cron: str = ""


@dataclass(frozen=True, slots=True)
class Deletion:
    """That what has vanished at the source vanishes at the target too, and how much of it.

    `at_most` is the share (0 to 1) of a target's tags under the plan that one run may delete.
    What matches one of `protect` (`REPOSITORY[:TAG]`, globs, names at the target) stays.
    """

    at_most: float = 0.05
    protect: tuple[str, ...] = ()
