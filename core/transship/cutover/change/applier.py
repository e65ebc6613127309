"""What changes a record at its DNS provider, and the one switch that turns all of it off."""

from __future__ import annotations

from typing import Protocol

from transship import errors
from transship.cutover.change.records import PlannedChange, RecordSets, Snapshot, shown


class Applier(Protocol):
    """Reads and changes the records of names in one zone.

    Names are absolute, without the dot at the end. Reading raises KeyRefused, ProviderRefused,
    ProviderUnreachable or RecordNotPlain.
    """

    @property
    def place(self) -> str:
        """Where it reads and writes, for the journal and for the operator."""

    @property
    def writes(self) -> bool:
        """Whether it changes anything at all."""

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds at the provider, empty where there is nothing."""

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`. Writes nothing."""

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Make the change, if the name holds what is expected: all of it, or nothing.

        Raises RecordChanged where it holds something else, ChangeUncertain where no answer says
        whether it was made, and what reading raises.
        """

    async def restore(self, snapshot: Snapshot) -> None:
        """Let a name hold what it held, whatever it holds now. Raises what `apply` raises."""


class ReadOnly:
    """An applier of which nothing is left but reading and planning."""

    def __init__(self, inner: Applier) -> None:
        self._inner = inner

    @property
    def place(self) -> str:
        """Where it reads."""
        return self._inner.place

    @property
    def writes(self) -> bool:
        """It doesn't."""
        return False

    async def read(self, name: str) -> RecordSets:
        """Return all that `name` holds at the provider."""
        return await self._inner.read(name)

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`."""
        return self._inner.plan(old, new)

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Raise WritesOff, with what would have been changed."""
        edit = f"{shown(expect)} -> {shown(planned.after)}"
        raise errors.WritesOff(f"{edit} at {self.place}")

    async def restore(self, snapshot: Snapshot) -> None:
        """Raise WritesOff, with what would have been put back."""
        raise errors.WritesOff(shown(snapshot.sets))
