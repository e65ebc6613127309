"""Copy: where to, then what exactly would be done, then the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, ContentSwitcher, Static

from transship.accounts.sign_in import holding_images
from transship.errors import TransshipError
from transship.guide import Step
from transship.text import counted, safe
from transship.transfers.copies import Verdict, Worklist
from transship.transfers.preview import Preview
from transship.transfers.scanner import ScanProgress
from transship_tui.creations import creation_question, creation_words, visibility_of
from transship_tui.dialogs.confirm import ConfirmDialog
from transship_tui.keys.words import words_for
from transship_tui.lines import copy_line
from transship_tui.marks import CARE
from transship_tui.screens.frame import Frame
from transship_tui.widgets.copy_form import CopyForm
from transship_tui.widgets.virtual_table import VirtualTable
from transship_tui.widgets.worklist_view import WorklistView, cost, short_name

if TYPE_CHECKING:
    from transship.accounts.registry_file import Account
    from transship.oci.reference import Reference
    from transship.plans.plan import Plan
    from transship_tui.naming import Naming

_NAMED = 3
"""How many overwritten tags are named in the question."""
_LONGEST_NAME = 80


class CopyScreen(Frame):
    """Takes `sources`, all of one registry, to a job. `started` is called when there is one."""

    MODE = "browse"
    HELP = """
First say where the images go. Preview looks at both sides and shows, for each image, what would
be done: copied, left because it is the same, or moved over another image. Nothing is written
before you press Start and confirm it. {worklist.verdict} shows one verdict after another. Where the
target lacks what an image has to be in, {worklist.create} lets the run create that, or not.

The job runs by itself. It goes on when you close Transship, or lose the connection.
"""

    def __init__(
        self, sources: Sequence[Reference], started: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        self._sources = tuple(sources)
        self._started = started
        self._plan: Plan | None = None
        self._worklist = Worklist((), (), {})
        self._ticks: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """Give the form, the wait, and the worklist: one of them at a time."""
        with ContentSwitcher(initial="form"):
            yield CopyForm(
                self._sources,
                self._accounts(),
                self.transship.journey.target,
                id="form",
            )
            with Container(id="looking"):
                yield Static(id="found")
            yield WorklistView(id="worklist")

    def on_mount(self) -> None:
        """Begin with the form."""
        self._show_form()

    async def action_back(self) -> None:
        """Go back to the form, or from there to where this came from."""
        if self._step == "form" and self.query_one(CopyForm).is_touched:
            words = Content("What is typed here is lost. Nothing was copied yet.")
            dialog = ConfirmDialog("Close the form?", words, "Close it", danger=True)
            self.app.push_screen(dialog, self._leave)
        elif self._step == "form":
            await super().action_back()
        else:
            self.workers.cancel_group(self, "preview")
            self._show_form()

    def _leave(self, wanted: bool | None) -> None:
        if wanted:
            self.dismiss()

    def take_step(self, step: Step) -> bool:
        """Go on from the form to the preview, and from there to the question before the start."""
        wanted = {"form": "#preview", "worklist": "#start"}.get(self._step)
        if wanted is None or step in (Step.PROVE, Step.CUTOVER):
            return False
        button = self.query_one(wanted, Button)
        button.press()
        return not button.disabled

    @property
    def _step(self) -> str:
        return self.query_one(ContentSwitcher).current or ""

    # Where to

    def _show_form(self) -> None:
        self._switch("form")
        whole = sum(1 for source in self._sources if not source.version)
        images = len(self._sources) - whole
        words = (
            counted(whole, "repository", "repositories") if whole else "",
            counted(images, "image") if images else "",
        )
        self.heading(
            f"Copy {' and '.join(filter(None, words))}",
            f"from {self.transship.naming.place(self._sources[0].registry)}",
        )
        self.query_one("#registry").focus()
        self._form_changed()

    @on(CopyForm.Changed)
    def _form_changed(self) -> None:
        try:
            self.line(copy_line(self.query_one(CopyForm).plan(), self.transship.naming.place))
        except TransshipError:
            self.line("")

    # What would be done

    @on(CopyForm.PreviewWanted)
    def _preview_wanted(self, event: CopyForm.PreviewWanted) -> None:
        self._plan = event.plan
        journey = self.transship.journey
        first = event.plan.copies[0]
        journey.source, journey.target = first.source.registry, first.target.registry
        journey.begin()
        journey.chosen = len(self._sources)
        self.transship.show_guide()
        self.hush()
        self._preview(event.plan)

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _preview(self, plan: Plan) -> None:
        progress = ScanProgress()
        self._switch("looking")
        self.heading("Preview", self._way(plan))
        self._say_found(progress)
        self._ticks = self.set_interval(0.25, lambda: self._say_found(progress))
        try:
            preview = await self.transship.engine.plans.preview(plan, progress)
        except TransshipError as error:
            self._show_form()
            self.fail(error)
            return
        finally:
            self._ticks.stop()
        self._show_worklist(plan, preview)

    def _say_found(self, progress: ScanProgress) -> None:
        words = (
            f"Looking at both registries: {counted(progress.found, 'image')} found so far.\n"
            f"{words_for(self, 'Nothing is written. {back} goes back.')}"
        )
        self.query_one("#found", Static).update(Content(words))

    def _show_worklist(self, plan: Plan, preview: Preview) -> None:
        self._worklist = preview.worklist
        self._switch("worklist")
        self.heading("Preview", self._way(plan))
        view = self.query_one(WorklistView)
        view.show(preview.worklist, self.transship.naming, preview.unknown)
        view.query_one(VirtualTable).focus()
        self.transship.journey.previewed = True
        self.transship.show_guide()

    @on(WorklistView.CreateWanted)
    def _create_wanted(self) -> None:
        def answered(answer: str | None) -> None:
            if answer is not None:
                form = self.query_one(CopyForm)
                form.create_missing(visibility_of(answer))
                form.post_message(CopyForm.PreviewWanted(form.plan()))

        self.app.push_screen(creation_question(), answered)

    # The start

    @on(WorklistView.StartWanted)
    def _start_wanted(self) -> None:
        if self._plan is not None:
            self._start(self._plan, self._worklist)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, plan: Plan, worklist: Worklist) -> None:
        if not await self.app.push_screen_wait(_question(plan, worklist, self.transship.naming)):
            return
        view = self.query_one(WorklistView)
        view.starting()
        self.heading("Starting the job…", self._way(plan))
        try:
            job = await self.transship.engine.jobs.start(plan)
        except TransshipError as error:
            view.offer_start()
            self.heading("Preview", self._way(plan))
            self.fail(error)
            return
        if self._started is not None:
            self._started()
        # Popping this screen ends its workers, this one too.
        self.app.call_later(self._leave_to, job)

    def _leave_to(self, job: str) -> None:
        """Show the job; what was asked here is done."""
        self.transship.journey.job = job
        self.close_when_in_front()
        self.transship.show_job(job)

    def _switch(self, step: str) -> None:
        self.query_one(ContentSwitcher).current = step
        self.refresh_bindings()

    def _way(self, plan: Plan) -> str:
        first = plan.copies[0]
        return self.transship.naming.way(first.source.registry, first.target.registry)

    def _accounts(self) -> Sequence[Account]:
        try:
            return holding_images(self.transship.engine.registries.all())
        except TransshipError as error:
            self.call_after_refresh(self.fail, error)
            return ()


def _question(plan: Plan, worklist: Worklist, naming: Naming) -> ConfirmDialog:
    """Return the question before the start. Overwriting asks for the target's name."""
    target = plan.copies[0].target.registry
    written = len(worklist.of(Verdict.COPY, Verdict.OVERWRITE))
    moved = [copy.target for copy in worklist.of(Verdict.OVERWRITE)]
    lines: list[str | tuple[str, str]] = [
        f"{counted(written, 'image')} will be written at {target}. {cost(worklist)}"
    ]
    lines += [(f"\n+ {creation_words(each, naming)}", CARE) for each in worklist.creations]
    if moved:
        named = ", ".join(safe(short_name(tag), limit=_LONGEST_NAME) for tag in moved[:_NAMED])
        more = f" and {len(moved) - _NAMED:,} more" if len(moved) > _NAMED else ""
        points = "tag there will point" if len(moved) == 1 else "tags there will point"
        lines += [
            "\n\n",
            (f"↻ {len(moved):,} {points} at another image: ", CARE),
            f"{named}{more}.",
        ]
    else:
        lines.append("\nThe job runs by itself, and goes on if you close Transship.")
    return ConfirmDialog(
        "Start this copy?",
        Content.assemble(*lines),
        "Start",
        danger=bool(moved),
        typed=target if moved else None,
    )
