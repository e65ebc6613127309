"""The change that a person makes: shown here, made elsewhere, and seen by the watch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from transship import errors
from transship.cutover.change.records import (
    PlannedChange,
    RecordSets,
    Snapshot,
    plan_change,
    records_held,
    records_text,
    same_records,
)
from transship.cutover.evidence import NameServer, ZoneEvidence
from transship.cutover.rules.case import serving


class ManualProvider:
    """Reads what the name servers say, and applies nothing.

    `look` asks every name server of the zone for all that the name holds.
    """

    writes = False

    def __init__(self, look: Callable[[], Awaitable[ZoneEvidence]]) -> None:
        self._look = look

    @property
    def place(self) -> str:
        """Where the edit is made."""
        return "the DNS provider's console"

    async def read(self, name: str) -> RecordSets:
        """Return what every name server says. Raises RecordNotPlain where they don't agree.

        Raises ProviderUnreachable where none of them answers.
        """
        servers = serving(await self._look())
        if not servers:
            raise errors.ProviderUnreachable(f"no name server answers for {name}")
        return agreed_records(servers)

    def plan(self, old: RecordSets, new: RecordSets) -> PlannedChange:
        """Return the change that lets a name hold `new` where it holds `old`."""
        return plan_change(old, new)

    async def apply(self, planned: PlannedChange, expect: RecordSets) -> None:
        """Raise ByHandOnly, with the edit."""
        raise errors.ByHandOnly(
            f"take away {records_text(expect)}; put there {records_text(planned.after)}"
        )

    async def restore(self, snapshot: Snapshot) -> None:
        """Raise ByHandOnly, with what is to be put back."""
        raise errors.ByHandOnly(f"put back {records_text(snapshot.sets)}")


def agreed_records(servers: tuple[NameServer, ...]) -> RecordSets:
    """Return what all of these name servers say. Raises RecordNotPlain where they don't agree."""
    first, *others = (records_held(server) for server in servers)
    for server, said in zip(servers[1:], others, strict=True):
        if not same_records(said, first):
            raise errors.RecordNotPlain(
                f"{servers[0].address} says {records_text(first)}, {server.address} says "
                f"{records_text(said)}"
            )
    return first
