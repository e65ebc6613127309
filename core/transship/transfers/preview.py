"""What a job would do, without doing any of it, and what that costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from transship import errors
from transship.clock import Clock
from transship.oci.digest import Digest
from transship.plans.plan import Plan
from transship.plans.selection import Dropped
from transship.registries.place import Place
from transship.registries.quota import Metered, Quota
from transship.transfers.gather import each_of
from transship.transfers.inventory import Inventory, Progress, take_inventory
from transship.transfers.steering import hold
from transship.transfers.vanishing import Vanished
from transship.transfers.work import BlobWork, Worklist
from transship.transfers.worklist import make_worklist, with_known

_BLOBS_AT_ONCE = 256


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
    vanished: Vanished = field(default_factory=Vanished)
    """What would be deleted, of how much, and how much may be."""

    def seconds(self, rate: float) -> float | None:
        """Return how long the bytes take at `rate` (bytes per second), None when it isn't known."""
        return self.worklist.bytes_to_move / rate if rate > 0 else None


async def preview(
    plan: Plan, places: Mapping[str, Place], clock: Clock, progress: Progress | None = None
) -> Preview:
    """Return what a job with this plan would do now.

    Only reads. Beyond what the runner asks, each blob is asked for at its target, so that what is
    there already isn't counted as bytes to move; the runner finds that out as it goes. Raises what
    `take_inventory` raises, but for NothingSelected: that is a preview with nothing in it.
    """
    hold(places, plan.limits)
    inventory = await take_inventory(plan, places, clock, progress, thorough=True)
    worklist = make_worklist(inventory.found, plan.on_conflict)

    async def there(blob: BlobWork) -> tuple[tuple[str, str, Digest], bool]:
        key = (blob.target, blob.home, blob.digest)
        if blob.source.registry == blob.target:
            return key, True  # It is mounted from its source.
        if key[:2] in inventory.new_repositories:
            return key, False
        try:
            return key, await places[blob.target].blob_size(blob.home, blob.digest) is not None
        except (errors.NoRight, errors.SignInNeeded):
            return key, False  # Hidden as if refused; writing will tell.

    known = dict(await each_of(worklist.blobs, there, at_once=_BLOBS_AT_ONCE))
    return Preview(
        worklist=with_known(worklist, known),
        dropped=_dropped(inventory),
        new_repositories=_written_to(worklist) & inventory.new_repositories,
        manifests_read=_manifests_read(inventory),
        quotas=_quotas(plan, places),
        vanished=inventory.vanished,
    )


def _dropped(inventory: Inventory) -> tuple[Dropped, ...]:
    if inventory.choice is None:
        return ()
    selection = inventory.choice.selection
    return selection.unmatched + selection.dropped


def _written_to(worklist: Worklist) -> frozenset[tuple[str, str]]:
    moved = (copy.target for copy in worklist.copies if copy.verdict.moves)
    return frozenset((target.registry, target.repository) for target in moved)


def _manifests_read(inventory: Inventory) -> Counter[str]:
    """Count the manifests that are read at each source: each once, however many tags share it."""
    read = {
        (found.source.registry, found.source.repository, manifest.digest)
        for found in inventory.found
        for manifest in found.manifests
    }
    return Counter(registry for registry, _, _ in read)


def _quotas(plan: Plan, places: Mapping[str, Place]) -> dict[str, Quota]:
    quotas: dict[str, Quota] = {}
    for source in plan.sources:
        place = places[source.registry]
        if isinstance(place, Metered) and place.quota is not None:
            quotas[source.registry] = place.quota
    return quotas
