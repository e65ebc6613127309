"""Quick mode: all of a personal account of TCR to an instance, in one go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.accounts.sign_in import service_at
from transship.app.engines import PlannedRequest, QuickTransferRequest
from transship.errors import TransshipError
from transship.plans.plan import OnConflict
from transship.text import counted, safe
from transship_tui.keys import bindings
from transship_tui.lines import quick_line
from transship_tui.marks import BAD, QUIET
from transship_tui.screens.engines.changes import ChangesScreen, question_of
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.form import Field, RequestForm

_CONFLICTS = (
    ("fail: the copy of that tag fails, and is named", str(OnConflict.FAIL)),
    ("skip: the target's stays", str(OnConflict.SKIP)),
    ("overwrite: the target's is replaced", str(OnConflict.OVERWRITE)),
)
_GAPS = (
    ("is in the way: nothing is moved before all was listed", "no"),
    ("is left behind, and named", "yes"),
)
_PRIVATE = (
    ("stay private, else it is in the way", "no"),
    ("may become public with their namespace", "yes"),
)
_NEWEST = "all, or how many of each repository"
_RENAME = "namespaces whose names are taken there: old=new, other=name"
_LEAVE_OUT = "namespaces that stay behind: one, another"


class QuickForm(RequestForm):
    """Asks from where to where, and how. `sources` and `targets` are hosts of accounts."""

    DEFAULT_CSS = """
    QuickForm {
        height: 1fr; max-width: 100; padding: 0 1; scrollbar-size-vertical: 1;
        & Field .label { width: 16; }
        & Field .note { margin-left: 16; }
        & Input { background: $surface; }
        &>#buttons { height: auto; padding: 1 0 0 16; }
        & #buttons Button { margin-right: 2; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in: a wish, or None while something is missing."""

        wish: QuickTransferRequest | None

    @dataclass
    class Complete(Message):
        """It is filled in: what would be made and moved can be seen."""

        wish: QuickTransferRequest

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        super().__init__()
        self._sources = sources
        self._targets = targets

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        yield Field("Personal", _hosts(self._sources, "source", "no account of TCR Personal yet"))
        yield Field("Enterprise", _hosts(self._targets, "target", "no account of an instance yet"))
        newest = Input("all", placeholder=_NEWEST, compact=True, select_on_focus=True, id="newest")
        yield Field("Newest tags", newest)
        yield Field("Existing tags", _select(_CONFLICTS, "conflict"))
        yield Field("Rename", _text_input("rename", _RENAME))
        yield Field("Leave out", _text_input("leave-out", _LEAVE_OUT))
        yield Field("Not listed", _select(_GAPS, "incomplete"))
        yield Field("Private images", _select(_PRIVATE, "expose"))
        with Horizontal(id="buttons"):
            yield Button("Look at both", id="look", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the source; say what the form is for."""
        self.query_one("#source").focus()
        words = "Both need the keys of their cloud's API with the account."
        self._field("target").say(Content.styled(words, QUIET))
        self.post_message(self.Edited(self.wish))

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q") and isinstance(self.screen.focused, Input):
            event.stop()

    @property
    def wish(self) -> QuickTransferRequest | None:
        """What is filled in; None while something is missing or is no number."""
        source, target = self._chosen("source"), self._chosen("target")
        newest = self.query_one("#newest", Input).value.strip().lower()
        is_all = newest in ("", "all")
        names = _pairs(self.query_one("#rename", Input).value)
        if not source or not target or names is None or not (is_all or _is_count(newest)):
            return None
        return QuickTransferRequest(
            source,
            target,
            None if is_all else int(newest),
            OnConflict(self._chosen("conflict")),
            self._chosen("incomplete") == "yes",
            self._chosen("expose") == "yes",
            names,
            _listed(self.query_one("#leave-out", Input).value),
        )

    def save(self) -> None:
        """Hand over what is filled in, or say under a field what is wrong with it."""
        wish = self.wish
        if wish is not None:
            self.post_message(self.Complete(wish))
            return
        missing = next((name for name in ("source", "target") if not self._chosen(name)), "")
        words = "This is needed."
        if not missing and _pairs(self.query_one("#rename", Input).value) is None:
            missing, words = "rename", "Write old=new, one after the other with commas."
        elif not missing:
            missing, words = "newest", f"Write {_NEWEST}."
        self._field(missing).say(Content.styled(f"✗ {words}", BAD))
        self.query_one(f"#{missing}").focus()

    def tell(self) -> None:
        """Show what belongs to what is filled in, and tell of it."""
        for name in ("newest", "rename"):
            self._field(name).say(Content(""))
        self.post_message(self.Edited(self.wish))

    def _chosen(self, name: str) -> str:
        value = self.query_one(f"#{name}", Select).value
        return "" if value == Select.NULL else str(value)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _pairs(text: str) -> tuple[tuple[str, str], ...] | None:
    """Return names with those they are to have; None for a text that says something else."""
    found = [each.partition("=") for each in _listed(text)]
    pairs = tuple((old.strip(), new.strip()) for old, _, new in found)
    return pairs if all(old and new for old, new in pairs) else None


def _text_input(name: str, example: str) -> Input:
    return Input(placeholder=example, compact=True, select_on_focus=False, id=name)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text[:9]) > 0


def _hosts(hosts: Sequence[str], name: str, none: str) -> Select[str]:
    if not hosts:
        return Select((), prompt=none, compact=True, id=name)
    return _select([(safe(host), host) for host in hosts], name)


def _select(choices: Sequence[tuple[str, str]], name: str) -> Select[str]:
    # What is written in brackets, as an address is, would be taken for markup.
    words = [(Content(each), value) for each, value in choices]
    return Select(words, value=choices[0][1], allow_blank=False, compact=True, id=name)


_PERSONAL, _INSTANCE = "ccr", "tcr"


class QuickScreen(Frame):
    """Asks from which personal account to which instance all is to be moved, and how."""

    MODE = "plan"
    BINDINGS: ClassVar[list[BindingType]] = bindings("delegate-form")
    WITHOUT_LINE: ClassVar[str] = "There is no line before both accounts are chosen."
    HELP: ClassVar[str] = """
Everything of a personal account is listed by its cloud's API: namespaces, repositories and all
tags, or the newest of each. Then you see what the instance lacks, what is there already, and what
couldn't be listed, before anything is made.

Namespaces that are missing are made, public only where everything in them is public today. The
images are copied by a job of Transship; {delegate-form.show} looks, and changes nothing.
"""

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield QuickForm(self._hosts(_PERSONAL), self._hosts(_INSTANCE))

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading("Quick mode", "TCR Personal to Enterprise; nothing is changed by this")

    def _hosts(self, kind: str) -> Sequence[str]:
        try:
            accounts = self.core.registries.all()
        except TransshipError as error:
            self.call_after_refresh(self.fail, error)
            return ()
        return [each.host for each in accounts if service_at(each).kind == kind]

    def action_save(self) -> None:
        """Look at both."""
        self.query_one(QuickForm).save()

    @on(QuickForm.Edited)
    def _edited(self, event: QuickForm.Edited) -> None:
        self.line(quick_line(event.wish) if event.wish else "")

    @on(QuickForm.Complete)
    def _complete(self, event: QuickForm.Complete) -> None:
        self.hush()
        self.app.push_screen(QuickChangesScreen(event.wish, self.close_when_in_front))

    @on(QuickForm.Left)
    async def _given_up(self) -> None:
        await self.action_back()


class QuickChangesScreen(ChangesScreen):
    """What the instance lacks and what would be copied; makes the one, then starts the other.

    `left` closes what led here, once the job has started.
    """

    MODE = "plan"

    def __init__(self, wish: QuickTransferRequest, left: Callable[[], None]) -> None:
        super().__init__(wish, "Quick mode", quick_line(wish))
        self._left = left
        self._starting = False

    def button_words(self) -> str:
        """Return what stands on the button."""
        if self.all_made or not self.has_changes:
            return "Start the job…"
        return super().button_words()

    def why_not(self) -> str:
        """Return why nothing can be made or started now, empty where it can."""
        if self._starting:
            return "starting the job…"
        drawn = self.drawn
        if drawn is None or drawn.changes.refusals or self.making:
            return super().why_not()
        if drawn.plan is None:
            return "there is nothing to move"
        return "" if self.all_made or not self.has_changes else super().why_not()

    def question(self, drawn: PlannedRequest) -> ConfirmDialog:
        """Return the question: what is made, and that all is copied then."""
        changes = drawn.changes
        parts = [Content(f"{safe(words)}\n") for words in (*drawn.tells, *drawn.cares)]
        if changes.to_make and not self.all_made:
            parts.append(Content("\n"))
            parts.append(question_of(changes))
            title = f"Make {counted(len(changes.to_make), 'change')}, and start the job?"
        else:
            title = "Start the job?"
        return ConfirmDialog(title, Content.assemble(*parts), "Start")

    def made(self, drawn: PlannedRequest, delegation: str) -> None:  # noqa: ARG002 - the job says more
        """Start the job that copies everything."""
        self._start(drawn)

    @work(group="start", exclusive=True, exit_on_error=False)
    async def _start(self, drawn: PlannedRequest) -> None:
        assert drawn.plan is not None
        self._starting = True
        self.say()
        try:
            job = await self.core.jobs.start(drawn.plan)
        except TransshipError as error:
            self._starting = False
            self.fail(error)
            self.say()
            return
        # Popping this screen ends its workers, this one too.
        self.app.call_later(self._leave_to, job)

    def _leave_to(self, job: str) -> None:
        self.context.guide.job = job
        self.context.monitor.look()
        self._left()
        self.close_when_in_front()
        self.context.shell.show_job(job)
