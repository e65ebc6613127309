"""The guided way, derived from facts: which step comes next, and why it isn't done yet.

Nothing about the guide is stored. Leaving it loses nothing, and whoever does a step elsewhere
finds it done here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The steps of a migration, in order."""

    SOURCE = "source"
    TARGET = "target"
    CHOOSE = "choose"
    PREVIEW = "preview"
    RUN = "run"
    PROVE = "prove"
    CUTOVER = "cutover"


class Progress(StrEnum):
    """How far a step is."""

    DONE = "done"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class World:
    """The facts that the steps follow from.

    `accounts` are the hosts that the operator has added; `source` and `target` those that were
    chosen. `chosen` counts repositories and tags that are marked, `previewed` says that their
    worklist was seen. `job_state` is that of the newest job between the two, `proven` that a
    verification of it held. `cutover_waits` says in words what the domain's move waits for.
    """

    accounts: tuple[str, ...] = ()
    source: str = ""
    target: str = ""
    chosen: int = 0
    previewed: bool = False
    job_state: str = ""
    proven: bool = False
    cutover_done: bool = False
    cutover_waits: str = ""


@dataclass(frozen=True, slots=True)
class Next:
    """The step that comes next, and what it waits for."""

    step: Step
    waits_for: str


_ORDER = tuple(Step)


def next_step(world: World) -> Next:
    """Return the first step that isn't done, with what is missing for it in words."""
    waits = _waits(world)
    for step in _ORDER:
        if step in waits:
            return Next(step, waits[step])
    return Next(Step.CUTOVER, "")


def rail(world: World) -> tuple[tuple[Step, Progress], ...]:
    """Return every step with how far it is."""
    now = _ORDER.index(next_step(world).step)

    def progress(number: int) -> Progress:
        if number == now:
            return Progress.DONE if world.cutover_done else Progress.NOW
        return Progress.DONE if number < now else Progress.LATER

    return tuple((step, progress(number)) for number, step in enumerate(_ORDER))


def why_not(world: World, step: Step) -> str:
    """Return why a step can't be taken yet, or an empty string when it can.

    A step waits for all before it.
    """
    waits = _waits(world)
    for earlier in _ORDER[: _ORDER.index(step)]:
        if earlier in waits:
            return waits[earlier]
    return ""


def _waits(world: World) -> dict[Step, str]:
    """Return, for each step that isn't done, what it waits for."""
    source_known = world.source in world.accounts
    target_known = world.target in world.accounts and world.target != world.source
    begun = world.job_state not in ("", "cancelled")
    conditions = (
        (Step.SOURCE, source_known, "Choose the registry where the images are now."),
        (Step.TARGET, target_known, "Choose another registry, where the images shall go."),
        (Step.CHOOSE, world.chosen > 0 or begun, "Mark at least one repository or tag."),
        (Step.PREVIEW, world.previewed or begun, "Look at what will be written."),
        (Step.RUN, world.job_state == "done", _run_words(world.job_state)),
        (Step.PROVE, world.proven, "Prove that everything is at the target."),
        (Step.CUTOVER, world.cutover_done, world.cutover_waits or _CUTOVER_WORDS),
    )
    return {step: words for step, done, words in conditions if not done}


_CUTOVER_WORDS = "Move the domain when you are ready."


def _run_words(state: str) -> str:
    words = {
        "": "Start the copy.",
        "waiting": "The copy is about to start.",
        "running": "The copy is running.",
        "paused": "The copy is paused; resume it.",
        "interrupted": "The copy was interrupted; resume it.",
        "failed": "Something wasn't copied; retry it.",
        "cancelled": "The copy was cancelled; start it again.",
    }
    return words.get(state, "Start the copy.")
