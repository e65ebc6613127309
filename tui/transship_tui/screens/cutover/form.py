"""Preparing to move a domain: what, from where, to where, and how its record is changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Select, Static

from transship.accounts.sign_in import holding_images
from transship.app.cutovers import CutoverRequest, TrialResult
from transship.app.provider_request import (
    ProviderKind,
    ProviderRequest,
    request_of,
    secret_words,
    settings_of,
)
from transship.cutover.change.settings import ProviderSettings
from transship.cutover.domain import Subject
from transship.errors import BadRequest, TransshipError
from transship.text import safe
from transship_tui.keys import bindings
from transship_tui.lines import begin_line
from transship_tui.marks import BAD, CARE, OK, QUIET
from transship_tui.screens.frame import Frame
from transship_tui.widgets.dialogs import ConfirmDialog
from transship_tui.widgets.form import Field, SecretInput
from transship_tui.widgets.secrets import SecretQuestion
from transship_tui.workers import WorkerFailures

if TYPE_CHECKING:
    from transship.app.application import Application

_KINDS = (
    ("by hand, at your DNS provider", ProviderKind.HAND),
    ("by dynamic update (RFC 2136)", ProviderKind.UPDATE),
    ("by the API of PowerDNS", ProviderKind.POWERDNS),
    ("in Amazon Route 53", ProviderKind.ROUTE53),
)
_ABOUT = {
    ProviderKind.HAND: "The exact edit is shown; when it is made is seen by itself.",
    ProviderKind.UPDATE: "Sent to the primary, once you confirm. The key's secret is asked for "
    "then.",
    ProviderKind.POWERDNS: "Changed by the API, once you confirm. Its key is asked for then.",
    ProviderKind.ROUTE53: "Changed with your AWS credentials, as boto3 finds them, once you "
    "confirm.",
}
_PLACES = {
    ProviderKind.UPDATE: ("Server", "IP[:PORT] of the zone's primary"),
    ProviderKind.POWERDNS: ("API URL", "https://powerdns.example.com:8081"),
    ProviderKind.ROUTE53: ("Hosted zone", "its id: Z0123456789ABCDEFGHIJ"),
}


class WayFields(Vertical):
    """Asks how a record is changed. `known` is filled in."""

    DEFAULT_CSS = """
    WayFields {
        height: auto;
        & Field .label { width: 16; }
        & Field .note { margin-left: 16; }
        & Input { background: $surface; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in now."""

    def __init__(self, known: ProviderRequest | None = None) -> None:
        super().__init__(id="way-fields")
        self._known = known or ProviderRequest()

    def compose(self) -> ComposeResult:
        """Give the choice, and the fields of each way."""
        known = self._known
        choice = Select(_KINDS, value=known.kind, allow_blank=False, compact=True, id="way")
        yield Field("Changed", choice)
        for kind, (label, example) in _PLACES.items():
            given = known.place if known.kind is kind else ""
            yield Field(label, _input(f"way-{kind}", given, example))
        yield Field("Zone", _input("way-zone", known.zone, "the zone that the domain is in"))
        yield Field("TSIG key", _input("way-key", known.key, "its name; or ALGORITHM:NAME"))

    def on_mount(self) -> None:
        """Show the fields of what is chosen."""
        self._follow()

    @property
    def wished(self) -> ProviderRequest:
        """What is filled in."""
        kind = cast("ProviderKind", self.query_one("#way", Select).value)
        said = {
            "place": self._text(f"way-{kind}") if kind in _PLACES else "",
            "zone": self._text("way-zone"),
            "key": self._text("way-key"),
        }
        needed = ProviderRequest(kind).needs
        return ProviderRequest(kind, **{name: said[name] for name in needed})

    @property
    def is_touched(self) -> bool:
        """Whether something else is filled in than at first."""
        return self.wished != self._known

    def refuse(self, words: str) -> None:
        """Say what is wrong, under the first field that is empty, or else the one for the place."""
        wished = self.wished
        empty = (each for each in wished.needs if not getattr(wished, each))
        first = next(empty, "place")
        name = f"way-{wished.kind if first == 'place' else first}"
        self.query_one(f"#at-{name}", Field).say(Content.styled(f"✗ {words}", BAD))
        self.query_one(f"#{name}", Input).focus()

    @on(Select.Changed, "#way")
    def _chosen(self, event: Select.Changed) -> None:
        event.stop()
        self._follow()
        self.post_message(self.Edited())

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(f"#at-{event.input.id}", Field).say(Content(""))
        self.post_message(self.Edited())

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        event.stop()

    def _follow(self) -> None:
        kind = self.wished.kind
        needs = ProviderRequest(kind).needs
        for each in _PLACES:
            self.query_one(f"#at-way-{each}").display = each is kind
        for name in ("zone", "key"):
            self.query_one(f"#at-way-{name}").display = name in needs
        self.query_one("#at-way", Field).say(Content.styled(_ABOUT[kind], QUIET))

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()


def _input(name: str, value: str, example: str) -> Input:
    return Input(value, placeholder=example, compact=True, select_on_focus=False, id=name)


_KEPT = "It is kept in the keyring. Nothing is sent before you confirm the change."


class ProviderSecretDialog(SecretQuestion):
    """Asks for the secret of `way` and keeps it; returns whether it is kept.

    `why` says why it is asked for, `later` what the button says that goes on without it.
    """

    def __init__(
        self, engine: Application, way: ProviderSettings, why: str, *, later: str = "Cancel"
    ) -> None:
        super().__init__()
        self._engine = engine
        self._way = way
        self._why = safe(why)
        self._later = later

    def question(self) -> Iterator[Static]:
        """Give what is asked, why, and where it is kept."""
        yield Static(Content(safe(secret_words(self._way))), classes="title")
        if self._why:
            yield Static(Content.styled(self._why, CARE))
        yield Static(Content.styled(_KEPT, QUIET))

    def buttons(self) -> Iterator[Button]:
        """Give the buttons; that for this run once the keyring has refused."""
        yield Button(self._later, id="cancel", compact=True)
        this_run = Button("For this run only", id="this-run", compact=True)
        this_run.display = False
        yield this_run
        yield Button("Keep", id="answer", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the field."""
        self.query_one(SecretInput).focus()

    @property
    def secret(self) -> str:
        """What is in the field, without what pasting has put around it."""
        return super().secret.strip()

    def answered(self, secret: str) -> None:
        """Keep it."""
        self.use(partial(self._engine.cutovers.changes.keep_key, self._way, secret), "keeping it")

    @on(Button.Pressed, "#this-run")
    def _for_this_run(self) -> None:
        if self.secret:
            keep = partial(
                self._engine.cutovers.changes.keep_key, self._way, self.secret, for_this_run=True
            )
            self.use(keep, "keeping it")

    def refused(self) -> None:
        """Offer to do without the keyring."""
        self.query_one("#this-run").display = True


class ProviderDialog(ModalScreen[ProviderSettings | None]):
    """Asks how the record of `domain` is changed; returns it, None where it stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "keep", "Keep"),
    ]

    def __init__(self, domain: str, way: ProviderSettings) -> None:
        super().__init__()
        self._domain = safe(domain)
        self._way = way

    def compose(self) -> ComposeResult:
        """Give the fields and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"How is {self._domain} changed?"), classes="title")
            with VerticalScroll(classes="words", can_focus=False):
                yield WayFields(request_of(self._way))
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("^s Keep", id="keep", compact=True, variant="primary")

    def on_mount(self) -> None:
        """Begin with the choice."""
        self.query_one("#way").focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Take what is filled in, or say what is wrong with it."""
        fields = self.query_one(WayFields)
        try:
            self.dismiss(settings_of(fields.wished))
        except BadRequest as error:
            fields.refuse(safe(error.detail))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)


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


class CutoverForm(WorkerFailures, VerticalScroll, can_focus=False):
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
            place = _FORM_PLACES.get(error.cause)
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


_FORM_PLACES = {
    "bad-domain": "domain",
    "bad-resolver": "resolvers",
    "bad-reference": "repositories",
}
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


class CutoverFormScreen(Frame):
    """The form for one cutover. `kept` is called with its name once it is kept.

    `old` and `new` are proposed, if they are among the accounts.
    """

    MODE = "cutover"
    BINDINGS: ClassVar[list[BindingType]] = bindings("cutover-form")
    HELP: ClassVar[str] = """
Each field is tried when you leave it: where the domain leads today, whether the new registry
answers for it, what resolvers say. Nothing is changed anywhere; Save keeps it and makes all checks.

Resolvers are those that your clusters ask: IP[:PORT], tcp://, tls://NAME@IP, https://NAME@IP. Those
of this machine and some public ones are asked as well. Repositories are some that clusters pull:
one of them is pulled whole, through the new registry, before anything is changed.

The record is changed by hand at your DNS provider, unless you say what can do it from here. Even
then nothing is changed before all that blocks is settled and you have typed the domain. Keys are
asked for when they are needed, and kept in the keyring.
"""

    def __init__(self, kept: Callable[[str], None], *, old: str = "", new: str = "") -> None:
        super().__init__()
        self._kept = kept
        self._old = old
        self._new = new

    def compose_body(self) -> ComposeResult:
        """Give the form."""
        yield CutoverForm(self.core, old=self._old, new=self._new)

    def on_mount(self) -> None:
        """Say what this is."""
        self.heading("Move a domain", "nothing is changed by this")

    def action_save(self) -> None:
        """Keep it."""
        self.query_one(CutoverForm).save()

    async def action_back(self) -> None:
        """Close the form; ask before something that was filled in is lost."""
        if not self.query_one(CutoverForm).is_touched:
            await super().action_back()
            return
        words = Content("What is filled in here is lost. Nothing of it was kept yet.")
        self.app.push_screen(
            ConfirmDialog("Close the form?", words, "Close it", danger=True), self._answered
        )

    def _answered(self, wanted: bool | None) -> None:
        # What was kept while the question was in front closes by itself.
        if wanted and not self._done:
            self.dismiss()

    @on(CutoverForm.Edited)
    def _edited(self, event: CutoverForm.Edited) -> None:
        self.line(event.line)

    @on(CutoverForm.Failed)
    def _failed(self, event: CutoverForm.Failed) -> None:
        self.fail(event.error)

    @on(CutoverForm.Complete)
    def _complete(self, event: CutoverForm.Complete) -> None:
        self._keep(event.subject, event.way)

    @work(group="begin", exclusive=True, exit_on_error=False)
    async def _keep(self, subject: Subject, way: ProviderSettings) -> None:
        engine = self.core
        try:
            if secret_words(way) and not await engine.cutovers.changes.is_key_kept(way):
                why = "The change needs it. You can give it now, or when the change is made."
                await self.app.push_screen_wait(
                    ProviderSecretDialog(engine, way, why, later="Later")
                )
            name = engine.cutovers.add(subject, way)
        except TransshipError as error:
            self.fail(error)
            return
        self.close_when_in_front()
        self._kept(name)

    @on(CutoverForm.Left)
    async def _left(self) -> None:
        await super().action_back()
