"""Moves an image from one stage of a flow to the next: by digest, and never past a stage.

A promotion is judged, written in the history of the flow and carried out as a job like any other.
The board tells which image is in which stage.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from transship import errors
from transship.clock import Clock, SystemClock
from transship.concurrency import both, each
from transship.errors import (
    BadFile,
    BadRequest,
    DiskFull,
    LedgerTaken,
    ManifestNotFound,
    NotInStage,
    RepositoryNotFound,
    StageSkipped,
    StageTaken,
    TagMoved,
    TransshipError,
)
from transship.matching import matcher
from transship.names import natural_key
from transship.oci.digest import Digest
from transship.oci.reference import Reference, parse_reference
from transship.operator import Operator
from transship.paths import private_file, private_folder
from transship.plans.flow import Flow, Image, Stage
from transship.plans.plan import OnConflict, Plan, wanted
from transship.registry.registry import Registry
from transship.text import safe
from transship.transfers.copies import PLACE_WIDE, CopyState, JobState
from transship.transfers.job_view import JobView, read_job
from transship.transfers.jobs import Job, JobStore
from transship.transfers.journal import Restored
from transship.transfers.scanner import names_subjects, target_head


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


async def consider_promotion(
    flow: Flow,
    image: Image,
    to: str,
    places: Mapping[str, Registry],
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


async def _digest(stage: Stage, image: Image, places: Mapping[str, Registry]) -> Digest | None:
    """Return what an image's tag points at in a stage, None where there is no such tag."""
    where = stage.reference(image.repository, image.tag)
    try:
        head = await places[where.registry].head_manifest(where.repository, where.tag)
    except (RepositoryNotFound, ManifestNotFound):
        return None
    return head.digest if head else None


async def _there(stage: Stage, image: Image, places: Mapping[str, Registry]) -> Digest | None:
    """Return the same of a stage that is written to, where a refusal may hide that it's empty."""
    where = stage.reference(image.repository, image.tag)
    try:
        head = await target_head(places[where.registry], where)
    except RepositoryNotFound:
        return None
    return head.digest if head else None


async def _absent(
    flow: Flow, image: Image, number: int, places: Mapping[str, Registry]
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


class PromotionOutcome(StrEnum):
    """What became of a promotion."""

    ASKED = "asked"
    """Its end isn't known: its job runs, was stopped, or never began."""
    DONE = "done"
    PARTLY = "partly"
    """The tag is in the stage, but something that refers to the image isn't."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"
    """The tag was put back to what it was in the stage before."""


@dataclass(frozen=True, slots=True)
class PromotionEnding:
    """What became of a promotion, and when, in seconds since the epoch.

    `replaced` is what the tag pointed at right before it was moved.
    """

    outcome: PromotionOutcome
    at: float
    replaced: Digest | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PromotionRecord:
    """One promotion. `asked` and `ended` are in seconds since the epoch.

    `replaced` is what the tag pointed at in the stage before it was moved.
    """

    number: int
    image: Image
    begins: str
    ends: str
    source: Reference
    target: Reference
    digest: Digest
    replaced: Digest | None
    overwrite: bool
    by: Operator
    job: str
    asked: float
    outcome: PromotionOutcome
    ended: float | None
    detail: str


class PromotionHistory:
    """One flow's ledger: one SQLite file, which takes no change and no deletion."""

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        self._path = path
        with self._readable():
            self._db = sqlite3.connect(private_file(path), isolation_level=None, timeout=10.0)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def claim(self, file: Path, at: float) -> None:
        """Write down whose ledger it is: that of the flow in `file`. Raises LedgerTaken.

        A file that is gone has moved, or was written anew elsewhere: the ledger goes on with this.
        """
        with self._readable():
            row = self._db.execute("SELECT file FROM flow ORDER BY id DESC LIMIT 1").fetchone()
        if row is not None and row[0] == str(file):
            return
        if row is not None and Path(row[0]).exists():
            raise LedgerTaken(f"{self._path.stem} is the flow in {row[0]}; this is {file}")
        with self._readable():
            self._db.execute("INSERT INTO flow (file, at) VALUES (?, ?)", (str(file), at))

    def ask(self, promotion: Promotion, by: Operator, job: str, at: float) -> int:
        """Write down what was asked for, by whom and when; return its number."""
        with self._readable():
            row = self._db.execute(
                "INSERT INTO asked (repository, tag, begins, ends, source, target, digest, "
                "replaced, overwrite, name, host, job, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    promotion.image.repository,
                    promotion.image.tag,
                    promotion.begins.name,
                    promotion.ends.name,
                    str(promotion.source),
                    str(promotion.target),
                    promotion.digest,
                    promotion.replaced,
                    promotion.overwrite,
                    by.name,
                    by.host,
                    job,
                    at,
                ),
            )
        return row.lastrowid or 0

    def end(self, number: int, ending: PromotionEnding) -> None:
        """Write down what became of a promotion. The same ending is written once."""
        with self._readable():
            self._db.execute(
                "INSERT OR IGNORE INTO ended (promotion, outcome, at, replaced, detail) "
                "VALUES (?, ?, ?, ?, ?)",
                (number, ending.outcome, ending.at, ending.replaced, safe(ending.detail)),
            )

    def entries(self) -> list[PromotionRecord]:
        """Return all promotions, the oldest first, each with the last that is known of it."""
        with self._readable():
            return [_entry(row) for row in self._db.execute(_ENTRIES)]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                raise DiskFull(str(self._path)) from error
            raise BadFile(f"{self._path}: {error}") from error


@contextmanager
def open_history(
    folder: Path, flow: str, file: Path | None = None, clock: Clock | None = None
) -> Iterator[PromotionHistory]:
    """Open the ledger of the flow with this name. `folder` holds those of all flows.

    With the flow's `file` it is that flow's ledger from then on. Raises LedgerTaken when it is
    another's.
    """
    ledger = PromotionHistory(folder / f"{flow}.sqlite")
    try:
        if file is not None:
            ledger.claim(file, (clock or SystemClock()).now())
        yield ledger
    finally:
        ledger.close()


_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (
    id INTEGER PRIMARY KEY, repository TEXT, tag TEXT, begins TEXT, ends TEXT, source TEXT,
    target TEXT, digest TEXT, replaced TEXT, overwrite INTEGER, name TEXT, host TEXT, job TEXT,
    at REAL);
CREATE TABLE IF NOT EXISTS ended (
    id INTEGER PRIMARY KEY, promotion INTEGER REFERENCES asked, outcome TEXT, at REAL,
    replaced TEXT, detail TEXT, UNIQUE (promotion, outcome, at));
CREATE TABLE IF NOT EXISTS flow (id INTEGER PRIMARY KEY, file TEXT, at REAL);
CREATE TRIGGER IF NOT EXISTS flow_stays BEFORE UPDATE ON flow BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS flow_is_kept BEFORE DELETE ON flow BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS asked_stays BEFORE UPDATE ON asked BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS asked_is_kept BEFORE DELETE ON asked BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS ended_stays BEFORE UPDATE ON ended BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
CREATE TRIGGER IF NOT EXISTS ended_is_kept BEFORE DELETE ON ended BEGIN
    SELECT raise(ABORT, 'a ledger is not changed'); END;
"""

_ENTRIES = """
SELECT asked.id, repository, tag, begins, ends, source, target, digest,
    CASE WHEN ended.id IS NULL THEN asked.replaced ELSE ended.replaced END,
    overwrite, name, host, job, asked.at, coalesce(outcome, 'asked'), ended.at,
    coalesce(detail, '')
FROM asked LEFT JOIN ended ON ended.id =
    (SELECT max(id) FROM ended WHERE promotion = asked.id)
ORDER BY asked.id
"""


def _entry(row: tuple[str, ...]) -> PromotionRecord:
    number, repository, tag, begins, ends, source, target, digest, replaced, *rest = row
    overwrite, name, host, job, asked, outcome, ended, detail = rest
    return PromotionRecord(
        number=int(number),
        image=Image(repository, tag),
        begins=begins,
        ends=ends,
        source=parse_reference(source),
        target=parse_reference(target),
        digest=Digest(digest),
        replaced=Digest(replaced) if replaced else None,
        overwrite=bool(overwrite),
        by=Operator(name, host),
        job=job,
        asked=float(asked),
        outcome=PromotionOutcome(outcome),
        ended=None if ended is None else float(ended),
        detail=detail,
    )


_ENDS = {
    JobState.DONE: PromotionOutcome.DONE,
    JobState.FAILED: PromotionOutcome.FAILED,
    JobState.CANCELLED: PromotionOutcome.CANCELLED,
}


def start_promotion(
    promotion: Promotion,
    jobs: JobStore,
    ledger: PromotionHistory,
    by: Operator,
    clock: Clock,
    start: Callable[[Job], object],
) -> Job:
    """Write down a promotion, then let `start` begin its job; return the job.

    The job's folder comes first, so that the ledger can name it; nothing runs before it does.
    """
    job = jobs.create(promotion.plan())
    ledger.ask(promotion, by, job.id, clock.now())
    start(job)
    return job


def settle_promotions(ledger: PromotionHistory, jobs: JobStore) -> list[PromotionRecord]:
    """Write down what has become of promotions meanwhile, and return all, the oldest first.

    A job may end when nobody looks, or after whoever asked for it is gone; what failed may have
    been tried again, and what was done, undone. Each is an entry of its own.
    """
    entries = []
    known = {job.id: job for job in jobs.all()}
    for entry in ledger.entries():
        if entry.job in known:
            job = known[entry.job]
            if entry.outcome not in (PromotionOutcome.DONE, PromotionOutcome.UNDONE):
                entry = _ended(ledger, entry, _ending(job, entry))
            entry = _ended(ledger, entry, _undone(job, entry))
        entries.append(entry)
    return entries


def _ended(
    ledger: PromotionHistory, entry: PromotionRecord, ending: PromotionEnding | None
) -> PromotionRecord:
    """Return an entry with its ending, which is written down where it is new."""
    if ending is None or (ending.outcome, ending.at) == (entry.outcome, entry.ended):
        return entry
    ledger.end(entry.number, ending)
    return replace(
        entry,
        outcome=ending.outcome,
        ended=ending.at,
        replaced=ending.replaced,
        detail=ending.detail,
    )


def _undone(job: Job, entry: PromotionRecord) -> PromotionEnding | None:
    """Return that the tag of a promotion was put back, and by whom; None if it wasn't."""
    try:
        with job.journal() as journal:
            undo = journal.undo()
            restored = journal.restores(Restored.DONE) if undo else []
    except TransshipError:
        return None  # The job's own screen says what is wrong with its files.
    tag = next((each for each in restored if each.tag == str(entry.target)), None)
    if undo is None or tag is None:
        return None
    return PromotionEnding(PromotionOutcome.UNDONE, tag.at, entry.replaced, f"undone by {undo.by}")


def _ending(job: Job, entry: PromotionRecord) -> PromotionEnding | None:
    """Return what became of a promotion's job, or None while that isn't known."""
    try:
        look = read_job(job)
    except TransshipError:
        return None  # The job's own screen says what is wrong with its files.
    outcome = _ENDS.get(look.state)
    if outcome is None or look.ended is None:
        return None
    with job.journal() as journal:
        found = next(
            ((copy, state) for copy, state, _ in journal.outcomes() if copy.target == entry.target),
            None,
        )
    if found is None:
        return PromotionEnding(outcome, look.ended, entry.replaced, _why(look))
    copy, state = found
    if state is CopyState.DONE and outcome is not PromotionOutcome.DONE:
        outcome = PromotionOutcome.PARTLY
    return PromotionEnding(outcome, look.ended, copy.previous, _why(look))


def _why(look: JobView) -> str:
    """Return in words what went wrong in a job."""
    causes = [look.problem[0]] if look.problem else []
    return ", ".join([*causes, *dict.fromkeys(failure.title for failure in look.failures)])


_AT_ONCE = 48


class StageStep(StrEnum):
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
class BoardCell:
    """One image in one stage.

    `mark` is the same for the same digest in all stages of the image: 0 for the first that is
    met, and so on; None where it is absent. `problem` says why it couldn't be looked at.
    """

    digest: Digest | None = None
    mark: int | None = None
    step: StageStep = StageStep.NONE
    problem: TransshipError | None = None


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One image across all stages: a cell for each, in order."""

    image: Image
    cells: tuple[BoardCell, ...]

    @property
    def is_settled(self) -> bool:
        """Whether every stage has the same digest."""
        return {cell.mark for cell in self.cells} == {0}


@dataclass(frozen=True, slots=True)
class StageBoard:
    """Images down, in natural order; stages across.

    `problems` are by stage: the first reason why something in it couldn't be looked at.
    What others list is looked for there all the same.
    """

    flow: Flow
    rows: tuple[BoardRow, ...]
    problems: Mapping[str, TransshipError] = field(default_factory=dict)

    @property
    def promotable(self) -> tuple[tuple[Image, Stage], ...]:
        """What can be promoted next, and to which stage, the latest stages first."""
        stages = self.flow.stages
        return tuple(
            (row.image, stages[number + 1])
            for number in range(len(stages) - 2, -1, -1)
            for row in self.rows
            if row.cells[number].step in (StageStep.NEW, StageStep.REPLACE)
        )


@dataclass(slots=True)
class BoardProgress:
    """How far a board is, for who watches it."""

    images: int = 0
    """How many tags were looked at, each stage by itself."""


Look = Digest | TransshipError | None
"""What was seen of an image in one stage: its digest, why it can't be told, or that it's absent."""


async def stage_board(
    flow: Flow,
    places: Mapping[str, Registry],
    *,
    pattern: str = "",
    progress: BoardProgress | None = None,
) -> StageBoard:
    """Look at every image of a flow in every stage.

    `places` are open, by registry. `pattern` narrows `REPOSITORY:TAG` as `transship.matching`
    says; what it leaves out isn't asked for. A stage that can't be reached has problems in its
    column, and the others are shown.
    """
    looking = _BoardScan(flow, places, matcher(pattern), progress or BoardProgress())
    names = await each(looking.repositories(stage) for stage in flow.stages)
    repositories = dict.fromkeys(flow.repositories or (name for part in names for name in part))
    columns = await each(looking.column(stage, repositories) for stage in flow.stages)
    images = {image for column in columns for image in column if isinstance(image, Image)}
    rows = [
        BoardRow(image, cells_of([looking.seen(column, image) for column in columns]))
        for image in sorted(images, key=_order)
    ]
    return StageBoard(flow, tuple(rows), looking.problems)


def cells_of(looks: Sequence[Look]) -> tuple[BoardCell, ...]:
    """Return the cells of one image from what was seen in each stage, in order."""
    digests = [look for look in looks if isinstance(look, str)]
    marks = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    following = [*looks[1:], None]
    last = len(looks) - 1
    return tuple(
        BoardCell(
            digest=look if isinstance(look, str) else None,
            mark=marks[look] if isinstance(look, str) else None,
            step=_step(look, after) if number < last else StageStep.NONE,
            problem=look if isinstance(look, TransshipError) else None,
        )
        for number, (look, after) in enumerate(zip(looks, following, strict=True))
    )


def _step(here: Look, there: Look) -> StageStep:
    if here is None or here == there:
        return StageStep.NONE
    if isinstance(here, TransshipError) or isinstance(there, TransshipError):
        return StageStep.UNKNOWN
    return StageStep.NEW if there is None else StageStep.REPLACE


def _order(image: Image) -> tuple[str, str]:
    return natural_key(image.repository), natural_key(image.tag)


Column = dict[Image | str, Look]
"""What one stage has, by image; and by the name of a repository, why that can't be told."""


@dataclass(slots=True)
class _BoardScan:
    flow: Flow
    places: Mapping[str, Registry]
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
