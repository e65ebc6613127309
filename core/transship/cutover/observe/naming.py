"""All that DNS says of a cutover, gathered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from transship.cutover.evidence import Chain, Evidence
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.chains import follow
from transship.cutover.observe.resolving import hosts_lines, own_addresses, views
from transship.cutover.observe.surroundings import (
    aliases,
    authorities,
    misspelt,
    ownership,
    wildcard,
)
from transship.cutover.observe.walking import walk
from transship.cutover.subject import Resolver, Subject


async def observe_names(
    asker: Asker, subject: Subject, resolvers: Sequence[Resolver], through: Sequence[Resolver]
) -> Evidence:
    """Return what DNS says of the subject, as evidence without anything else in it.

    `resolvers` are looked at; through `through`, in turn, the zone and its servers are found.
    """
    # What checks signatures takes long to import, and nothing else needs it.
    from transship.cutover.observe.signing import signatures

    name, target = subject.domain.name, subject.points_at
    zone, (local, local_error), seen, today, (leads, named), caa = await asyncio.gather(
        walk(asker, name, through),
        own_addresses(subject),
        views(asker, resolvers, name),
        follow(asker, name, through),
        _targets(asker, subject, through),
        authorities(asker, (name, target), through),
    )
    signed, beside, owners, slips, above = await asyncio.gather(
        signatures(asker, zone, name),
        wildcard(asker, zone, name),
        ownership(asker, zone, name),
        misspelt(asker, zone, name, target),
        aliases(asker, zone, name),
    )
    return Evidence(
        taken=asker.clock.now(),
        zone=zone,
        signatures=signed,
        resolvers=seen,
        today=today,
        target=leads,
        named=named,
        wildcard=beside,
        ownership=owners,
        authorities=caa,
        misspelt=slips,
        aliases=above,
        local=local,
        local_error=local_error,
        hosts=hosts_lines(name) if subject.system else (),
    )


async def _targets(
    asker: Asker, subject: Subject, through: Sequence[Resolver]
) -> tuple[Chain, Chain | None]:
    """Return where the record is to lead, and the new registry's own name if that is another."""
    target, own = subject.points_at, subject.new.partition(":")[0]
    if not own or own == target:
        return await follow(asker, target, through), None
    leads, named = await asyncio.gather(follow(asker, target, through), follow(asker, own, through))
    return leads, named
