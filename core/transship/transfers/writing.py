"""One manifest after another, where a registry would trip over its own feet.

A registry that takes a list of images looks whether each of them is there. Distribution does so in
a file that it empties and fills when the same image is written again, under another tag or as a
part of another list; who looks at that moment finds nothing, and refuses the list.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from transship.oci.manifest import Manifest
from transship.oci.reference import Reference


class Writing:
    """Which manifests are being written at the targets, and which are being looked at for that.

    Whoever waits here holds nothing that another one waits for.
    """

    def __init__(self) -> None:
        self._written: Counter[Reference] = Counter()
        self._looked_at: Counter[Reference] = Counter()
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def of(self, target: Reference, manifest: Manifest) -> AsyncIterator[None]:
        """Wait until a manifest can be written to the target's repository, and hold off others."""
        own = target.at(manifest.digest)
        named = [target.at(child.digest) for child in manifest.children]
        while own in self._looked_at or any(each in self._written for each in named):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._written[own] += 1
        self._looked_at.update(named)
        try:
            yield
        finally:
            _less(self._written, [own])
            _less(self._looked_at, named)
            waiting, self._waiting = self._waiting, []
            for turn in waiting:
                if not turn.done():
                    turn.set_result(None)


def _less(counts: Counter[Reference], references: Iterable[Reference]) -> None:
    """Count each once less, and forget those of which there are none any more."""
    for reference in references:
        counts[reference] -= 1
        if not counts[reference]:
            del counts[reference]
