"""The form for quick mode: all of a personal account of TCR to an instance of TCR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Select

from transship.app.engines import QuickTransferRequest
from transship.plans.plan import OnConflict
from transship.text import safe
from transship_tui.marks import BAD, QUIET
from transship_tui.widgets.field import Field
from transship_tui.widgets.wish_form import WishForm

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


class QuickForm(WishForm):
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
