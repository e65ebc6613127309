"""The two buttons under a cutover, and what stands in their way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from transship.cutover.status import CHANGED_STATES, CutoverStatus
from transship.text import safe
from transship.views.cutover import waits_shortly
from transship_tui.keys.words import key_for
from transship_tui.widgets.cutover_words import why_words

_PATHS = "P-26"

if TYPE_CHECKING:
    from transship.transfers.job_view import JobView


class CutoverButtons(Horizontal):
    """Change and Roll back, each with its key, and beside them what is going on.

    `why_not_change` and `why_not_back` say why a button can't be pressed, empty where it can.
    """

    DEFAULT_CSS = """
    CutoverButtons {
        height: auto; max-height: 3; padding: 0 1;
        & Button { margin-right: 1; padding: 0 1; }
        & #why { width: 1fr; height: auto; color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.why_not_change = ""
        self.why_not_back = ""

    def compose(self) -> ComposeResult:
        """Give the buttons, and the words beside them."""
        yield Button("Change…", id="change-it", compact=True, variant="primary")
        yield Button("Roll back…", id="back-it", compact=True)
        yield Static(id="why")

    def show(self, standing: CutoverStatus, *, changing: str, doing: str, copied: bool) -> None:
        """Show what can be done now.

        `changing` is what is being done to the record, `doing` what else is going on, `copied` says
        that a job has ended since the registries were looked at.
        """
        applier, unended = standing.applier, standing.unended
        by_hand = applier is None or bool(applier.why_not)
        changed = standing.state in CHANGED_STATES
        waits = waits_shortly(standing)
        broken_off = unended is not None and not unended.running
        self.why_not_change = ""
        if not (by_hand or broken_off):
            already = "the record is changed already" if changed else ""
            self.why_not_change = _sentence(changing or already or waits)
        self.why_not_back = _sentence(changing or ("" if changed else "nothing was changed yet"))
        self._label("#change-it", "cutover.change", _change_words(standing, by_hand=by_hand))
        self._label("#back-it", "cutover.back", "Roll back…")
        change, back = self.query_one("#change-it", Button), self.query_one("#back-it", Button)
        change.disabled = bool(self.why_not_change)
        back.disabled = bool(self.why_not_back)
        back.variant = "default" if back.disabled else "warning"
        keys = {each: key_for(self, f"cutover.{each}") for each in ("report", "compare", "back")}
        said = changing or doing
        words = f"… {safe(said)}" if said else why_words(standing, waits, keys)
        if copied and not said and waits:
            words += f". A copy has ended since: {key_for(self, 'cutover.check')} looks again"
        self.query_one("#why", Static).update(Content(words))

    def impossible(self) -> dict[str, str]:
        """Return why the keys of the buttons do nothing now, for those that don't."""
        whys = {"change": self.why_not_change, "roll_back": self.why_not_back}
        return {action: why for action, why in whys.items() if why}

    def _label(self, button: str, key: str, words: str) -> None:
        self.query_one(button, Button).label = Content(f"{key_for(self, key)} {words}")


def _sentence(why: str) -> str:
    if why.startswith("waits"):
        why = f"the change {why}"
    return f"{why[0].upper()}{why[1:]}." if why else ""


def copied_since(standing: CutoverStatus, jobs: Iterable[JobView]) -> bool:
    """Tell whether a job to the new registry has ended since the images there were looked at."""
    looked = standing.evidence.taken if standing.evidence else math.inf
    paths = standing.result(_PATHS)
    taken = (paths and paths.taken) or looked
    new = standing.subject.new
    return any((job.ended or 0) > taken and job.target.split("/")[0] == new for job in jobs)


def _change_words(standing: CutoverStatus, *, by_hand: bool) -> str:
    if standing.unended is not None and not standing.unended.running:
        back_again = standing.unended.asked.direction == "rollback"
        return "End rollback…" if back_again else "End change…"
    return "Show change" if by_hand else "Change…"
