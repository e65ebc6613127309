"""What the watch and the change look at: the name servers, and the resolvers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from transship.cutover.change.records import HELD
from transship.cutover.evidence import ResolverView, Zone
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.resolving import views
from transship.cutover.observe.walking import CHANGING, walk, walk_again
from transship.cutover.rules.case import serving
from transship.cutover.subject import Resolver, Subject

PUBLIC_SAMPLES = 3
"""How often a public resolver is asked in one look: behind its address there are many."""


class Observers(Protocol):
    """Looks once. Nothing is raised: what goes wrong is in what comes back."""

    async def servers(self, *, whole: bool = False) -> Zone:
        """Ask every name server for the record, or with `whole` for all that the name holds."""

    async def resolvers(self, *, peek: bool = False) -> tuple[ResolverView, ...]:
        """Ask every resolver; with `peek` only for what it has cached already."""


class DnsObservers:
    """Looks by DNS.

    `zone` is where the name servers were found; without it they are looked for, through the
    resolvers of `through`, at the first look, and again whenever none of them answers.
    """

    def __init__(
        self,
        asker: Asker,
        subject: Subject,
        resolvers: Sequence[Resolver],
        through: Sequence[Resolver],
        zone: Zone | None = None,
    ) -> None:
        self._asker = asker
        self._name = subject.domain.name
        self._resolvers = tuple(resolvers)
        self._through = tuple(through)
        self._zone = zone

    async def servers(self, *, whole: bool = False) -> Zone:
        """Ask every name server for the record, or with `whole` for all that the name holds."""
        kinds = HELD if whole else CHANGING
        if self._zone is not None and self._zone.servers:
            seen = await walk_again(self._asker, self._zone, self._name, kinds=kinds)
            if serving(seen):
                return seen
        found = await walk(self._asker, self._name, self._through, kinds=kinds)
        if found.servers or self._zone is None:
            self._zone = found
        return found

    async def resolvers(self, *, peek: bool = False) -> tuple[ResolverView, ...]:
        """Ask every resolver; with `peek` only for what it has cached already."""
        public = [each for each in self._resolvers if each.origin == "public"]
        others = [each for each in self._resolvers if each.origin != "public"]
        seen, many = await asyncio.gather(
            views(self._asker, others, self._name, samples=1, peek=peek, thorough=False),
            views(
                self._asker, public, self._name, samples=PUBLIC_SAMPLES, peek=peek, thorough=False
            ),
        )
        return (*seen, *many)
