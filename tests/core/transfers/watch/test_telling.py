"""What a watch tells who looks on: what is news, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from transship import errors
from transship.plans.plan import Plan
from transship.plans.schedule import LOCAL
from transship.transfers.foresight import Foresight, Unforeseen
from transship.transfers.inventory import Inventory
from transship.transfers.watch.away import Absence
from transship.transfers.watch.looks import Look
from transship.transfers.watch.telling import Telling

if TYPE_CHECKING:
    from transship.errors import TransshipError


@dataclass
class Foreseen:
    """What one look couldn't know of the targets."""

    unknown: tuple[Unforeseen, ...] = ()


def look(*unknown: Unforeseen) -> Look:
    return Look(
        Plan(),
        Inventory(frozenset(), found=()),
        0,
        (),
        foresight=cast("Foresight", Foreseen(unknown)),
    )


def unforeseen(why: TransshipError, *of: str) -> Unforeseen:
    return Unforeseen("new.example", "which tags are immutable", of, why)


def test_what_a_target_doesnt_say_of_itself_is_told_once() -> None:
    told: list[str] = []
    telling = Telling(told.append)

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

    absence = Absence("old.example", ("Connection refused", "", ""), 1, again_at)
    Telling(told.append).away([absence])

    assert told == ["old.example is left out, and asked again from 02:22:07 on: Connection refused"]
