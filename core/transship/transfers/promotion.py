"""Moving an image from one stage of a flow to the next: by digest, and never past a stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from transship.errors import (
    BadRequest,
    ManifestNotFound,
    NotInStage,
    RepositoryNotFound,
    StageSkipped,
    StageTaken,
    TagMoved,
    TransshipError,
)
from transship.oci.digest import Digest
from transship.oci.reference import Reference
from transship.plans.flow import Flow, Image, Stage
from transship.plans.plan import OnConflict, Plan, wanted
from transship.registries.place import Place
from transship.transfers.gather import both
from transship.transfers.inventory import target_head


@dataclass(frozen=True, slots=True)
class Promotion:
    """One step of one image, as it was found to be allowed.

    `digest` is what is moved, whatever its tag points at later. `replaced` is what the tag points
    at in the stage that it goes to. `file` is the flow's.
    """

    flow: str
    image: Image
    begins: Stage
    ends: Stage
    digest: Digest
    replaced: Digest | None
    overwrite: bool
    referrers: bool = True
    file: Path | None = field(default=None, compare=False)

    @property
    def source(self) -> Reference:
        """What is copied: the tag's name, and the digest that is read."""
        tagged = self.begins.reference(self.image.repository, self.image.tag)
        return Reference(tagged.registry, tagged.repository, tagged.tag, self.digest)

    @property
    def target(self) -> Reference:
        """The tag that is written."""
        return self.ends.reference(self.image.repository, self.image.tag)

    @property
    def is_there(self) -> bool:
        """Whether the stage has the image already; its referrers may still be missing."""
        return self.replaced == self.digest

    def plan(self) -> Plan:
        """Return the plan of the copy. A tag that moves meanwhile isn't run over unasked."""
        return Plan(
            copies=(wanted(self.source, self.target),),
            on_conflict=OnConflict.OVERWRITE if self.overwrite else OnConflict.FAIL,
            referrers=self.referrers,
        )


async def consider(
    flow: Flow,
    image: Image,
    to: str,
    places: Mapping[str, Place],
    *,
    digest: Digest | None = None,
    overwrite: bool = False,
) -> Promotion:
    """Look at both stages, and return the promotion of an image to the stage `to`.

    `places` are open, by registry. With `digest` the tag must point at that in the stage before.
    Only reads. Raises BadRequest for what no flow could do, and StageSkipped, NotInStage, TagMoved
    or StageTaken for what this one refuses now.
    """
    number = flow.number_of(to)
    if number == 0:
        raise BadRequest(
            f"{to} is the first stage of {flow.name}; nothing is promoted to it",
            remedy="Push or copy the image there; promote it from there on.",
        )
    if not flow.has(image.repository):
        raise BadRequest(
            f"{image.repository} isn't among the repositories of {flow.name}",
            remedy="Add it to `repositories` in the flow's file.",
        )
    begins, ends = flow.stages[number - 1], flow.stages[number]
    found, replaced = await both(_digest(begins, image, places), _there(ends, image, places))
    if found is None:
        raise await _absent(flow, image, number, places)
    if digest is not None and found != digest:
        raise TagMoved(f"{image} in {begins.name} points at {found}, not at {digest}")
    if replaced not in (None, found) and not overwrite:
        raise StageTaken(f"{image}: {ends.name} has {replaced}, {begins.name} has {found}")
    return Promotion(
        flow=flow.name,
        image=image,
        begins=begins,
        ends=ends,
        digest=found,
        replaced=replaced,
        overwrite=overwrite,
        referrers=flow.referrers,
        file=flow.file,
    )


async def _digest(stage: Stage, image: Image, places: Mapping[str, Place]) -> Digest | None:
    """Return what an image's tag points at in a stage, None where there is no such tag."""
    where = stage.reference(image.repository, image.tag)
    try:
        head = await places[where.registry].head_manifest(where.repository, where.tag)
    except (RepositoryNotFound, ManifestNotFound):
        return None
    return head.digest if head else None


async def _there(stage: Stage, image: Image, places: Mapping[str, Place]) -> Digest | None:
    """Return the same of a stage that is written to, where a refusal may hide that it's empty."""
    where = stage.reference(image.repository, image.tag)
    try:
        head = await target_head(places[where.registry], where)
    except RepositoryNotFound:
        return None
    return head.digest if head else None


async def _absent(
    flow: Flow, image: Image, number: int, places: Mapping[str, Place]
) -> TransshipError:
    """Return why an image can't be promoted that isn't in the stage before: where else it is."""
    begins, ends = flow.stages[number - 1], flow.stages[number]
    where = begins.reference(image.repository, image.tag)
    for earlier in range(number - 2, -1, -1):
        stage = flow.stages[earlier]
        try:
            found = await _digest(stage, image, places)
        except TransshipError:
            continue  # What is wrong there isn't what is in the way here.
        if found is not None:
            following = flow.stages[earlier + 1].name
            return StageSkipped(
                f"{image} is in {stage.name} and not in {begins.name} ({where})",
                remedy=f"Promote it to {following} first; {ends.name} takes it from {begins.name}.",
            )
    return NotInStage(f"{image} isn't in {begins.name} ({where})")
