"""Places are called by their alias, and cut so that they can still be told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from transship.accounts.registry_file import Account
from transship_tui.naming import Naming, middle_cut

NAMING = Naming([Account("old.example:5000", alias="old"), Account("new.example")])


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("old.example:5000", "old"),
        ("old.example:5000/team/web:1.4", "old/team/web:1.4"),
        ("old.example:5000 +2", "old +2"),
        ("old.example:50001/team", "old.example:50001/team"),
        ("new.example/team/web", "new.example/team/web"),
        ("layout:/srv/images//web:1", "layout:/srv/images//web:1"),
        ("", ""),
    ],
)
def test_an_alias_stands_for_its_host_alone(text: str, called: str) -> None:
    assert NAMING.place(text) == called


def test_both_ends_of_a_long_name_stay() -> None:
    cut = middle_cut(Content("127.0.0.1:5606/team/backend/web:1.4"), 20).plain
    assert cut == "127.0.0…kend/web:1.4"


@given(st.text(alphabet="abc/日本:", max_size=40), st.integers(0, 40))
def test_what_is_cut_fits(text: str, room: int) -> None:
    cut = middle_cut(Content(text), room)
    assert cut.cell_length <= room
    assert (cut.plain == text) == (Content(text).cell_length <= room)
