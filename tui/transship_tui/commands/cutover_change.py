"""`transship cutover DOMAIN apply|rollback`: the record changed from here, and put back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from transship.cutover.progress import CutoverState
from transship.cutover.status import CHANGED_STATES
from transship.errors import BadRequest, ChangeBlocked, LossUnknown, NothingToPutBack, WritesOff
from transship.reports.cutover import cutover_document
from transship.text import safe
from transship.views.cutover import observed_words, waits_for, why_never_rollback, why_no_rollback
from transship_tui.commands.asking import ask
from transship_tui.commands.cutover_delta import (
    Loss,
    before_going_back,
    status_of,
    way_back_blocked,
)
from transship_tui.commands.output import Ink, painted, say, show, show_json
from transship_tui.cutover_outcomes import told_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transship.app.application import Application
    from transship.cutover.status import CutoverStatus

_FAILED = 1
_WITHOUT_KNOWING = (
    "Try again when both registries answer. --accept-loss goes back without knowing what only the "
    "new one has; --copy-back can't copy that while one of them doesn't answer."
)
_LONGEST = 400


async def apply_change(
    engine: Application, name: str, confirm: str, *, as_json: bool = False
) -> int:
    """Show the edit, have it confirmed, look once more, and change the record.

    Returns 1 where the record isn't everywhere what it was to become.
    """
    standing = engine.cutovers.find(name)
    known = standing.applier is not None and standing.edit is not None
    if (why := waits_for(standing)) and not known:
        raise ChangeBlocked(f"{standing.subject.domain.host} {why}")
    for line in edit_lines(standing, back=False):
        say(line)
    say(observed_words(standing, engine.clock.now()))
    _confirmed(standing, confirm)
    outcome = await engine.cutovers.changes.change(name, shown=standing.edit, tell=_tell)
    status = _ended(engine, name, outcome, as_json=as_json)
    say(f"next: transship cutover {standing.subject.domain.name} watch")
    return status


async def roll_back(
    engine: Application, name: str, confirm: str, loss: Loss, *, as_json: bool = False
) -> int:
    """Show the edit, have it confirmed, and put the record back.

    A change that was broken off is read back first. Returns 1 where the record isn't everywhere
    what it was.
    """
    standing = engine.cutovers.find(name)
    if standing.unended is not None:
        confirm = _confirmed(standing, confirm)
        say(safe(await engine.cutovers.changes.end(name, tell=_tell)))
        standing = engine.cutovers.find(name)
    compared = await before_going_back(engine, standing, loss, quiet=as_json)
    standing = compared.standing
    if loss.copy_back and standing.state is CutoverState.ROLLED_BACK:
        if as_json:
            show_json(cutover_document(standing, engine.clock.now()))
        return status_of(standing)
    why, never = why_no_rollback(standing), why_never_rollback(standing)
    if standing.state not in CHANGED_STATES:
        raise NothingToPutBack(f"{standing.subject.domain.host}: {why}")
    for line in edit_lines(standing, back=True):
        say(line)
    if never or (why and not (loss.accepted and standing.way_back)):
        if compared.failed and not never:
            raise LossUnknown(compared.failed, remedy=_WITHOUT_KNOWING)
        raise way_back_blocked(why, never=bool(never) or standing.way_back is None)
    if compared.failed:
        say(safe(compared.failed))
    _confirmed(standing, confirm)
    shown = standing.way_back.reverse if standing.way_back else None
    outcome = await engine.cutovers.changes.roll_back(
        name, accept_loss=loss.accepted, shown=shown, tell=_tell
    )
    return _ended(engine, name, outcome, as_json=as_json)


def edit_lines(standing: CutoverStatus, *, back: bool) -> Iterator[str]:
    """Give the edit, or its reverse, as lines of a zone file, and what to know of it."""
    edit = standing.edit
    if edit is None:
        return
    lines, words = (edit.reverse, edit.reverse_words) if back else (edit.forward, edit.words)
    yield ""
    yield from (painted(f"- {safe(line)}", Ink.BAD, sys.stdout) for line in lines.remove)
    yield from (painted(f"+ {safe(line)}", Ink.GOOD, sys.stdout) for line in lines.add)
    yield from (f"! {safe(note)}" for note in edit.notes)
    if standing.applier is None and words:
        yield f"at {safe(edit.provider.title)}:"
        yield from (f"  {safe(word)}" for word in words)


def next_step(standing: CutoverStatus) -> str:
    """Return what comes after the checks: an applier makes the change, a watch sees one by hand."""
    follows = "watch" if standing.applier is None else "apply"
    return f"transship cutover {standing.subject.domain.name} {follows}"


def _tell(words: str) -> None:
    say(safe(words, limit=_LONGEST))


def _ended(engine: Application, name: str, outcome: str, *, as_json: bool) -> int:
    """Write what became of the change, and whatever isn't as it should be in whole sentences.

    As JSON the result is how the cutover stands then, and the words are none.
    """
    told = told_of(outcome)
    (say if as_json else show)(safe(outcome))
    if as_json:
        show_json(cutover_document(engine.cutovers.find(name), engine.clock.now()))
    if not told.good:
        say(safe(f"{told.words}."))
    return 0 if told.good else _FAILED


def _confirmed(standing: CutoverStatus, confirm: str) -> str:
    """Have the domain typed once more, unless it was given; return it.

    Raises BadRequest and WritesOff.
    """
    if standing.applier is not None and standing.applier.why_not:
        raise WritesOff(standing.applier.place)
    if standing.applier is None:
        return ""  # Nothing is changed from here; the core says so, with the edit.
    domain = standing.subject.domain.name
    if not confirm and sys.stdin.isatty():
        confirm = ask(f"Type {domain} to change its record: ")
    if confirm.strip().lower().rstrip(".") != domain:
        raise BadRequest("the domain wasn't confirmed", remedy=f"Add --confirm {domain}.")
    return domain
