"""Where a name leads, link by link."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from transship.cutover.evidence import Answer, Chain, RecordSet
from transship.cutover.observe.asking import Asker
from transship.cutover.observe.finding_zones import first_answer
from transship.cutover.observe.names import is_address
from transship.cutover.subject import Resolver

LONGEST = 8
"""So many links are followed: resolvers give up at different lengths, none below this."""


async def follow(asker: Asker, start: str, through: Sequence[Resolver]) -> Chain:
    """Follow the CNAMEs from `start` to the addresses at the end, one question for each link.

    An address leads to itself. TTLs are what the resolver says is left. Signatures aren't checked.
    """
    if is_address(start):
        return Chain(start, (), (start,))
    links: list[RecordSet] = []
    name, seen = start, {start}
    while True:
        answer = await first_answer(asker, name, "CNAME", through)
        link = answer.of("CNAME")
        if link is None:
            break
        links.append(link)
        name = link.values[0].rstrip(".")
        if name in seen:
            return Chain(start, tuple(links), (), error="loop")
        if len(links) > LONGEST:
            return Chain(start, tuple(links), (), error="too long")
        seen.add(name)
    ends = await asyncio.gather(
        *(first_answer(asker, name, kind, through) for kind in ("A", "AAAA"))
    )
    found = tuple(value for end in ends for value in end.addresses)
    return Chain(start, tuple(links), found, _rcode(ends), "" if found else _why(ends))


def _rcode(ends: Sequence[Answer]) -> str:
    return next((end.rcode for end in ends if end.rcode not in ("", "NOERROR")), ends[0].rcode)


def _why(ends: Sequence[Answer]) -> str:
    said = next((end for end in ends if end.error or end.rcode != "NOERROR"), None)
    return (said.error or said.rcode) if said else "no address"
