"""What a run creates at a target first, in words, and the question whether it may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from transship.registry.registry import Visibility
from transship.text import counted, safe
from transship.transfers.copies import Creation, Worklist
from transship.transfers.preflight import can_be_created
from transship_tui.dialogs.choice import Choice, ChoiceDialog
from transship_tui.marks import BAD, CARE
from transship_tui.naming import Naming

_NOT = "not created"
_NAMED = 3
ANSWERS: tuple[tuple[str, str], ...] = (
    ("isn't created: what needs it fails", ""),
    ("is created, private", str(Visibility.PRIVATE)),
    ("is created, public: everyone may pull", str(Visibility.PUBLIC)),
)
"""What may become of what is missing at a target, in words and as a plan has it."""


def creation_words(creation: Creation, naming: Naming) -> str:
    """Return what is created, where, and who may pull from it."""
    what, place = creation.missing, naming.place(creation.target)
    return safe(f"will create {what.kind} `{what.name}` at {place}, {creation.how}")


def lacking(worklist: Worklist) -> int:
    """Return how many copies fail for want of what a run could create."""
    return sum(can_be_created(copy.problem) for copy in worklist.copies)


def creation_lines(
    creations: Sequence[Creation], lacking: int, naming: Naming, key: str
) -> Iterator[Content]:
    """Give what is created first, and how many copies are `lacking` what could be.

    `key` is the one that lets it be created.
    """
    for creation in creations[:_NAMED]:
        yield Content.styled(f"+ {creation_words(creation, naming)}", CARE)
    if len(creations) > _NAMED:
        yield Content.styled(f"+ and {len(creations) - _NAMED:,} more", CARE)
    if lacking:
        words = f"{counted(lacking, 'image')} can't go where nothing is yet"
        yield Content.styled(f"✗ {words}: {key} lets the run create it", BAD)


def creation_question() -> ChoiceDialog:
    """Return the question whether, and for whom, the run creates what is missing."""
    return ChoiceDialog(
        "May the run create what is missing?",
        Content("Projects, organizations or repositories that the target needs first."),
        (
            Choice(str(Visibility.PRIVATE), "Create it, private", "who has the right may pull"),
            Choice(str(Visibility.PUBLIC), "Create it, public", "everyone may pull"),
            Choice(_NOT, "Create nothing", "what needs it can't be copied"),
        ),
    )


def visibility_of(answer: str) -> Visibility | None:
    """Return what an answer to the question, or a choice of `ANSWERS`, allows."""
    return Visibility(answer) if answer in set(Visibility) else None
