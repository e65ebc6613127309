"""The copies of a job that wait, and which of them is next."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from transship.transfers.lanes import Gate
from transship.transfers.work import Copy


class Queue:
    """Gives out copies in the order of the worklist; those that must wait let others go first."""

    def __init__(self, copies: Iterable[Copy], gate: Gate) -> None:
        self._gate = gate
        self._waiting: dict[tuple[str, str], list[tuple[int, Copy]]] = {}
        for copy in copies:
            self.put(copy)

    def put(self, copy: Copy) -> None:
        """Let a copy wait, at its place in the worklist."""
        pair = copy.source.registry, copy.target.registry
        heapq.heappush(self._waiting.setdefault(pair, []), (copy.id, copy))

    def take(self) -> Copy | None:
        """Return the next copy that may go now, or None."""
        ready = [
            waiting
            for registries, waiting in self._waiting.items()
            if waiting and self._gate.is_open(*registries)
        ]
        return heapq.heappop(min(ready, key=lambda waiting: waiting[0][0]))[1] if ready else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits that may ever go."""
        return not any(
            waiting and not self._gate.is_shut(*registries)
            for registries, waiting in self._waiting.items()
        )
