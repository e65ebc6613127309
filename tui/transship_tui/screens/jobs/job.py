"""One job: how far it is, what it moves, what failed and why, and every single copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from transship.errors import TransshipError
from transship.matching import is_everything
from transship.oci.digest import short
from transship.text import bytes_text, counted, duration_text, rate_text, safe
from transship.transfers.copies import CopyState, JobState, Verdict
from transship.transfers.job_view import LEVELS, CopyRow, JobEvent, JobView, Which
from transship.transfers.journal import Failure, Lane
from transship.transfers.verify import Proof, ProofDifference, VerifyProgress
from transship_tui.context import JobsChanged
from transship_tui.keys import all_keys, bindings, chosen_keys, key_for, words_for
from transship_tui.lines import line, report_line
from transship_tui.marks import BAD, CARE, OK, QUIET, mark
from transship_tui.naming import Naming
from transship_tui.screens.jobs.controls import JobControls, line_for
from transship_tui.widgets.bars import TabLine
from transship_tui.widgets.dialogs import Facts, FactsDialog
from transship_tui.widgets.patterns import NOTHING_MATCHES, PatternInput
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.totals import labelled, share_text, total_lines, when_text

if TYPE_CHECKING:
    from transship.app.application import Application

COPY_COLUMNS = (
    Column("State", 11),
    Column("Image"),
    Column("To", least=110),
    Column("Why"),
)
EVENT_COLUMNS = (Column("When", 13), Column("What", 11), Column("About"), Column("Why"))

_BEFORE, _AFTER = 32, 96
_DONE_WORDS = {
    Verdict.COPY: "copied",
    Verdict.OVERWRITE: "copied",
    Verdict.SAME: "same",
    Verdict.SKIP: "skipped",
    Verdict.DELETE: "deleted",
}

Fetch = Callable[[Sequence[int]], Sequence[CopyRow]]
"""Reads the copies with these numbers."""


class CopyRows:
    """The copies with these numbers. Those around the one that is asked for are read with it."""

    def __init__(self, ids: Sequence[int], fetch: Fetch) -> None:
        self._ids = ids
        self._fetch = fetch
        self._read: dict[int, CopyRow | None] = {}
        self.moves = True
        """Whether anything moves now; if not, what was begun waits to go on."""
        self.ended = False
        """Whether the job has ended; what it hasn't done by then, it won't do."""
        self.stale = False
        """Whether a copy was asked for that is gone; what failed goes when it is tried again."""

    def __len__(self) -> int:
        return len(self._ids)

    def forget(self) -> None:
        """Read anew what is asked for from now on."""
        self._read.clear()

    def key(self, index: int) -> str:
        """Return the copy's number."""
        return str(self._ids[index])

    def row(self, index: int) -> CopyRow | None:
        """Return a copy, or None if it is gone since its number was read."""
        number = self._ids[index]
        if number not in self._read:
            window = self._ids[max(0, index - _BEFORE) : index + _AFTER]
            self._read = dict.fromkeys(window)
            self._read |= {row.copy.id: row for row in self._fetch(window)}
        row = self._read[number]
        self.stale = self.stale or row is None
        return row

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, image, target, and why it is so."""
        row = self.row(index)
        if row is None:
            return (Content("…"), Content(""), Content(""), Content(""))
        source, target = row.copy.source, row.copy.target
        return (
            mark(word_for(row, moves=self.moves, ended=self.ended)),
            Content(_within(str(source), source.registry)),
            Content(_within(str(target), target.registry)),
            _why(row),
        )


class EventRows:
    """What came to pass in a job, as rows."""

    def __init__(self, events: Sequence[JobEvent], now: float) -> None:
        self.events = events
        self._now = now

    def __len__(self) -> int:
        return len(self.events)

    def key(self, index: int) -> str:
        """Return the event's place: events only ever come at the end."""
        event = self.events[index]
        return f"{event.at} {event.kind} {event.what}"

    def cells(self, index: int) -> Sequence[Content]:
        """Return when, what, with what, and why."""
        event = self.events[index]
        what = event.what
        if event.kind not in LEVELS:  # Else the name of a copy's source.
            what = what.partition("/")[2] or what
        word = {"copy": "copied", "overwrite": "copied", "skip": "skipped"}
        word |= {"delete": "deleted", "wish": "asked"}
        color = BAD if event.kind == "failed" else QUIET
        return (
            Content(when_text(event.at, self._now)),
            mark(word.get(event.kind, event.kind)),
            Content(what),
            Content.styled(event.more, color),
        )


def word_for(row: CopyRow, *, moves: bool, ended: bool) -> str:
    """Return how far a copy is, in the word that has a mark.

    Where nothing `moves`, what was begun waits to go on; in a job that has `ended`, for nothing.
    """
    if ended and row.state in (CopyState.WAITING, CopyState.RUNNING):
        return "not done"
    if row.state is CopyState.RUNNING and not moves:
        return str(CopyState.WAITING)
    if row.state is CopyState.DONE:
        return _DONE_WORDS.get(row.copy.verdict, str(row.copy.verdict))
    return str(row.state)


def _why(row: CopyRow) -> Content:
    copy = row.copy
    if row.state is CopyState.FAILED:
        return Content.styled(row.problem, BAD)
    if copy.verdict is Verdict.OVERWRITE and copy.previous:
        return Content(f"in place of {short(copy.previous)}")
    return Content.styled(copy.reason, QUIET)


def _within(reference: str, registry: str) -> str:
    return reference.removeprefix(registry).lstrip("/") or reference


_STILL_SECONDS = 5.0
_WEIGHT = 0.3
_NARROW = 70
_PACE = 12


@dataclass(slots=True)
class _Motion:
    """How one lane moves, as far as it was seen. `rate` in bytes per second."""

    moved: int
    at: float
    rate: float = 0.0

    def see(self, moved: int, now: float) -> None:
        if moved == self.moved:
            return
        if now > self.at and moved > self.moved:
            current = (moved - self.moved) / (now - self.at)
            self.rate += (current - self.rate) * (_WEIGHT if self.rate else 1.0)
        self.moved, self.at = moved, now


class LaneMonitor:
    """Remembers between two looks how the lanes of a job move."""

    def __init__(self) -> None:
        self._motions: dict[tuple[str, float], _Motion] = {}

    def look(self, lanes: Sequence[Lane], now: float) -> None:
        """Take note of where the lanes are at `now`, in seconds since the epoch."""
        seen = {}
        for lane in lanes:
            key = (lane.what, lane.started)
            seen[key] = self._motions.get(key) or _Motion(lane.moved, now)
            seen[key].see(lane.moved, now)
        self._motions = seen

    def lines(self, lanes: Sequence[Lane], now: float, width: int, most: int) -> Iterator[Content]:
        """Give a line for each of the largest lanes, at most `most`, and one about the others."""
        if not lanes:
            return
        largest = sorted(lanes, key=lambda lane: (-lane.size, lane.started, lane.what))[:most]
        numbers = [self._numbers(lane, now, short=width < _NARROW) for lane in largest]
        room = max(10, width - 10 - max(number.cell_length for number in numbers))
        whats = [_tail(safe(lane.what), room) for lane in largest]
        longest = max(map(len, whats))
        for index, (what, number) in enumerate(zip(whats, numbers, strict=True)):
            yield labelled("" if index else "Lanes", f"{what:<{longest}}  ", number)
        newest = max((motion.at for motion in self._motions.values()), default=now)
        if now - newest >= _STILL_SECONDS:
            yield labelled("", (f"nothing has moved for {duration_text(now - newest)}", CARE))
        elif len(lanes) > most:
            yield labelled("", (f"and {len(lanes) - most} more", QUIET))

    def _numbers(self, lane: Lane, now: float, *, short: bool) -> Content:
        motion = self._motions.get((lane.what, lane.started)) or _Motion(lane.moved, now)
        size = "" if short else f" of {bytes_text(lane.size):<8}"
        pace, color = rate_text(motion.rate) if motion.rate else "", ""
        if now - motion.at >= _STILL_SECONDS:
            pace, color = f"still {duration_text(now - motion.at)}", CARE
        share = f"{share_text(lane.moved, lane.size):>4}"
        return Content.assemble(f"{share}{size}  ", (f"{pace:<{_PACE}}", color))


def _tail(what: str, room: int) -> str:
    """Cut a lane's name at its beginning: its end, the digest, tells lanes apart."""
    return what if len(what) <= room else f"…{what[1 - room :]}"


class Tab(StrEnum):
    """What is listed."""

    ALL = "all"
    ACTIVE = "active"
    FAILED = "failed"
    SKIPPED = "skipped"
    LOG = "log"


_EMPTY = {
    Tab.ALL: "No copies yet: both sides are being looked at.",
    Tab.ACTIVE: "Nothing is being copied now.",
    Tab.FAILED: "Nothing has failed.",
    Tab.SKIPPED: "Nothing was skipped.",
    Tab.LOG: "Nothing has come to pass yet.",
}
_HINT = "part of a name, v1.*, ~fuzzy, !not"


class JobLists(Vertical):
    """Shows one of the lists. `tab` is which."""

    DEFAULT_CSS = """
    JobLists { height: 1fr; }
    JobLists #causes { padding: 0 1; }
    """

    def __init__(self, engine: Application, job: str) -> None:
        super().__init__()
        self._engine = engine
        self._job = job
        self._view: JobView | None = None
        self._pattern = ""
        self._copies = CopyRows((), self._fetch)
        self._events = EventRows((), 0)
        self._listed: Hashable = None
        self._events_due = False
        self.tab = Tab.ALL

    def compose(self) -> ComposeResult:
        """Give the tabs, the causes of failures, both tables, and the line for a pattern."""
        yield TabLine()
        yield TextLines(id="causes")
        yield VirtualTable(COPY_COLUMNS, id="copies")
        yield VirtualTable(EVENT_COLUMNS, id="events")
        yield PatternInput()

    def on_mount(self) -> None:
        """Show one table at a time, and what comes to pass once a second: nobody reads faster."""
        self.query_one("#events").display = False
        self.set_interval(1.0, self._show_due)

    @property
    def table(self) -> VirtualTable:
        """The table that is shown."""
        return self.query_one("#events" if self.tab is Tab.LOG else "#copies", VirtualTable)

    @property
    def under_cursor(self) -> CopyRow | JobEvent | None:
        """What the cursor stands on."""
        at = self.table.cursor
        if self.tab is Tab.LOG:
            return self._events.events[at] if at < len(self._events) else None
        return self._copies.row(at) if at < len(self._copies) else None

    def show(self, view: JobView) -> None:
        """Show the job as it is now. Raises what stands in the way of reading its journal."""
        self._view = view
        counts = view.counts
        numbers = {Tab.ALL: counts.total, Tab.FAILED: counts.failed, Tab.SKIPPED: counts.skipped}
        self.query_one(TabLine).tabs(
            [
                f"{tab.capitalize()} {numbers[tab]:,}" if numbers.get(tab) else tab.capitalize()
                for tab in Tab
            ],
            list(Tab).index(self.tab),
        )
        causes = self.query_one("#causes", TextLines)
        height = self.screen.size.height
        most = 1 if height < 22 else 2 if height < 32 else 4
        causes.show(_causes(view.failures, most) if self.tab is Tab.FAILED else ())
        if self.tab is Tab.LOG:
            self._events_due = True
        else:
            self._show_copies(view)

    def choose(self, tab: Tab) -> None:
        """List something else. Raises as `show` does."""
        self.tab = tab
        focused = self.query("VirtualTable:focus")
        for table, shown in (("#copies", tab is not Tab.LOG), ("#events", tab is Tab.LOG)):
            self.query_one(table).display = shown
        if focused:
            self.table.focus()
        if self._view is not None:
            self.show(self._view)
        if tab is Tab.LOG:
            self._show_events()

    def _show_copies(self, view: JobView) -> None:
        moves = view.state is JobState.RUNNING
        listed = (self.tab, self._pattern, *_moment(view, self.tab))
        if listed == self._listed and not self._copies.stale:
            self._copies.moves, self._copies.ended = moves, view.state.ended
            self._copies.forget()
            self.table.changed()
            return
        ids = self._engine.jobs.copy_ids(self._job, Which(str(self.tab)), self._pattern)
        self._copies, self._listed = CopyRows(ids, self._fetch), listed
        self._copies.moves, self._copies.ended = moves, view.state.ended
        narrowed = not is_everything(self._pattern)
        empty = words_for(self, NOTHING_MATCHES) if narrowed else _EMPTY[self.tab]
        self.table.show(self._copies, empty=empty)
        if narrowed:
            self.query_one(PatternInput).hits(f"{len(ids):,} match")

    def _show_due(self) -> None:
        if self._events_due and self.tab is Tab.LOG:
            with suppress(TransshipError):
                self._show_events()

    def _show_events(self) -> None:
        self._events_due = False
        follows = self.table.cursor >= len(self._events) - 1
        self._events = EventRows(self._engine.jobs.events(self._job), self._engine.clock.now())
        at = len(self._events) - 1 if follows else None
        self.table.show(self._events, empty=_EMPTY[Tab.LOG], at=at)

    def _fetch(self, ids: Sequence[int]) -> Sequence[CopyRow]:
        """Read copies while the table is drawn, when there is no way to say what went wrong."""
        try:
            return self._engine.jobs.copy_rows(self._job, ids)
        except TransshipError:
            return ()

    def ask_filter(self) -> None:
        """Let the operator type which copies to show."""
        if self.tab is Tab.LOG:
            self.choose(Tab.ALL)
        self.query_one(PatternInput).ask("/", self._pattern, _HINT)

    def clear_filter(self) -> bool:
        """Show all again; tell whether anything was hidden."""
        hidden = bool(self._pattern)
        self.query_one(PatternInput).close()
        self._narrow("")
        return hidden

    def _narrow(self, pattern: str) -> None:
        self._pattern = pattern
        if self._view is not None:
            self.show(self._view)

    @on(PatternInput.Changed)
    def _pattern_changed(self, event: PatternInput.Changed) -> None:
        event.stop()
        self._narrow(event.pattern)

    @on(PatternInput.Accepted)
    def _pattern_accepted(self, event: PatternInput.Accepted) -> None:
        event.stop()
        if is_everything(event.pattern):
            self.clear_filter()
        self.table.focus()

    @on(PatternInput.GivenUp)
    def _pattern_given_up(self, event: PatternInput.GivenUp) -> None:
        event.stop()
        self.clear_filter()
        self.table.focus()


def _moment(view: JobView, tab: Tab) -> tuple[Hashable, ...]:
    """Return what is another one whenever other copies are to be listed."""
    counts = view.counts
    steady = (view.planned, view.ended)
    return {
        Tab.ALL: (counts.total, *steady),
        Tab.ACTIVE: (view,),
        Tab.FAILED: (counts.failed, *steady),
        Tab.SKIPPED: (counts.skipped, *steady),
    }.get(tab, ())


def _causes(failures: Sequence[Failure], most: int) -> Iterator[Content]:
    for failure in failures[:most]:
        count = f"{failure.count:,} × "
        yield Content.assemble((f"✗ {count}{safe(failure.title)}", BAD))
        yield Content(f"  → {safe(failure.remedy)}")
    if len(failures) > most:
        more = counted(len(failures) - most, "other cause")
        yield Content.styled(f"  and {more}", QUIET)


_SHOWN = 200


class ProofDialog(FactsDialog):
    """Shows what was proven until it is closed, or until the guide's next step is taken."""

    BINDINGS: ClassVar[list[BindingType]] = [
        replace(key, action="next_step").binding() for key in all_keys() if key.id == "next"
    ]

    def action_next_step(self) -> None:
        """Close, and take the next step of the guide."""
        self.dismiss()
        self.app.call_later(self.app.run_action, "next_step")


def proof_verdict(proof: Proof) -> Content:
    """Return in one line what a verification has found."""
    images = counted(proof.compared, "image")
    if proof.holds:
        return Content.assemble(
            ("✓ proven", OK), f"  every digest of {images} is the same on both sides"
        )
    return Content.assemble((f"✗ {len(proof.differences):,} of {images} differ", BAD))


def progress_text(progress: VerifyProgress) -> str:
    """Return in one line how far a verification is."""
    found, blobs = counted(progress.found, "image"), counted(progress.blobs, "blob")
    return f"comparing both sides: {found} found so far, {blobs} looked at"


def proof_dialog(job: str, proof: Proof) -> ProofDialog:
    """Return the dialog that shows what was compared and how it differs."""
    depth = f"{bytes_text(proof.bytes_read)} read and hashed" if proof.deep else "sizes compared"
    facts = [
        ("Job", job),
        ("Compared", f"{counted(proof.compared, 'image')}, by digest, on both sides"),
        ("At target", counted(proof.manifests, "manifest")),
        ("", f"{counted(proof.blobs, 'blob')}, {depth}"),
    ]
    return ProofDialog(proof_verdict(proof), facts, Content("\n").join(_rest(job, proof)))


def _rest(job: str, proof: Proof) -> Iterator[Content]:
    for difference in proof.differences[:_SHOWN]:
        yield Content("")
        yield from _difference(difference)
    if len(proof.differences) > _SHOWN:
        yield Content(f"\nand {len(proof.differences) - _SHOWN:,} more: {line('verify', job)}")
    elif not proof.deep:
        deep = line("verify", job, "--deep")
        yield Content.styled(f"\nTo read and hash every blob as well: {deep}", QUIET)


def _difference(difference: ProofDifference) -> Iterator[Content]:
    source, target = safe(str(difference.source)), safe(str(difference.target))
    yield Content.assemble((f"✗ {difference.problem}", BAD), f"  {source}")
    yield Content(f"  → {target}")
    yield Content.styled(f"  {safe(difference.detail)}", QUIET)


_RATES = 24


class JobScreen(JobControls):
    """Shows the job with this id. `verify` begins to prove it at once."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("job")
    CSS_PATH = "job.tcss"
    HELP = """
A job looks at both sides first; until that is done there is no whole, and so no share of it. Then
each blob is sent once and mounted where else it is needed, and a tag is written last, when all it
needs is there. What failed is grouped by its cause, with what to do about it; {jobs.retry} tries it
again. {jobs.verify} asks both registries, not the job, whether everything is there.
"""

    def __init__(self, job: str, *, verify: bool = False) -> None:
        super().__init__()
        self._job = job
        self._verify_first = verify
        self._view: JobView | None = None
        self._frozen = False
        self._trouble = ""
        self._watch = LaneMonitor()
        self._rates: deque[float] = deque(maxlen=_RATES)
        self._sampled = 0.0
        self._progress: VerifyProgress | None = None
        self._proof: Proof | None = None
        self._proof_seen = True

    def compose_body(self) -> ComposeResult:
        """Give the totals, the lanes and the lists."""
        yield TextLines(id="totals")
        yield TextLines(id="lanes")
        yield JobLists(self.core, self._job)

    def on_mount(self) -> None:
        """Look at the job, and go on looking at what changes with time alone."""
        self._sampled = self.core.clock.now()
        self.query_one(JobLists).table.focus()
        self.set_interval(1.0, self._tick)
        if self._verify_first:
            self.call_after_refresh(self.action_verify)

    def on_screen_resume(self) -> None:
        """Show the job as it is now, or the one that is wanted instead."""
        wanted, self.context.wanted_job = self.context.wanted_job, ""
        if wanted not in ("", self._job):
            self.app.switch_screen(JobScreen(wanted))
            return
        self._look()
        self._show_proof()

    @property
    def meant(self) -> JobView | None:
        """The job."""
        return self._view

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the job now, and why."""
        reasons = dict(super().impossible())
        if self._progress is not None:
            reasons["verify"] = "Both sides are being compared already."
        if self._view is not None and not self._view.counts.failed:
            reasons["failures"] = "Nothing has failed."
        return reasons

    def on_jobs_changed(self, event: JobsChanged) -> None:
        """Show what has changed."""
        view = next((view for view in event.jobs if view.id == self._job), None)
        if view is not None and view != self._view:
            self._show(view)

    def on_resize(self) -> None:
        """Fill the room that there is now."""
        self._draw()

    def _look(self) -> None:
        try:
            self._show(self.core.jobs.find(self._job))
        except TransshipError as error:
            self.fail(error)

    def _show(self, view: JobView) -> None:
        if self._frozen:
            return
        if view.undo is not None and self._view is not None and view.undo != self._view.undo:
            self._forget_proof()
        self._view = view
        self._watch.look(view.lanes, self.core.clock.now())
        self.forget_said([view])
        self.heading(f"Job {view.id}", self.context.naming.way(view.source, view.target))
        self.line(report_line(view.id) if self._proof is not None else line_for(view))
        self._draw()
        self._show_lists(view)
        self.offer()

    def _show_lists(self, view: JobView) -> None:
        try:
            self.query_one(JobLists).show(view)
        except TransshipError as error:
            if str(error) != self._trouble:  # Said once, not at every look.
                self._trouble = str(error)
                self.fail(error)
        else:
            self._trouble = ""

    def _draw(self) -> None:
        if self._view is None:
            return
        self.query_one("#totals", TextLines).show(self._totals(self._view))
        now, most = self.core.clock.now(), self._most_lanes
        lanes = self._watch.lines(self._view.lanes, now, self._width, most) if most else ()
        self.query_one("#lanes", TextLines).show(lanes)

    def _totals(self, view: JobView) -> Iterator[Content]:
        now = self.core.clock.now()
        naming, keys = self.context.naming, chosen_keys(self)
        yield from total_lines(view, now, self._width, naming, keys, tuple(self._rates))
        if self._progress is not None:
            yield labelled("Proof", progress_text(self._progress))
        elif self._proof is not None:
            yield labelled("Proof", proof_verdict(self._proof))

    @property
    def _width(self) -> int:
        return self.size.width - 2

    @property
    def _most_lanes(self) -> int:
        if self.query_one(JobLists).tab is Tab.FAILED:
            return 0
        return 1 if self.size.height < 22 else 3 if self.size.height < 32 else 6

    def _tick(self) -> None:
        """Show what changes with time alone: how long it takes, and what stands still."""
        if self._view is None or self._frozen or not self.is_current:
            return
        if self._view.state is JobState.RUNNING:
            self._sample(self._view.rate)
        elif self._progress is None and not self._view.limits:
            return
        self._draw()

    def _sample(self, rate: float) -> None:
        now = self.core.clock.now()
        if now - self._sampled >= 1:
            self._rates.append(rate)
            self._sampled = now

    def action_failures(self) -> None:
        """Show only what failed, or everything again."""
        self._choose(Tab.ALL if self.query_one(JobLists).tab is Tab.FAILED else Tab.FAILED)

    def action_tab(self, by: int) -> None:
        """Show the next list."""
        tabs = list(Tab)
        at = tabs.index(self.query_one(JobLists).tab)
        self._choose(tabs[(at + by) % len(tabs)])

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._choose(list(Tab)[event.index])

    def _choose(self, tab: Tab) -> None:
        try:
            self.query_one(JobLists).choose(tab)
        except TransshipError as error:
            self.fail(error)
        self._draw()

    def action_filter(self) -> None:
        """Let the operator type which copies to show."""
        self.query_one(JobLists).ask_filter()

    async def action_back(self) -> None:
        """Show all copies again if some are hidden; else go back."""
        if not self.query_one(JobLists).clear_filter():
            await super().action_back()

    def action_freeze(self) -> None:
        """Hold the picture still, or let it go on."""
        self._frozen = not self._frozen
        if self._frozen:
            lets = f"{key_for(self, 'job.freeze')} lets it go on"
            self.warn(f"The picture stands still; {lets}. The job isn't held up by that.")
        else:
            self.hush()
            self._look()

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        what = self.query_one(JobLists).under_cursor
        if isinstance(what, CopyRow):
            state = self._view.state if self._view is not None else JobState.WAITING
            word = word_for(what, moves=state is JobState.RUNNING, ended=state.ended)
            self.app.push_screen(FactsDialog(mark(word), _copy_facts(what, self.context.naming)))
        elif isinstance(what, JobEvent):
            now = self.core.clock.now()
            self.app.push_screen(FactsDialog(mark(what.kind), _event_facts(what, now)))

    def action_verify(self) -> None:
        """Prove that everything is at the target."""
        self._verify()

    @work(group="verify", exclusive=True, exit_on_error=False)
    async def _verify(self) -> None:
        engine = self.core
        self._progress = VerifyProgress()
        self._draw()
        self.offer()
        try:
            self._proof = await engine.plans.verify(engine.jobs.plan(self._job), self._progress)
        except TransshipError as error:
            self.fail(error)
        else:
            self._proof_seen = False
            self._keep(self._proof)
            if self._proof.holds:
                self.context.guide.proven = self._job
                self.context.shell.show_guide()
        finally:
            self._progress = None
            self._draw()
            self.offer()
        self._show_proof()

    def _keep(self, proof: Proof) -> None:
        """Keep the proof for the job's report, and offer that."""
        self.line(report_line(self._job))
        try:
            self.core.jobs.keep_proof(self._job, proof)
        except TransshipError as error:
            self.fail(error)

    def _forget_proof(self) -> None:
        """Drop the proof: undoing the job has changed what it was about."""
        self._proof = None
        if self.context.guide.proven == self._job:
            self.context.guide.proven = ""
            self.context.shell.show_guide()

    def _show_proof(self) -> None:
        """Show the proof as soon as this screen is in front."""
        if self._proof is not None and not self._proof_seen and self.is_current:
            self._proof_seen = True
            self.app.push_screen(proof_dialog(self._job, self._proof))


def _copy_facts(row: CopyRow, naming: Naming) -> Facts:
    copy = row.copy
    facts = (
        ("From", naming.place(str(copy.source))),
        ("To", naming.place(str(copy.target))),
        ("Digest", copy.digest or ""),
        ("Before", copy.previous or ""),
        ("Why", copy.reason),
        ("Problem", row.problem),
        ("What to do", row.remedy),
    )
    return [(name, value) for name, value in facts if value]


def _event_facts(event: JobEvent, now: float) -> Facts:
    facts = (("When", when_text(event.at, now)), ("What", event.what), ("More", event.more))
    return [(name, value) for name, value in facts if value]
