"""The form for how an engine is to move a plan: what is empty is chosen by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.app.engines import PlanRequest
from transship.engines.choice import EngineKind, EngineOptions, PolicyTermOptions
from transship.engines.harbor.policy import TriggerKind
from transship.text import safe
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.field import Field
from transship_tui.widgets.wish_form import WishForm

_BY_PLAN = "plan"
_BEGINS = (
    ("as the plan's schedule says, else when it is started", _BY_PLAN),
    ("at once, when an image is pushed to Harbor", str(TriggerKind.EVENT)),
    ("by the clock", str(TriggerKind.SCHEDULED)),
    ("when it is started", str(TriggerKind.MANUAL)),
)
_DELETIONS = (
    ("nothing is deleted on the other side", False),
    ("what is deleted in Harbor is deleted there: no bound", True),
)
_OF_TCR = (
    ("nothing is deleted at the destination", False),
    ("what is deleted at the source is deleted there: no bound", True),
)
_PIECES = (("are sent whole", False), ("are sent in pieces, where Harbor's adapter can", True))
_SINGLE = (("may overlap", False), ("wait for the one before", True))
_INPUTS: Mapping[str, tuple[str, str]] = {
    "name": ("Name", "of the policy or rule; else the plan's"),
    "cron": ("Cron line", "six fields, in UTC: 0 0 */2 * * *"),
    "speed": ("Speed", "at most so many KB/s for each task; else as fast as it goes"),
    "via": ("Project", "in which a relay keeps everything: transship"),
    "uin": ("Owner (UIN)", "of the target, if that is another account of the cloud"),
    "instance": ("Instance", "of the target, if no keys see it: tcr-abcdefgh"),
    "region": ("Region", "of the target, if no keys see it: ap-singapore"),
}
_OF: Mapping[EngineKind, tuple[str, ...]] = {
    EngineKind.HARBOR: ("begins", "cron", "deletion", "name", "speed", "pieces", "single"),
    EngineKind.HARBOR_RELAY: ("harbor", "cron", "via", "name", "speed", "pieces", "single"),
    EngineKind.TCR_SYNC: ("name", "deletion", "uin", "instance", "region"),
    EngineKind.TCR_REPLICA: ("region",),
}
_NOTES = {
    "cron": "How old the pulled half may be: what is new waits for it, then goes on at once.",
}


class DelegateForm(WishForm):
    """Asks how it is to be moved. `harbors` are the hosts of those that could relay."""

    DEFAULT_CSS = """
    DelegateForm {
        height: 1fr; max-width: 100; padding: 0 1; scrollbar-size-vertical: 1;
        & Field .label { width: 14; }
        & Input { background: $surface; }
        &>#buttons { height: auto; padding: 1 0 0 14; }
        & #buttons Button { margin-right: 2; }
    }
    """

    @dataclass
    class Edited(Message):
        """Something else is filled in."""

        wish: PlanRequest

    @dataclass
    class Complete(Message):
        """It is filled in: what would be changed can be seen."""

        wish: PlanRequest

    def __init__(self, wish: PlanRequest, harbors: Sequence[str]) -> None:
        super().__init__()
        self._wish = wish
        self._harbors = tuple(harbors)

    @property
    def _names(self) -> tuple[str, ...]:
        return _OF[self._wish.who]

    def compose(self) -> ComposeResult:
        """Give the fields of who is to move it, and the buttons."""
        for name in self._names:
            if name == "begins":
                yield Field("Begins", _select(_BEGINS, name))
            elif name == "deletion":
                of_tcr = self._wish.who is EngineKind.TCR_SYNC
                yield Field("Deletions", _select(_OF_TCR if of_tcr else _DELETIONS, name))
            elif name == "pieces":
                yield Field("Blobs", _select(_PIECES, name))
            elif name == "single":
                yield Field("Executions", _select(_SINGLE, name))
            elif name == "harbor":
                hosts = [(safe(host), host) for host in self._harbors]
                yield Field("Harbor", _select(hosts, name))
            else:
                label, example = _INPUTS[name]
                yield Field(
                    label,
                    Input(placeholder=example, compact=True, select_on_focus=False, id=name),
                )
        with Horizontal(id="buttons"):
            yield Button("Show changes", id="show", compact=True, variant="primary")
            yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        """Begin with the first field."""
        self._follow()
        self.query_one(f"#{self._names[0]}").focus()

    def on_key(self, event: events.Key) -> None:
        """Keep the letters that go back elsewhere from closing a form that is half filled in."""
        if event.key in ("h", "q") and isinstance(self.screen.focused, Input):
            event.stop()

    @property
    def wish(self) -> PlanRequest:
        """What is filled in."""
        options = EngineOptions(
            name=self._text("name"),
            harbor=self._chosen("harbor"),
            uin=self._text("uin"),
            instance=self._text("instance"),
            region=self._text("region"),
        )
        if via := self._text("via"):
            options = replace(options, via=via)
        return replace(self._wish, options=options, terms=self._terms())

    def _terms(self) -> PolicyTermOptions:
        begins = self._chosen("begins")
        said = None if begins in ("", _BY_PLAN) else TriggerKind(begins)
        deletes = self._wish.who is EngineKind.TCR_SYNC or said is TriggerKind.EVENT
        speed = self._text("speed")
        return PolicyTermOptions(
            said,
            cron=self._text("cron") if begins in ("", TriggerKind.SCHEDULED) else "",
            deletion=deletes and self._chosen("deletion") == str(True),
            speed=int(speed) if _is_count(speed) else 0,
            copy_by_chunk=self._chosen("pieces") == str(True),
            single_active=self._chosen("single") == str(True),
        )

    def save(self) -> None:
        """Hand over what is filled in, or say under a field what is missing."""
        wish = self.wish
        needed = "harbor" if wish.who is EngineKind.HARBOR_RELAY and not wish.options.harbor else ""
        if self._chosen("begins") == TriggerKind.SCHEDULED and not self._text("cron"):
            needed = "cron"
        if (speed := self._text("speed")) and not _is_count(speed):
            self._field("speed").say(Content.styled("✗ Write a number of KB/s.", BAD))
            self.query_one("#speed").focus()
            return
        if needed:
            self._field(needed).say(Content.styled("✗ This is needed.", BAD))
            self.query_one(f"#{needed}").focus()
            return
        self.post_message(self.Complete(wish))

    def tell(self) -> None:
        """Show what belongs to what is filled in, and tell of it."""
        self._follow()
        self.post_message(self.Edited(self.wish))

    def _follow(self) -> None:
        """Show the fields that belong to when it begins."""
        begins = self._chosen("begins")
        if "begins" in self._names:
            self._field("cron").display = begins == TriggerKind.SCHEDULED
            self._field("deletion").display = begins == TriggerKind.EVENT
        elif "cron" in self._names:
            self._field("cron").say(Content.styled(_NOTES["cron"], QUIET))

    def _text(self, name: str) -> str:
        found = self.query(f"#{name}").results(Input) if name in self._names else ()
        return next((each.value.strip() for each in found), "")

    def _chosen(self, name: str) -> str:
        found = self.query(f"#{name}").results(Select) if name in self._names else ()
        return next((str(each.value) for each in found if each.value != Select.NULL), "")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _select(choices: Sequence[tuple[str, object]], name: str) -> Select[object]:
    if not choices:
        return Select((), prompt="no account is a Harbor", compact=True, id=name)
    # What is written in brackets, as an address is, would be taken for markup.
    words = [(Content(each), value) for each, value in choices]
    return Select(words, value=choices[0][1], allow_blank=False, compact=True, id=name)
