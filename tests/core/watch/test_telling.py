"""What a watch tells who looks on: what is news, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from transship import errors
from transship.plans.plan import Plan
from transship.plans.schedule import LOCAL
from transship.transfers.inventory import Inventory
from transship.transfers.preflight import Preflight, PreflightUnknown
from transship.watch.offline import OfflineRegistry
from transship.watch.scan import WatchScan
from transship.watch.watcher import WatchMessages

if TYPE_CHECKING:
    from transship.errors import TransshipError


@dataclass
class Foreseen:
    """What one look couldn't know of the targets."""

    unknown: tuple[PreflightUnknown, ...] = ()


def look(*unknown: PreflightUnknown) -> WatchScan:
    return WatchScan(
        Plan(),
        Inventory(frozenset(), found=()),
        0,
        (),
        foresight=cast("Preflight", Foreseen(unknown)),
    )


def unforeseen(why: TransshipError, *of: str) -> PreflightUnknown:
    return PreflightUnknown("new.example", "which tags are immutable", of, why)


def test_what_a_target_doesnt_say_of_itself_is_told_once() -> None:
    told: list[str] = []
    telling = WatchMessages(told.append)

    telling.not_done(look(unforeseen(errors.NoRight("request 1"), "team", "shop")), ())
    telling.not_done(look(unforeseen(errors.NoRight("request 2"), "shop", "team")), ())
    assert told == [
        f"new.example: it isn't known which tags are immutable (team, shop): "
        f"{errors.NoRight.title}: request 1"
    ]

    telling.not_done(look(unforeseen(errors.NoRight("request 3"), "team")), ())
    telling.not_done(look(), ())
    telling.not_done(look(unforeseen(errors.NoRight("request 4"), "team")), ())
    assert len(told) == 3, "of fewer projects, and again after it was known"


def test_the_moment_of_asking_again_has_its_seconds() -> None:
    told: list[str] = []
    again_at = datetime(2026, 1, 31, 2, 22, 7, tzinfo=LOCAL).timestamp()

    absence = OfflineRegistry("old.example", ("Connection refused", "", ""), 1, again_at)
    WatchMessages(told.append).away([absence])

    assert told == ["old.example is left out, and asked again from 02:22:07 on: Connection refused"]
