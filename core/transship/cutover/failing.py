"""Which tags a round leaves alone, as they couldn't be copied a moment ago. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from transship.cutover.evidence import TagPair

_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 600.0


def pause_after(attempts: int) -> float:
    """Return how many seconds to leave alone what has failed so many times (from 1) in a row."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts - 1, 32))


@dataclass(frozen=True, slots=True)
class Trial:
    """Why a tag couldn't be copied, how often in a row, and when it may be tried again."""

    why: str
    attempts: int
    again_at: float


@dataclass(slots=True)
class Failing:
    """What failed lately, by its digests on both sides: pushed anew, a tag is tried at once."""

    trials: dict[TagPair, Trial] = field(default_factory=dict)

    def waiting(self, pairs: Iterable[TagPair], now: float) -> dict[TagPair, str]:
        """Return those that it is too early to try again, and why they couldn't be copied."""
        trials = ((pair, self.trials.get(pair)) for pair in pairs)
        return {pair: trial.why for pair, trial in trials if trial and now < trial.again_at}

    def tried(
        self, pairs: Iterable[TagPair], failed: Mapping[tuple[str, str], str], now: float
    ) -> None:
        """Take note of what a round has tried, and which of it failed."""
        for pair in pairs:
            before = self.trials.pop(pair, None)
            why = failed.get((pair.repository, pair.tag))
            if why is not None:
                attempts = before.attempts + 1 if before else 1
                self.trials[pair] = Trial(why, attempts, now + pause_after(attempts))

    def keep_only(self, pairs: Collection[TagPair]) -> None:
        """Forget what isn't to be copied any more."""
        self.trials = {pair: trial for pair, trial in self.trials.items() if pair in pairs}
