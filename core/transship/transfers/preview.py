"""What a job would do, without doing any of it, and what that costs."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from transship import errors
from transship.clock import Clock
from transship.concurrency import each, each_of
from transship.oci.reference import Reference
from transship.plans.outline import Proposal, proposals
from transship.plans.plan import OnConflict, Plan
from transship.plans.selection import Dropped, unnameable
from transship.registry.registry import Metered, Quota, Registry, left_out_of
from transship.transfers.copies import BlobWork, Copy, Worklist
from transship.transfers.inventory import Overview, look_at_all
from transship.transfers.limits import hold
from transship.transfers.preflight import Preflight, PreflightUnknown
from transship.transfers.pruning import PrunedTags
from transship.transfers.scanner import ScanProgress
from transship.transfers.worklist import WorklistDraft

_BLOBS_AT_ONCE = 64
_PAGES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Preview:
    """What a job would do now.

    `dropped` is what no rule selected, with the reason. `new_repositories` are those that come to
    be at a target, by place and name. `manifests_read` counts, by source, the manifests that a
    job reads: those are what a quota counts. `quotas` are what the sources said is left of theirs.
    """

    worklist: Worklist
    dropped: tuple[Dropped, ...] = ()
    new_repositories: frozenset[tuple[str, str]] = frozenset()
    manifests_read: Mapping[str, int] = field(default_factory=dict)
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    vanished: PrunedTags = field(default_factory=PrunedTags)
    """What would be deleted, of how much, and how much may be."""

    unknown: tuple[PreflightUnknown, ...] = ()
    """What the targets didn't say of what they would refuse."""

    proposals: tuple[Proposal, ...] = ()
    """With which mappings all names would fit, of rules that give some which don't."""

    cautions: tuple[str, ...] = ()
    """What will go otherwise in a later run, in sentences."""

    def becomes(self, copy: Copy) -> tuple[Proposal, Reference] | None:
        """Return with which mapping what is blocked by its name could be copied, and whereto."""
        if not isinstance(copy.problem, errors.PathRefused):
            return None
        source = Reference(copy.source.registry, copy.source.repository)
        key = source, copy.target.registry
        fits = (each for each in self.proposals if key in each.becomes)
        return next(((each, each.becomes[key]) for each in fits), None)

    def seconds(self, rate: float) -> float | None:
        """Return how long the bytes take at `rate` (bytes per second), None when it isn't known."""
        return self.worklist.bytes_to_move / rate if rate > 0 else None


async def preview_plan(
    plan: Plan, places: Mapping[str, Registry], clock: Clock, progress: ScanProgress | None = None
) -> Preview:
    """Return what a job with this plan would do now.

    Only reads. Beyond what the runner asks, each blob is asked for at its target, so that what is
    there already isn't counted as bytes to move; the runner finds that out as it goes. Raises what
    `look_at_all` raises, but for NothingSelected: that is a preview with nothing in it.
    """
    hold(places, plan.limits)
    foresight = Preflight(places, plan.create_missing, plan.create, try_refused=plan.try_refused)
    draft = WorklistDraft(plan.on_conflict, replaces=plan.replaces, foresight=foresight)
    overview = await look_at_all(
        plan, places, clock, draft.add, progress, also=foresight.look, thorough=True
    )
    await _see_blobs(draft, places, overview.new_repositories)
    worklist = await asyncio.to_thread(draft.finished)
    return Preview(
        worklist=worklist,
        dropped=_dropped(plan, places, overview),
        new_repositories=worklist.written_to & overview.new_repositories,
        manifests_read=draft.manifests_read(),
        quotas=_quotas(plan, places),
        vanished=overview.vanished,
        unknown=foresight.unknown,
        cautions=tuple(_cautions(plan, worklist)),
        proposals=_proposals(plan, places, overview),
    )


async def _see_blobs(
    draft: WorklistDraft,
    places: Mapping[str, Registry],
    new_repositories: Container[tuple[str, str]],
) -> None:
    """See which blobs their targets have already."""

    def foretold(blob: BlobWork) -> bool | None:
        if blob.source.registry == blob.target:
            return True  # It is mounted from its source.
        return False if (blob.target, blob.home) in new_repositories else None

    async def asked(blob: BlobWork) -> bool:
        try:
            return await places[blob.target].blob_size(blob.home, blob.digest) is not None
        except (errors.NoRight, errors.SignInNeeded):
            return False  # Hidden as if refused; writing will tell.

    async def see(page: tuple[int, list[BlobWork]]) -> None:
        first, blobs = page
        there = list(map(foretold, blobs))
        open_ones = [place for place, known in enumerate(there) if known is None]
        answers = await each(asked(blobs[place]) for place in open_ones)
        for place, answer in zip(open_ones, answers, strict=True):
            there[place] = answer
        draft.know(first, there)

    blobs = await asyncio.to_thread(draft.blobs)
    await each_of(blobs.pages(_BLOBS_AT_ONCE), see, at_once=_PAGES_AT_ONCE)


def _cautions(plan: Plan, worklist: Worklist) -> Iterator[str]:
    """Give what will go otherwise in a later run than in the one that is looked at."""
    moves = plan.on_conflict is OnConflict.OVERWRITE and not all(
        rule.immutable for rule in plan.rules
    )
    if moves and any(creation.options.immutable_tags for creation in worklist.creations):
        yield "tags there never move: one that changes at the source later is blocked"


def _proposals(
    plan: Plan, places: Mapping[str, Registry], overview: Overview
) -> tuple[Proposal, ...]:
    if overview.choice is None or plan.try_refused:
        return ()
    lots = overview.choice.selection.lots
    return proposals(
        plan.rules,
        ((lot.rule, lot.source) for lot in lots),
        lambda name: places[name.registry].capabilities.refusal(name.repository),
    )


def _dropped(plan: Plan, places: Mapping[str, Registry], overview: Overview) -> tuple[Dropped, ...]:
    if overview.choice is None:
        return tuple(_unnameable(plan, places))
    selection = overview.choice.selection
    return selection.unmatched + selection.dropped


def _unnameable(plan: Plan, places: Mapping[str, Registry]) -> Iterator[Dropped]:
    """Give the tags that a copy of a whole repository leaves behind, since they are no tags."""
    whole = (wanted.source for wanted in plan.copies if not wanted.source.version)
    for source in dict.fromkeys(whole):
        names = left_out_of(places[source.registry]).get(source.repository, ())
        yield from unnameable(source, names)


def _quotas(plan: Plan, places: Mapping[str, Registry]) -> dict[str, Quota]:
    quotas: dict[str, Quota] = {}
    for source in plan.sources:
        place = places[source.registry]
        if isinstance(place, Metered) and place.quota is not None:
            quotas[source.registry] = place.quota
    return quotas
