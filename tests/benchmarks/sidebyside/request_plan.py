"""How many requests a job needs to bring a scenario's images to the target. Pure.

The plan is one for registries that have no API for referrers, as distribution 2.8 hasn't:

- At each side the first request of all asks who is there.
- The source: a list of tags a repository; of each tag what it points at, and what stands there
  where the target has something else; the children of an index; the list under the tag that stands
  in for the API, and what it lists; one look for the API, in the whole job; each blob that the
  target lacks, once.
- The target: of each tag and referrer what is there. One POST for each blob that a repository
  needs and didn't get in this job: it asks for the blob, mounts it and begins the upload, all in
  one. One PUT for each blob that the target lacks, and a PATCH for each piece of a large one. One
  PUT for each manifest; the list of a signed image is read before it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sidebyside.images import Image, Noise
from sidebyside.scenarios import Scenario
from transship.registry.registry import Capabilities

TOLERANCE = 0.05
"""How much of the plan may be asked for beside it."""

Blob = Noise | str
"""A layer, or in words what is too small to count in pieces: a config, a signature."""


@dataclass(frozen=True, slots=True)
class Requests:
    """How many requests each side is sent."""

    source: int
    target: int

    @property
    def total(self) -> int:
        """Return how many that is together."""
        return self.source + self.target

    @property
    def allowed(self) -> float:
        """Return how many there may be, with what may come beside the plan."""
        return self.total * (1 + TOLERANCE)


def planned(scenario: Scenario, *, trusts: bool) -> Requests:
    """Return the plan of a scenario.

    Who `trusts` the run before doesn't ask the target for what that left there: there is no
    scenario in which it would have anything else to do.
    """
    plan = plan_of(scenario.at_source(), scenario.at_target())
    return Requests(plan.source, 0) if trusts else plan


def plan_of(
    wanted: Iterable[Image], there: Iterable[Image] = (), takes: Capabilities | None = None
) -> Requests:
    """Return the plan for the images `wanted`, where the target has those that are `there`.

    `takes` is how the target takes large blobs.
    """
    takes = takes or Capabilities()
    wanted, had = list(wanted), {(each.repository, each.tag): each for each in there}
    coming = [each for each in wanted if had.get((each.repository, each.tag)) != each]
    needed = {(each.repository, blob) for each in coming for blob in _blobs(each)}
    new = {blob for _, blob in needed} - {blob for each in had.values() for blob in _blobs(each)}

    signatures = sum(each.signed for each in wanted)
    written = sum(1 + _children(each) + each.signed for each in coming)
    source = (
        1,  # Who is there?
        1,  # Is there an API for referrers?
        len({each.repository for each in wanted}),
        len(wanted) + sum((each.repository, each.tag) in had for each in coming),
        sum(map(_children, coming)),
        signatures + sum(each.signed for each in coming),  # The list, and what it lists.
        len(new),
    )
    target = (
        1,  # Who is there?
        len(wanted) + signatures,
        len(needed),
        sum(_pieces(blob, takes) for blob in new),
        len(new),
        written,
        signatures + sum(each.signed for each in coming),  # The list is read, and written.
    )
    return Requests(sum(source), sum(target))


def _children(image: Image) -> int:
    return image.platforms if image.platforms > 1 else 0


def _blobs(image: Image) -> Iterator[Blob]:
    of = f"{image.repository}:{image.tag}"
    for architecture, layers in image.variants():
        yield from layers
        yield f"config of {of} for {architecture}, {layers}"
    if image.signed:
        yield from ("nothing", f"signature of {of}, {image.layers}")


def _pieces(blob: Blob, takes: Capabilities) -> int:
    """Return in how many pieces a blob goes up before the last request, none if that has it all.

    A layer is a little longer than its noise.
    """
    small = not isinstance(blob, Noise) or blob.size < takes.whole_limit
    return 0 if small or not takes.piece else blob.size // takes.piece + 1
