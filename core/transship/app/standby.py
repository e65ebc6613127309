"""A runner that gets ready while a command line is still being read: the next job is given to it.

Imported before all else, so it imports nothing that `transship.transfers.standby` doesn't.
"""

from __future__ import annotations

from transship.transfers.standby import Standby, stand_by_to_run

_left: list[Standby] = []


def leave_standby() -> None:
    """Leave a runner standing by for the next job of this process, where that can be done."""
    standby = stand_by_to_run()
    _left.extend([standby] if standby else [])


def take_standby() -> Standby | None:
    """Return the runner that stands by, once; None where there is none."""
    return _left.pop() if _left else None
