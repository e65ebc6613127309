"""What a registry says of how many images may still be pulled.

Docker Hub counts the manifests that are read (not those that are only asked for with HEAD) and
says with each answer how many are left: `ratelimit-remaining: 76;w=21600`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

_FIELD = re.compile(r"\s*(\d+)\s*(?:;\s*w=(\d+))?")


@dataclass(frozen=True, slots=True)
class Quota:
    """How many manifests may still be read, out of how many, in how many seconds (0: unknown)."""

    left: int
    limit: int
    seconds: int = 0


@runtime_checkable
class Metered(Protocol):
    """A place that may count what is read from it."""

    @property
    def quota(self) -> Quota | None:
        """What it said last, or None when it says nothing of the kind."""


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """Return what the headers (names in lower case) of an answer say, or None."""
    left = _FIELD.match(headers.get("ratelimit-remaining", ""))
    if left is None:
        return None
    limit = _FIELD.match(headers.get("ratelimit-limit", ""))
    return Quota(
        left=int(left[1]),
        limit=int(limit[1]) if limit else 0,
        seconds=int(left[2] or 0),
    )
