"""What would be lost or broken off if the app ended now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stake:
    """One thing that is at stake: the question before the app ends, and what to say to it."""

    question: str
    words: str
