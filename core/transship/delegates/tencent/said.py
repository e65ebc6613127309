"""The words of TCR's API for how something is, and when it was. Pure.

It writes the same state in several ways (`succeed`, `Succeed`, `SUCCESS`), so that case, spaces and
underscores don't count.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from transship.delegates.executions import State

_STATES: Mapping[str, State] = {
    word: state
    for state, words in (
        (State.WAITING, "pending initialized initializing waiting queued created"),
        (State.RUNNING, "inprogress running processing syncing creating deploying"),
        (State.SUCCEEDED, "succeed succeeded success synced finished"),
        (State.FAILED, "failed fail failure error failedcreated"),
        (State.STOPPED, "stopped stop cancel canceled cancelled"),
    )
    for word in words.split()
}


def state_of(word: str) -> State:
    """Return the state that a word stands for."""
    return _STATES.get(word.lower().replace("_", "").replace(" ", ""), State.UNKNOWN)


def time_of(text: str) -> datetime | None:
    """Return a time; Go's zero time, and what is no time, is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year > 1 and found.tzinfo is not None else None
