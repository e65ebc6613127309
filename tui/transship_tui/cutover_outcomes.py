"""What became of a change, in words that say what comes next. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_WORDS = {
    "change done": "The change is made: every name server has it. Resolvers follow as clocks say",
    "change partly": "The change is made, but some name servers don't have it yet",
    "change not made": "Every name server still says the old value: the change didn't take",
    "change refused": "The provider refused the change; nothing was changed",
    "change undone": "A name server said something else, so the old record was put back",
    "change not put back": "Something went wrong, and the old record couldn't be put back",
    "change already": "Nothing was changed",
    "rollback done": "The old record is back: every name server has it. Resolvers follow",
    "rollback partly": "The old record is back, but some name servers don't have it yet",
    "rollback not made": "Every name server still says the new value: the way back didn't take",
    "rollback refused": "The provider refused the way back; nothing was changed",
    "rollback undone": "A name server said something else, so the record was left as it was",
    "rollback not put back": "Something went wrong on the way back; look at the record now",
}


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """What is to be said, and whether all went well."""

    good: bool
    words: str


def outcome_of(outcome: str) -> OutcomeWords:
    """Return what to say of what the engine has told: `DIRECTION OUTCOME[: DETAIL]`."""
    name, colon, detail = outcome.partition(": ")
    words = _WORDS.get(name, name)
    return OutcomeWords(name.endswith((" done", " already")), f"{words}{colon}{detail}")
