"""Copy: where to and how, then what exactly would be done, then the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Button, ContentSwitcher, Input, Label, Select, Static

from transship.accounts.registry_file import Account
from transship.accounts.sign_in import holding_images
from transship.errors import TransshipError
from transship.guide import Step
from transship.oci.platform import Platform, parse_platform
from transship.oci.reference import Reference
from transship.plans.mapping import mapped, proposed_path, repositories_of
from transship.plans.plan import OnConflict, Plan
from transship.registry.registry import Visibility
from transship.text import counted, safe
from transship.transfers.copies import Verdict, Worklist
from transship.transfers.preview import Preview
from transship.transfers.scanner import ScanProgress
from transship_tui.keys import key_for, words_for
from transship_tui.lines import copy_line
from transship_tui.marks import BAD, CARE, QUIET
from transship_tui.naming import Naming
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.table import VirtualTable
from transship_tui.widgets.worklist import (
    ANSWERS,
    WorklistView,
    cost,
    creation_question,
    creation_words,
    short_name,
    visibility_of,
)

_ON_CONFLICT = (
    ("overwrite: the tag moves", OnConflict.OVERWRITE),
    ("skip: it stays as it is", OnConflict.SKIP),
    ("fail: it stays, and counts as failed", OnConflict.FAIL),
)
_REFERRERS = (
    ("copied too (signatures, SBOMs)", True),
    ("left out (no signatures)", False),
)
_ALL_PLATFORMS = "Every platform, byte for byte: digests stay as they are."
_SOME_PLATFORMS = "! An index with fewer platforms has another digest; signatures don't follow it."


class CopyForm(VerticalScroll, can_focus=False):
    """Asks where `sources` go. `target` is proposed, if it is among the accounts."""

    DEFAULT_CSS = """
    CopyForm {
        padding: 0 1;
        .field { height: 1; margin-top: 1; }
        Label { width: 14; color: $text-muted; }
        Input, Select { width: 1fr; max-width: 64; }
        Input { background: $surface; padding: 0 1; }
        SelectCurrent { background: $surface; padding: 0 1; }
        Select:focus > SelectCurrent { text-style: reverse; }
        .hint { margin-left: 14; height: auto; }
        &.-close .field { margin-top: 0; }
    }
    """

    class Changed(Message):
        """Something else was chosen."""

    @dataclass
    class PreviewWanted(Message):
        """It is to be seen what the plan would do."""

        plan: Plan

    def __init__(
        self,
        sources: Sequence[Reference],
        accounts: Sequence[Account],
        target: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._sources = tuple(sources)
        self._registry = sources[0].registry
        self._naming = Naming(accounts)
        others = [account for account in accounts if account.host != self._registry]
        self._hosts = [account.host for account in others] + [self._registry]
        self._target = target if target in self._hosts else self._hosts[0]

    def compose(self) -> ComposeResult:
        """Give the fields, each with what follows from it."""
        several = len(repositories_of(self._sources)) > 1
        with Horizontal(classes="field"):
            yield Label("To registry")
            yield Select(
                [(self._host_words(host), host) for host in self._hosts],
                value=self._target,
                allow_blank=False,
                compact=True,
                id="registry",
            )
        if self._hosts == [self._registry]:
            words = f"No other registry is known yet; {key_for(self, 'registries')} adds one."
            yield Static(Content.styled(words, CARE), classes="hint")
        with Horizontal(classes="field"):
            yield Label("Put under" if several else "Repository")
            yield Input(
                proposed_path(self._sources),
                placeholder="the same names" if several else "",
                compact=True,
                select_on_focus=False,
                id="path",
            )
        yield Static(id="example", classes="hint")
        with Horizontal(classes="field"):
            yield Label("Existing tags")
            yield Select(
                _ON_CONFLICT,
                value=OnConflict.OVERWRITE,
                allow_blank=False,
                compact=True,
                id="on-conflict",
            )
        with Horizontal(classes="field"):
            yield Label("Missing there")
            yield Select(ANSWERS, value="", allow_blank=False, compact=True, id="create-missing")
        with Horizontal(classes="field"):
            yield Label("Referrers")
            yield Select(_REFERRERS, value=True, allow_blank=False, compact=True, id="referrers")
        with Horizontal(classes="field"):
            yield Label("Platforms")
            yield Input(
                placeholder="all, or linux/amd64, linux/arm64",
                compact=True,
                select_on_focus=False,
                id="platforms",
            )
        yield Static(id="consequence", classes="hint")
        with Horizontal(classes="field"):
            yield Label("")
            yield Button("Preview", id="preview", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Say what would go where."""
        for field in self.query(Input):
            field.cursor_blink = False
        self._say()

    def on_resize(self) -> None:
        """Close up where there are few lines."""
        self.set_class(self.size.height < 17, "-close")

    def _host_words(self, host: str) -> str:
        called = self._naming.place(host)
        words = host if called == host else f"{called}, {host}"
        same = " (the same registry)" if host == self._registry else ""
        # A literal IPv6 address has brackets, which would be read as markup.
        return f"{words}{same}".replace("[", "\\[")

    @property
    def is_touched(self) -> bool:
        """Whether closing the form would lose what was typed."""
        path, platforms = self.query_one("#path", Input), self.query_one("#platforms", Input)
        return path.value != proposed_path(self._sources) or bool(platforms.value.strip())

    @property
    def registry(self) -> str:
        """The registry that is chosen as the target."""
        return str(self.query_one("#registry", Select).value)

    def plan(self) -> Plan:
        """Return what was chosen. Raises BadReference, BadRequest and BadPlatform."""
        return Plan(
            copies=mapped(self._sources, self.registry, self.query_one("#path", Input).value),
            on_conflict=OnConflict(str(self.query_one("#on-conflict", Select).value)),
            referrers=bool(self.query_one("#referrers", Select).value),
            platforms=self._platforms(),
            create_missing=visibility_of(str(self.query_one("#create-missing", Select).value)),
        )

    def create_missing(self, visibility: Visibility | None) -> None:
        """Choose whether what is missing at the target is created, and for whom to pull."""
        self.query_one("#create-missing", Select).value = str(visibility or "")

    def _platforms(self) -> tuple[Platform, ...]:
        words = self.query_one("#platforms", Input).value.replace(",", " ").split()
        return tuple(dict.fromkeys(map(parse_platform, words)))

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self, event: Message) -> None:
        event.stop()
        self._say()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    @on(Button.Pressed, "#preview")
    def _preview(self, event: Message) -> None:
        event.stop()
        if not self.query_one("#preview", Button).disabled:
            self.post_message(self.PreviewWanted(self.plan()))

    def _say(self) -> None:
        """Say beside the fields what follows from them, or what is wrong."""
        example, places_fit = self._example()
        consequence, platforms_fit = self._consequence()
        self.query_one("#example", Static).update(example)
        self.query_one("#consequence", Static).update(consequence)
        self.query_one("#preview", Button).disabled = not (places_fit and platforms_fit)

    def _example(self) -> tuple[Content, bool]:
        one_each = tuple({source.repository: source for source in reversed(self._sources)}.values())
        try:
            copies = mapped(one_each, self.registry, self.query_one("#path", Input).value)
        except TransshipError as error:
            return Content.styled(f"✗ {error.detail}", BAD), False
        first = copies[-1]
        more = len(self._sources) - 1
        words = f"{safe(str(first.source))} → {safe(str(first.target))}"
        return Content.styled(words + (f", and {more:,} more" if more else ""), QUIET), True

    def _consequence(self) -> tuple[Content, bool]:
        try:
            platforms = self._platforms()
        except TransshipError as error:
            return Content.styled(f"✗ {error.title}: {error.detail}", BAD), False
        if platforms:
            return Content.styled(_SOME_PLATFORMS, CARE), True
        return Content.styled(_ALL_PLATFORMS, QUIET), True


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
                self.context.guide.target,
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
            f"from {self.context.naming.place(self._sources[0].registry)}",
        )
        self.query_one("#registry").focus()
        self._form_changed()

    @on(CopyForm.Changed)
    def _form_changed(self) -> None:
        try:
            self.line(copy_line(self.query_one(CopyForm).plan(), self.context.naming.place))
        except TransshipError:
            self.line("")

    # What would be done

    @on(CopyForm.PreviewWanted)
    def _preview_wanted(self, event: CopyForm.PreviewWanted) -> None:
        self._plan = event.plan
        journey = self.context.guide
        first = event.plan.copies[0]
        journey.source, journey.target = first.source.registry, first.target.registry
        journey.begin()
        journey.chosen = len(self._sources)
        self.context.shell.show_guide()
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
            preview = await self.core.plans.preview(plan, progress)
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
        view.show(preview.worklist, self.context.naming, preview.unknown)
        view.query_one(VirtualTable).focus()
        self.context.guide.previewed = True
        self.context.shell.show_guide()

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
        if not await self.app.push_screen_wait(_question(plan, worklist, self.context.naming)):
            return
        view = self.query_one(WorklistView)
        view.starting()
        self.heading("Starting the job…", self._way(plan))
        try:
            job = await self.core.jobs.start(plan)
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
        self.context.guide.job = job
        self.close_when_in_front()
        self.context.shell.show_job(job)

    def _switch(self, step: str) -> None:
        self.query_one(ContentSwitcher).current = step
        self.refresh_bindings()

    def _way(self, plan: Plan) -> str:
        first = plan.copies[0]
        return self.context.naming.way(first.source.registry, first.target.registry)

    def _accounts(self) -> Sequence[Account]:
        try:
            return holding_images(self.core.registries.all())
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
