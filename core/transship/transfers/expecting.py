"""Whether a target is listed first, or asked for each tag: told by what it had so far."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from transship.transfers.errands import Part
from transship.transfers.looking import Looking
from transship.transfers.work import Found


@dataclass(slots=True)
class Expectation:
    """What is expected of the targets of one plan.

    Where all is there, each tag is asked for in any case, and a list would be one question more.
    Where there is nothing, the list spares a question for each tag.
    """

    looking: Looking
    _all_there: bool | None = None
    """Whether all was there that was looked at last; None before anything was."""
    _first: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the first target is listed: the others wait for what comes of it."""

    async def tags(self, part: Part, *, believes: bool) -> frozenset[str] | None:
        """Return the tags that the target has, None where each is to be asked for.

        For who `believes` some of them without asking, the list is what tells.
        """
        spares = part.errand.spares and not believes
        if not part.errand.lists or (spares and self.looking.trusted.job):
            return None
        if spares and self._all_there is None:
            async with self._first:
                if self._all_there is None:
                    self._all_there = False  # Whatever happens, nobody else waits for it.
                    return await self._listed(part)
        return None if spares and self._all_there else await self._listed(part)

    def saw(self, found: Iterable[Found]) -> None:
        """Take note of what was there when each tag was asked for."""
        self._all_there = all(item.target_digest is not None for item in found)

    async def _listed(self, part: Part) -> frozenset[str]:
        there = await self.looking.target_tags(part.errand.target)
        self._all_there = all(wanted.target.tag in there for wanted in part.wanted)
        return there
