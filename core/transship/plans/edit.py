"""A plan's text changed where the plan has changed, and nowhere else. Pure.

What an operator wrote (comments, order, their way of writing a value) stays in every section
that says the same as before, byte for byte. Inside a section that changes, tomlkit changes the
keys.

A section is a table's header with what stands under it, the comment right above the header, and
the empty lines behind; tables inside a rule belong to the rule. The first section is what
stands before all headers. Imported only where a file is changed: start-up does without tomlkit.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import tomlkit
from tomlkit.items import Array, InlineTable

from transship.errors import BadRequest
from transship.plans.encode import block_text, document_text
from transship.plans.toml_document import TextPlace, TextPlaces

LISTS = ("copies", "rules")


@dataclass(frozen=True, slots=True)
class TextSection:
    """A section: what it is of, and its text.

    `owner` is empty for the first, a key like `schedule`, or `rules` or `limits` with which one.
    `number` counts the sections of the text that it comes from; -1 is a new one.
    """

    owner: TextPlace
    text: str
    number: int = -1


def sections_of(text: str) -> list[TextSection]:
    """Return the sections of a text. Together they are the text."""
    headers = TextPlaces(text).headers
    owners = [(), *(_owner(header.place) for header in headers)]
    begins = [0, *(_with_comment(text, header.offset) for header in headers), len(text)]
    parts = (
        (owner, text[begin:end])
        for owner, (begin, end) in zip(owners, pairwise(begins), strict=True)
    )
    joined: list[TextSection] = []
    for owner, part in parts:
        if joined and joined[-1].owner == owner:
            joined[-1] = replace(joined[-1], text=joined[-1].text + part)
        else:
            joined.append(TextSection(owner, part, len(joined)))
    return joined


def joined_text(sections: Iterable[TextSection]) -> str:
    """Return the text that sections make. Between those that weren't neighbours is a blank line."""
    return "".join(_pieces(section for section in sections if section.text))


def _pieces(sections: Iterable[TextSection]) -> Iterator[str]:
    last: TextSection | None = None
    for section in sections:
        neighbours = last is None or (last.number >= 0 and section.number == last.number + 1)
        if last is not None and not neighbours:
            yield "\n" * (2 - last.text[len(last.text.rstrip()) :].count("\n"))
        yield section.text
        last = section


def split_tail(text: str) -> tuple[str, str]:
    """Return a section without what follows on its last key, and that: from an empty line on."""
    lines = text.splitlines(keepends=True)
    last = len(lines)
    while last and _says_nothing(lines[last - 1]):
        last -= 1
    while last < len(lines) and lines[last].strip():
        last += 1
    return "".join(lines[:last]), "".join(lines[last:])


def leading_comment(text: str) -> str:
    """Return the comment that a section begins with."""
    lines = text.splitlines(keepends=True)
    count = next((n for n, line in enumerate(lines) if not line.lstrip().startswith("#")), 0)
    return "".join(lines[:count])


def apart(sections: Sequence[TextSection]) -> TextSection | None:
    """Return a section of something that has another one elsewhere; None when there is none."""
    seen: set[TextPlace] = set()
    for section in sections:
        if section.owner in seen:
            return section
        seen.add(section.owner)
    return None


def _owner(place: TextPlace) -> TextPlace:
    return place[:2] if place[0] in (*LISTS, "limits") else place[:1]


def _with_comment(text: str, offset: int) -> int:
    begins = text.rfind("\n", 0, offset) + 1
    while begins:
        above = text.rfind("\n", 0, begins - 1) + 1
        if not text[above:begins].lstrip().startswith("#"):
            break
        begins = above
    return begins


def _says_nothing(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


_Table = Mapping[str, Any]
_Change = Callable[[TextSection, _Table, _Table], TextSection]

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
    sections: list[TextSection], headed: set[str], old: _Table, new: _Table, change: _Change
) -> list[TextSection]:
    """Change what stands before all headers; what is new and needs a header isn't for there."""

    def here(document: _Table) -> _Table:
        mine = (key for key in document if key in old or key not in _BLOCKS)
        return {key: document[key] for key in mine if key not in headed}

    return [change(sections[0], here(old), here(new)), *sections[1:]]


def _changed_list(
    sections: list[TextSection],
    key: str,
    old: Sequence[_Table],
    new: Sequence[_Table],
    change: _Change,
) -> list[TextSection]:
    mine = [section for section in sections if section.owner[:1] == (key,)]
    made = [
        _fresh(key, [table])[0] if place is None else change(mine[place], old[place], table)
        for place, table in zip(origins(old, new), new, strict=True)
    ]
    return _put(sections, mine, made)


def _changed_limits(
    sections: list[TextSection], old: _Table, new: _Table, change: _Change
) -> list[TextSection]:
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
    sections: list[TextSection], key: str, old: _Table, new: _Table | None, change: _Change
) -> list[TextSection]:
    mine = [section for section in sections if section.owner == (key,)]
    return _put(sections, mine, [change(mine[0], old, new)] if new is not None else [])


def _fresh(key: str, value: Any) -> list[TextSection]:
    if key in LISTS:
        return [TextSection((key, -1), block_text(key, [table])) for table in value]
    if key == "limits":
        return [TextSection((key, n), block_text(key, {n: table})) for n, table in value.items()]
    return [TextSection((key,), block_text(key, value))]


def _put(
    sections: list[TextSection], old: list[TextSection], new: list[TextSection]
) -> list[TextSection]:
    """Put the sections `new` where `old` ones are; what is more than those follows the last."""
    placed: list[TextSection] = []
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


def _write_afresh(section: TextSection, old: _Table, new: _Table) -> TextSection:
    if old == new:
        return section
    text = _text_of(section.owner, new)
    return replace(section, text=leading_comment(section.text) + text + split_tail(section.text)[1])


def _text_of(owner: TextPlace, table: _Table) -> str:
    match owner:
        case ():
            return document_text(dict(table))
        case (key, int()):
            return block_text(str(key), [table])
        case (key, name):
            return block_text(str(key), {name: table})
        case _:
            return block_text(str(owner[0]), table)


def _change(section: TextSection, old: _Table, new: _Table) -> TextSection:
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
