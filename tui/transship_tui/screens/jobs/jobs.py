"""Jobs: what is moving, and what has moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from transship.text import bytes_text, counted, rate_text, safe
from transship.transfers.job_view import JobView
from transship_tui.context import JobsChanged
from transship_tui.keys import bindings, chosen_keys, words_for
from transship_tui.marks import BAD, mark
from transship_tui.naming import Naming
from transship_tui.screens.engines.delegations import DelegationsScreen
from transship_tui.screens.jobs.controls import JobControls, line_for
from transship_tui.screens.jobs.job import JobScreen
from transship_tui.widgets.table import Column, VirtualTable
from transship_tui.widgets.text_lines import TextLines
from transship_tui.widgets.totals import left_text, share_text, total_lines, when_text, word_of

_COLUMNS = (
    Column("State", 13),
    Column("From", middle=True),
    Column("To", middle=True),
    Column("Images", 14, right=True, least=96),
    Column("Failed", 6, right=True),
    Column("Data", 20, right=True, least=140),
    Column("Done", 5, right=True),
    Column("Rate", 10, right=True, least=108),
    Column("When", 12, right=True, least=70),
)

_NONE = (
    "No jobs yet. Mark images in Browse ({browse}) and press {browse.copy} there to copy them. "
    "What Harbor or TCR moves is under Delegations ({jobs.delegations})."
)


class _JobRows:
    """Jobs as rows."""

    def __init__(self, jobs: Sequence[JobView], now: float, naming: Naming) -> None:
        self._jobs = jobs
        self._now = now
        self._naming = naming

    def __len__(self) -> int:
        return len(self._jobs)

    def key(self, index: int) -> str:
        """Return the job's id."""
        return self._jobs[index].id

    def cells(self, index: int) -> Sequence[Content]:
        """Return state, both sides, and how far the job is."""
        job = self._jobs[index]
        counts, data = job.counts, job.bytes
        amount = f"{bytes_text(data.done)} of {bytes_text(data.total)}" if data.total else ""
        return (
            mark(word_of(job)),
            Content(self._naming.place(job.source)),
            Content(self._naming.place(job.target)),
            Content(f"{counts.ended:,}/{counts.total:,}" if job.planned else _found(job)),
            Content.styled(f"{counts.failed:,}", BAD) if counts.failed else Content(""),
            Content(amount),
            Content(share_text(data.done, data.total) if job.planned else ""),
            Content(rate_text(job.rate) if job.rate >= 1 else ""),
            Content(self._when(job)),
        )

    def _when(self, job: JobView) -> str:
        if job.eta is not None:
            return left_text(job.eta)
        return when_text(job.ended or job.created, self._now)


class JobsScreen(JobControls):
    """All jobs, the newest first, and how far the one under the cursor is."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("job-list")
    CSS_PATH = "jobs.tcss"
    HELP = """
Jobs run by themselves: they don't need the app, and go on when it is closed. {list.open} shows what
a job moves and what failed. {jobs.pause} pauses a job and goes on with it, at no loss; a job whose
process died is interrupted, and goes on from where it was. What engines elsewhere move, Harbor or
TCR, {jobs.delegations} shows.
"""

    def __init__(self) -> None:
        super().__init__()
        self._jobs: Sequence[JobView] = ()

    def compose_body(self) -> ComposeResult:
        """Give the list, and the totals of one job."""
        yield VirtualTable(
            _COLUMNS,
            id="jobs",
            empty=words_for(self, _NONE),
        )
        yield TextLines(id="card")

    def on_mount(self) -> None:
        """Put the cursor into the list."""
        self.query_one(VirtualTable).focus()

    def on_screen_resume(self) -> None:
        """Show the jobs as they are now, and open the one that is wanted."""
        self._show(self.context.monitor.jobs)
        wanted, self.context.wanted_job = self.context.wanted_job, ""
        if wanted:
            self.app.push_screen(JobScreen(wanted))

    @property
    def meant(self) -> JobView | None:
        """The job under the cursor."""
        key = self.query_one(VirtualTable).key_at_cursor()
        return next((job for job in self._jobs if job.id == key), None)

    def on_jobs_changed(self, event: JobsChanged) -> None:
        """Show what has changed."""
        self._show(event.jobs)

    def _show(self, jobs: Sequence[JobView]) -> None:
        self._jobs = jobs
        self.forget_said(jobs)
        running = len(self.context.monitor.running)
        self.heading("Jobs", f"{counted(len(jobs), 'job')}, {running} running" if jobs else "")
        self.query_one(VirtualTable).show(
            _JobRows(jobs, self.core.clock.now(), self.context.naming)
        )
        self._show_card()

    @on(VirtualTable.CursorMoved)
    def _show_card(self) -> None:
        job = self.meant
        self.line(line_for(job) if job else "transship jobs")
        self.query_one("#card", TextLines).show(self._card(job) if job else ())
        self.offer()

    def _card(self, job: JobView) -> Iterator[Content]:
        way = self.context.naming.way(job.source, job.target)
        yield Content.styled(safe(f"{job.id}  {way}"), "bold")
        if self.size.height >= 22:
            now, naming = self.core.clock.now(), self.context.naming
            yield from total_lines(job, now, self.size.width - 2, naming, chosen_keys(self))

    @on(VirtualTable.Opened)
    def _open(self, event: VirtualTable.Opened) -> None:
        self.app.push_screen(JobScreen(event.key))

    def action_delegations(self) -> None:
        """Show what engines elsewhere move."""
        self.hush()
        self.app.push_screen(DelegationsScreen())

    def action_verify(self) -> None:
        """Open the job, and prove it there."""
        if (job := self.meant) is not None:
            self.app.push_screen(JobScreen(job.id, verify=True))


def _found(job: JobView) -> str:
    return f"{job.found:,} found" if job.found else ""
