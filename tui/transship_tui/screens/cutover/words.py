"""The clocks, the rollback and the change of a cutover, as lines and buttons on a screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from transship.cutover.change.records import Edit, EditKind, EditLines, zone_lines
from transship.cutover.finding import utc_text
from transship.cutover.progress import CutoverState
from transship.cutover.status import CHANGED_STATES, CutoverEvent, CutoverStatus
from transship.text import safe
from transship.views.cutover import (
    UNSETTLED_STATES,
    age_words,
    check_rows,
    clock_lines,
    rollback_words,
    waits_shortly,
    why_never_rollback,
    why_no_rollback,
)
from transship_tui.keys import key_for
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET

if TYPE_CHECKING:
    from transship.transfers.job_view import JobView

_MOST = 6
_UNKNOWN = "The record hasn't been read yet: the edit is shown once a name server has answered."
_Part = Content | str | tuple[str, str]


def clock_contents(standing: CutoverStatus, now: float) -> Iterator[Content]:
    """Give the clocks and, always, the way back."""
    for line in clock_lines(standing, now):
        color = CARE if line.alarm else OK if line.passed else NEWS
        sign = "!" if line.alarm else "✓" if line.passed else "…"
        yield Content.assemble((f"{sign} {line.name:<19}", color), line.words)
    words, blocked = rollback_words(standing)
    sign = f"{'✗' if blocked else '↶'} {'Way back':<19}"
    yield Content.assemble((sign, BAD if blocked else QUIET), (words, BAD if blocked else ""))


def change_content(standing: CutoverStatus) -> Content:
    """Return the exact edit and its reverse, as zone lines and in the provider's words."""
    edit = standing.edit
    if edit is None:
        return Content.styled(_UNKNOWN, QUIET)
    if edit.kind is EditKind.NOTHING:
        return Content("The record holds already what it is to hold. There is nothing to change.")
    parts: list[_Part] = [("The change\n", "bold"), *_lines(edit.forward)]
    parts += [("\nThe way back\n", "bold"), *_lines(edit.reverse)]
    words, blocked = rollback_words(standing)
    parts += [(f"  {words}\n", BAD if blocked else QUIET)]
    parts += [(f"! {safe(note)}\n", CARE) for note in edit.notes]
    parts += ["\n", _maker(standing), "\n"]
    parts += _steps(f"\nAt {safe(edit.provider.title)}", edit.words)
    parts += _steps(f"\nBack, at {safe(edit.provider.title)}", edit.reverse_words)
    return Content.assemble(*parts)


def change_question(standing: CutoverStatus) -> Content:
    """Return what is asked before the applier changes the record."""
    edit, applier = standing.edit, standing.applier
    parts: list[_Part] = []
    if edit is not None and applier is not None:
        parts += [f"At {safe(applier.place)}:\n", *_lines(edit.forward)]
    cares = [
        row
        for row in check_rows(standing)
        if row.state in UNSETTLED_STATES and row.phase == "before"
    ]
    if cares:
        parts.append((f"\n{len(cares)} not settled:\n", CARE))
        parts += [f"  {each.check} {each.title}: {each.state}\n" for each in cares[:_MOST]]
        parts += [f"  and {len(cares) - _MOST} more\n"] if len(cares) > _MOST else []
    parts.append(
        "\nIt is made only if the record still holds what is shown, then read back from every "
        "name server. If the name goes missing, it is put back at once."
    )
    return Content.assemble(*parts)


def end_question(standing: CutoverStatus, now: float) -> Content:
    """Return what is asked before a change that was broken off is gone on with."""
    unended = standing.unended
    if unended is None:
        return Content("")
    planned, by = unended.asked.planned, f", by {safe(unended.by)}" if unended.by else ""
    parts: list[_Part] = [
        f"It was sent to {safe(unended.asked.place)} {age_words(unended.at, now)} ago{by}:\n",
        *((f"  - {safe(line)}\n", BAD) for line in zone_lines(planned.before)),
        *((f"  + {safe(line)}\n", OK) for line in zone_lines(planned.after)),
        "Nobody has read back what became of it.\n\n",
    ]
    servers = standing.progress.servers if standing.progress else ()
    if servers:
        sides = [str(row.side) for row in servers]
        said = ", ".join(f"{sides.count(each)} {each}" for each in dict.fromkeys(sides))
        parts += [("Name servers say  ", "bold"), f"{said}\n\n"]
    parts.append(
        "Going on sends nothing again: every name server is read until all have it. Only where one "
        "says something else, or that there is no record, the old record is put back."
    )
    return Content.assemble(*parts)


def back_content(standing: CutoverStatus, *, by_hand: bool) -> Content:
    """Return what is to be known before the record is put back."""
    words, blocked = rollback_words(standing)
    parts: list[_Part] = [(f"{words}\n", BAD if blocked else "")]
    if standing.edit is not None:
        reverse, provider = standing.edit.reverse, safe(standing.edit.provider.title)
        parts += ["\n", *_lines(reverse)]
        if by_hand:
            parts += _steps(f"\nAt {provider}", standing.edit.reverse_words)
    back = standing.way_back
    if back is not None and back.lost:
        parts.append(("\nOnly the new side has:\n", CARE))
        parts += [f"  {safe(f'{p.repository}:{p.tag}')}\n" for p in back.lost[:_MOST]]
        parts += [f"  and {len(back.lost) - _MOST} more\n"] if len(back.lost) > _MOST else []
    if by_hand:
        parts.append((f"\n{_BY_HAND}", QUIET))
    return Content.assemble(*parts)


def why_words(standing: CutoverStatus, why_not: str, keys: Mapping[str, str]) -> str:
    """Return what stands beside the buttons: what is going on, or what stands in the way.

    `why_not` says why the record can't be changed. `keys` are those that help: `report`, `compare`,
    and `back`, which offers what is to be done before going back.
    """
    if (unended := standing.unended) is not None:
        whose = "another process makes it" if unended.running else "it was broken off"
        return f"! what became of the {unended.asked.direction} isn't known: {whose}"
    if standing.checking:
        return f"looking: {safe(standing.checking)}"
    if standing.trouble:
        return f"! {safe(standing.trouble)}"
    if standing.state not in CHANGED_STATES:
        return why_not or "nothing stands in the way of the change"
    if blocked := why_no_rollback(standing):
        why = blocked.replace("going back now would", "it would", 1)
        return f"going back is blocked{_helps(standing, keys)}: {why}"
    moved = f"all has moved; {keys['report']} writes the report; "
    return (moved if standing.state is CutoverState.MOVED else "") + "going back is possible"


def _helps(standing: CutoverStatus, keys: Mapping[str, str]) -> str:
    """Return which key helps where going back is blocked. Cut or not, it is seen first."""
    if why_never_rollback(standing) or standing.way_back is None:
        return ""
    if standing.way_back.compared is None:
        return f" ({keys['compare']} compares)"
    return f" ({keys['back']} offers what helps)"


def notes_content(notes: Sequence[CutoverEvent]) -> Content:
    """Return what was decided and came to pass, the newest first."""
    if not notes:
        return Content.styled("Nothing was decided or changed yet.", QUIET)
    parts: list[_Part] = []
    for note in sorted(notes, key=lambda each: -each.at):
        by = f"  ({safe(note.by)})" if note.by else ""
        parts += [(f"{utc_text(note.at)}  ", QUIET), safe(note.text), (f"{by}\n", QUIET)]
    return Content.assemble(*parts)


def new_record(edit: Edit | None) -> str:
    """Return the lines of the record that is to be made, empty while they aren't known."""
    return "\n".join(map(safe, edit.forward.add)) if edit else ""


_BY_HAND = "You make it there. Transship has no access, and sees by itself when it is made."


def _lines(lines: EditLines) -> list[_Part]:
    removed = [(f"  - {safe(line)}\n", BAD) for line in lines.remove]
    return [*removed, *((f"  + {safe(line)}\n", OK) for line in lines.add)]


def _steps(title: str, words: Sequence[str]) -> list[_Part]:
    return [(f"{title}\n", "bold"), *(f"  {safe(each)}\n" for each in words)] if words else []


def _maker(standing: CutoverStatus) -> Content:
    applier = standing.applier
    if applier is None:
        return Content.styled(_BY_HAND, QUIET)
    if applier.why_not:
        return Content.styled(f"{safe(applier.place)}: {safe(applier.why_not)}", CARE)
    return Content.styled(f"Change… makes it at {safe(applier.place)}, after you confirm.", QUIET)


_PATHS = "P-26"


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
