"""Creates what a plan needs at its targets and allows to be created, once, before it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from transship import errors
from transship.clock import Clock
from transship.errors import TransshipError
from transship.oci.reference import Reference
from transship.registries.place import Place
from transship.registries.services.api import Creating, Creator, TakesOptions, no_option
from transship.transfers.journal import Journal
from transship.transfers.journal_creations import Created, KeptCreation
from transship.transfers.logbook import Logbook
from transship.transfers.work import Creation

_SETTLED = (Created.DONE, Created.THERE)


class Maker:
    """Sees to it, for one job, that what repositories are in is there before they are written to.

    Nothing is ever created that isn't in the job's journal, where only what the plan allows is.
    """

    def __init__(
        self, places: Mapping[str, Place], journal: Journal, log: Logbook, clock: Clock
    ) -> None:
        self._places = places
        self._journal = journal
        self._log = log
        self._clock = clock
        self._ready: set[tuple[str, str]] = set()
        self._making: dict[Creation, asyncio.Lock] = {}
        self._failed: dict[Creation, TransshipError] = {}

    async def ensure(self, target: Reference) -> None:
        """Return once a repository can be written to; of all that ask the first creates.

        Raises NotCreated, WrongCredential, or what may pass, to all who need it.
        """
        key = target.registry, target.repository
        if key in self._ready:
            return
        needed = self._journal.needed(*key)
        if needed is not None:
            async with self._making.setdefault(needed.creation, asyncio.Lock()):
                await self._ensure(self._journal.needed(*key) or needed)
        self._ready.add(key)

    def try_again(self) -> None:
        """Forget what failed, so that it is tried once more."""
        self._failed.clear()

    async def _ensure(self, needed: KeptCreation) -> None:
        creation = needed.creation
        if needed.state in _SETTLED:
            return
        if creation in self._failed:
            raise self._failed[creation]
        try:
            state = await self._created(creation, begun=needed.state is Created.BEGUN)
        except errors.WrongCredential as error:
            # It waits for the account, as everything else does that needs it.
            error.met_at = creation.target
            self._failed[creation] = error
            raise
        except TransshipError as error:
            failure = _failure(creation, error)
            self._failed[creation] = failure
            self._journal.creating(creation, Created.FAILED, self._clock.now(), str(error))
            raise failure from error
        self._journal.creating(creation, state, self._clock.now())
        words = "was created" if state is Created.DONE else "is there already"
        self._log.info(creation.target, f"{creation} {words}")

    async def _created(self, creation: Creation, *, begun: bool) -> Created:
        """Create it, and see that it is there; return what came of it."""
        missing = creation.missing
        creator = self._creator(creation)
        if begun and await creator.has(missing):
            return Created.DONE
        self._journal.creating(creation, Created.BEGUN, self._clock.now())
        try:
            await _create(creator, creation)
        except TransshipError:
            # What is there all the same was made by somebody else meanwhile.
            if await creator.has(missing):
                return Created.THERE
            raise
        if not await creator.has(missing):
            raise errors.UnexpectedAnswer("it was created, and isn't there after all")
        return Created.DONE

    def _creator(self, creation: Creation) -> Creator:
        place = self._places[creation.target]
        creator = place.creator() if isinstance(place, Creating) else None
        if creator is None:
            raise errors.UnexpectedAnswer("the service can't be asked to create anything")
        return creator


async def _create(creator: Creator, creation: Creation) -> None:
    if not creation.options:
        await creator.create(creation.missing, creation.visibility)
    elif isinstance(creator, TakesOptions):
        await creator.create_with(creation.missing, creation.visibility, creation.options)
    else:
        raise errors.UnexpectedAnswer(no_option(creation.missing, str(creation.options)))


def _failure(creation: Creation, error: TransshipError) -> TransshipError:
    """Return the error for all who need it. What may pass is tried again as what it is."""
    if error.retryable:
        return error
    return errors.NotCreated(f"{creation.target}: {creation}: {error}")
