from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transship.registry.http.address import next_page

PAGE = "https://registry.example/v2/team/web/tags/list?n=2"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (
            '</v2/team/web/tags/list?last=b&n=2>; rel="next"',
            "https://registry.example/v2/team/web/tags/list?last=b&n=2",
        ),
        ("<list?last=b>; rel=next", "https://registry.example/v2/team/web/tags/list?last=b"),
        ("<?last=b>;rel=next", "https://registry.example/v2/team/web/tags/list?last=b"),
        ('<https://other.example/x>; rel="next"', "https://other.example/x"),
        ("<//other.example/x> ; REL = Next", "https://other.example/x"),
        ('</x?a=1,2;3>; rel="next"', "https://registry.example/x?a=1,2;3"),
        ('</x?t=a%2Bb%3D>; rel="next"', "https://registry.example/x?t=a%2Bb%3D"),
    ],
)
def test_the_next_page_is_meant_from_this_one(link: str, address: str) -> None:
    assert next_page(link, PAGE) == address


@pytest.mark.parametrize(
    "link",
    [
        '</a>; rel="prev", </next>; rel="next"',
        '</a>; title="x, </b>; rel=next"; rel=prev, </next>; rel=next',
        '</a>; title="a \\" quote"; rel=last, </next>; type="x"; rel="next last"',
        '</a>; rel=prev; rel=next, </next>; rel="start next"',
        "</a>; anchor, </next>; anchor; rel=next",
    ],
)
def test_it_is_found_among_other_relations(link: str) -> None:
    assert next_page(link, PAGE) == "https://registry.example/next"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "</a>",
        "</a>; rel=prev",
        '</a>; rel="nextish"',
        '</a>; title="; rel=next"',
        "<a; rel=next",
    ],
)
def test_there_may_be_none(link: str) -> None:
    assert next_page(link, PAGE) is None


@pytest.mark.parametrize("target", ["ftp://registry.example/x", "http://[::x", "javascript:x"])
def test_a_target_that_is_no_web_address_is_refused(target: str) -> None:
    with pytest.raises(ValueError):
        next_page(f"<{target}>; rel=next", PAGE)


@given(st.text())
def test_nothing_that_a_server_sends_is_another_error(link: str) -> None:
    with suppress(ValueError):
        next_page(link, PAGE)
