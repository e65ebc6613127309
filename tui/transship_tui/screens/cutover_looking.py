"""Looking at a cutover: all checks at once, and DNS again and again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from textual import work

from transship.errors import CutoverBusy, TransshipError
from transship_tui.keys.words import key_for
from transship_tui.screens.cutover_step import CutoverStep

if TYPE_CHECKING:
    from transship.cutover.status import CutoverStatus

_BUSY_LOOK_SECONDS = 1.0


class CutoverLooking(CutoverStep):
    """A screen about one cutover, which looks at it for as long as it is there."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._wants_watch = True

    def action_test(self) -> None:
        """Make all checks anew."""
        self.hush()
        self.check()

    @work(group="check", exclusive=True, exit_on_error=False)
    async def check(self) -> None:
        """Make all checks, then go on watching."""
        self.workers.cancel_group(self, "watch")
        if await self._follow(self.transship.engine.cutovers.checks.check(self.cutover)):
            self.watch_dns()

    def action_watch(self) -> None:
        """Stop asking DNS again and again, or go on with it."""
        self._wants_watch = not self._wants_watch
        if self._wants_watch:
            self.tell("Name servers and resolvers are asked again and again")
            self.watch_dns()
        else:
            self.workers.cancel_group(self, "watch")
            self.tell(f"DNS isn't asked any more; {key_for(self, 'cutover.watch')} goes on")

    @work(group="watch", exclusive=True, exit_on_error=False)
    async def watch_dns(self) -> None:
        """Ask DNS again and again, as long as that is wanted."""
        if not self._wants_watch:
            return
        if await self._follow(self.transship.engine.cutovers.checks.watch(self.cutover), busy=True):
            # Somebody else watches: what that process sees is read from the journal.
            self.set_timer(_BUSY_LOOK_SECONDS, self.watch_dns)

    async def _follow(self, seen: AsyncIterator[CutoverStatus], *, busy: bool = False) -> bool:
        """Show what comes; tell whether it ended well, or with `busy` whether to look again."""
        try:
            async with aclosing(cast("AsyncGenerator[CutoverStatus]", seen)) as standings:
                async for standing in standings:
                    self.show(standing)
        except CutoverBusy:
            self.reload()
            return busy
        except TransshipError as error:
            self.fail(error)
            self.reload()
            return False
        return not busy

    def work_failed(self, group: str) -> None:
        """Wait for nothing any more."""
        super().work_failed(group)
        self.reload()
