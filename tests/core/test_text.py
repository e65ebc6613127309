"""Text from elsewhere is made harmless, and quantities are put in words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from transship.text import bytes_text, counted, duration_text, rate_text, safe

# What Unicode's DerivedCoreProperties.txt calls Default_Ignorable, beyond the format characters.
IGNORABLE = {
    *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u3164\uffa0",
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xFFF0, 0xFFF9)),
    *map(chr, range(0xE0000, 0xE1000)),
}
HARMFUL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def is_harmful(character: str) -> bool:
    return unicodedata.category(character) in HARMFUL_CATEGORIES or character in IGNORABLE


def test_no_character_that_steers_or_hides_gets_through() -> None:
    passed = [hex(n) for n in range(0x110000) if is_harmful(chr(n)) and safe(chr(n)) != ""]

    assert passed == []


def test_every_other_character_gets_through() -> None:
    lost = [
        hex(n)
        for n in range(0x110000)
        if not is_harmful(chr(n))
        and unicodedata.category(chr(n)) not in ("Zs", "Cn")
        and safe(chr(n)) != chr(n)
    ]

    assert lost == []


@given(st.text(), st.integers(1, 50))
@example("a \x00b", 3)
@example("ab\x00c", 3)
def test_what_is_safe_stays_as_it_is(text: str, limit: int) -> None:
    once = safe(text, limit=limit)

    assert safe(once, limit=limit) == once
    assert len(once) <= limit
    assert not any(map(is_harmful, once))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("team/web:1.4", "team/web:1.4"),
        ("\x1b[2J\x1b]0;title\x07gone", "[2J ]0;title gone"),
        ("\x9b31mred", "31mred"),
        ("good\u202egpj.exe", "good gpj.exe"),
        ("la\u200btest", "la test"),
        ("pay\u00adpal", "pay pal"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("\ud800half", "half"),
        ("\U000e0041hidden\U000e007f", "hidden"),
        ("  Grüße 你好 🚢  ", "Grüße 你好 🚢"),
        ("[bold red]markup[/]", "[bold red]markup[/]"),
        ("", ""),
    ],
)
def test_a_remote_string_as_it_is_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_long_text_is_cut_where_one_can_see_it() -> None:
    assert safe("x" * 3000) == "x" * 1999 + "…"
    assert safe("abcdef", limit=4) == "abc…"
    assert safe("abcd", limit=4) == "abcd"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1023, "1023 B"),
        (1023.6, "1.0 KiB"),
        (1024, "1.0 KiB"),
        (10188, "9.9 KiB"),
        (10239, "10 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (318 * 1024**2, "318 MiB"),
        (1024**3, "1.0 GiB"),
        (5 * 1024**4, "5.0 TiB"),
        (4096 * 1024**4, "4096 TiB"),
    ],
)
def test_bytes_are_counted_in_powers_of_1024(count: float, shown: str) -> None:
    assert bytes_text(count) == shown
    assert rate_text(count) == f"{shown}/s"


@given(st.floats(0, 1e18))
def test_no_byte_count_takes_more_room_than_a_column_has(count: float) -> None:
    number, unit = bytes_text(count).split()

    assert unit in ("B", "KiB", "MiB", "GiB", "TiB")
    assert unit == "TiB" or float(number) < 1024
    assert len(number) <= 4 or unit == "TiB"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (8, "8 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (599.4, "9 min 59 s"),
        (599.6, "10 min"),
        (14 * 60 + 59, "14 min"),
        (3599.6, "1 h 00 min"),
        (12_000, "3 h 20 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_a_duration_is_read_at_a_glance(seconds: float, shown: str) -> None:
    assert duration_text(seconds) == shown


def test_a_count_has_its_noun() -> None:
    assert counted(1, "tag") == "1 tag"
    assert counted(0, "tag") == "0 tags"
    assert counted(12_345, "repository", "repositories") == "12,345 repositories"
