"""A runner that gets ready while the command line is still being read."""

from __future__ import annotations

from collections.abc import Sequence

from transship.transfers.standby import Standby, stand_by_to_run

_MOVE = frozenset({"copy", "run"})
_START_NOTHING = frozenset({"--dry-run", "--help", "-h", "--watch", "-w"})

_left: list[Standby] = []


def leave(words: Sequence[str]) -> None:
    """Leave a runner standing by if these words start a job, as far as one sees at a glance."""
    if words and words[0] in _MOVE and _START_NOTHING.isdisjoint(words):
        standby = stand_by_to_run()
        _left.extend([standby] if standby else [])


def taken() -> Standby | None:
    """Return the runner that stands by, once; None where there is none."""
    return _left.pop() if _left else None
