"""Whether a target is listed first, or asked for each tag: told by what it had so far."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from transship.transfers.errands import Errand, Part
from transship.transfers.looking import Looking
from transship.transfers.work import Found


@dataclass(slots=True)
class _Seen:
    """What was seen at one registry: `all_there` is None before anything was.

    `first` is held while it is first listed, once: the others wait for what comes of it.
    """

    all_there: bool | None = None
    first: asyncio.Lock = field(default_factory=asyncio.Lock)
    was_asked: bool = False


@dataclass(slots=True)
class Expectation:
    """What is expected of the targets of one plan.

    Where all is there, each tag is asked for in any case, and a list would be one question more.
    Where there is nothing, the list spares a question for each tag.
    """

    looking: Looking
    _at: dict[str, _Seen] = field(default_factory=lambda: defaultdict(_Seen))

    async def tags(self, part: Part, *, believes: bool) -> frozenset[str] | None:
        """Return the tags that the target has, None where each is to be asked for.

        For who `believes` some of them without asking, the list is what tells.
        """
        errand = part.errand
        spares = errand.spares and not believes
        if not errand.lists or (spares and self.looking.trusted.job):
            return None
        seen = self._at[errand.target.registry]
        if spares and seen.all_there is None:
            async with seen.first:
                if not seen.was_asked:  # If this fails, the others list for themselves.
                    seen.was_asked = True
                    return await self._listed(part)
        known = self.looking.known_tags(errand.target)
        if known is not None:
            return known
        return None if spares and seen.all_there else await self._listed(part)

    def saw(self, errand: Errand, found: Iterable[Found]) -> None:
        """Take note of what was there when each tag was asked for."""
        there = all(item.target_digest is not None for item in found)
        self._at[errand.target.registry].all_there = there

    async def _listed(self, part: Part) -> frozenset[str]:
        target = part.errand.target
        there = await self.looking.target_tags(target)
        all_there = all(wanted.target.tag in there for wanted in part.wanted)
        self._at[target.registry].all_there = all_there
        return there
