"""What the app asks of the core to keep the two registries of a domain in step."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transship.cutover.catchup import KeptSide
    from transship.cutover.status import CutoverStatus


class KeepingStep(Protocol):
    """Rounds between the old registry of a cutover and the new one.

    What the last one has found is in `Standing.rounds`. Nothing is written to a registry but by
    `catch_up_cutover`, `delta_cutover` and `copy_back_cutover`, whose callers have asked before.
    """

    async def compare_cutover(self, name: str) -> CutoverStatus:
        """Compare both registries once, and judge anew; copies nothing.

        Raises BadRequest where the old one isn't named, and why they can't be compared.
        """

    async def catch_up_cutover(self, name: str) -> CutoverStatus:
        """Copy to the new registry, once, what is pushed to the old one alone, and judge anew.

        Raises what `delta_cutover` raises, and why a registry doesn't answer.
        """

    def delta_cutover(self, name: str) -> AsyncIterator[CutoverStatus]:
        """Copy to the new registry what is pushed to the old one alone, round after round.

        Each round that copies is a job. Gives how the cutover stands after each, and ends once two
        rounds have found nothing since every resolver has followed. What both sides have pushed is
        left, and in the last round's `left.asks`. A registry that doesn't answer is asked again.
        Raises CutoverBusy where another process does that, and what stands in the way for good.
        """

    def keep_tag(self, name: str, tag: str, keep: KeptSide) -> CutoverStatus:
        """Say which registry's image a tag is to have that both have pushed; `REPOSITORY:TAG`.

        The next round does it. Raises BadRequest for a tag that nobody has asked about.
        """

    async def copy_back_cutover(self, name: str) -> CutoverStatus:
        """Copy to the old registry what only the new one has, by a job, and judge anew.

        Raises CutoverBusy, BadRequest where the old one isn't named, and why it can't be done.
        """
