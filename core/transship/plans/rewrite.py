"""A plan's text changed where the plan has changed, and nowhere else. Pure.

What an operator wrote (comments, order, their way of writing a value) stays in every section that
says the same as before, byte for byte. Inside a section that changes, tomlkit changes the keys.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import tomlkit
from tomlkit.items import Array, InlineTable

from transship.errors import BadRequest
from transship.plans.encode import block_text, document_text
from transship.plans.locate import Place
from transship.plans.sections import (
    LISTS,
    Section,
    apart,
    joined_text,
    leading_comment,
    sections_of,
    split_tail,
)

_Table = Mapping[str, Any]
_Change = Callable[[Section, _Table, _Table], Section]

_BLOCKS = (*LISTS, "schedule", "create", "delete", "limits")


def rewritten(text: str, old: _Table, new: _Table, *, afresh: bool = False) -> str:
    """Return `text`, which says what the document `old` does, so that it says what `new` does.

    With `afresh` the sections that change are written anew, and keep only the comment above them.
    Raises BadRequest when the text can't be taken apart.
    """
    if old == new:
        return text
    sections = sections_of(text)
    scattered = apart(sections)
    if scattered is not None:
        raise BadRequest(
            f"tables of {scattered.owner[0]} that belong together stand apart in the file",
            remedy="Put them together, or change the file by hand.",
        )
    change = _write_afresh if afresh else _change
    headed = {str(section.owner[0]) for section in sections if section.owner}
    made = _changed_head(sections, headed, old, new, change)
    for key in _BLOCKS:
        if key not in headed:
            added = new.get(key) if key not in old else None
            made += _fresh(key, added) if added else []
        elif key in LISTS:
            made = _changed_list(made, key, old.get(key, []), new.get(key, []), change)
        elif key == "limits":
            made = _changed_limits(made, old.get(key, {}), new.get(key, {}), change)
        else:
            made = _changed_table(made, key, old[key], new.get(key), change)
    edited = joined_text(made)
    return edited if "\r\n" not in text else edited.replace("\r\n", "\n").replace("\n", "\r\n")


def _changed_head(
    sections: list[Section], headed: set[str], old: _Table, new: _Table, change: _Change
) -> list[Section]:
    """Change what stands before all headers; what is new and needs a header isn't for there."""

    def here(document: _Table) -> _Table:
        mine = (key for key in document if key in old or key not in _BLOCKS)
        return {key: document[key] for key in mine if key not in headed}

    return [change(sections[0], here(old), here(new)), *sections[1:]]


def _changed_list(
    sections: list[Section],
    key: str,
    old: Sequence[_Table],
    new: Sequence[_Table],
    change: _Change,
) -> list[Section]:
    mine = [section for section in sections if section.owner[:1] == (key,)]
    made = [
        _fresh(key, [table])[0] if place is None else change(mine[place], old[place], table)
        for place, table in zip(origins(old, new), new, strict=True)
    ]
    return _put(sections, mine, made)


def _changed_limits(
    sections: list[Section], old: _Table, new: _Table, change: _Change
) -> list[Section]:
    mine = [section for section in sections if section.owner[:1] == ("limits",)]
    headed = {section.owner[1] for section in mine if len(section.owner) == 2}
    made = []
    for section in mine:
        if len(section.owner) == 1:
            inside = [
                {name: table for name, table in limits.items() if name in old.keys() - headed}
                for limits in (old, new)
            ]
            made.append(change(section, *inside))
        elif section.owner[1] in new:
            name = str(section.owner[1])
            made.append(change(section, old[name], new[name]))
    added = {name: table for name, table in new.items() if name not in old}
    return _put(sections, mine, [*made, *_fresh("limits", added)])


def _changed_table(
    sections: list[Section], key: str, old: _Table, new: _Table | None, change: _Change
) -> list[Section]:
    mine = [section for section in sections if section.owner == (key,)]
    return _put(sections, mine, [change(mine[0], old, new)] if new is not None else [])


def _fresh(key: str, value: Any) -> list[Section]:
    if key in LISTS:
        return [Section((key, -1), block_text(key, [table])) for table in value]
    if key == "limits":
        return [Section((key, n), block_text(key, {n: table})) for n, table in value.items()]
    return [Section((key,), block_text(key, value))]


def _put(sections: list[Section], old: list[Section], new: list[Section]) -> list[Section]:
    """Put the sections `new` where `old` ones are; what is more than those follows the last."""
    placed: list[Section] = []
    waiting = list(new)
    for section in sections:
        if section not in old:
            placed.append(section)
            continue
        count = len(waiting) if section is old[-1] else 1
        placed += waiting[:count]
        del waiting[:count]
    return placed


def origins(old: Sequence[_Table], new: Sequence[_Table]) -> list[int | None]:
    """Return for each of `new` which of `old` it was: the same, else the one most like it."""
    free = dict.fromkeys(range(len(old)))
    same: dict[str, list[int]] = defaultdict(list)
    for place in reversed(free):
        same[json.dumps(old[place], sort_keys=True)].append(place)
    found: list[int | None] = []
    for table in new:
        places = same[json.dumps(table, sort_keys=True)]
        found.append(places.pop() if places else None)
        free.pop(found[-1], None) if found[-1] is not None else None
    for number, table in enumerate(new):
        if found[number] is None:
            likely = max(
                free, key=lambda p: (_likeness(old[p], table), -abs(p - number)), default=None
            )
            if likely is not None and _likeness(old[likely], table):
                found[number] = likely
                del free[likely]
    return found


def _likeness(one: _Table, other: _Table) -> int:
    return sum(one[key] == other[key] for key in one.keys() & other.keys())


def _write_afresh(section: Section, old: _Table, new: _Table) -> Section:
    if old == new:
        return section
    text = _text_of(section.owner, new)
    return replace(section, text=leading_comment(section.text) + text + split_tail(section.text)[1])


def _text_of(owner: Place, table: _Table) -> str:
    match owner:
        case ():
            return document_text(dict(table))
        case (key, int()):
            return block_text(str(key), [table])
        case (key, name):
            return block_text(str(key), {name: table})
        case _:
            return block_text(str(owner[0]), table)


def _change(section: Section, old: _Table, new: _Table) -> Section:
    if old == new:
        return section
    body, tail = split_tail(section.text)
    document = tomlkit.parse(body if body.endswith("\n") or not body else f"{body}\n")
    node: Any = document
    for part in section.owner:
        # The section is a document of its own, in which it is the first.
        node = node[0 if isinstance(part, int) else part]
    _apply(node, old, new)
    return replace(section, text=tomlkit.dumps(document) + tail)


def _apply(node: Any, old: _Table, new: _Table) -> None:
    for key in old.keys() - new.keys():
        node.pop(key, None)
    for key, value in new.items():
        if old.get(key) == value:
            continue
        there = node.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            _apply(there, old.get(key, {}), value)
        elif not (isinstance(there, Array) and _apply_list(there, old.get(key, []), value)):
            node[key] = _item(value)


def _apply_list(there: Array, old: Any, new: Any) -> bool:
    """Change an array by its elements, where that makes `new` of it; tell whether it did."""
    if not isinstance(old, list) or not isinstance(new, list) or len(old) != len(there):
        return False
    places = origins(old, new) if new and isinstance(new[0], Mapping) else _same_texts(old, new)
    kept = [place for place in places if place is not None]
    if kept != sorted(kept):
        return False
    for place in reversed(range(len(old))):
        if place not in kept:
            del there[place]
    for number, (origin, value) in enumerate(zip(places, new, strict=True)):
        if origin is None:
            there.insert(number, _item(value))
        elif isinstance(value, Mapping):
            _apply(there[number], old[origin], value)
    return True


def _same_texts(old: list[str], new: list[str]) -> list[int | None]:
    return [old.index(text) if text in old else None for text in new]


def _item(value: Any) -> Any:
    if isinstance(value, Mapping):
        table: InlineTable = tomlkit.inline_table()
        table.update({key: _item(inner) for key, inner in value.items()})
        return table
    return value
