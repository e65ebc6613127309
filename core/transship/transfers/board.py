"""The board of a flow: which image is in which stage, by digest. Only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from transship import errors
from transship.errors import TransshipError
from transship.matching import matcher
from transship.names import natural_key
from transship.oci.digest import Digest
from transship.plans.flow import Flow, Image, Stage
from transship.registries.place import Place
from transship.transfers.gather import each
from transship.transfers.referrers import names_subjects
from transship.transfers.work import PLACE_WIDE

_AT_ONCE = 48


class Step(StrEnum):
    """What promoting an image from one stage to the next would do there."""

    NONE = "none"
    """Nothing: it isn't here, it is there already, or this is the last stage."""
    NEW = "new"
    """The next stage doesn't have the tag."""
    REPLACE = "replace"
    """The next stage has the tag with another digest, which must be allowed to go."""
    UNKNOWN = "unknown"
    """One of the two couldn't be looked at."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One image in one stage.

    `mark` is the same for the same digest in all stages of the image: 0 for the first that is
    met, and so on; None where it is absent. `problem` says why it couldn't be looked at.
    """

    digest: Digest | None = None
    mark: int | None = None
    step: Step = Step.NONE
    problem: TransshipError | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One image across all stages: a cell for each, in order."""

    image: Image
    cells: tuple[Cell, ...]

    @property
    def is_settled(self) -> bool:
        """Whether every stage has the same digest."""
        return {cell.mark for cell in self.cells} == {0}


@dataclass(frozen=True, slots=True)
class Board:
    """Images down, in natural order; stages across.

    `problems` are by stage: the first reason why something in it couldn't be looked at.
    What others list is looked for there all the same.
    """

    flow: Flow
    rows: tuple[Row, ...]
    problems: Mapping[str, TransshipError] = field(default_factory=dict)

    @property
    def promotable(self) -> tuple[tuple[Image, Stage], ...]:
        """What can be promoted next, and to which stage, the latest stages first."""
        stages = self.flow.stages
        return tuple(
            (row.image, stages[number + 1])
            for number in range(len(stages) - 2, -1, -1)
            for row in self.rows
            if row.cells[number].step in (Step.NEW, Step.REPLACE)
        )


@dataclass(slots=True)
class BoardProgress:
    """How far a board is, for who watches it."""

    images: int = 0
    """How many tags were looked at, each stage by itself."""


Look = Digest | TransshipError | None
"""What was seen of an image in one stage: its digest, why it can't be told, or that it's absent."""


async def board(
    flow: Flow,
    places: Mapping[str, Place],
    *,
    pattern: str = "",
    progress: BoardProgress | None = None,
) -> Board:
    """Look at every image of a flow in every stage.

    `places` are open, by registry. `pattern` narrows `REPOSITORY:TAG` as `transship.matching`
    says; what it leaves out isn't asked for. A stage that can't be reached has problems in its
    column, and the others are shown.
    """
    looking = _Looking(flow, places, matcher(pattern), progress or BoardProgress())
    names = await each(looking.repositories(stage) for stage in flow.stages)
    repositories = dict.fromkeys(flow.repositories or (name for part in names for name in part))
    columns = await each(looking.column(stage, repositories) for stage in flow.stages)
    images = {image for column in columns for image in column if isinstance(image, Image)}
    rows = [
        Row(image, cells_of([looking.seen(column, image) for column in columns]))
        for image in sorted(images, key=_order)
    ]
    return Board(flow, tuple(rows), looking.problems)


def cells_of(looks: Sequence[Look]) -> tuple[Cell, ...]:
    """Return the cells of one image from what was seen in each stage, in order."""
    digests = [look for look in looks if isinstance(look, str)]
    marks = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    following = [*looks[1:], None]
    last = len(looks) - 1
    return tuple(
        Cell(
            digest=look if isinstance(look, str) else None,
            mark=marks[look] if isinstance(look, str) else None,
            step=_step(look, after) if number < last else Step.NONE,
            problem=look if isinstance(look, TransshipError) else None,
        )
        for number, (look, after) in enumerate(zip(looks, following, strict=True))
    )


def _step(here: Look, there: Look) -> Step:
    if here is None or here == there:
        return Step.NONE
    if isinstance(here, TransshipError) or isinstance(there, TransshipError):
        return Step.UNKNOWN
    return Step.NEW if there is None else Step.REPLACE


def _order(image: Image) -> tuple[str, str]:
    return natural_key(image.repository), natural_key(image.tag)


Column = dict[Image | str, Look]
"""What one stage has, by image; and by the name of a repository, why that can't be told."""


@dataclass(slots=True)
class _Looking:
    flow: Flow
    places: Mapping[str, Place]
    asked_for: Callable[[str], bool]
    progress: BoardProgress
    problems: dict[str, TransshipError] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def repositories(self, stage: Stage) -> list[str]:
        """Return the flow's names of what a stage lists: nothing where they are all known."""
        if self.flow.repositories:
            return []
        place = self.places[stage.at.registry]
        try:
            listed = [name async for name in place.repositories()]
        except TransshipError as error:
            self.problems[stage.name] = error
            return []
        names = (self.flow.repository_at(stage, name) for name in listed)
        return [name for name in names if name is not None]

    async def column(self, stage: Stage, repositories: Iterable[str]) -> Column:
        """Return what a stage has of these repositories."""
        parts = await each(self._repository(stage, name) for name in repositories)
        return {key: look for part in parts for key, look in part.items()}

    def seen(self, column: Column, image: Image) -> Look:
        """Return what a stage has of an image."""
        return column.get(image, column.get(image.repository))

    async def _repository(self, stage: Stage, repository: str) -> Column:
        place = self.places[stage.at.registry]
        where = stage.reference(repository)
        async with self._slots:
            if (problem := self._place_wide(stage)) is not None:
                return {repository: problem}
            try:
                tags = [tag async for tag in place.tags(where.repository)]
            except errors.RepositoryNotFound:
                return {}
            except TransshipError as error:
                self.problems.setdefault(stage.name, error)
                return {repository: error}
        images = (Image(repository, tag) for tag in tags if not names_subjects([tag]))
        wanted = [image for image in images if self.asked_for(str(image))]
        looks = await each(self._image(stage, image) for image in wanted)
        return dict(zip(wanted, looks, strict=True))

    async def _image(self, stage: Stage, image: Image) -> Look:
        place = self.places[stage.at.registry]
        where = stage.reference(image.repository)
        async with self._slots:
            if (problem := self._place_wide(stage)) is not None:
                return problem
            try:
                head = await place.head_manifest(where.repository, image.tag)
            except TransshipError as error:
                self.problems.setdefault(stage.name, error)
                return error
        self.progress.images += 1
        return head.digest if head else None

    def _place_wide(self, stage: Stage) -> TransshipError | None:
        """Return what is wrong with all of a stage's place, so that it isn't asked again."""
        problem = self.problems.get(stage.name)
        return problem if isinstance(problem, PLACE_WIDE) else None
