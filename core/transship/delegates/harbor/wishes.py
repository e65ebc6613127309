"""What can be wished of Harbor: each function says what would be made for it, and makes nothing.

What stands in the way of a wish is in `ChangeSet.refusals`. All functions raise what stands in the
way of asking Harbor: NoRight for who is no system administrator, and the errors of the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transship import errors
from transship.delegates.changes import ChangeSet
from transship.delegates.doublestar import is_wild
from transship.delegates.filters import KEEPS_LAST, Selecting, Translation, translations
from transship.delegates.harbor.adapters import Far
from transship.delegates.harbor.cron import longest_pause
from transship.delegates.harbor.drawing import Drawing, Half, deletions, refused
from transship.delegates.harbor.engine import Harbor
from transship.delegates.harbor.terms import Begins, Terms, terms_of
from transship.delegates.ways import fewest_parts
from transship.errors import TransshipError
from transship.plans.plan import Plan
from transship.text import duration_text

PLAIN_TERMS = Terms()


async def push(
    harbor: Harbor,
    name: str,
    target: Far,
    parts: Sequence[Selecting],
    terms: Terms = PLAIN_TERMS,
    *,
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor pushes `parts` to `target`.

    `name` is that of the policy; of the second part it is `NAME-2`, and so on. `examples` are
    repositories of Harbor, to show what they will be called.
    """
    purpose = f"push to {target.host}"
    return await _halves(
        harbor, purpose, [Half(name, target, tuple(parts), terms, False, tuple(examples))]
    )


async def pull(
    harbor: Harbor,
    name: str,
    source: Far,
    parts: Sequence[Selecting],
    terms: Terms = PLAIN_TERMS,
    *,
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor pulls `parts` from `source`; else as `push`."""
    purpose = f"pull from {source.host}"
    return await _halves(
        harbor, purpose, [Half(name, source, tuple(parts), terms, True, tuple(examples))]
    )


async def relay(
    harbor: Harbor,
    name: str,
    source: Far,
    target: Far,
    parts: Sequence[Selecting],
    terms: Terms,
    *,
    via: str,
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor pulls from `source` and pushes on to `target`.

    `parts` are as if it went straight from one to the other. In between everything is in the
    project `via`, under its whole name. `terms` are of both halves, but that the half that pulls,
    `NAME-in`, goes by their cron line, and the one that pushes, `NAME-out`, by events. `examples`
    are repositories of the source.
    """
    purpose = f"relay from {source.host} to {target.host}"
    faults: list[TransshipError] = []
    if not via or "/" in via:
        faults.append(errors.BadRequest(f"{via!r} is no project of Harbor to put it in between"))
    outward: list[Selecting] = []
    for part in parts:
        try:
            outward.append(_onward(part, via))
        except errors.CantBeDelegated as error:
            faults.append(error)
    if faults:
        return refused(faults, harbor, purpose)
    inward = tuple(replace(part, namespace=via, replaces=0) for part in parts)
    pulls = replace(terms, begins=Begins.SCHEDULED)
    pushes = replace(terms, begins=Begins.EVENT, cron="", single_active=False, copy_by_chunk=False)
    between = tuple(f"{via}/{example}" for example in examples)
    # What pushes comes first: what is pulled before it is there would stay behind.
    halves = [
        Half(f"{name}-out", target, tuple(outward), pushes, False, between),
        Half(f"{name}-in", source, inward, pulls, True, tuple(examples)),
    ]
    made = await _halves(harbor, purpose, halves)
    if made.refusals:
        return made
    pause = duration_text(longest_pause(terms.cron))
    freshness = (
        f"What is new at {source.host} waits for the half that pulls, {pause} at most; what that "
        f"has pulled is sent on at once. So {target.host} is no fresher than that."
    )
    stays = f"What has passed stays in the project {via} of Harbor, and takes room there."
    return replace(made, notes=(freshness, stays, *made.notes))


async def of_plan(
    harbor: Harbor,
    name: str,
    plan: Plan,
    *,
    source: Far | None = None,
    target: Far | None = None,
    terms: Terms | None = None,
    via: str = "",
    examples: Sequence[str] = (),
) -> ChangeSet:
    """Return what would be made so that Harbor does what a plan says between two registries.

    Without a `source` Harbor itself is the source and pushes, without a `target` it pulls; with
    both it relays, by its project `via`. Without `terms` those of the plan's schedule hold; whether
    tags are overwritten is the plan's to say in any case. What of the plan can't be said in filters
    is a refusal each.
    """
    sides = (
        source.host if source is not None else harbor.host,
        target.host if target is not None else harbor.host,
    )
    at_least = fewest_parts("harbor" if source is None else source.service)
    made = translations(plan, *sides, at_least=at_least, from_harbor=source is None)
    purpose = f"let Harbor move a plan from {sides[0]} to {sides[1]}"
    faults = [
        errors.CantBeDelegated(f"{unsaid.part}: {unsaid.why}", remedy=unsaid.instead)
        for each in made
        for unsaid in each.unsaid
    ]
    if not made:
        faults.append(
            errors.CantBeDelegated(f"the plan copies nothing from {sides[0]} to {sides[1]}")
        )
    try:
        of_schedule = terms_of(plan)
    except errors.CantBeDelegated as error:
        of_schedule = PLAIN_TERMS
        faults += [error] if terms is None else []
    if faults:
        return refused(faults, harbor, purpose)
    terms = replace(terms or of_schedule, override=all(each.override for each in made))
    parts = _parts(made)
    if source is not None and target is not None:
        found = await relay(harbor, name, source, target, parts, terms, via=via, examples=examples)
    elif target is not None:
        found = await push(harbor, name, target, parts, terms, examples=examples)
    elif source is not None:
        found = await pull(harbor, name, source, parts, terms, examples=examples)
    else:
        return refused([errors.BadRequest("both sides are this Harbor")], harbor, purpose)
    notes = dict.fromkeys(note for each in made for note in each.notes)
    return replace(found, notes=(*found.notes, *notes))


async def removal(harbor: Harbor, names: Sequence[str]) -> ChangeSet:
    """Return what would be taken away: the policies of these names. Endpoints stay."""
    policies = await harbor.policies()
    purpose = f"take away {', '.join(names)}"
    known = {each.name for each in policies}
    missing = [
        errors.CantBeDelegated(f"there is no replication policy {name}", remedy="List them again.")
        for name in names
        if name not in known
    ]
    changes = () if missing else tuple(deletions(policies, names))
    return ChangeSet(harbor.name, purpose, changes, refusals=tuple(missing))


async def _halves(harbor: Harbor, purpose: str, halves: Sequence[Half]) -> ChangeSet:
    drawing = await Drawing.begun(harbor, purpose)
    for half in halves:
        await drawing.add(half)
    return drawing.result()


def _parts(made: Sequence[Translation]) -> tuple[Selecting, ...]:
    return tuple(dict.fromkeys(part for each in made for part in each.parts))


def _onward(part: Selecting, via: str) -> Selecting:
    """Return the part for the second half: from below the project `via` to the final name."""
    name = f"{via}/{part.name}"
    if part.namespace:
        replaces = part.replaces if part.replaces == KEEPS_LAST else part.replaces + 1
        return replace(part, name=name, replaces=replaces)
    first, _, rest = part.name.partition("/")
    if is_wild(first) or not rest:
        raise errors.CantBeDelegated(
            f"{part.name} keeps its name, and then nothing takes the place of the project {via}",
            remedy="Give the target a path, or begin the pattern with the name of a namespace.",
        )
    return replace(part, name=name, namespace=first, replaces=2)
