"""What a job would do, without doing any of it."""

from __future__ import annotations

from collections.abc import Mapping

from transship import errors
from transship.clock import Clock
from transship.oci.digest import Digest
from transship.plans.plan import Plan
from transship.registries.place import Place
from transship.transfers.gather import each
from transship.transfers.inventory import Progress, take_inventory
from transship.transfers.work import BlobWork, Worklist
from transship.transfers.worklist import make_worklist


async def preview(
    plan: Plan, places: Mapping[str, Place], clock: Clock, progress: Progress | None = None
) -> Worklist:
    """Return the worklist that a job with this plan would carry out now.

    Only reads. Beyond what the runner asks, each blob is asked for at its target, so that what is
    there already isn't counted as bytes to move; the runner finds that out as it goes.
    """
    inventory = await take_inventory(plan, places, clock, progress)
    worklist = make_worklist(inventory.found, plan.on_conflict)

    async def there(blob: BlobWork) -> tuple[tuple[str, str, Digest], bool]:
        key = (blob.target, blob.home, blob.digest)
        if key[:2] in inventory.new_repositories:
            return key, False
        try:
            return key, await places[blob.target].blob_size(blob.home, blob.digest) is not None
        except (errors.NoRight, errors.SignInNeeded):
            return key, False  # Hidden as if refused; writing will tell.

    known = dict(await each(there(blob) for blob in worklist.blobs))
    return make_worklist(inventory.found, plan.on_conflict, known)
