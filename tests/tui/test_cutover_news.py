"""What is said of a cutover when something changes: each thing once, in a line of its own."""

from __future__ import annotations

from dataclasses import replace

from transship.cutover.domain import Domain, Subject
from transship.cutover.progress import CutoverProgress, CutoverState, ResolverRow, ServerRow
from transship.cutover.rules.case import Side
from transship.cutover.status import CutoverStatus
from transship.cutover.timeline import Clocks, Readiness
from transship.views.cutover_news import followed, news

SUBJECT = Subject(Domain("images.example.com"), "new.example.com")
OLD, NEW = ("old.example.com.",), ("new.example.com.",)


def server(values: tuple[str, ...] = OLD) -> ServerRow:
    side = {OLD: Side.OLD, NEW: Side.NEW}.get(values, Side.MISSING)
    return ServerRow("9.1.1.1", side, values, 60, 0.0, 0.0)


def resolver(values: tuple[str, ...] = OLD, in_a_row: int = 1, name: str = "office") -> ResolverRow:
    side = Side.NEW if values == NEW else Side.OLD
    moved = in_a_row >= 3
    return ResolverRow(name, side, values, 12, 0.0, in_a_row, moved=moved, clamps=False)


def standing(state: CutoverState, *rows: ServerRow | ResolverRow) -> CutoverStatus:
    progress = CutoverProgress(
        state,
        0.0,
        Readiness(300, 0.0, ""),
        Clocks(None, None, None),
        tuple(row for row in rows if isinstance(row, ServerRow)),
        tuple(row for row in rows if isinstance(row, ResolverRow)),
    )
    return CutoverStatus("images.example.com-abcdef", SUBJECT, progress)


READY = standing(CutoverState.READY, server(), resolver())


def test_at_first_everything_is_said() -> None:
    assert list(news(None, READY)) == [
        "name server 9.1.1.1 says old.example.com, TTL 60 s",
        "resolver office says old.example.com, for 12 s more",
        "images.example.com: ready",
    ]


def test_nothing_is_said_twice() -> None:
    later = standing(CutoverState.READY, server(), replace(resolver(), seen=5.0, ttl=7))

    assert list(news(READY, later)) == []


def test_who_is_late_is_named_when_the_change_is_everywhere() -> None:
    changed = standing(CutoverState.CHANGED, server(NEW), resolver())

    assert list(news(READY, changed)) == [
        "name server 9.1.1.1 says new.example.com, TTL 60 s",
        "resolver office still says old.example.com, for 12 s more",
        "images.example.com: changed",
    ]


def test_a_resolver_has_moved_after_enough_answers() -> None:
    changed = standing(CutoverState.CHANGED, server(NEW), resolver())
    first = standing(CutoverState.CHANGED, server(NEW), resolver(NEW))
    third = standing(CutoverState.CHANGED, server(NEW), resolver(NEW, 3))

    assert list(news(changed, first)) == ["resolver office says new.example.com, for 12 s more"]
    assert list(news(first, third)) == ["resolver office has moved: 3 such answers in a row"]
    assert list(news(third, third)) == []


def test_a_record_that_is_gone_is_said_so() -> None:
    gone = standing(CutoverState.CHANGING, server(()), resolver())

    assert "name server 9.1.1.1 says that there is no record" in list(news(READY, gone))


def test_what_strangers_say_can_not_steer_the_terminal() -> None:
    hostile = standing(CutoverState.READY, server(("x\x1b]0;hi\x07.example.com.",)), resolver())

    assert "\x1b" not in "".join(news(None, hostile))


def test_what_keeps_pulls_from_being_made_is_said_once() -> None:
    before = standing(CutoverState.CHANGED, server(NEW))
    now = replace(before, trouble="pulls by the domain can't be made: ca.pem is gone")

    assert list(news(before, now)) == [now.trouble]
    assert list(news(now, now)) == []
    assert list(news(now, before)) == []


def test_it_is_over_when_every_resolver_has_followed() -> None:
    assert not followed(READY)
    assert followed(standing(CutoverState.MOVED, server(NEW), resolver(NEW, 3)))
    assert not followed(standing(CutoverState.ROLLED_BACK, server(), resolver(OLD, 1)))
    assert followed(standing(CutoverState.ROLLED_BACK, server(), resolver(OLD, 3)))
    assert not followed(CutoverStatus("x", SUBJECT))
