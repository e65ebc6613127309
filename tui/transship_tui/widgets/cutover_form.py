"""The form for one cutover: tries each field when it is left, and says under it what was seen."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.accounts.sign_in import holding_images
from transship.app.cutovers import CutoverRequest, TrialResult
from transship.app.provider_request import settings_of
from transship.cutover.change.settings import ProviderSettings
from transship.cutover.domain import Subject
from transship.errors import BadRequest, TransshipError
from transship.text import safe
from transship_tui.lines import begin_line
from transship_tui.marks import BAD, CARE, OK, QUIET
from transship_tui.widgets.cutover_way_fields import WayFields
from transship_tui.widgets.field import Field
from transship_tui.workers import WorkersMinded

if TYPE_CHECKING:
    from transship.app.application import Application

_FIELDS = (
    ("domain", "Domain", "images.example.com"),
    ("new", "New registry", "the host that the domain is to lead to"),
    ("old", "Old registry", "the host that it leads to today"),
    ("record", "Record", "the new registry's host, unless it is something else"),
    ("resolvers", "Resolvers", "of your clusters, for example 10.0.0.2, 10.96.0.10"),
    ("repositories", "Repositories", "some that clusters pull: team/web, team/api:1.4"),
    ("node-ca", "Nodes' CA file", "if nodes trust authorities of their own for this name"),
)
_NEEDED = ("domain", "new")
_PUBLIC = (
    ("asked too, as pullers elsewhere do", True),
    ("not asked: the name is one of an inner network", False),
)


class CutoverForm(WorkersMinded, VerticalScroll, can_focus=False):
    """Asks what a cutover is about. `old` and `new` are filled in, if they are accounts."""

    DEFAULT_CSS = """
    CutoverForm {
        height: 1fr; max-width: 100; padding: 0 1; scrollbar-size-vertical: 1;
        & Field .label { width: 16; }
        & Field .note { margin-left: 16; }
        & #way-fields { margin-top: 1; }
        & Input { background: $surface; }
        &>#buttons { height: auto; padding: 1 0 0 16; }
        & #buttons Button { margin-right: 2; }
    }
    """

    @dataclass
    class Edited(Message):
        """Another line would do the same now."""

        line: str

    @dataclass
    class Complete(Message):
        """It is filled in, and can be kept."""

        subject: Subject
        way: ProviderSettings

    @dataclass
    class Failed(Message):
        """Something went wrong that belongs to no field."""

        error: TransshipError

    class Left(Message):
        """The operator wants nothing of it kept."""

    def __init__(self, engine: Application, *, old: str = "", new: str = "") -> None:
        super().__init__()
        self._engine = engine
        self._given = {"old": old, "new": new}
        self._tried: dict[str, str] = {}
        """What was tried last, by the field."""

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        for name, label, example in _FIELDS:
            control = Input(
                self._given.get(name, ""),
                placeholder=example,
                compact=True,
                select_on_focus=False,
                id=name,
            )
            yield Field(label, control)
            if name == "resolvers":
                public = Select(_PUBLIC, value=True, allow_blank=False, compact=True, id="public")
                yield Field("Public ones", public)
        yield WayFields()
        with Horizontal(id="buttons"):
            yield Button("Save and check", id="save", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the domain; say which registries are known."""
        self._control("domain").focus()
        try:
            hosts = [account.host for account in holding_images(self._engine.registries.all())]
        except TransshipError as error:
            self.post_message(self.Failed(error))
            return
        if hosts:
            words = safe(f"Your registries: {', '.join(hosts[:4])}")
            self._field("new").say(Content.styled(words, QUIET))

    def on_resize(self) -> None:
        """Keep the field that is filled in in sight."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q"):
            event.stop()

    @property
    def is_touched(self) -> bool:
        """Whether closing the form would lose what the operator has filled in."""
        filled_in = any(self._text(name) != self._given.get(name, "") for name, *_ in _FIELDS)
        return filled_in or self._way.is_touched or not self._asks_public

    @property
    def wished(self) -> CutoverRequest:
        """What is filled in."""
        return CutoverRequest(
            domain=self._text("domain"),
            new=self._text("new"),
            old=self._text("old"),
            record=self._text("record"),
            resolvers=_words(self._text("resolvers")),
            repositories=_words(self._text("repositories")),
            node_ca=self._text("node-ca"),
            public=self._asks_public,
        )

    @property
    def _asks_public(self) -> bool:
        return bool(self.query_one("#public", Select).value)

    @property
    def _way(self) -> WayFields:
        return self.query_one(WayFields)

    def save(self) -> None:
        """Hand over what is filled in, or say under a field what is wrong with it."""
        for name in _NEEDED:
            if not self._text(name):
                self._say(name, TrialResult(good=False, words="This is needed."))
                self._control(name).focus()
                return
        try:
            subject = self._engine.cutovers.checks.subject_of(self.wished)
        except TransshipError as error:
            place = _PLACES.get(error.cause)
            if place is None:
                self.post_message(self.Failed(error))
            else:
                self._say(place, _problem(error))
                self._control(place).focus()
            return
        try:
            self.post_message(self.Complete(subject, settings_of(self._way.wished)))
        except BadRequest as error:
            self._way.refuse(safe(error.detail))

    @on(Input.Changed)
    @on(Select.Changed)
    @on(WayFields.Edited)
    def _changed(self, event: Message) -> None:
        event.stop()
        try:
            line = begin_line(
                self._engine.cutovers.checks.subject_of(self.wished), self._way.wished
            )
        except TransshipError:
            line = ""
        self.post_message(self.Edited(line))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.screen.focus_next()

    @on(Input.Blurred)
    def _left_field(self, event: Input.Blurred) -> None:
        event.stop()
        name = event.input.id or ""
        text = self._text(name)
        if not text or self._tried.get(name) == text:
            return
        if name == "domain":
            self._tried[name] = text
            self._try_domain(text)
        elif name in ("new", "record") and self._text("domain") and self._text("new"):
            self._tried[name] = text
            self._try_new(self.wished)
        elif name == "resolvers":
            self._tried[name] = text
            self._try_resolvers(_words(text), self._text("domain"))

    @work(group="try-domain", exclusive=True, exit_on_error=False)
    async def _try_domain(self, text: str) -> None:
        tried = await self._trying(
            "domain", self._engine.cutovers.checks.try_domain(text), "where it leads today"
        )
        if tried and tried.proposal and self._text("old") in ("", self._given["old"]):
            self._control("old").value = tried.proposal

    @work(group="try-new", exclusive=True, exit_on_error=False)
    async def _try_new(self, wished: CutoverRequest) -> None:
        await self._trying(
            "new", self._engine.cutovers.checks.try_new(wished), "whether it answers for the name"
        )

    @work(group="try-resolvers", exclusive=True, exit_on_error=False)
    async def _try_resolvers(self, resolvers: tuple[str, ...], domain: str) -> None:
        notes: list[Content] = []
        for each in resolvers:
            try:
                notes.append(
                    _note(await self._engine.cutovers.checks.try_resolver(each, domain), each)
                )
            except TransshipError as error:
                notes.append(_note(_problem(error), each))
            self._field("resolvers").say(Content("\n").join(notes))

    async def _trying(
        self, name: str, trying: Awaitable[TrialResult], what: str
    ) -> TrialResult | None:
        self._field(name).say(Content.styled(f"… looking {what}", QUIET))
        try:
            tried = await trying
        except TransshipError as error:
            self._say(name, _problem(error))
            return None
        self._say(name, tried)
        return tried

    def work_failed(self, group: str) -> None:
        """Say that nothing came of it."""
        name = group.removeprefix("try-")
        self._tried.pop(name, None)
        self._field(name).say(Content.styled("✗ couldn't be tried", BAD))

    def _say(self, name: str, tried: TrialResult) -> None:
        self._field(name).say(_note(tried))

    def _field(self, name: str) -> Field:
        return self.query_one(f"#at-{name}", Field)

    def _control(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _text(self, name: str) -> str:
        return self._control(name).value.strip()

    @on(Button.Pressed, "#save")
    def _save_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.save()

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Left())


_PLACES = {"bad-domain": "domain", "bad-resolver": "resolvers", "bad-reference": "repositories"}
"""The fields that errors belong to, by their causes."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _problem(error: TransshipError) -> TrialResult:
    return TrialResult(
        good=False, words=f"{error.title}: {error.detail}" if error.detail else error.title
    )


def _note(tried: TrialResult, of: str = "") -> Content:
    sign, color = ("!", CARE) if tried.good is None else ("✓", OK) if tried.good else ("✗", BAD)
    who = f"{of}: " if of else ""
    return Content.styled(f"{sign} {safe(who + tried.words)}", color)
