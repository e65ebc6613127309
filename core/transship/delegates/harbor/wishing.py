"""What would be made at a Harbor for a plan: which Harbor, what is at its other side, and names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from transship import errors
from transship.delegates.changes import ChangeSet
from transship.delegates.harbor.adapters import Far, far_of
from transship.delegates.harbor.engine import Harbor
from transship.delegates.harbor.wishes import of_plan
from transship.delegates.options import Options, name_of
from transship.delegates.reach import Reach, service_at
from transship.errors import TransshipError
from transship.plans.plan import Plan
from transship.text import safe

_MOST_EXAMPLES = 500
_KIND = "harbor"


async def harbor_wish(
    plan: Plan, source: str, target: str, reach: Reach, options: Options, *, relays: bool
) -> tuple[Harbor, ChangeSet]:
    """Return the Harbor that would do it, and what would be made there.

    `source` and `target` are the hosts of the plan's registries. Raises BadRequest where it isn't
    said which Harbor, and what keeps it from being asked.
    """
    host = await _host(source, target, reach, options, relays=relays)
    harbor = Harbor(host, (await reach.registry(host)).asks())
    examples, unseen = await _examples(source, reach)
    changes = await of_plan(
        harbor,
        name_of(options, source, target),
        plan,
        source=None if host == source else await _far(source, reach, options),
        target=None if host == target else await _far(target, reach, options),
        terms=options.terms,
        via=options.via if relays else "",
        examples=examples,
    )
    notes = (*changes.notes, *([unseen] if unseen else []))
    return harbor, replace(changes, notes=notes)


async def _host(source: str, target: str, reach: Reach, options: Options, *, relays: bool) -> str:
    named = options.harbor
    sides = (source, target)
    if relays:
        if not named:
            raise errors.BadRequest(
                "it isn't said which Harbor is to relay it", remedy="Name it: --harbor HOST."
            )
        if named in sides:
            raise errors.BadRequest(
                f"{named} is one of the sides, and needs no relay", remedy="Say --by harbor."
            )
        return named
    if named and named not in sides:
        raise errors.BadRequest(
            f"{named} is neither side of the plan", remedy="Say --by harbor-relay."
        )
    harbors = [host for host in sides if await service_at(reach, host) == _KIND]
    if named:
        return named
    if not harbors:
        raise errors.CantBeDelegated(
            "neither side of the plan is known to be a Harbor",
            remedy="Say so with `transship login HOST --service harbor`, or --harbor HOST.",
        )
    return harbors[0]


async def _far(host: str, reach: Reach, options: Options) -> Far:
    far = far_of(await reach.access(host))
    return replace(far, adapter=options.adapter) if options.adapter else far


async def _examples(source: str, reach: Reach) -> tuple[Sequence[str], str]:
    """Return repositories of the source, and in a sentence why there are none or not all."""
    found: list[str] = []
    try:
        async with aclosing((await reach.registry(source)).repositories()) as names:
            async for name in names:
                if len(found) == _MOST_EXAMPLES:
                    return (
                        found,
                        f"Only the first {_MOST_EXAMPLES} names of {source} were looked at.",
                    )
                found.append(name)
    except TransshipError as error:
        why = f"What names become isn't shown: {source} couldn't be listed ({safe(str(error))})."
        return found, "" if found else why
    return found, ""
