"""What is to be looked at: repository by repository, and of a large one a part at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from transship.errors import TransshipError
from transship.oci.reference import Reference
from transship.plans.plan import Terms, Wanted
from transship.plans.selection import Lot

_PART = 32
"""How many tags are looked at together. What was found of them is in memory until it's taken."""


@dataclass(slots=True)
class Errand:
    """What goes from one repository to one other.

    With `lists` the target's tags are listed first, unless it `spares` that where all that was
    looked at last was there: then to ask for each is all that it takes. With `believes` those that
    were declared immutable aren't asked for, and with `loose` it is looked for what has no tag, on
    these `terms`. `problem` is why nothing can be said of single tags.
    """

    source: Reference
    target: Reference
    lots: Sequence[Lot | tuple[Wanted, ...]]
    terms: Terms
    lists: bool = True
    spares: bool = False
    believes: bool = False
    loose: bool = False
    problem: TransshipError | None = None
    _left: int = 0
    _seen: asyncio.Event | None = None

    def parts(self) -> Iterator[Part]:
        """Give the parts; what is loose comes last."""
        wanted = chain.from_iterable(self.lots)
        self._left = -(-sum(map(len, self.lots)) // _PART) + (self.problem is not None)
        if self.problem is not None:
            yield Part(self, ())
        while some := tuple(islice(wanted, _PART)):
            yield Part(self, some)
        if self.loose:
            self._seen = asyncio.Event() if self._left else None
            yield Part(self, (), loose=True)

    def ended(self, part: Part) -> bool:
        """Note that a part was looked at; tell whether it was the last one."""
        if part.loose:
            return True
        self._left -= 1
        if not self._left and self._seen is not None:
            self._seen.set()
        return not self._left and not self.loose

    async def tags_seen(self) -> None:
        """Wait until all that has a tag was looked at."""
        if self._seen is not None:
            await self._seen.wait()


@dataclass(frozen=True, slots=True)
class Part:
    """Some of what goes from one repository to another, or what is `loose` there."""

    errand: Errand
    wanted: tuple[Wanted, ...]
    loose: bool = False
