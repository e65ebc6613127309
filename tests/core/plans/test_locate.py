"""Where things stand in a TOML text, however it is written."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.plans.toml_document import TextPlaces, dotted

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = '''# rules[0] begins in line 5
version = 1
schedule.every = "10m"

[[rules]]
"from" = "old"  # = "not a key"
to = [
  "new",  # the first ]
  # nothing
  'backup',
]
tags = { include = ["v*", "w"], newest = 3, "a.b" = { c = 1 } }
note = """
[[rules]]
to = 1 \\"""
"""
literal = \'\'\'
[x]\'\'\'\'

[rules.inner]
x = 1979-05-27 07:32:00

[[rules.parts]]
[[rules.parts]]
y = -1.5e3

[[rules]]
from = "second"
[rules.parts]
z = true

[limits."old.example:5000"]
rate = "\\u0041"
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 1),
        (("version",), 2),
        (("schedule", "every"), 3),
        (("rules",), 5),
        (("rules", 0), 5),
        (("rules", 0, "from"), 6),
        (("rules", 0, "to"), 7),
        (("rules", 0, "to", 0), 8),
        (("rules", 0, "to", 1), 10),
        (("rules", 0, "tags", "include", 1), 12),
        (("rules", 0, "tags", "a.b", "c"), 12),
        (("rules", 0, "tags", "missing"), 12),
        (("rules", 0, "note"), 13),
        (("rules", 0, "literal"), 17),
        (("rules", 0, "inner"), 20),
        (("rules", 0, "inner", "x"), 21),
        (("rules", 0, "parts", 1, "y"), 25),
        (("rules", 1), 27),
        (("rules", 1, "from"), 28),
        (("rules", 1, "parts", "z"), 30),
        (("limits", "old.example:5000", "rate"), 33),
        (("nothing", "there"), 1),
    ],
)
def test_every_way_to_write_a_key_is_found(place: tuple[str | int, ...], line: int) -> None:
    assert tomllib.loads(TEXT)
    assert TextPlaces(TEXT).line(place) == line


def test_headers_are_found_with_what_they_are_of() -> None:
    assert [header.place for header in TextPlaces(TEXT).headers] == [
        ("rules", 0),
        ("rules", 0, "inner"),
        ("rules", 0, "parts", 0),
        ("rules", 0, "parts", 1),
        ("rules", 1),
        ("rules", 1, "parts"),
        ("limits", "old.example:5000"),
    ]
    assert all(TEXT[header.offset] == "[" for header in TextPlaces(TEXT).headers)


def test_a_place_is_written_as_a_person_reads_it() -> None:
    assert dotted(("rules", 0, "tags", "newest")) == "rules[0].tags.newest"
    assert dotted(("limits", "old.example", "rate")) == "limits.'old.example'.rate"


keys = st.sampled_from(["a", "b-c", "1", "with space", "with.dot", 'quote"', "ü", "#", "]", "="])


def written_key(draw: st.DrawFn, key: str) -> str:
    if key in ("a", "b-c", "1") and draw(st.booleans()):
        return key
    return f"'{key}'" if draw(st.booleans()) else json.dumps(key, ensure_ascii=draw(st.booleans()))


def lines_of(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[object, Any]]:
    """Yield every number in a document (each is the line it stands in) with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from lines_of(inner, (*place, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from lines_of(inner, (*place, number))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield place, value


class Writer:
    """Writes TOML in which every number is the line that it stands in."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def space(self) -> None:
        self.text += self.draw(st.sampled_from(["", " ", "\t", "  "]))

    def lines(self) -> None:
        self.text += self.draw(st.sampled_from(["\n", "\n\n", " # ]} = 'x\n", "\r\n"]))

    def value(self, depth: int) -> None:
        kind = self.draw(st.integers(0, 6 if depth else 3))
        if kind < 3:
            self.text += str(self.line)
        elif kind == 3:
            strings = ('"a # ] \\" = "', "'\\'", '"""x\n[a]\n\\""" """', "'''\n]'''", "1.5", "true")
            self.text += self.draw(st.sampled_from(strings))
        elif kind == 4:
            self.array(depth - 1)
        else:
            self.inline(depth - 1)

    def array(self, depth: int) -> None:
        self.text += "["
        for _ in range(self.draw(st.integers(0, 3))):
            if self.draw(st.booleans()):
                self.lines()
            self.value(depth)
            self.space()
            self.text += ","
        self.text += "]"

    def inline(self, depth: int) -> None:
        self.text += "{"
        names = self.draw(st.lists(keys, max_size=3, unique=True))
        for number, key in enumerate(names):
            self.text += ", " if number else ""
            self.pair(key, depth)
        self.text += "}"

    def pair(self, key: str, depth: int) -> None:
        self.space()
        self.text += written_key(self.draw, key)
        if self.draw(st.integers(0, 4)) == 0:
            self.text += " . " + written_key(self.draw, self.draw(keys))
        self.space()
        self.text += "="
        self.space()
        self.value(depth)
        self.space()

    def pairs(self) -> None:
        for key in self.draw(st.lists(keys, max_size=4, unique=True)):
            self.pair(key, 2)
            self.lines()


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Any TOML in which every number is the line that it stands in."""
    writer = Writer(draw)
    writer.pairs()
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.integers(0, 2))
        name = f"table{number}" if kind == 0 else "rules"
        inner = f".'inner {number}'" if kind == 2 and "[[rules]]" in writer.text else ""
        # What stands below the last of an array, or begins another element of it.
        header = f"[{name}{inner}]" if kind == 0 or inner else f"[[{name}]]"
        writer.text += header
        writer.lines()
        writer.pairs()
    return writer.text


@given(text=documents())
def test_every_number_is_found_in_its_line(text: str) -> None:
    places = TextPlaces(text)

    for place, line in lines_of(tomllib.loads(text)):
        assert places.line(place) == line, place  # type: ignore[arg-type]


@given(text=st.text(alphabet="a.=[]{}\"'#\\,\n 1", max_size=60))
def test_what_is_no_toml_ends_as_well(text: str) -> None:
    assert TextPlaces(text).line(("a",)) >= 1
