"""What stands around a domain in DNS and can spoil a change of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Iterable, Sequence

from transship.cutover.evidence import Answer, Zone
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.finding_zones import first_answer
from transship.cutover.observe.names import ancestors, is_address, parent_of, under
from transship.cutover.observe.walking import ask_zone
from transship.cutover.subject import Resolver

_OWNERS = ("", "cname-", "a-", "aaaa-", "_owner.")
"""In front of a domain: the names at which controllers leave a TXT record of their own."""


async def wildcard(asker: Asker, zone: Zone, name: str) -> Answer:
    """Ask the zone for a name beside the domain that nobody has made (RFC 4592)."""
    beside = zone.name if name == zone.name else parent_of(name)
    return await ask_zone(asker, zone, under(secrets.token_hex(8), beside), "A")


async def ownership(asker: Asker, zone: Zone, name: str) -> tuple[Answer, ...]:
    """Ask the zone for the TXT records by which a controller says that it manages the name."""
    names = (f"{owner}{name}" for owner in _OWNERS)
    return await _all(ask_zone(asker, zone, each, "TXT") for each in names)


async def misspelt(asker: Asker, zone: Zone, name: str, target: str) -> tuple[Answer, ...]:
    """Ask the zone for the names that a forgotten dot at the end would have made.

    `name.zone` as the owner of the record; `target.zone` as what it would point at.
    """
    names = [name] if is_address(target) else [name, target]
    return await _all(ask_zone(asker, zone, under(each, zone.name), "CNAME") for each in names)


async def aliases(asker: Asker, zone: Zone, name: str) -> tuple[Answer, ...]:
    """Ask the zone for DNAME at the names above the domain, up to the zone's top (RFC 6672)."""
    above = [each for each in ancestors(name)[1:] if len(each) >= len(zone.name)]
    return await _all(ask_zone(asker, zone, each, "DNAME") for each in above)


async def authorities(
    asker: Asker, names: Sequence[str], through: Sequence[Resolver]
) -> tuple[Answer, ...]:
    """Ask for CAA of the names and of all above them but the root, each once.

    A resolver follows CNAMEs here, as a certificate authority does (RFC 8659, 3).
    """
    asked = dict.fromkeys(
        each for name in names if not is_address(name) for each in ancestors(name) if each
    )
    return await _all(first_answer(asker, each, "CAA", through) for each in asked)


async def _all(questions: Iterable[Awaitable[Answer]]) -> tuple[Answer, ...]:
    return tuple(await asyncio.gather(*questions))
