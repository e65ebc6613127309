"""Who says what, and for how long."""

from __future__ import annotations

from cutovers import clean
from fakes.cutovers_world import NOW, changed, ready, with_trouble
from transship.cutover.status import CutoverStatus
from transship.views.cutover import GridCell, grid_cells, moved_resolvers


def by_name(standing: CutoverStatus) -> dict[str, GridCell]:
    return {cell.name: cell for cell in grid_cells(standing)}


def test_before_the_change_everybody_says_the_old_value() -> None:
    cells = by_name(ready())
    assert {cell.says for cell in cells.values()} == {"old"}
    assert cells["ns1.example.com"].kind == "server"
    assert cells["ns1.example.com"].note == "serial 17"
    assert cells["Quad9"].kind == "public"


def test_a_server_that_does_not_serve_the_zone_is_shown_too() -> None:
    lame = by_name(with_trouble())["ns3.example.com"]
    assert (lame.says, lame.note) == ("silent", "REFUSED, not authoritative")


def test_resolvers_follow_one_after_the_other() -> None:
    cells = by_name(changed())
    assert [cells[n].says for n in ("office", "cluster", "Quad9", "slow")] == [
        "new",
        "new",
        "old",
        "other",
    ]
    assert [cells[n].moved for n in ("office", "cluster", "Quad9")] == [3, 1, 0]
    assert cells["office"].has_moved
    assert not cells["cluster"].has_moved
    assert moved_resolvers(cells.values()) == (1, 4)
    assert cells["slow"].note == ""


def test_what_a_cache_holds_counts_down() -> None:
    cell = by_name(changed())["Quad9"]
    assert cell.left(cell.at + 8) == 40
    assert cell.left(cell.at + 100) == 0
    assert by_name(changed())["ns1.example.com"].left(NOW) is None


def test_nothing_is_known_before_anybody_was_asked() -> None:
    assert grid_cells(CutoverStatus("x", clean.SUBJECT)) == ()
