"""Changes at an engine, in words: what is created, changed, deleted or left, field by field.

All of it may come from elsewhere, so that it is cleaned here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from textual.content import Content

from transship.engines.changes import Change, ChangeAction, ChangedField, ChangeSet, ChangeStep
from transship.errors import TransshipError
from transship.text import counted, safe
from transship_tui.marks import BAD, CARE, NEWS, OK, QUIET, Mark

DOES = {
    ChangeAction.CREATE: Mark("+", "create", NEWS),
    ChangeAction.CHANGE: Mark("↻", "change", CARE),
    ChangeAction.DELETE: Mark("×", "delete", CARE),
    ChangeAction.LEAVE: Mark("=", "leave", QUIET),
}
STEPS = {
    ChangeStep.WAITING: Mark("·", "waiting", QUIET),
    ChangeStep.BEGUN: Mark("▸", "being made", NEWS),
    ChangeStep.MADE: Mark("✓", "made", OK),
    ChangeStep.FAILED: Mark("✗", "failed", BAD),
}
_DONE = {
    ChangeAction.CREATE: Mark("✓", "created", OK),
    ChangeAction.CHANGE: Mark("✓", "changed", OK),
    ChangeAction.DELETE: Mark("✓", "deleted", OK),
}
_LABEL = 18
_LONGEST = 4_000
_INDENT = 2


def mark_of(change: Change, step: ChangeStep | None = None) -> Mark:
    """Return what a change is to do; once it was begun, how far it has come."""
    if step is None or change.does is ChangeAction.LEAVE:
        return DOES[change.does]
    return _DONE[change.does] if step is ChangeStep.MADE else STEPS[step]


def value_text(value: Any) -> str:
    """Return a value as it is sent: text as it stands, all else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return safe(text, limit=_LONGEST) or '""'


def change_lines(change: Change, width: int, step: ChangeStep | None = None) -> list[Content]:
    """Return all of a change, laid out in `width` cells: its fields, and what to know of it."""
    sign = mark_of(change, step)
    head = Content.assemble(
        (f"{sign.sign} {sign.word}", f"bold {sign.color}"),
        (f"  {safe(change.kind)}  ", QUIET),
        (safe(change.name), "bold"),
    )
    lines = head.wrap(max(20, width))
    for field in _shown(change):
        lines += _field_lines(change, field, width)
    for warning in change.warns:
        lines += said("!", warning, width, CARE, indent=_INDENT)
    return lines


def _shown(change: Change) -> Sequence[ChangedField]:
    """Return the fields to show: of what stays, all that were asked for."""
    if change.does is ChangeAction.LEAVE:
        return [ChangedField(name, value, value) for name, value in (change.after or {}).items()]
    return change.fields


def _field_lines(change: Change, field: ChangedField, width: int) -> Iterator[Content]:
    label = safe(field.name)
    room = max(16, width - _INDENT - _LABEL)
    parts: list[Content] = []
    if change.does is ChangeAction.CREATE:
        parts = _values(field.after, "")
    elif change.does is ChangeAction.LEAVE:
        parts = _values(field.after, QUIET)
    elif change.does is ChangeAction.DELETE:
        parts = _values(field.before, QUIET)
    else:
        parts = _changed(field)
    rows = [row for part in parts for row in part.wrap(room)]
    if len(label) > _LABEL - 2:
        yield Content.styled(" " * _INDENT + label, QUIET)
        label = ""
    for number, row in enumerate(rows):
        first = label if number == 0 else ""
        yield Content.assemble(" " * _INDENT, (first.ljust(_LABEL), QUIET), row)


def _values(value: Any, style: str) -> list[Content]:
    """Return a value, the parts of a list one below the other: filters are read one by one."""
    if isinstance(value, list | tuple) and value:
        return [Content.styled(value_text(each), style) for each in value]
    return [Content.styled("nothing" if value is None else value_text(value), style)]


def _changed(field: ChangedField) -> list[Content]:
    if isinstance(field.before, list | tuple) or isinstance(field.after, list | tuple):
        old, new = _listed(field.before), _listed(field.after)
        gone = [Content.styled(f"− {each}", QUIET) for each in old if each not in new]
        kept = [Content(f"  {each}") for each in old if each in new]
        added = [Content.styled(f"+ {each}", CARE) for each in new if each not in old]
        return [*kept, *gone, *added] or [Content("in another order")]
    words = (
        "nothing" if each is None else value_text(each) for each in (field.before, field.after)
    )
    before, after = words
    return [Content.assemble((before, QUIET), " → ", (after, CARE))]


def _listed(value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [value_text(each) for each in value]
    return [] if value is None else [value_text(value)]


def said(sign: str, words: str, width: int, style: str = "", *, indent: int = 0) -> list[Content]:
    """Return a sentence behind its sign, laid out in `width` cells."""
    rows = Content.styled(safe(words), style).wrap(max(16, width - indent - 2))
    heads = [f"{' ' * indent}{sign} ", *([" " * (indent + 2)] * (len(rows) - 1))]
    return [Content.assemble((head, style), row) for head, row in zip(heads, rows, strict=True)]


def refusal_lines(error: TransshipError, width: int) -> list[Content]:
    """Return why nothing can be made, and what to do about it."""
    words = f"{error.title}: {error.detail}" if error.detail else error.title
    lines = said("✗", words, width, BAD)
    if error.remedy:
        lines += said(" ", error.remedy, width)
    return lines


def counts_of(changes: ChangeSet) -> Content:
    """Return how much would be created, changed, deleted and left."""
    parts: list[Content] = []
    for does, sign in DOES.items():
        count = sum(1 for change in changes.changes if change.does is does)
        if count:
            parts.append(Content.styled(f"{sign.sign} {count:,} {_PAST[does]}", sign.color))
    if not parts and changes.refusals:
        return Content.styled("✗ refused", BAD)
    return Content("   ").join(parts) if parts else Content.styled("nothing to change", QUIET)


_PAST = {
    ChangeAction.CREATE: "to create",
    ChangeAction.CHANGE: "to change",
    ChangeAction.DELETE: "to delete",
    ChangeAction.LEAVE: "left as it is",
}


def question_of(changes: ChangeSet) -> Content:
    """Return what is asked before changes are made."""
    lines: list[str | tuple[str, str]] = [f"{safe(changes.engine)}: {safe(changes.purpose)}.\n\n"]
    for does in (ChangeAction.CREATE, ChangeAction.CHANGE, ChangeAction.DELETE):
        some = [change for change in changes.to_make if change.does is does]
        if some:
            names = ", ".join(f"{safe(each.kind)} {safe(each.name)}" for each in some[:3])
            more = f" and {counted(len(some) - 3, 'other')}" if len(some) > 3 else ""
            sign = DOES[does]
            lines += [(f"{sign.sign} {sign.word}", sign.color), f" {names}{more}.\n"]
    warns = dict.fromkeys(warning for change in changes.to_make for warning in change.warns)
    lines += [(f"\n! {safe(warning)}\n", CARE) for warning in warns]
    lines.append("\nEach is read back once it is made. What was made can be undone from Jobs.")
    return Content.assemble(*lines)
