"""The scenarios: which images there are, what the target has already, and how far away it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sidebyside.images import Image, large, mixed, moved, multi_platform, small


class Has(StrEnum):
    """What the target has before the measured run."""

    NOTHING = "nothing"
    ALL = "all"
    """Everything, as the same tool left it."""
    BUT_MOVED = "all but what moved"
    """Everything; then a part of the source's tags moves."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. `seconds` is the round trip to each registry.

    `goal` is the most that Transship may take, as a ratio to the fastest peer; `goal_default` the
    same to each peer at its default settings, `goal_trusting` for who trusts the run before (0: no
    such goal).
    """

    name: str
    images: Callable[[], Iterator[Image]]
    goal: float
    has: Has = Has.NOTHING
    seconds: float = 0.0
    tls: bool = False
    goal_default: float = 0.0
    goal_trusting: float = 0.0

    @property
    def is_far(self) -> bool:
        """Whether there is a way to each registry that takes time."""
        return self.seconds > 0

    def at_source(self) -> list[Image]:
        """Return what is to be copied: all images, as they are after some have moved."""
        every = {(each.repository, each.tag): each for each in self.images()}
        every |= {(each.repository, each.tag): each for each in self.changed()}
        return list(every.values())

    def at_target(self) -> list[Image]:
        """Return what the target has before."""
        return [] if self.has is Has.NOTHING else list(self.images())

    def changed(self) -> Iterator[Image]:
        """Give what moves at the source before the measured run."""
        return moved(self.images(), 20) if self.has is Has.BUT_MOVED else iter(())


_FAR = 0.050


def full() -> list[Scenario]:
    """Return the scenarios that are recorded."""

    def many() -> Iterator[Image]:
        return small(300, 3)

    def shared() -> Iterator[Image]:
        return mixed(20, 5, 100)

    def big() -> Iterator[Image]:
        return large(4, 512)

    return [
        Scenario("small", many, 0.75),
        Scenario("mixed", shared, 0.55),
        Scenario("large", big, 1.05),
        Scenario("again", many, 1.10, Has.ALL, goal_trusting=0.70),
        Scenario("delta", many, 0.75, Has.BUT_MOVED),
        Scenario("far small", many, 0.60, seconds=_FAR, goal_default=0.15),
        Scenario("far mixed", shared, 0.60, seconds=_FAR),
        Scenario("far again", many, 0.85, Has.ALL, seconds=_FAR, goal_default=0.15),
        Scenario("multi-platform", lambda: multi_platform(30, 3), 0.60),
        Scenario("large https", big, 1.05, tls=True),
    ]


def quick() -> list[Scenario]:
    """Return small ones that are over in a minute: that it works, not how fast."""

    def few() -> Iterator[Image]:
        return small(6, 2)

    return [
        Scenario("small", few, 0.75),
        Scenario("again", few, 1.10, Has.ALL, goal_trusting=0.70),
        Scenario("delta", few, 0.75, Has.BUT_MOVED),
        Scenario("mixed", lambda: mixed(4, 2, 5), 0.55),
        Scenario("far small", lambda: small(4, 2), 0.60, seconds=_FAR, goal_default=0.15),
        Scenario("multi-platform", lambda: multi_platform(2, 1), 0.60),
        Scenario("large https", lambda: large(2, 16), 1.05, tls=True),
    ]
