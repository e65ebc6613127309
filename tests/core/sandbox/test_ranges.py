from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.sandbox.registry_server import parse_content_range, parse_range, upload_range

DATA = bytes(range(200))


@given(first=st.integers(0, 300), length=st.integers(1, 300))
def test_a_closed_range_is_what_both_ends_enclose(first: int, length: int) -> None:
    last = first + length - 1

    part = parse_range(f"bytes={first}-{last}", len(DATA))

    assert part is not None
    assert DATA[part.start : part.stop] == DATA[first : last + 1]


@given(first=st.integers(0, 300))
def test_an_open_range_goes_to_the_end(first: int) -> None:
    part = parse_range(f"bytes={first}-", len(DATA))

    assert part is not None
    assert DATA[part.start : part.stop] == DATA[first:]


@given(length=st.integers(1, 300))
def test_a_suffix_is_the_last_bytes(length: int) -> None:
    part = parse_range(f"bytes=-{length}", len(DATA))

    assert part is not None
    assert DATA[part.start : part.stop] == DATA[-length:]


@pytest.mark.parametrize("header", ["bytes=200-", "bytes=200-300", "bytes=-0"])
def test_a_range_with_nothing_in_it_is_empty(header: str) -> None:
    part = parse_range(header, len(DATA))

    assert part is not None
    assert not part


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=٣-٤"],
)
def test_what_is_no_single_range_is_ignored(header: str) -> None:
    assert parse_range(header, len(DATA)) is None


@given(
    header=st.text() | st.from_regex(r"bytes=[0-9]*-[0-9]*", fullmatch=True), size=st.integers(0)
)
def test_no_header_breaks_it_or_leads_outside(header: str, size: int) -> None:
    part = parse_range(header, size)

    if part:
        assert part.start >= 0
        assert part.stop <= size


@given(first=st.integers(0, 10**17), length=st.integers(1, 10**17))
def test_a_chunk_says_where_it_belongs(first: int, length: int) -> None:
    assert parse_content_range(f"{first}-{first + length - 1}") == range(first, first + length)


@pytest.mark.parametrize(
    "header", ["", "5-4", "bytes 0-4/5", "0-", "-4", "0-4\n", "1" * 5000 + "-2"]
)
def test_a_chunk_that_says_it_wrongly_is_not_understood(header: str) -> None:
    assert parse_content_range(header) is None


def test_an_upload_says_the_last_byte_it_holds() -> None:
    assert [upload_range(offset) for offset in (0, 1, 2, 500)] == ["0-0", "0-0", "0-1", "0-499"]
