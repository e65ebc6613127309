"""A plan's text in sections, so that one can be changed, moved or taken out beside the others.

A section is a table's header with what stands under it, the comment right above the header, and
the empty lines behind; tables inside a rule belong to the rule. The first section is what stands
before all headers. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from transship.plans.locate import Place, Places

LISTS = ("copies", "rules")


@dataclass(frozen=True, slots=True)
class Section:
    """A section: what it is of, and its text.

    `owner` is empty for the first, a key like `schedule`, or `rules` or `limits` with which one.
    `number` counts the sections of the text that it comes from; -1 is a new one.
    """

    owner: Place
    text: str
    number: int = -1


def sections_of(text: str) -> list[Section]:
    """Return the sections of a text. Together they are the text."""
    headers = Places(text).headers
    owners = [(), *(_owner(header.place) for header in headers)]
    begins = [0, *(_with_comment(text, header.offset) for header in headers), len(text)]
    parts = (
        (owner, text[begin:end])
        for owner, (begin, end) in zip(owners, pairwise(begins), strict=True)
    )
    joined: list[Section] = []
    for owner, part in parts:
        if joined and joined[-1].owner == owner:
            joined[-1] = replace(joined[-1], text=joined[-1].text + part)
        else:
            joined.append(Section(owner, part, len(joined)))
    return joined


def joined_text(sections: Iterable[Section]) -> str:
    """Return the text that sections make. Between those that weren't neighbours is a blank line."""
    return "".join(_pieces(section for section in sections if section.text))


def _pieces(sections: Iterable[Section]) -> Iterator[str]:
    last: Section | None = None
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


def apart(sections: Sequence[Section]) -> Section | None:
    """Return a section of something that has another one elsewhere; None when there is none."""
    seen: set[Place] = set()
    for section in sections:
        if section.owner in seen:
            return section
        seen.add(section.owner)
    return None


def _owner(place: Place) -> Place:
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
