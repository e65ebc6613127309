"""The API's words for states and times, however they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from transship.engines.executions import ExecutionState
from transship.engines.tcr.api import api_time, execution_state


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("succeed", ExecutionState.SUCCEEDED),
        ("Succeed", ExecutionState.SUCCEEDED),
        ("SUCCESS", ExecutionState.SUCCEEDED),
        ("InProgress", ExecutionState.RUNNING),
        ("IN_PROGRESS", ExecutionState.RUNNING),
        ("PENDING", ExecutionState.WAITING),
        ("Failed", ExecutionState.FAILED),
        ("Cancel", ExecutionState.STOPPED),
        ("StatusUnKnow", ExecutionState.UNKNOWN),
        ("", ExecutionState.UNKNOWN),
    ],
)
def test_a_word_stands_for_a_state(word: str, state: ExecutionState) -> None:
    assert execution_state(word) is state


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2023-08-01T12:00:01+00:00", datetime(2023, 8, 1, 12, 0, 1, tzinfo=UTC)),
        ("2023-07-14T03:42:09.95279Z", datetime(2023, 7, 14, 3, 42, 9, 952790, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("2023-08-01T12:00:01", None),
        ("xx", None),
        ("", None),
    ],
)
def test_a_time_is_read_and_none_is_none(text: str, time: datetime | None) -> None:
    assert api_time(text) == time
