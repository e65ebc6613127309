"""How a watch goes, in a line and as JSON."""

from __future__ import annotations

import msgspec

from transship.watch.offline import OfflineRegistry
from transship.watch.record import WatchRecord, WatchRound
from transship_tui.commands.jobs import watch_entry, watch_line

NOW = 1_790_000_000.0
WHY = ("Connection refused", "backup.example: Connection refused", "Check it.")
RECORD = WatchRecord(
    plan="/plans/shop.toml",
    started=NOW - 600,
    next=NOW + 300,
    last=WatchRound(NOW - 125, NOW - 125, found=340, changed=2),
)
AWAY = msgspec.structs.replace(
    RECORD,
    last=WatchRound(NOW - 125, NOW - 125, found=340, changed=2, problem=WHY),
    away=(OfflineRegistry("backup.example", WHY, 2, NOW + 30),),
)


def test_a_registry_that_is_away_is_named_with_when_it_is_asked_again() -> None:
    line = watch_line(AWAY, NOW)
    assert line.startswith("watching shop: last look 2 min 05 s ago: 2 of 340 changed; next ")
    assert "; backup.example left out until " in line
    assert line.endswith(" (Connection refused)")
    assert line.count("Connection refused") == 1


def test_another_problem_of_the_last_look_is_named_beside_it() -> None:
    other = msgspec.structs.replace(AWAY.last, problem=("Too much would be deleted", "", ""))
    line = watch_line(msgspec.structs.replace(AWAY, last=other), NOW)
    assert "changed (Too much would be deleted); " in line


def test_nothing_that_is_named_steers_the_terminal() -> None:
    evil = OfflineRegistry("a\u202e\x1b[31m", ("\x9b2J", "", ""), 1, NOW)
    line = watch_line(msgspec.structs.replace(AWAY, plan="/p/\u202e.toml", away=(evil,)), NOW)
    assert not {"\u202e", "\x1b", "\x9b"} & set(line)


def test_the_document_has_them_too() -> None:
    assert watch_entry(RECORD)["away"] == []
    assert watch_entry(AWAY)["away"] == [
        {
            "registry": "backup.example",
            "problem": dict(zip(("title", "detail", "remedy"), WHY, strict=True)),
            "again": "2026-09-21T14:13:50Z",
        }
    ]
