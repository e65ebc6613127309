"""How hard a job may ask each of its registries, changed while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from transship.errors import BadRequest
from transship.plans.plan import Limits
from transship.plans.quantities import write_rate, write_window
from transship.text import safe
from transship.transfers.limits import ALL_DAY, LimitRequest, changed, limit_request
from transship_tui.lines import limit_line

if TYPE_CHECKING:
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
