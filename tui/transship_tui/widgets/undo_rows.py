"""What undoing a job does with each tag, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from transship.oci.digest import short
from transship.text import safe
from transship.transfers.journal import Restored
from transship.transfers.undo import Restore, RestoreAction, UndoOutcome, left_words
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark
from transship_tui.naming import Naming
from transship_tui.widgets.rows import Column
from transship_tui.widgets.worklist_view import short_name

COLUMNS = (
    Column("What", 14),
    Column("Tag"),
    Column("From → to", 32, least=100),
    Column("Why", least=76),
)
MARKS = {
    RestoreAction.PUT_BACK: Mark("↶", "put back", NEWS),
    RestoreAction.TAKE_AWAY: Mark("×", "take away", CARE),
    RestoreAction.UNLIST: Mark("−", "unlist", NEWS),
    RestoreAction.MOVED: Mark("–", "left", CARE),
    RestoreAction.UNKNOWN: Mark("?", "left", CARE),
    RestoreAction.ALREADY: Mark("=", "as before", QUIET),
}
"""What is to be done, in the order of the counts."""

_WORDS = {
    RestoreAction.PUT_BACK: "it points again at what it pointed at before the job",
    RestoreAction.TAKE_AWAY: "the job made it, so it goes",
    RestoreAction.UNLIST: "the referrers that the job added come off this list",
    RestoreAction.ALREADY: "it is as it was before the job",
}
_OUTCOMES = {
    Restored.DONE: Mark("✓", "restored", OK),
    Restored.FAILED: Mark("✗", "failed", BAD),
}

_DONE = {
    RestoreAction.TAKE_AWAY: Mark("✓", "taken away", OK),
    RestoreAction.UNLIST: Mark("✓", "unlisted", OK),
}
"""What became of a tag that isn't put back."""


class UndoRows:
    """Tags, each with what is to be done, or with what became of it."""

    def __init__(self, restores: Sequence[Restore], outcomes: Mapping[str, UndoOutcome]) -> None:
        self.restores = restores
        self._outcomes = outcomes

    def __len__(self) -> int:
        return len(self.restores)

    def key(self, index: int) -> str:
        """Return the tag."""
        return str(self.restores[index].tag)

    def cells(self, index: int) -> Sequence[Content]:
        """Return what is or was done, the tag, from what to what, and why."""
        restore = self.restores[index]
        outcome = self._outcomes.get(str(restore.tag))
        return (
            mark_of(restore, outcome).content(),
            Content(short_name(restore.tag)),
            Content.styled(_change(restore), QUIET),
            Content.styled(safe(why(restore, outcome)), BAD if _failed(outcome) else QUIET),
        )


def mark_of(restore: Restore, outcome: UndoOutcome | None) -> Mark:
    """Return what is to be done with a tag; once it was, what became of it."""
    if outcome is None or outcome.restore.act is RestoreAction.ALREADY:
        return MARKS[restore.act]
    act = outcome.restore.act
    if outcome.restored is Restored.DONE and act in _DONE:
        return _DONE[act]
    return _OUTCOMES.get(outcome.restored, MARKS[act])


def why(restore: Restore, outcome: UndoOutcome | None) -> str:
    """Return why that is to be done with a tag, or what went wrong."""
    if outcome is not None and outcome.words:
        return outcome.words
    return left_words(restore) or _WORDS.get(restore.act, "")


def restore_facts(
    restore: Restore, outcome: UndoOutcome | None, naming: Naming
) -> list[tuple[str, str]]:
    """Return all that there is to know of one tag; `naming` says what places are called."""
    facts = (
        ("Tag", naming.place(str(restore.tag))),
        ("Now", restore.now or "no such tag"),
        (
            "Then",
            restore.previous or ("" if restore.act is RestoreAction.UNKNOWN else "no such tag"),
        ),
        ("The job wrote", restore.wrote or ""),
        ("Why", why(restore, outcome)),
    )
    return [(name, value) for name, value in facts if value]


def _failed(outcome: UndoOutcome | None) -> bool:
    return outcome is not None and outcome.restored is Restored.FAILED


def _change(restore: Restore) -> str:
    if not restore.act.changes:
        return ""
    now, then = (short(digest) if digest else "–" for digest in (restore.now, restore.previous))
    return f"{now.removeprefix('sha256:')} → {then.removeprefix('sha256:')}"
