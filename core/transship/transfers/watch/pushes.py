"""The tags that were pushed and wait to be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from transship.oci.reference import Reference

MOST = 10_000
"""How many tags wait at most; beyond that, all of the plan is looked at instead."""


class Pushes:
    """Collects tags, each once, and wakes who waits for them."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        """Set when there is something to look at."""
        self.overflowed = False
        """Whether more was pushed than is kept."""
        self._tags: dict[Reference, None] = {}
        self._later: dict[Reference, None] = {}

    def add(self, tags: Iterable[Reference]) -> None:
        """Let tags wait."""
        for tag in tags:
            if len(self._tags) >= MOST:
                self.overflowed = True
                break
            self._tags[tag] = None
            self.woken.set()

    def take(self) -> list[Reference]:
        """Return what waits, in the order in which it came."""
        self.woken.clear()
        tags, self._tags = list(self._tags), {}
        return tags

    def add_later(self, tags: Iterable[Reference]) -> None:
        """Let tags wait until a job has ended."""
        self._later.update(dict.fromkeys(tags))

    def job_ended(self) -> None:
        """Let what waited for a job wait to be looked at."""
        tags, self._later = self._later, {}
        self.add(tags)
