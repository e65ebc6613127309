"""What can be done with a job, from wherever it is seen, and how hard it may ask its registries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.errors import BadRequest, TransshipError
from transship.guide import Step
from transship.plans.plan import Limits
from transship.plans.quantities import write_rate, write_window
from transship.text import counted, safe
from transship.transfers.copies import JobState
from transship.transfers.job_view import JobView
from transship.transfers.limits import ALL_DAY, LimitRequest, changed, held_words, limit_request
from transship_tui.context import JobsUnreadable
from transship_tui.keys import bindings, key_for, words_for
from transship_tui.lines import limit_line, line
from transship_tui.screens.frame import Frame
from transship_tui.widgets.bars import MessageBar
from transship_tui.widgets.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from transship.reports.job_formats import Form
    from transship_tui.naming import Naming

_NONE = "none"
_WORDS = (
    "The job takes this up within a second. It holds until the job ends, over a pause too; the "
    "plan's file stays as it is. none takes a limit away."
)
_FIELDS = ("at-once", "rate", "window")


class LimitsDialog(ModalScreen[Sequence[LimitRequest] | None]):
    """Asks what `job` is to be held to at each registry; returns what is to change, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    LimitsDialog {
        & .registry { height: 1; }
        & .registries { height: auto; max-height: 40vh; scrollbar-size-vertical: 1; }
        & .name { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
        & .at-once { width: 9; margin-right: 1; }
        & .rate { width: 13; margin-right: 1; }
        & .window { width: 13; }
        & .title-line { height: 1; color: $text-muted; }
        & Input, & Input:focus { background: $surface; }
        & #lines { height: auto; margin-top: 1; color: $text-muted; }
        & #said { height: auto; margin-top: 1; color: $text-muted; }
        & #said.-problem { color: $text-error; }
    }
    """

    def __init__(self, job: str, limits: Mapping[str, Limits], naming: Naming) -> None:
        super().__init__()
        self._job = job
        self._limits = limits
        self._naming = naming
        self._registries = list(limits)

    def compose(self) -> ComposeResult:
        """Give a line for each registry, what there is to say of them, and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"Limits of job {safe(self._job)}"), classes="title")
            with Horizontal(classes="title-line"):
                yield Static("Registry", classes="name")
                yield Static("At once", classes="at-once")
                yield Static("Rate", classes="rate")
                yield Static("Window", classes="window")
            with VerticalScroll(classes="registries", can_focus=False):
                yield from self._rows()
            yield Static(Content(_WORDS), id="said")
            yield Static(id="lines")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Hold it", id="hold", compact=True, variant="primary", disabled=True)

    def _rows(self) -> Iterator[Horizontal]:
        for number, registry in enumerate(self._registries):
            limits = self._limits[registry]
            name = Static(Content(self._naming.place(registry)), classes="name")
            fields = [
                Input(value, placeholder=_NONE, compact=True, id=f"{field}-{number}", classes=field)
                for field, value in zip(_FIELDS, _written(limits), strict=True)
            ]
            for field in fields:
                field.cursor_blink = False
            yield Horizontal(name, *fields, classes="registry")

    def on_mount(self) -> None:
        """Begin with the first registry."""
        self.query(Input).first().focus()

    @on(Input.Changed)
    def _edited(self) -> None:
        """Show what would change, and the lines that do the same."""
        wishes: Sequence[LimitRequest] = ()
        problem = ""
        try:
            wishes = self._wishes()
        except BadRequest as error:
            problem = f"✗ {error.detail}"
        said = self.query_one("#said", Static)
        said.update(Content(safe(problem) or _WORDS))
        said.set_class(bool(problem), "-problem")
        self.query_one("#lines", Static).update(Content("\n").join(map(self._line, wishes)))
        self.query_one("#hold", Button).disabled = not wishes

    def _wishes(self) -> Sequence[LimitRequest]:
        """Return what was changed. Raises BadRequest for what is no limit."""
        return [wish for wish in map(self._wish, range(len(self._registries))) if wish is not None]

    def _wish(self, number: int) -> LimitRequest | None:
        registry = self._registries[number]
        before = self._limits[registry]
        at_once, rate, window = (
            self.query_one(f"#{field}-{number}", Input).value.strip() or _NONE for field in _FIELDS
        )
        wish = limit_request(registry, rate, at_once, window)
        if wish.rate == (before.rate or 0):
            wish = replace(wish, rate=None)
        if wish.concurrency == (before.concurrency or 0):
            wish = replace(wish, concurrency=None)
        if wish.window == (before.window or ALL_DAY):
            wish = replace(wish, window=None)
        return wish if wish != LimitRequest(registry) else None

    def _line(self, wish: LimitRequest) -> Content:
        at_once, rate, window = (
            written or _NONE if asked is not None else ""
            for written, asked in zip(
                _written(changed(Limits(), wish)),
                (wish.concurrency, wish.rate, wish.window),
                strict=True,
            )
        )
        called = self._naming.place(wish.registry)
        told = limit_line(self._job, called, rate=rate, concurrency=at_once, window=window)
        return Content(f"$ {told}")

    @on(Input.Submitted)
    @on(Button.Pressed, "#hold")
    def _hold(self) -> None:
        try:
            wishes = self._wishes()
        except BadRequest:
            return  # It is said already.
        if wishes:
            self.dismiss(wishes)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave all as it is."""
        self.dismiss(None)


def _written(limits: Limits) -> tuple[str, str, str]:
    """Return concurrency, rate and window as a plan writes them, nothing where there is none."""
    return (
        str(limits.concurrency or ""),
        write_rate(limits.rate) if limits.rate else "",
        write_window(limits.window) if limits.window else "",
    )


_ACTIONS = ("pause", "resume", "retry", "cancel", "verify", "undo", "limits")
_STOPPED = (JobState.PAUSED, JobState.INTERRUPTED)


class JobControls(Frame):
    """A screen on which one job is meant by the keys that pause, resume, retry and cancel."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = bindings("jobs")

    def __init__(self) -> None:
        super().__init__()
        self._beginning = ""
        self._offered: object = None
        self._said_of: tuple[str, JobState, Content] | None = None

    @property
    def meant(self) -> JobView | None:
        """The job that the keys are for, as it was seen last."""
        return None

    def impossible(self) -> Mapping[str, str]:
        """Say what can't be done with the job now, and why."""
        if self.meant is not None and self.meant.id == self._beginning:
            return dict.fromkeys(_ACTIONS, f"{self.meant.id} is just being started.")
        return impossible_with(self.meant)

    def _say_of(self, job: JobView, words: str) -> None:
        """Say what a job is about to do, until it has done it."""
        self.tell(words)
        self._said_of = (job.id, job.state, self.query_one(MessageBar).message)

    def forget_said(self, jobs: Iterable[JobView]) -> None:
        """Take back what was said of a job that is in another state now."""
        if self._said_of is None:
            return
        name, state, words = self._said_of
        if any(job.id == name and job.state is not state for job in jobs):
            self._said_of = None
            if self.query_one(MessageBar).message is words:
                self.hush()

    def offer(self) -> None:
        """Offer the keys that can be used now. The footer is drawn anew only if others can."""
        stopped = self.meant is not None and self.meant.state in _STOPPED
        offered = (stopped, tuple(self.impossible()))
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let one key pause a job that moves, and go on with one that has stopped."""
        if action in ("pause", "resume") and self.is_mounted:
            stopped = self.meant is not None and self.meant.state in _STOPPED
            if stopped is (action == "pause"):
                return False
        return super().check_action(action, parameters)

    def take_step(self, step: Step) -> bool:
        """Go on with the guide's own job, try again what failed in it, or prove it."""
        job, impossible = self.meant, self.impossible()
        if job is None or job.id != self.context.guide.job:
            return False
        if step is Step.RUN and job.state in _STOPPED:
            self.action_resume()
        elif step is Step.RUN and "retry" not in impossible:
            self.action_retry()
        elif step is Step.PROVE and "verify" not in impossible:
            self.action_verify()
        else:
            return False
        return True

    @abstractmethod
    def action_verify(self) -> None:
        """Prove that everything is at the target."""

    def action_undo(self) -> None:
        """Show what undoing the job would do."""
        from transship_tui.screens.jobs.undo import UndoScreen

        if (job := self.meant) is not None:
            self.hush()
            self.app.push_screen(UndoScreen(job.id))

    def action_limits(self) -> None:
        """Ask what the job is to be held to at each of its registries."""
        if (job := self.meant) is None:
            return
        engine, naming = self.core, self.context.naming
        try:
            limits = engine.jobs.limits(job.id)
        except TransshipError as error:
            self.fail(error)
            return

        def answered(wishes: Sequence[LimitRequest] | None) -> None:
            if wishes:
                self._limit(job, wishes)

        self.app.push_screen(LimitsDialog(job.id, limits, naming), answered)

    def _limit(self, job: JobView, wishes: Sequence[LimitRequest]) -> None:
        engine, naming = self.core, self.context.naming
        try:
            for wish in wishes:
                engine.jobs.limit(job.id, wish)
            limits = engine.jobs.limits(job.id)
        except TransshipError as error:
            self.fail(error)
            return
        told = [
            f"{naming.place(wish.registry)} {f'is held to {words}' if words else 'has no limit'}"
            for wish in wishes
            for each in (limits[wish.registry],)
            for words in (held_words(each.rate, each.concurrency, each.window),)
        ]
        self.tell(f"{job.id}: {'; '.join(told)}")
        self.context.monitor.look()

    def action_report(self) -> None:
        """Ask where the job's report goes, and write it."""
        from transship_tui.widgets.report_dialog import ReportDialog

        job, engine = self.meant, self.core
        if job is None:
            return

        async def write(path: str, form: Form, replace: bool) -> Path:
            return await engine.jobs.write_report(job.id, path, form, replace=replace)

        def written(file: Path | None) -> None:
            if file is not None:
                self.tell(f"The report of {job.id} is in {file}")

        self.app.push_screen(ReportDialog(job.id, write, self.proof_words), written)

    @property
    def proof_words(self) -> str:
        """What there is to say of the proof that a report has."""
        return words_for(
            self, "What {jobs.verify} found last is its proof; without that, it says so."
        )

    def on_jobs_unreadable(self, event: JobsUnreadable) -> None:
        """Say why nothing changes any more."""
        self.query_one(MessageBar).fail(event.error)

    def action_pause(self) -> None:
        """Let the job come to a stop at its next good point; asked twice, at once."""
        if (job := self.meant) is None:
            return
        try:
            self.core.jobs.pause(job.id)
        except TransshipError as error:
            self.fail(error)
            return
        if job.pausing:
            self._say_of(job, f"{job.id} stops at once; pieces under way are sent again later")
        else:
            again = f"{key_for(self, 'jobs.pause')} again gives them up, at once"
            self._say_of(job, f"{job.id} stops when its pieces are through; {again}")
        self.context.monitor.look()

    def action_resume(self) -> None:
        """Go on with the job from where it was."""
        if (job := self.meant) is not None:
            self._begin(job.id, self.core.jobs.resume, f"{job.id} goes on")

    def action_retry(self) -> None:
        """Ask whether to try again what failed."""
        if (job := self.meant) is None:
            return
        failed = counted(job.counts.failed, "image")
        text = (
            f"Both sides are looked at anew for {failed}, then they are copied to {job.target}."
            if job.counts.failed
            else f"Both sides are looked at anew, then the copies to {job.target} begin."
        )

        def answered(wanted: bool | None) -> None:
            if wanted:
                self._begin(job.id, self.core.jobs.retry, f"{job.id} tries again")

        self.app.push_screen(
            ConfirmDialog(f"Try again what failed in {job.id}?", Content(safe(text)), "Retry"),
            answered,
        )

    def action_cancel(self) -> None:
        """Ask whether to end the job for good."""
        if (job := self.meant) is None:
            return
        waiting = counted(job.counts.waiting, "image")
        text = (
            f"{waiting} won't be copied. What was copied stays at {job.target}. "
            f"A job that was ended can't go on; {key_for(self, 'jobs.pause')} pauses it instead."
        )

        def answered(wanted: bool | None) -> None:
            if wanted:
                self._end(job)

        self.app.push_screen(
            ConfirmDialog(
                f"End {job.id} for good?", Content(safe(text)), "End the job", danger=True
            ),
            answered,
        )

    def _end(self, job: JobView) -> None:
        try:
            self.core.jobs.cancel(job.id)
        except TransshipError as error:
            self.fail(error)
        else:
            self._say_of(job, f"{job.id} is being ended; what was copied stays")
            self.context.monitor.look()

    @work(group="begin", exit_on_error=False)
    async def _begin(self, job: str, begin: Callable[[str], Awaitable[None]], words: str) -> None:
        self._beginning = job
        self.offer()
        try:
            await begin(job)
        except TransshipError as error:
            self.fail(error)
        else:
            self.tell(words)
        finally:
            self._beginning = ""
            self.offer()
        self.context.monitor.look()


def impossible_with(job: JobView | None) -> dict[str, str]:
    """Return what can't be done with a job now, by action, and why."""
    if job is None:
        return dict.fromkeys((*_ACTIONS, "report"), "There is no job here.")
    reasons: dict[str, str] = {}
    if job.state.ended:
        reasons["pause"] = f"{job.id} has ended: it is {job.state}."
        reasons["cancel"] = reasons["limits"] = reasons["pause"]
        if not job.counts.failed and job.state is not JobState.FAILED:
            reasons["retry"] = f"Nothing failed in {job.id}."
    else:
        reasons["retry"] = f"{job.id} hasn't ended yet; what failed can be tried again then."
        if job.state not in _STOPPED:
            reasons["verify"] = f"{job.id} is still {job.state}; verify it when it has stopped."
            reasons["undo"] = f"{job.id} is still {job.state}; pause or end it, then undo it."
    return reasons


def line_for(job: JobView) -> str:
    """Return the line command that does what comes next with a job."""
    if job.state in _STOPPED:
        return line("resume", job.id)
    if job.state is JobState.FAILED:
        return line("retry", job.id)
    return line("verify" if job.state.ended else "attach", job.id)
